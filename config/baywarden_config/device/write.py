"""`baywarden device write`: one value to one point, after a question, and what the device then shows."""

import asyncio
import json
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from baywarden_config.asking import ask
from baywarden_config.device.confirm import confirmed
from baywarden_config.device.reach import daemon_id, opened, profile_of, reaching
from baywarden_config.errors import DONE, FAILED
from baywarden_config.layout import said

if TYPE_CHECKING:
    from decimal import Decimal

    from baywarden_drivers.profile import WritePoint


def add_parser(actions: Any) -> None:
    """Tell argparse about the action."""
    parser: ArgumentParser = actions.add_parser(
        "write", help="write one point, after a question", parents=[reaching()]
    )
    parser.add_argument("point", metavar="POINT", help="name of a write point")
    parser.add_argument(
        "value", metavar="VALUE", help="in the point's unit; or the name of one of its values"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--stored", action="store_true", help="also registers that are stored: each write wears the device"
    )


def run(args: Namespace) -> int:
    """Write; 1 when the device then shows another value. Raises WrongUse and ToolError."""
    device_id = daemon_id(args)
    if device_id is not None:
        return _write_by_daemon(args, device_id)
    from baywarden_drivers.bench.written import check_value, question, value_of, write_point

    profile = profile_of(args)
    point = write_point(profile, args.point)
    value = value_of(point, args.value)
    check_value(profile, point, value, stored=args.stored)
    if not confirmed(question(profile, point, value), yes=args.yes):
        print("Nothing was written.")
        return FAILED
    answer = asyncio.run(_write(args, value))
    return _print(args, point, answer)


async def _write(args: Namespace, value: "Decimal | str") -> Mapping[str, Any]:
    from baywarden_drivers.bench.written import write_and_look

    async with opened(args) as device:
        return await write_and_look(device, args.point, value)


def _print(args: Namespace, point: "WritePoint", answer: Mapping[str, Any]) -> int:
    after, written = answer["after"], answer["written"]
    if args.json:
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    elif after is None:
        print(f"{answer['point']} = {said(written, point.unit or '')} was written; it cannot be read back.")
    else:
        before = said(answer["before"], point.unit or "")
        print(f"{answer['point']}: {before} -> {said(after, point.unit or '')}")
        if after != written:
            print(f"{said(written, point.unit or '')} was written, but another value is in force.")
    return DONE if after is None or after == written else FAILED


def _write_by_daemon(args: Namespace, device_id: str) -> int:
    if not confirmed(f"{device_id}: {args.point} becomes {args.value}.", yes=args.yes):
        print("Nothing was written.")
        return FAILED
    params = {"device": device_id, "point": args.point, "value": args.value, "stored": args.stored}
    answer = ask(args, "device.write", params)["data"]
    if args.json:
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        after = said(answer["after"])
        print(f"{answer['point']} = {said(answer['written'])} was written; the device shows {after}.")
    return DONE if answer["after"] is None or answer["after"] == answer["written"] else FAILED
