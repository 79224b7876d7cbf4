"""What a measured value can be at most, by the kind of its quantity: wide margins, for nonsense and not for loads."""

from dataclasses import dataclass
from decimal import Decimal

from baywarden_drivers.profile.points import ReadPoint
from baywarden_drivers.profile.schema import Profile

Number = int | Decimal

PHASES = ("l1", "l2", "l3")
MOST_V = 500
"""Line to neutral; 690 V mains have 398 V."""
_MOST_LINE_V = 1000
_MOST_DC_V = 1500
_MOST_DC_A = 1500
_MOST_CHARGER_A = 1000
"""Where a profile does not say how large the charger is."""
_MOST_METER_A = 20_000
_HIGH_V = 300
"""From amperes to the watts that they can be at most."""
_MARGIN = Decimal("1.5")
_MOST_METER_W = 20_000_000
_CURRENTS = frozenset({"current", "current_n", *(f"current_{phase}" for phase in PHASES)})
_POWERS = frozenset({"power", "power_import", "power_export", *(f"power_{phase}" for phase in PHASES)})


@dataclass(frozen=True, slots=True)
class Range:
    """From `low` to `high` in `unit`; `or_zero` lets 0 pass as well."""

    low: Number
    high: Number
    unit: str
    or_zero: bool = False

    def fault(self, number: Number) -> str | None:
        """What is wrong with it, for people."""
        if self.low <= number <= self.high or (self.or_zero and not number):
            return None
        return f"{number:.6g} {self.unit} cannot be: {self.low} to {self.high} {self.unit} could"


def hardware_a(profile: Profile) -> Decimal | None:
    """The largest current per phase that a charger of this kind is built for; None where nothing says so."""
    point = None if profile.control is None else profile.writable.get(profile.control.limit)
    return point.max if point is not None and point.unit == "A" else None


def hardware_w(profile: Profile) -> Decimal:
    """More power than this never flows through such a device."""
    if profile.kind == "meter":
        return Decimal(_MOST_METER_W)
    amps = hardware_a(profile)
    return (_MOST_CHARGER_A if amps is None else amps) * 3 * _HIGH_V * _MARGIN


def range_of(profile: Profile, point: ReadPoint) -> Range | None:
    """The range for a measured value whose profile gives none."""
    if point.min is not None or point.max is not None:
        return None
    name, unit = point.name, point.unit
    if unit == "V" and name.startswith("voltage"):
        return Range(0, _most_v(name), "V")
    if unit == "Hz" and name == "frequency":
        return Range(40, 70, "Hz", or_zero=True)
    if unit == "A" and name in _CURRENTS:
        most_a = _most_a(profile)
        return Range(-most_a, most_a, "A")
    if unit == "A" and name == "current_dc":
        return Range(-_MOST_DC_A, _MOST_DC_A, "A")
    if unit == "W" and name in _POWERS:
        most_w = hardware_w(profile)
        return Range(-most_w, most_w, "W")
    return None


def _most_v(name: str) -> int:
    if name == "voltage_dc":
        return _MOST_DC_V
    return _MOST_LINE_V if name.count("_l") > 1 or name == "voltage" else MOST_V


def _most_a(profile: Profile) -> Decimal:
    """A sum of three phases may stand in `current`; so much more is still let pass."""
    if profile.kind == "meter":
        return Decimal(_MOST_METER_A)
    amps = hardware_a(profile)
    return Decimal(_MOST_CHARGER_A) if amps is None else amps * _MARGIN
