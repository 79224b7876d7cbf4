"""A charger's own supervision of its controller: what it does when nobody speaks to it."""

from dataclasses import dataclass
from enum import Enum
from math import inf


class Sign(Enum):
    """Kinds of life that a controller shows."""

    REQUEST = "request"
    SETPOINT = "setpoint"
    HEARTBEAT = "heartbeat"
    TIMEOUT = "timeout"


FEEDS: dict[str, Sign] = {
    "no_request": Sign.REQUEST,
    "no_setpoint_write": Sign.SETPOINT,
    "lifebit_not_set": Sign.HEARTBEAT,
    "no_heartbeat_token": Sign.HEARTBEAT,
    "timeout_not_rewritten": Sign.TIMEOUT,
}
"""Which sign restarts the timer of which trigger. A trigger that is missing here has no supervision."""

LOOKS_AT_FLAG = 0.5
"""The share of the time-out after which a device clears the life bit that was set."""


@dataclass(frozen=True, slots=True)
class FailsafeSettings:
    """As the device ships. A `timeout_s` of 0 and those in `off_s` mean that nothing is supervised.

    With a current that is among `fault_a` the device stops with an error.
    """

    trigger: str = "none"
    timeout_s: float = 0.0
    current_a: float = 0.0
    off_s: frozenset[float] = frozenset()
    fault_a: frozenset[float] = frozenset()
    enabled: bool = True
    heartbeat: float | None = None
    """What must be written; None: anything counts."""


class Failsafe:
    """The timer and its settings."""

    def __init__(self, settings: FailsafeSettings) -> None:
        self._shipped = settings
        self.timeout_s = settings.timeout_s
        self.current_a = settings.current_a
        self.enabled = settings.enabled
        self.written_w: float | None = None
        """The fail-safe power as it was written, where it is a power."""
        self._stored = (settings.timeout_s, settings.current_a, settings.enabled)
        self._heard_s = self._unheard_s(0.0)
        self._flag_s = -inf

    @property
    def is_armed(self) -> bool:
        """Whether silence has consequences."""
        off = self.timeout_s <= 0 or self.timeout_s in self._shipped.off_s or not self.enabled
        return self._shipped.trigger in FEEDS and not off

    def hear(self, sign: Sign, now_s: float) -> None:
        """The controller showed a sign of life."""
        if FEEDS.get(self._shipped.trigger) is sign:
            self._heard_s = now_s

    def beat(self, number: float, now_s: float) -> None:
        """The heartbeat point was written; a wrong number is no sign of life."""
        if self._shipped.heartbeat is None or number == self._shipped.heartbeat:
            self._flag_s = now_s
            self.hear(Sign.HEARTBEAT, now_s)

    def shows_flag(self, now_s: float) -> bool:
        """Whether the life bit still stands as it was set: the device itself clears it after a while."""
        return now_s - self._flag_s < max(0.0, self.timeout_s * LOOKS_AT_FLAG)

    def is_active(self, now_s: float) -> bool:
        """Whether the silence has lasted too long."""
        return self.is_armed and now_s - self._heard_s >= self.timeout_s

    def is_fault(self, now_s: float) -> bool:
        """Whether the box stops with an error because it has no fail-safe current."""
        return self.current_a in self._shipped.fault_a and self.is_active(now_s)

    def remaining_s(self, now_s: float) -> float:
        """How long the last sign of life still counts; 0 when it no longer does or nothing is supervised."""
        return max(0.0, self.timeout_s - (now_s - self._heard_s)) if self.is_armed else 0.0

    def write_power(self, power_w: float, w_per_a: float) -> None:
        """Take a fail-safe power in W."""
        self.written_w = power_w
        self.convert(w_per_a)

    def convert(self, w_per_a: float) -> None:
        """From now on other phases share what is limited in W."""
        if self.written_w is not None:
            self.current_a = self.written_w / w_per_a

    def power_w(self, w_per_a: float) -> float:
        """The fail-safe power: as it was written, else what the current means."""
        return self.current_a * w_per_a if self.written_w is None else self.written_w

    def persist(self) -> None:
        """Keep the present settings over a restart."""
        self._stored = (self.timeout_s, self.current_a, self.enabled)

    def reboot(self, now_s: float) -> None:
        """Settings fall back to what is stored; a timer fed by any request starts anew."""
        self.timeout_s, self.current_a, self.enabled = self._stored
        self._heard_s = self._unheard_s(now_s)
        self._flag_s = -inf

    def _unheard_s(self, now_s: float) -> float:
        """From when on nothing was heard: a set-point that was never written has no validity at all."""
        return -inf if self._shipped.trigger == "no_setpoint_write" else now_s
