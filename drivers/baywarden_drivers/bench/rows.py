"""Values and answers of a device as plain data, for people's tables and for JSON. None is unknown."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from baywarden_drivers.device import Device
from baywarden_drivers.errors import DeviceError
from baywarden_drivers.mono import mono_ms
from baywarden_drivers.polls.poll import Identity
from baywarden_drivers.profile.points import Point
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.values.value import PointValue, Quality

Row = Mapping[str, Any]
"""`point`, `value`, `unit`, `quality`, `age_s`, `reason`, `meaning`."""
_EXACT = 2**53


def known_points(profile: Profile) -> list[str]:
    """Everything that can be read or is derived, in the profile's order."""
    return list(dict.fromkeys((*profile.readable, *(one.name for one in profile.derive))))


def point_fault(profile: Profile, names: Iterable[str]) -> str | None:
    """What is wrong with the first name that is no point to be read."""
    known = known_points(profile)
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            return f"{profile.name} has no point {name!r}; {hint}"
    return None


async def read_device(device: Device, names: Sequence[str] = ()) -> dict[str, Any]:
    """Everything that the device can be asked, or the points named. Raises DeviceError when it does not answer."""
    poll = await (device.poll() if names else device.read_all())
    values, faults = dict(poll), list(poll.faults)
    if names:
        faults = []
        for name in names:
            if name in device.profile.readable:
                values[name] = await _alone(device, name, faults)
    return answer_of(device, values, names, faults)


def answer_of(
    device: Device, values: Mapping[str, PointValue], names: Sequence[str], faults: Iterable[str]
) -> dict[str, Any]:
    """The values with what they mean together."""
    status = device.status(values) if device.profile.kind == "charger" and not names else None
    said = None if status is None else {"iec": status.iec, "state": status.state, "detail": status.detail}
    return {
        "device": device.name,
        "values": rows_of(device.profile, values, names),
        "status": said,
        "decisions": [] if names else [str(one) for one in device.decisions],
        "faults": list(dict.fromkeys(faults)),
    }


def identity_answer(device: Device, found: Identity) -> dict[str, Any]:
    """Who it is."""
    return {
        "device": device.name,
        "profile": device.profile.name,
        "vendor": found.vendor,
        "model": found.model,
        "serial": found.serial,
        "firmware": found.firmware,
        "values": rows_of(device.profile, found.values),
        "decisions": [str(one) for one in found.decisions],
    }


def rows_of(profile: Profile, values: Mapping[str, PointValue], names: Sequence[str] = ()) -> list[Row]:
    """All values, or those of the names, in the profile's order."""
    now_ms = mono_ms()
    return [_row(profile, name, values[name], now_ms) for name in values if not names or name in names]


def meaning_of(point: Point | None, value: object) -> str | None:
    """What a raw number stands for, where the profile says so."""
    if point is None or not isinstance(value, int | Decimal):
        return None
    raw = Decimal(value) / point.scale
    return point.values.get(int(raw)) if raw == raw.to_integral_value() else None


def plain(value: object) -> Any:
    """As JSON can say it: exact decimals as floats, bytes as hexadecimal digits."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and abs(value) < _EXACT else float(value)
    if isinstance(value, bytes):
        return value.hex()
    return [plain(one) for one in value] if isinstance(value, tuple) else value


def _row(profile: Profile, name: str, value: PointValue, now_ms: int) -> Row:
    point = profile.readable.get(name)
    derived = next((one.unit for one in profile.derive if one.name == name), None)
    is_read = value.quality is not Quality.MISSING
    return {
        "point": name,
        "value": plain(value.value),
        "unit": derived if point is None else point.unit,
        "quality": value.quality.value,
        "age_s": round(max(0, now_ms - value.read_mono_ms) / 1000, 3) if is_read else None,
        "reason": value.reason,
        "meaning": meaning_of(point, value.value),
    }


async def _alone(device: Device, name: str, faults: list[str]) -> PointValue:
    """One point alone; a refusal is a value of its own."""
    try:
        return await device.read(name)
    except DeviceError as error:
        faults.append(error.detail)
        return PointValue(None, Quality.MISSING, mono_ms(), error.detail)
