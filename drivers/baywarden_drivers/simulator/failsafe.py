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


@dataclass(frozen=True, slots=True)
class FailsafeSettings:
    """As the device ships. A `timeout_s` of 0 and those in `off_s` mean that nothing is supervised."""

    trigger: str = "none"
    timeout_s: float = 0.0
    current_a: float = 0.0
    off_s: frozenset[float] = frozenset()
    zero_is_fault: bool = False


class Failsafe:
    """The timer and its settings."""

    def __init__(self, settings: FailsafeSettings) -> None:
        self._shipped = settings
        self.timeout_s = settings.timeout_s
        self.current_a = settings.current_a
        self._stored = (settings.timeout_s, settings.current_a)
        self._heard_s = -inf if settings.trigger == "no_setpoint_write" else 0.0

    @property
    def is_armed(self) -> bool:
        """Whether silence has consequences."""
        off = self.timeout_s <= 0 or self.timeout_s in self._shipped.off_s
        return self._shipped.trigger in FEEDS and not off

    def hear(self, sign: Sign, now_s: float) -> None:
        """The controller showed a sign of life."""
        if FEEDS.get(self._shipped.trigger) is sign:
            self._heard_s = now_s

    def is_active(self, now_s: float) -> bool:
        """Whether the silence has lasted too long."""
        return self.is_armed and now_s - self._heard_s >= self.timeout_s

    def is_fault(self, now_s: float) -> bool:
        """Whether the box stops with an error because its fail-safe current is zero."""
        return self._shipped.zero_is_fault and self.current_a <= 0 and self.is_active(now_s)

    def remaining_s(self, now_s: float) -> float:
        """How long the last sign of life still counts; 0 when it no longer does or nothing is supervised."""
        return max(0.0, self.timeout_s - (now_s - self._heard_s)) if self.is_armed else 0.0

    def persist(self) -> None:
        """Keep the present settings over a restart."""
        self._stored = (self.timeout_s, self.current_a)

    def reboot(self, now_s: float) -> None:
        """Settings fall back to what is stored; a timer fed by any request starts anew."""
        self.timeout_s, self.current_a = self._stored
        self._heard_s = -inf if self._shipped.trigger == "no_setpoint_write" else now_s
