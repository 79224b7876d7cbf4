"""Whether a charger does as it is told: the measured current against its limit once it had time to settle."""

from collections.abc import Mapping
from decimal import Decimal

from baywarden_drivers.profile.conduct import Control
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.values.plausible import PHASES
from baywarden_drivers.values.value import PointValue
from baywarden_drivers.writes.wording import plain

_LEAST_OVER_A = Decimal("0.5")
_SHARE_OVER = Decimal("0.05")
_HIGHEST_V_SHARE = Decimal("1.1")
"""EN 50160: the voltage may be 10 % above the nominal one."""


class Effect:
    """Judges one connector. A limit counts from the moment it was applied, a raise at once, a cut when it settled."""

    def __init__(self, profile: Profile) -> None:
        control = profile.control or Control()
        self._settle_ms = control.settle_s * 1000
        self._nominal_v = control.nominal_v
        self._phases = profile.connectors.phases
        self._names = tuple(name for phase in PHASES if (name := f"current_{phase}") in profile.readable)
        self._limit_a: Decimal | None = None
        self._told_ms = 0
        self._obeys_from_ms = 0

    def told(self, limit_a: Decimal, now_ms: int) -> None:
        """A limit is in force. The same one again does not start the time to settle anew."""
        if self._limit_a is not None and limit_a >= self._limit_a:
            if limit_a > self._limit_a:
                self._told_ms = now_ms
        else:
            self._told_ms, self._obeys_from_ms = now_ms, now_ms + self._settle_ms
        self._limit_a = limit_a

    def unsettle(self, now_ms: int) -> None:
        """It was out of sight or has restarted: whatever it does now, it gets time to come back to its limit."""
        self._obeys_from_ms = max(self._obeys_from_ms, now_ms + self._settle_ms)

    def fault(self, values: Mapping[str, PointValue]) -> str | None:
        """A sentence when more flows than allowed."""
        limit_a = self._limit_a
        if limit_a is None:
            return None
        drawn = self._drawn_a(values)
        if drawn is None:
            return None
        amps, read_ms = drawn
        most_a = limit_a + max(_LEAST_OVER_A, limit_a * _SHARE_OVER)
        if read_ms < self._obeys_from_ms or amps <= most_a:
            return None
        since_s = (read_ms - self._told_ms) // 1000
        return f"draws {amps:.1f} A although limited to {plain(limit_a)} A since {since_s} s"

    def _drawn_a(self, values: Mapping[str, PointValue]) -> tuple[Decimal, int] | None:
        """The largest current of a phase for certain, and when it was read."""
        known = [
            (abs(Decimal(number)), point.read_mono_ms)
            for name in self._names
            if (point := values.get(name)) is not None and (number := point.number) is not None
        ]
        if known:
            return max(known)
        power = values.get("power")
        if power is None or power.number is None:
            return None
        least_a = abs(Decimal(power.number)) / (self._phases * self._nominal_v * _HIGHEST_V_SHARE)
        return least_a, power.read_mono_ms
