"""From the drivers' values to the model's whole units. Unknown stays None."""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from baywarden_drivers import PointValue, Profile

MILLI: Final = Decimal(1000)

Phases = tuple[int | None, int | None, int | None]

_PHASES: Final = ("l1", "l2", "l3")
_UID_BYTES: Final = (4, 7, 10)
"""ISO/IEC 14443-3: single, double and triple size."""
_NOMINAL_V: Final = Decimal(230)
_ALL_PHASES: Final = 3
_DC_EFFICIENCY: Final = Decimal("0.94")
"""DC chargers that tell only the power on the side of the car draw so much more from the mains."""


def whole(values: Mapping[str, PointValue], name: str, scale: Decimal = Decimal(1)) -> int | None:
    """The number of a point times `scale`, rounded to the nearest whole; None when there is no good one."""
    point = values.get(name)
    number = None if point is None else point.number
    return None if number is None else rounded(Decimal(number) * scale)


def rounded(number: Decimal) -> int:
    """The nearest whole number."""
    return int(number.to_integral_value(rounding=ROUND_HALF_EVEN))


def power_w(values: Mapping[str, PointValue]) -> int | None:
    """The total active power: the device's own, else the sum of all its phases, else import less export."""
    own = whole(values, "power")
    if own is not None:
        return own
    known = [values[name] for phase in _PHASES if (name := f"power_{phase}") in values]
    if known:
        return _sum_w(known)
    imported, exported = values.get("power_import"), values.get("power_export")
    if (
        imported is not None
        and imported.number is not None
        and exported is not None
        and exported.number is not None
    ):
        return rounded(Decimal(imported.number) - exported.number)
    dc = values.get("power_dc")
    return None if dc is None or dc.number is None else rounded(dc.number / _DC_EFFICIENCY)


def phases_ma(values: Mapping[str, PointValue], profile: Profile) -> Phases:
    """The currents of L1, L2 and L3 in mA.

    A sum or average of phases says nothing of a single one, so `current` counts only where there is one phase. A
    DC charger that is known to load all three phases of its mains alike tells them by its power.
    """
    if "current_l1" in profile.readable:
        first, second, third = (whole(values, f"current_{phase}", MILLI) for phase in _PHASES)
        return first, second, third
    if profile.connectors.phases == 1:
        return whole(values, "current", MILLI), None, None
    has_dc = "current_dc" in profile.readable or "voltage_dc" in profile.readable
    if has_dc and profile.control is not None and profile.control.power_phases == _ALL_PHASES:
        return _of_dc_ma(power_w(values))
    return None, None, None


def text(values: Mapping[str, PointValue], name: str) -> str | None:
    """The text of a point; numbers and bytes (a card's UID) in hexadecimal; None when there is none or it is empty."""
    point = values.get(name)
    value = None if point is None else point.value
    if isinstance(value, int):
        return f"{value:08X}" if value else None
    if isinstance(value, bytes):
        return _uid(value)
    return None if value is None else str(value).strip("\0 ") or None


def code(values: Mapping[str, PointValue], name: str) -> int | None:
    """A fault code; of a list of them the first that is set."""
    point = values.get(name)
    if point is not None and isinstance(point.value, tuple):
        return int(next((one for one in point.value if one), 0))
    return whole(values, name)


def _uid(value: bytes) -> str | None:
    """Without what fills it up: a UID has 4, 7 or 10 bytes, and the last ones may be zero."""
    filled = len(value.rstrip(b"\0"))
    length = next((size for size in _UID_BYTES if size >= filled), filled)
    return value[:length].hex().upper() if filled else None


def _sum_w(parts: list[PointValue]) -> int | None:
    total = Decimal(0)
    for part in parts:
        if part.number is None:
            return None
        total += part.number
    return rounded(total)


def _of_dc_ma(power: int | None) -> Phases:
    if power is None:
        return None, None, None
    phase_ma = rounded(abs(power) * MILLI / (_ALL_PHASES * _NOMINAL_V))
    return phase_ma, phase_ma, phase_ma
