"""`baywarden device read`: what a device says, once. On a link nothing is written, not even at start-up."""

import asyncio
import json
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from baywarden_config.asking import ask
from baywarden_config.device.reach import daemon_id, opened, reaching
from baywarden_config.device.values import Row, lines_of
from baywarden_config.errors import DONE, FAILED, WrongUse

if TYPE_CHECKING:
    from baywarden_drivers.profile import Profile


def add_parser(actions: Any) -> None:
    """Tell argparse about the action."""
    parser: ArgumentParser = actions.add_parser(
        "read", help="read all points, or those named, once", parents=[reaching()]
    )
    parser.add_argument("points", nargs="*", metavar="POINT", help="only these points")


def run(args: Namespace) -> int:
    """Print the values; 1 when a point that was named has no good value, or none has. Raises ToolError."""
    device_id = daemon_id(args)
    if device_id is not None:
        params = {"device": device_id, **({"points": args.points} if args.points else {})}
        answer = ask(args, "device.read", params)["data"]
    else:
        answer = asyncio.run(_read(args))
    rows: list[Row] = answer["values"]
    if args.json:
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        print("\n".join([*lines_of(rows), *told(answer)]))
    good = [row["quality"] == "good" for row in rows]
    return DONE if (all(good) if args.points else any(good)) else FAILED


def told(answer: Mapping[str, Any]) -> list[str]:
    """What the values mean together, and what went wrong."""
    lines = []
    status = answer.get("status")
    if status:
        state = status["state"] or "not known"
        lines.append(f"\nState: {state}" + (f" (IEC 61851 {status['iec']})" if status["iec"] else ""))
        if status["detail"]:
            lines.append(f"  {status['detail']}")
    lines += [f"Decided: {sentence}" for sentence in answer.get("decisions", ())]
    lines += [f"Fault: {sentence}" for sentence in answer.get("faults", ())]
    return lines


async def _read(args: Namespace) -> Mapping[str, Any]:
    from baywarden_drivers.bench.rows import read_device

    async with opened(args) as device:
        check_points(device.profile, args.points)
        return await read_device(device, args.points)


def check_points(profile: "Profile", names: Sequence[str]) -> None:
    """Raises WrongUse for a point that the profile does not have."""
    from baywarden_drivers.bench.rows import point_fault

    if fault := point_fault(profile, names):
        raise WrongUse(fault)
