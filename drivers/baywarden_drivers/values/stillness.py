"""Measured values that stand still while power flows: a meter behind the registers that has died."""

from collections.abc import Mapping
from decimal import Decimal

from baywarden_drivers.profile.points import ReadPoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.values.plausible import PHASES
from baywarden_drivers.values.value import PointValue, Value

_MEASURED = frozenset(
    {
        *(f"{stem}_{phase}" for stem in ("current", "voltage", "power", "energy_import") for phase in PHASES),
        *("current", "current_dc", "voltage", "voltage_dc", "power", "power_dc", "power_import", "frequency"),
        *("power_factor", "energy_total", "energy_session"),
    }
)
_COUNTERS = ("energy_total", "energy_session")
_FINEST_STEPS: Mapping[str, Decimal] = {
    "V": Decimal("0.1"),
    "A": Decimal("0.01"),
    "W": Decimal(1),
    "Hz": Decimal("0.01"),
}
"""In steps this fine a real mains never stays the same for long."""
_FLOWS_W = 100
_LOOKS = 10
"""A rest that was seen less often proves nothing, however long it was."""
_RICH = 4
_RICH_MS = 60_000
_USUAL_MS = 300_000
_COUNTERLESS_MS = 600_000
_COARSE_STEP_WH = Decimal(100)
"""However fine the register, the counter behind it may step by so much."""
_TIMES = 3
_MS_PER_HOUR = 3_600_000


class Stillness:
    """Tells when the measured values of one device have stood still for too long.

    How long is too long depends on how finely it measures, on the counter that should have stepped, and on the
    longest rest that it took while power flowed and moved again.
    """

    def __init__(self, profile: Profile) -> None:
        points = [one for one in profile.read if one.name in _MEASURED and one.poll == "hot"]
        self.names = tuple(one.name for one in points)
        counters = [one for one in points if one.name in _COUNTERS and one.unit == "Wh"]
        fine = sum(map(_is_fine, points))
        self._least_ms = _least_ms(profile, fine, has_counter=bool(counters))
        self._step_wh = max((one.scale for one in counters), default=None)
        self._last: tuple[Value | None, ...] = ()
        self._at_ms = 0
        self._since_ms = 0
        self._looks = 0
        self._is_trimmed = False
        self._longest_ms = 0
        self.fault: str | None = None

    def look(self, values: Mapping[str, PointValue]) -> str | None:
        """What is wrong with all of `names`; None while they live, or where that cannot be judged."""
        if self._least_ms is None or not self._has_names(values):
            return None
        points = [values[name] for name in self.names]
        at_ms = max([point.read_mono_ms for point in points])
        if at_ms == self._at_ms:
            return self.fault
        self._at_ms = at_ms
        seen = tuple([point.value for point in points])
        if seen != self._last:
            self._moved(seen, at_ms)
        else:
            self.fault = self._judged(values, at_ms)
        return self.fault

    def _has_names(self, values: Mapping[str, PointValue]) -> bool:
        """Whether there is anything to look at: a further connector does not read what the whole station has."""
        if not self._is_trimmed:
            self._is_trimmed = True
            self.names = tuple(name for name in self.names if name in values)
        return bool(self.names)

    def _moved(self, seen: tuple[Value | None, ...], at_ms: int) -> None:
        """A rest that ends teaches how long this device rests."""
        power_w = None if not self._last else _power_w(dict(zip(self.names, self._last, strict=True)))
        if power_w is not None and power_w >= _FLOWS_W:
            rest_ms = min(at_ms - self._since_ms, self._allowed_ms(power_w))
            self._longest_ms = max(self._longest_ms, rest_ms)
        self._last, self._since_ms, self._looks, self.fault = seen, at_ms, 1, None

    def _judged(self, values: Mapping[str, PointValue], at_ms: int) -> str | None:
        self._looks += 1
        rest_ms = at_ms - self._since_ms
        if self._looks <= _LOOKS or rest_ms < (self._least_ms or 0):
            return None
        power_w = _power_w({name: values[name].value for name in self.names})
        if power_w is None or power_w < _FLOWS_W or rest_ms < self._allowed_ms(power_w):
            return None
        return f"nothing measured has moved for {rest_ms // 1000} s although {power_w:.0f} W flow"

    def _allowed_ms(self, power_w: Decimal) -> int:
        allowed_ms = max(self._least_ms or 0, _TIMES * self._longest_ms)
        if self._step_wh is None:
            return allowed_ms
        step_ms = int(max(self._step_wh, _COARSE_STEP_WH) * _MS_PER_HOUR / power_w)
        return max(allowed_ms, _TIMES * step_ms) if self._least_ms != _RICH_MS else allowed_ms


def _is_fine(point: ReadPoint) -> bool:
    finest = _FINEST_STEPS.get(point.unit or "")
    if finest is None:
        return False
    return point.dtype in ("f32", "f64") or (point.scale_point is None and point.scale <= finest)


def _least_ms(profile: Profile, fine: int, *, has_counter: bool) -> int | None:
    """The shortest rest that is ever called too long; None where a rest proves nothing."""
    if profile.kind == "meter" and fine >= _RICH:
        return _RICH_MS
    if has_counter:
        return _USUAL_MS
    return _COUNTERLESS_MS if fine >= 2 else None


def _power_w(seen: Mapping[str, Value | None]) -> Decimal | None:
    """The power that flows, by its size; from the currents where the device does not tell it."""
    power = seen.get("power")
    if isinstance(power, int | Decimal):
        return abs(Decimal(power))
    known = [
        abs(Decimal(one))
        for phase in PHASES
        if isinstance(one := seen.get(f"current_{phase}"), int | Decimal)
    ]
    return sum(known, Decimal(0)) * 230 if known else None
