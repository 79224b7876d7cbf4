"""What a charger allows a car to draw, after all that limits it."""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from baywarden_drivers.simulator.failsafe import Failsafe, FailsafeSettings


class Why(Enum):
    """What decides the allowed current."""

    START = "start"
    WRITTEN = "written"
    FAILSAFE = "failsafe"
    PAUSED = "paused"
    REBOOT = "reboot"


UNLIMITING = frozenset({"no limit", "autostart"})
"""Meanings of a number with which it limits nothing."""


@dataclass(frozen=True, slots=True)
class LimitRules:
    """A charger's meaning of a limit. `zero` and `below_min` use the words of the profiles."""

    max_a: float = 32.0
    min_a: float = 6.0
    zero: str = "pause"
    below_min: str = "pause"
    reaction_s: float = 2.0


@dataclass(frozen=True, slots=True)
class AllowedChange:
    """At `at_s` the charger began to allow `allowed_a` per phase."""

    at_s: float
    allowed_a: float
    why: Why


@dataclass(slots=True)
class Allowance:
    """The limits of one outlet. `offered_a`, what the pilot signals, is `allowed_a` of `reaction_s` ago."""

    rules: LimitRules = field(default_factory=LimitRules)
    failsafe: Failsafe = field(default_factory=lambda: Failsafe(FailsafeSettings()))
    written_a: float | None = None
    written_w: float | None = None
    """The limit as it was written, where it is a power."""
    stored_a: float | None = None
    """A limit that is kept in the device and holds until another is written."""
    station_a: float | None = None
    """The share of this outlet in a limit of the whole station."""
    w_per_a: float = 690.0
    """Watts of one ampere per phase: a limit of power is shared by the phases that the car uses."""
    enabled: bool = True
    offered_a: float = field(init=False)
    history: list[AllowedChange] = field(init=False)
    _coming: deque[tuple[float, float]] = field(init=False, default_factory=deque)

    def __post_init__(self) -> None:
        allowed_a, _ = self._judge(0.0)
        self.offered_a = allowed_a
        self.history = [AllowedChange(0.0, allowed_a, Why.START)]

    @property
    def allowed_a(self) -> float:
        """The current allowed now; 0 or at least the minimum."""
        return self.history[-1].allowed_a

    @property
    def modbus_limit_a(self) -> float:
        """What a read back of the written limit shows; before the first write the largest current."""
        limit_a = self._wanted_a
        return self.rules.max_a if limit_a is None else limit_a

    @property
    def _wanted_a(self) -> float | None:
        return self.stored_a if self.written_a is None else self.written_a

    def write(self, limit_a: float) -> None:
        """Take a limit from the controller; it counts from the next look on."""
        self.written_a = limit_a
        self.written_w = None

    def write_power(self, limit_w: float) -> None:
        """Take a limit in W."""
        self.written_w = limit_w
        self.written_a = limit_w / self.w_per_a

    def convert(self, w_per_a: float) -> None:
        """From now on other phases share what is limited in W."""
        self.w_per_a = w_per_a
        if self.written_w is not None:
            self.written_a = self.written_w / w_per_a
        self.failsafe.convert(w_per_a)

    def forget(self) -> None:
        """Drop the limit that was written."""
        self.written_a = self.written_w = None

    def advance(self, now_s: float) -> None:
        """Judge all limits at `now_s` and let the pilot follow."""
        allowed_a, why = self._judge(now_s)
        if allowed_a != self.allowed_a:
            self.history.append(AllowedChange(now_s, allowed_a, why))
            self._coming.append((now_s + self.rules.reaction_s, allowed_a))
        while self._coming and self._coming[0][0] <= now_s:
            _, self.offered_a = self._coming.popleft()

    def reboot(self, now_s: float) -> None:
        """Volatile settings fall back to their defaults; the pilot is off until the charger is up again."""
        self.forget()
        self.station_a = None
        self.enabled = True
        self.failsafe.reboot(now_s)
        allowed_a, _ = self._judge(now_s)
        self.history.append(AllowedChange(now_s, allowed_a, Why.REBOOT))
        self._coming.clear()
        self._coming.append((now_s + self.rules.reaction_s, allowed_a))
        self.offered_a = 0.0

    def _judge(self, now_s: float) -> tuple[float, Why]:
        if not self.enabled:
            return 0.0, Why.PAUSED
        if self.failsafe.is_active(now_s):
            return self._usable(min(self.failsafe.current_a, self.rules.max_a)), Why.FAILSAFE
        limit_a = self._wanted_a
        if limit_a is None and self.station_a is None:
            return self.rules.max_a, Why.WRITTEN
        own_a = self.rules.max_a if limit_a is None else self._meaning(limit_a)
        return self._usable(own_a if self.station_a is None else min(own_a, self.station_a)), Why.WRITTEN

    def _meaning(self, limit_a: float) -> float:
        """What the charger makes of the number it was given."""
        if limit_a <= 0:
            return self.rules.max_a if self.rules.zero in UNLIMITING else 0.0
        if limit_a < self.rules.min_a:
            if self.rules.below_min in UNLIMITING:
                return self.rules.max_a
            return self.rules.min_a if self.rules.below_min == "min" else 0.0
        return min(limit_a, self.rules.max_a)

    def _usable(self, limit_a: float) -> float:
        """IEC 61851 cannot signal less than the minimum: less is nothing."""
        return limit_a if limit_a >= self.rules.min_a else 0.0
