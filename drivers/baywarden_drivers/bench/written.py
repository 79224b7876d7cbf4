"""A write by hand: the value as it was typed, what speaks against it, and what the device then shows."""

import asyncio
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any

from baywarden_drivers.bench.rows import meaning_of, plain
from baywarden_drivers.device import Device
from baywarden_drivers.errors import ValueRefused
from baywarden_drivers.mono import mono_s
from baywarden_drivers.profile.points import WritePoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.values.encoding import encode
from baywarden_drivers.writes.wording import check_range, is_stored

_LOOK_EVERY_S = 0.2
_USUAL_S = 2.0
_SWITCHES = {"on": 1, "true": 1, "off": 0, "false": 0}


def write_point(profile: Profile, name: str) -> WritePoint:
    """Raises ValueRefused for a point that cannot be written."""
    point = profile.writable.get(name)
    if point is None:
        near = get_close_matches(name, profile.writable, n=1)
        known = ", ".join(profile.writable) or "none"
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {known}"
        raise ValueRefused(f"{profile.name} has no write point {name!r}; {hint}")
    return point


def value_of(point: WritePoint, text: str) -> Decimal | str:
    """A number in the point's unit, the number of a named value, or a text. Raises ValueRefused."""
    for raw, name in point.values.items():
        if name.lower() == text.lower():
            return Decimal(raw) * point.scale
    if point.dtype == "string":
        return text
    if point.dtype == "bool" and text.lower() in _SWITCHES:
        return Decimal(_SWITCHES[text.lower()])
    try:
        return Decimal(text)
    except InvalidOperation:
        names = ", ".join(point.values.values())
        choice = f"a number or one of: {names}" if names else "a number"
        raise ValueRefused(f"{point.name} takes {choice}, not {text!r}") from None


def check_value(profile: Profile, point: WritePoint, value: Decimal | str, *, stored: bool) -> None:
    """Raises ValueRefused for what would not be taken as it is meant, and for wear that nobody agreed to."""
    check_range(point, value)
    encode(point, value)
    if is_stored(point) and not stored:
        raise ValueRefused(
            f"{point.name} of {profile.name} is stored by the device: each write wears its memory. "
            "Add --stored if that is meant"
        )


def question(profile: Profile, point: WritePoint, value: Decimal | str) -> str:
    """What is about to happen, with what the profile knows of it."""
    unit = f" {point.unit}" if point.unit else ""
    sentences = [f"{profile.vendor} {profile.model}: {point.name} becomes {value}{unit}."]
    meaning = meaning_of(point, value)
    if meaning:
        sentences.append(f"That means: {meaning}.")
    if isinstance(value, Decimal) and not value and point.zero != "not documented":
        sentences.append(f"0 means here: {point.zero}.")
    if point.note:
        sentences.append(point.note)
    return " ".join(sentences)


def steered_points(profile: Profile) -> set[str]:
    """What a running daemon writes itself: limits, pauses and the fail-safe."""
    names = {write.point for write in profile.startup.writes}
    if profile.control is not None:
        names |= {profile.control.limit}
        names |= {write.point for write in (*profile.control.pause, *profile.control.resume)}
    failsafe = profile.failsafe
    if failsafe is not None:
        points = (
            failsafe.timeout_point,
            failsafe.current_point,
            failsafe.power_point,
            failsafe.heartbeat_point,
        )
        names |= {name for name in points if name is not None}
        names |= {*failsafe.also_current, *(write.point for write in failsafe.enable)}
    return names


async def write_and_look(device: Device, name: str, value: Decimal | str) -> dict[str, Any]:
    """Write once, and read back until it is as written or the device has had its time. Raises DeviceError."""
    before = await _shown(device, name)
    await device.write(name, value)
    wanted = plain(value)
    control = device.profile.control
    patience_s = (
        _USUAL_S if control is None else (control.readback_delay_ms + control.readback_timeout_ms) / 1000
    )
    give_up_at = mono_s() + max(_USUAL_S, patience_s)
    after = await _shown(device, name)
    while after is not None and after != wanted and mono_s() < give_up_at:
        await asyncio.sleep(_LOOK_EVERY_S)
        after = await _shown(device, name)
    return {"device": device.name, "point": name, "written": wanted, "before": before, "after": after}


async def _shown(device: Device, name: str) -> Any:
    """What the device shows of a write point; None where it cannot be read back."""
    control = device.profile.control
    mirror = control.readback if control is not None and control.limit == name else name
    if mirror is None or mirror not in device.profile.readable:
        return None
    return plain((await device.read(mirror)).value)
