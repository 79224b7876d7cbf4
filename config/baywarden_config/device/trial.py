"""`baywarden device test`: walks a device through what a site asks of it, with a verdict for every step."""

import asyncio
import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from baywarden_config.asking import ask
from baywarden_config.device.confirm import agreed
from baywarden_config.device.reach import daemon_id, opened, reaching
from baywarden_config.errors import DONE, FAILED, WrongUse
from baywarden_config.numbers import exact, number, whole

if TYPE_CHECKING:
    from baywarden_drivers.bench.walk import Step

WORDS: Final = {"pass": "ok", "fail": "FAILED", "unclear": "unclear", "skipped": "skipped"}


def add_parser(actions: Any) -> None:
    """Tell argparse about the action."""
    parser: ArgumentParser = actions.add_parser(
        "test",
        help="read, limit down and up, and fail-safe by silence; puts back what it changed",
        parents=[reaching()],
    )
    parser.add_argument("--yes", action="store_true", help="do not ask, also when a car is charging")
    parser.add_argument("--read-only", action="store_true", help="change nothing")
    parser.add_argument(
        "--max-a",
        type=exact("6", "80"),
        default=Decimal(10),
        metavar="A",
        help="highest limit to try where the charger shows none of its own (default: %(default)s)",
    )
    parser.add_argument(
        "--failsafe-s",
        type=whole(1, 180),
        default=10,
        metavar="S",
        help="time-out of the fail-safe for the test, if the charger takes it (default: %(default)s)",
    )
    parser.add_argument(
        "--settle-s",
        type=number("0", "600"),
        metavar="S",
        help="longest wait for a limit to show in the current",
    )


def run(args: Namespace) -> int:
    """Print the report; 1 when a step failed. Raises WrongUse and ToolError."""
    device_id = daemon_id(args)
    if device_id is not None:
        steps = _by_daemon(args, device_id)
    else:
        if not (args.read_only or args.yes or sys.stdin.isatty()):
            raise WrongUse("this test changes limits and nobody can be asked here: add --yes or --read-only")
        steps = [asdict(step) for step in asyncio.run(_walk(args))]
    has_failed = any(step["verdict"] == "fail" for step in steps)
    if args.json:
        print(
            json.dumps({"passed": not has_failed, "steps": steps}, indent=2, ensure_ascii=False, default=str)
        )
    else:
        counts = {word: sum(step["verdict"] == word for step in steps) for word in WORDS}
        print(
            f"\n{counts['pass']} steps ok, {counts['fail']} failed, {counts['unclear']} unclear, "
            f"{counts['skipped']} skipped."
        )
    return FAILED if has_failed else DONE


async def _walk(args: Namespace) -> "Sequence[Step]":
    from baywarden_drivers.bench.walk import walk

    async def agree(question: str) -> bool:
        if args.read_only:
            return False
        return await agreed(question, yes=args.yes)

    def tell(step: "Step") -> None:
        if not args.json:
            print(told(asdict(step)), flush=True)

    async with opened(args, reads_only=args.read_only) as device:
        return await walk(
            device,
            agree=agree,
            tell=tell,
            max_a=args.max_a,
            settle_s=args.settle_s,
            failsafe_s=Decimal(args.failsafe_s),
        )


def told(step: Mapping[str, Any]) -> str:
    """A step as a line."""
    return f"{WORDS[step['verdict']]:8} {step['name']:22} {step['detail']}"


def _by_daemon(args: Namespace, device_id: str) -> list[dict[str, Any]]:
    """What can be tested while the daemon steers: that it is heard and understood."""
    answer = ask(args, "device.read", {"device": device_id})["data"]
    rows = answer["values"]
    bad = {row["point"]: row["reason"] or row["quality"] for row in rows if row["quality"] != "good"}
    known = len(rows) - len(bad)
    faults = "; ".join(answer.get("faults", ()))
    steps = [_step("contact", "fail" if faults else "pass", faults or "the daemon polls it")]
    more = "".join(f"; {name}: {why}" for name, why in list(bad.items())[:5])
    steps.append(
        _step("values", "unclear" if bad else "pass", f"{known} of {len(rows)} points have a value{more}")
    )
    status = answer.get("status")
    if status:
        is_known = status["state"] is not None
        steps.append(_step("status", "pass" if is_known else "fail", status["state"] or status["detail"]))
        why = "the daemon steers this outlet: stop it and test on the link (--tcp, --serial)"
        steps += [_step("limit", "skipped", why), _step("fail-safe", "skipped", why)]
    if not args.json:
        print("\n".join(told(step) for step in steps))
    return steps


def _step(name: str, verdict: str, detail: str) -> dict[str, Any]:
    return {"name": name, "verdict": verdict, "detail": detail, "figures": {}}
