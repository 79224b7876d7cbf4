"""`baywarden device read`: what a device says, once. On a link nothing is written, not even at start-up."""

import asyncio
import json
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from baywarden_config.asking import ask
from baywarden_config.device.reach import daemon_id, opened, reaching
from baywarden_config.device.values import Row, lines_of, rows_of
from baywarden_config.errors import DONE, FAILED, WrongUse

if TYPE_CHECKING:
    from baywarden_drivers import Device
    from baywarden_drivers.profile import Profile
    from baywarden_drivers.value import PointValue


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
    async with opened(args) as device:
        check_points(device.profile, args.points)
        return await read_device(device, args.points)


def check_points(profile: "Profile", names: Sequence[str]) -> None:
    """Raises WrongUse for a point that the profile does not have."""
    from difflib import get_close_matches  # noqa: PLC0415 (only for faults)

    known = {*profile.readable, *(one.name for one in profile.derive)}
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(known))}"
            raise WrongUse(f"{profile.name} has no point {name!r}; {hint}")


async def read_device(device: "Device", names: Sequence[str] = ()) -> dict[str, Any]:
    """Everything the device can be asked, or the points named. Raises DeviceError."""
    poll = await device.poll()
    values = dict(poll)
    faults = list(poll.faults)
    wanted = [name for name in (names or device.profile.readable) if name in device.profile.readable]
    for name in wanted:
        if names or not values[name].good:
            values |= await _one(device, name, faults if names else [])
    status = device.status(values) if device.profile.kind == "charger" else None
    shown = list(names) if names else []
    return {
        "device": device.name,
        "values": rows_of(device, values, shown),
        "status": None
        if status is None or names
        else {"iec": status.iec, "state": status.state, "detail": status.detail},
        "decisions": [] if names else [str(one) for one in device.decisions],
        "faults": list(dict.fromkeys(faults)),
    }


async def _one(device: "Device", name: str, faults: list[str]) -> "dict[str, PointValue]":
    """One point alone; a refusal is a value of its own."""
    from baywarden_drivers.errors import DeviceError  # noqa: PLC0415 (not for --help)
    from baywarden_drivers.mono import mono_ms  # noqa: PLC0415 (the same)
    from baywarden_drivers.value import PointValue, Quality  # noqa: PLC0415 (the same)

    try:
        return {name: await device.read(name)}
    except DeviceError as error:
        faults.append(error.detail)
        return {name: PointValue(None, Quality.MISSING, mono_ms(), error.detail)}
