"""A session: plug-in to plug-out at one EVSE, booked or walk-in."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from baywarden.model.overstay import ClockState, OverstayPolicy, Segment


class SessionStatus(Enum):
    """OCPI SessionStatus, as far as a site needs it."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    COMPLETED = "COMPLETED"


class StopReason(Enum):
    """OCPP 2.0.1 ReasonEnumType, as far as a site can know it."""

    EV_DISCONNECTED = "EVDisconnected"
    POWER_LOSS = "PowerLoss"
    REMOTE = "Remote"
    LOCAL = "Local"
    OTHER = "Other"


@dataclass(frozen=True, slots=True)
class Session:
    """PENDING until the first valid energy register is latched, then ACTIVE, then COMPLETED.

    Energy is `energy_wh` = what was counted up to `register_wh`, the last register seen; it never falls.
    The open stretch of the timeline began at (`open_from_at`, `open_from_mono_ms`) in the state `open_state`;
    `segments` are the closed ones.
    """

    id: str
    evse_id: str
    status: SessionStatus
    started_at: datetime
    boot_id: str
    open_state: ClockState
    open_from_at: datetime
    open_from_mono_ms: int
    rev: int = 1
    booking_id: str | None = None
    booking_end_at: datetime | None = None
    token: str | None = None
    policy: OverstayPolicy | None = None
    segments: tuple[Segment, ...] = ()
    open_occupancy_pct: int | None = None
    has_charged: bool = False
    low_since_mono_ms: int | None = None
    start_register_wh: int | None = None
    register_wh: int | None = None
    energy_wh: int = 0
    energy_suspect: bool = False
    ended_at: datetime | None = None
    stop_reason: StopReason | None = None
    charge_ended_at: datetime | None = None
    penalty_id: str | None = None
    withheld: str | None = None
    """Why the outlet gets 0 A although a car is there; None when it may charge."""
    seen_mono_ms: int = 0
    """When the outlet was last heard during this session."""
    last_power_w: int | None = None
    power_w: int = 0
    """What was promised to the booking that it fulfils."""
    next_sample_at: datetime | None = None
    """When the next Sample.Clock is due."""
    register_mono_ms: int | None = None
    """When `register_wh` was read; None when the time since is of unknown length."""
    odd_register_wh: int | None = None
    """A register that did not fit; it counts only if the next reading goes on from it."""
    odd_mono_ms: int | None = None


class MeterContext(Enum):
    """OCPP ReadingContextEnumType."""

    TRANSACTION_BEGIN = "Transaction.Begin"
    SAMPLE_CLOCK = "Sample.Clock"
    TRANSACTION_END = "Transaction.End"


@dataclass(frozen=True, slots=True)
class MeterSample:
    """A reading of a session's energy register that is kept and sent."""

    session_id: str
    evse_id: str
    at: datetime
    context: MeterContext
    register_wh: int | None
    energy_wh: int
    power_w: int | None
