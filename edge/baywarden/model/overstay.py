"""Overstay policies and penalties (DOMAIN 2.3). Amounts are integers of the minor unit, rates decimals."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

from baywarden.model.local_hours import LocalWindow


class Basis(Enum):
    """When the clock of an overstay begins to run."""

    CHARGE_END = "CHARGE_END"
    BOOKING_END = "BOOKING_END"
    CONNECT = "CONNECT"


class GraceMode(Enum):
    """FREE never bills the grace; WAIVE_IF_WITHIN bills all of the clock once the grace is exceeded."""

    FREE = "FREE"
    WAIVE_IF_WITHIN = "WAIVE_IF_WITHIN"


class GraceScope(Enum):
    """One grace for the session, or a fresh one for each idle period."""

    SESSION = "SESSION"
    PERIOD = "PERIOD"


class Rounding(Enum):
    """The one rounding to the minor unit, at the end."""

    HALF_UP = "HALF_UP"
    HALF_EVEN = "HALF_EVEN"
    UP = "UP"


@dataclass(frozen=True, slots=True)
class OccupancyBand:
    """From `min_pct` of the EVSEs in use on, the rate is multiplied."""

    min_pct: int
    multiplier: Decimal


@dataclass(frozen=True, slots=True)
class OverstayPolicy:
    """One version of a policy, frozen into each session at its start."""

    id: str
    currency: str
    tz: str
    basis: Basis
    rate_per_min: Decimal
    version: int = 1
    minor_digits: int = 2
    allowance_s: int = 0
    grace_s: int = 0
    grace_mode: GraceMode = GraceMode.FREE
    grace_scope: GraceScope = GraceScope.SESSION
    step_s: int = 60
    cap_per_session: Decimal | None = None
    cap_per_day: Decimal | None = None
    """Most that one session can cost within one day of the calendar in `tz`."""
    exempt: tuple[LocalWindow, ...] = ()
    occupancy: tuple[OccupancyBand, ...] = ()
    min_amount: Decimal = Decimal(0)
    rounding: Rounding = Rounding.HALF_UP
    notify_before_s: tuple[int, ...] = (300,)
    idle_power_w: int = 100
    idle_debounce_s: int = 60


class ClockState(Enum):
    """What a stretch of a session was, as the overstay clocks see it."""

    CHARGING = "CHARGING"
    SUSPENDED_EV = "SUSPENDED_EV"
    SUSPENDED_EVSE = "SUSPENDED_EVSE"
    FAULTED = "FAULTED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of one state; its length is by CLOCK_BOOTTIME, its place in the calendar by `from_at`."""

    state: ClockState
    from_at: datetime
    duration_ms: int
    occupancy_pct: int | None = None


@dataclass(frozen=True, slots=True)
class BreakdownLine:
    """Seconds billed at one multiplier; `reason` says why others were not (GRACE, EXEMPT, ...)."""

    from_at: datetime
    to_at: datetime
    seconds: int
    multiplier: Decimal
    reason: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a policy charges for a timeline, in whole seconds and the minor unit."""

    clock_s: int
    billable_s: int
    billed_s: int
    amount_minor: int
    currency: str
    capped: bool
    breakdown: tuple[BreakdownLine, ...] = ()
    starts_billing_at: datetime | None = None
    """When billing begins if the present state goes on; None when the clock is not running."""
    next_change_at: datetime | None = None
    """When the amount next grows if the present state goes on; None when it will not."""


class PenaltyKind(Enum):
    """What is owed for."""

    OVERSTAY = "OVERSTAY"
    NO_SHOW = "NO_SHOW"
    LATE_CANCEL = "LATE_CANCEL"


class PenaltyStatus(Enum):
    """FINAL never changes; a correction is a new record that names it."""

    ACCRUING = "ACCRUING"
    FINAL = "FINAL"
    WAIVED = "WAIVED"
    REPLACED = "REPLACED"


@dataclass(frozen=True, slots=True)
class Penalty:
    """Money owed. `evidence` holds the segments from which anyone can recompute the amount."""

    id: str
    kind: PenaltyKind
    status: PenaltyStatus
    evse_id: str
    amount_minor: int
    currency: str
    minor_digits: int
    from_at: datetime
    to_at: datetime
    changed_at: datetime
    rev: int = 1
    session_id: str | None = None
    booking_id: str | None = None
    token: str | None = None
    policy_id: str | None = None
    policy_version: int | None = None
    billable_s: int = 0
    billed_s: int = 0
    capped: bool = False
    clock_quality: str = "S"
    breakdown: tuple[BreakdownLine, ...] = ()
    evidence: tuple[Segment, ...] = ()
    booking_end_at: datetime | None = None
