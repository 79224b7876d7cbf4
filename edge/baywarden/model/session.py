"""A session: plug-in to plug-out at one EVSE, booked or walk-in."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from baywarden.model.access import Right
from baywarden.model.overstay import ClockState, OverstayPolicy, Segment


class SessionStatus(Enum):
    """OCPI SessionStatus, as far as a site needs it."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    COMPLETED = "COMPLETED"


class SessionPhase(Enum):
    """What the car and the site are doing, for people and for those who speak OCPP's chargingState."""

    CONNECTED = "connected"
    """Plugged in, nothing was drawn yet (EVConnected)."""
    CHARGING = "charging"
    SUSPENDED_EV = "suspended_ev"
    """The car takes nothing, but not for so long that its charge counts as ended."""
    SUSPENDED_EVSE = "suspended_evse"
    """The site gives nothing: a pause, or a car that has no right."""
    IDLE = "idle"
    """The charge has ended and the car is still there."""
    FAULTED = "faulted"
    UNKNOWN = "unknown"
    FINISHED = "finished"
    """The car has left."""


class StopReason(Enum):
    """OCPP 2.0.1 ReasonEnumType; the site finds out some, whoever stops a session by request can name any."""

    DE_AUTHORIZED = "DeAuthorized"
    EMERGENCY_STOP = "EmergencyStop"
    ENERGY_LIMIT_REACHED = "EnergyLimitReached"
    EV_DISCONNECTED = "EVDisconnected"
    GROUND_FAULT = "GroundFault"
    IMMEDIATE_RESET = "ImmediateReset"
    LOCAL = "Local"
    LOCAL_OUT_OF_CREDIT = "LocalOutOfCredit"
    MASTER_PASS = "MasterPass"
    OTHER = "Other"
    OVERCURRENT_FAULT = "OvercurrentFault"
    POWER_LOSS = "PowerLoss"
    POWER_QUALITY = "PowerQuality"
    REBOOT = "Reboot"
    REMOTE = "Remote"
    SOC_LIMIT_REACHED = "SOCLimitReached"
    STOPPED_BY_EV = "StoppedByEV"
    TIME_LIMIT_REACHED = "TimeLimitReached"
    TIMEOUT = "Timeout"


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
    token_group: str | None = None
    """The group of `token` when it was shown, or of the booking's token that it fulfils."""
    right: Right | None = None
    """What lets it charge; None while nothing does."""
    stop_asked: StopReason | None = None
    """Why its power was stopped by request; None when it was not, or nobody said why."""


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
