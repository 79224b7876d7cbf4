"""`baywarden device write`: one value to one point, after a question, and what the device then shows."""

import asyncio
import json
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from baywarden_config.asking import ask
from baywarden_config.device.confirm import confirmed
from baywarden_config.device.reach import daemon_id, opened, profile_of, reaching
from baywarden_config.device.values import plain
from baywarden_config.errors import DONE, FAILED, WrongUse
from baywarden_config.layout import said

if TYPE_CHECKING:
    from baywarden_drivers import Device
    from baywarden_drivers.profile import Profile, WritePoint


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
    profile = profile_of(args)
    point = write_point(profile, args.point)
    value = value_of(point, args.value)
    check_value(profile, point, value, stored=args.stored)
    if not confirmed(question(profile, point, value), yes=args.yes):
        print("Nothing was written.")
        return FAILED
    answer = asyncio.run(_write(args, value))
    return _print(args, point, answer)


def write_point(profile: "Profile", name: str) -> "WritePoint":
    """Raises WrongUse for a point that cannot be written."""
    point = profile.writable.get(name)
    if point is None:
        near = get_close_matches(name, profile.writable, n=1)
        known = ", ".join(profile.writable) or "none"
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {known}"
        raise WrongUse(f"{profile.name} has no write point {name!r}; {hint}")
    return point


def value_of(point: "WritePoint", text: str) -> Decimal | str:
    """A number in the point's unit, the number of a named value, or a text. Raises WrongUse."""
    for raw, name in point.values.items():
        if name.lower() == text.lower():
            return Decimal(raw) * point.scale
    if point.dtype == "string":
        return text
    if point.dtype == "bool" and text.lower() in ("on", "true", "off", "false"):
        return Decimal(text.lower() in ("on", "true"))
    try:
        return Decimal(text)
    except InvalidOperation:
        names = ", ".join(point.values.values())
        choice = f"a number or one of: {names}" if names else "a number"
        raise WrongUse(f"{point.name} takes {choice}, not {text!r}") from None


def check_value(profile: "Profile", point: "WritePoint", value: Decimal | str, *, stored: bool) -> None:
    """Raises WrongUse for what would not be taken as it is meant, and for wear that nobody agreed to."""
    from baywarden_drivers.encoding import encode  # noqa: PLC0415 (not for --help)
    from baywarden_drivers.wording import check_range, is_stored  # noqa: PLC0415 (the same)

    check_range(point, value)
    encode(point, value)
    if is_stored(point) and not stored:
        raise WrongUse(
            f"{point.name} of {profile.name} is stored by the device: each write wears its memory. "
            "Add --stored if that is meant"
        )


def question(profile: "Profile", point: "WritePoint", value: Decimal | str) -> str:
    """What is about to happen, with what the profile knows of it."""
    unit = f" {point.unit}" if point.unit else ""
    sentences = [f"{profile.vendor} {profile.model}: {point.name} becomes {value}{unit}."]
    if isinstance(value, Decimal):
        meaning = point.values.get(int(value / point.scale)) if value == value.to_integral_value() else None
        if meaning:
            sentences.append(f"That means: {meaning}.")
        if not value and point.zero != "not documented":
            sentences.append(f"0 means here: {point.zero}.")
    if point.note:
        sentences.append(point.note)
    return " ".join(sentences)


async def _write(args: Namespace, value: Decimal | str) -> Mapping[str, Any]:
    async with opened(args) as device:
        before = await shown(device, args.point)
        await device.write(args.point, value)
        after = await _settled(device, args.point, value)
        return {
            "device": device.name,
            "point": args.point,
            "written": plain(value),
            "before": before,
            "after": after,
        }


async def _settled(device: "Device", name: str, value: Decimal | str) -> Any:
    """What is read back, once it is as written or the device has had its time."""
    control = device.profile.control
    limit_s = (control.readback_delay_ms + control.readback_timeout_ms) / 1000 if control else 2.0
    loop = asyncio.get_running_loop()
    until = loop.time() + limit_s
    while True:
        after = await shown(device, name)
        if after is None or after == plain(value) or loop.time() >= until:
            return after
        await asyncio.sleep(0.2)


async def shown(device: "Device", name: str) -> Any:
    """What the device shows of a write point; None where it cannot be read back."""
    control = device.profile.control
    mirror = control.readback if control is not None and control.limit == name else name
    if mirror is None or mirror not in device.profile.readable:
        return None
    return plain((await device.read(mirror)).value)


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
