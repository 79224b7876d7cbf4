"""`baywarden device watch`: the values of a device again and again, until Ctrl-C."""

import asyncio
import json
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from baywarden_config.asking import ask
from baywarden_config.device.reach import daemon_id, opened, reaching
from baywarden_config.device.read import check_points
from baywarden_config.device.values import lines_of, shown
from baywarden_config.errors import DONE
from baywarden_config.numbers import number, whole


def add_parser(actions: Any) -> None:
    """Tell argparse about the action."""
    parser: ArgumentParser = actions.add_parser(
        "watch", help="read again and again; what has changed is shown", parents=[reaching()]
    )
    parser.add_argument("points", nargs="*", metavar="POINT", help="only these points")
    parser.add_argument(
        "--every",
        type=number("0.05", "86400"),
        default=1.0,
        metavar="S",
        help="seconds from reading to reading",
    )
    parser.add_argument("--count", type=whole(1, 1_000_000_000), metavar="N", help="end after N readings")


def run(args: Namespace) -> int:
    """Print until Ctrl-C, or --count readings. Raises ToolError."""
    device_id = daemon_id(args)
    screen = _Screen(as_json=args.json)
    try:
        if device_id is None:
            asyncio.run(_watch(args, screen))
        else:
            _watch_daemon(args, device_id, screen)
    except KeyboardInterrupt:
        pass
    return DONE


async def _watch(args: Namespace, screen: "_Screen") -> None:
    from baywarden_drivers.bench.rows import read_device
    from baywarden_drivers.errors import DeviceError

    async with opened(args) as device:
        check_points(device.profile, args.points)
        turn = 0
        while args.count is None or turn < args.count:
            began = time.monotonic()
            try:
                screen.show(await read_device(device, args.points))
            except DeviceError as error:
                screen.lost(str(error))
            turn += 1
            if turn != args.count:
                await asyncio.sleep(max(0.0, began + args.every - time.monotonic()))


def _watch_daemon(args: Namespace, device_id: str, screen: "_Screen") -> None:
    params = {"device": device_id, **({"points": args.points} if args.points else {})}
    turn = 0
    while args.count is None or turn < args.count:
        screen.show(ask(args, "device.read", params)["data"])
        turn += 1
        if turn != args.count:
            time.sleep(args.every)


class _Screen:
    """The first reading whole, then only what has changed."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._before: dict[str, tuple[Any, ...]] = {}

    def show(self, answer: Mapping[str, Any]) -> None:
        """One reading."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if self._as_json:
            print(json.dumps({"at": at, **answer}, ensure_ascii=False), flush=True)
            return
        is_first = not self._before
        state = (answer.get("status") or {}).get("state")
        now = {
            row["point"]: (row["value"], row["quality"], row["reason"], row["unit"])
            for row in answer["values"]
        }
        if state is not None:
            now["(state)"] = (state, "good", "", None)
        if is_first:
            print("\n".join(lines_of(answer["values"])), flush=True)
        else:
            for name, (value, quality, reason, unit) in now.items():
                if self._before.get(name) != (value, quality, reason, unit):
                    why = "" if quality == "good" else f"  {quality}: {reason}"
                    print(f"{at[11:23]}  {name} = {shown(value)} {unit or ''}{why}", flush=True)
        self._before = now

    def lost(self, why: str) -> None:
        """No reading this time."""
        if self._as_json:
            print(json.dumps({"error": why}, ensure_ascii=False), flush=True)
        else:
            print(f"no reading: {why}", flush=True)
