"""What a point says that no physics stands behind: a fitting constant, an empty text, or zero."""

from collections.abc import Mapping
from decimal import Decimal
from zlib import crc32

from baywarden_drivers.profile.points import ReadPoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.simulator.truth import Truth

SCALE_POINTS: Mapping[str, int] = {
    "current_sf": -2,
    "voltage_sf": -1,
    "frequency_sf": -2,
    "power_sf": 1,
    "apparent_power_sf": 1,
    "reactive_power_sf": 1,
    "power_factor_sf": -2,
    "energy_sf": 0,
}
"""SunSpec exponents: a building of 300 kW still fits into 16 bits."""
TEXTS: Mapping[str, str] = {
    "firmware": "1.9.0",
    "protocol_version": "0.6",
    "software_version": "1.9.0",
    "hardware_revision": "1.0",
    "vendor_mark": "SunS",
}
NUMBERS: Mapping[str, float] = {
    **SCALE_POINTS,
    "firmware": 0x030A39,
    "map_version": 0x0108,
    "release_mode": 5,
    "meter_state": 3,
    "temperature": 31.5,
    "voltage_nominal": 230,
    "voltage_ratio": 1,
    "current_ratio": 1,
    "ocpp_connected": 1,
    "power_control_allowed": 1,
    "phase_switch_possible": 1,
    "production_year": 2024,
    "wifi_signal": -55,
    "cellular_signal": -80,
    "meter_type": 1,
}
CODES = frozenset({"firmware", "map_version", "meter_state"})
"""These are what the registers hold, whatever the scale."""
ARRAYS: Mapping[str, tuple[int, ...]] = {"software_version": (5, 33, 0)}
"""Settings of the site may say otherwise."""


def made_up(profile: Profile, device: str, point: ReadPoint) -> Truth:
    """The constant that the device called `device` shows; always one that the point may show."""
    if point.dtype == "string":
        return _text(profile, device, point.name)[: capacity(point)].rstrip()
    if point.dtype == "bytes":
        return bytes(2 * point.count)
    if point.dtype in ("u16", "i16", "bool") and point.count > 1:
        return (*ARRAYS.get(point.name, ()), *[0] * point.count)[: point.count]
    return _fitting(point, _number(profile, device, point))


def capacity(point: ReadPoint) -> int:
    """How many characters fit."""
    size = point.count if point.encoding in ("ascii_low_byte", "utf16") else 2 * point.count
    return size - len(point.prefix)


def _number(profile: Profile, device: str, point: ReadPoint) -> int | float | Decimal:
    if point.name == "serial":
        return crc32(device.encode()) % min(100_000_000, int(10 ** (4 * point.count)))
    if point.name.startswith("power_factor") and point.name not in NUMBERS:
        return 100 if point.unit == "percent" else 1
    shipped = profile.writable.get(point.name)
    if shipped is not None and shipped.default is not None:
        return shipped.default * shipped.scale
    number = NUMBERS.get(point.name, 0)
    if point.unit is not None or not isinstance(number, int) or number <= 0:
        return number
    raw = number % (1 << 16 * point.count)
    if point.name in CODES:
        return raw * point.scale
    return raw


def _fitting(point: ReadPoint, number: float | Decimal) -> Truth:
    """The number, or the nearest one that the point may show."""
    if point.values and number not in point.values:
        return next(iter(point.values))
    if point.min is not None and number < point.min:
        return point.min
    return point.max if point.max is not None and number > point.max else number


def _text(profile: Profile, device: str, name: str) -> str:
    by_name = {
        "serial": f"SIM{crc32(device.encode()) % 100_000_000:08d}",
        "model_name": profile.model,
        "device_name": profile.model,
        "logistic_text": profile.model,
        "order_number": profile.model,
        "platform": profile.model,
        "connector_uid": f"{crc32(device.encode()) % 0xFFFFFF:06X}",
        "vendor_name": profile.vendor,
    }
    return TEXTS.get(name) or by_name.get(name, "")
