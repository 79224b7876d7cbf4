"""An overstay fee worked out again from its evidence, as anyone with paper could. The demo's policy only."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from baywarden_config.demo.site import CURRENCY, GRACE_S, RATE_PER_MIN

_STEP_S: Final = 60
_IDLE: Final = "SUSPENDED_EV"


@dataclass(frozen=True, slots=True)
class Sum:
    """Each figure of the calculation; times in whole seconds, the amount in cents."""

    idle_s: int
    billable_s: int
    minutes: int
    amount_minor: int

    def __str__(self) -> str:
        amount = Decimal(self.amount_minor).scaleb(-2)
        return (
            f"idle {self.idle_s} s - {GRACE_S} s grace = {self.billable_s} s, rounded up to"
            f" {self.minutes} min x {RATE_PER_MIN} {CURRENCY} = {amount:.2f} {CURRENCY}"
        )


def by_hand(penalty: Mapping[str, Any]) -> Sum:
    """Idle time after the grace, rounded up to whole minutes once, times the rate, rounded to cents once."""
    segments = penalty["evidence"]
    idle_ms = sum(segment["duration_ms"] for segment in segments if segment["state"] == _IDLE)
    billable_s = max(0, idle_ms - GRACE_S * 1000) // 1000
    minutes = -(-billable_s // _STEP_S)
    amount = (Decimal(RATE_PER_MIN) * minutes).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return Sum(idle_ms // 1000, billable_s, minutes, int(amount.scaleb(2)))
