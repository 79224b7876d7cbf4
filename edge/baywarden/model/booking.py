"""Bookings in OCPI 2.3.0's words (mod_bookings); intervals are half-open, [start_at, end_at)."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from baywarden.model.local_hours import LocalWindow


class BookingStatus(Enum):
    """OCPI ReservationStatus."""

    PENDING = "PENDING"
    RESERVED = "RESERVED"
    CANCELED = "CANCELED"
    FAILED = "FAILED"
    NO_SHOW = "NO_SHOW"
    FULFILLED = "FULFILLED"
    REJECTED = "REJECTED"
    UNKNOWN = "UNKNOWN"

    @property
    def is_final(self) -> bool:
        """Whether nothing can change the booking any more."""
        return self not in (BookingStatus.PENDING, BookingStatus.RESERVED)


class BookingPhase(Enum):
    """What a RESERVED booking is doing on site."""

    SCHEDULED = "SCHEDULED"
    HOLDING = "HOLDING"
    CONFLICT = "CONFLICT"


class CanceledReason(Enum):
    """OCPI CanceledReason, by the operator (first four) or the driver's side."""

    POWER_OUTAGE = "POWER_OUTAGE"
    BROKEN_CHARGER = "BROKEN_CHARGER"
    FULL = "FULL"
    BLOCKED = "BLOCKED"
    TRAFFIC = "TRAFFIC"
    BROKEN_VEHICLE = "BROKEN_VEHICLE"
    NO_CANCELED = "NO_CANCELED"
    UNKNOWN = "UNKNOWN"


class Canceler(Enum):
    """Who canceled."""

    SITE = "SITE"
    CLOUD = "CLOUD"
    LOCAL = "LOCAL"


class LateCancel(Enum):
    """What becomes of a cancellation after `cancel_until_s`."""

    DECLINE = "DECLINE"
    ACCEPT_WITH_FEE = "ACCEPT_WITH_FEE"


@dataclass(frozen=True, slots=True)
class Booking:
    """A promise of one EVSE for [start_at, end_at) to the holder of `token`."""

    id: str
    evse_id: str
    start_at: datetime
    end_at: datetime
    token: str
    status: BookingStatus
    created_at: datetime
    changed_at: datetime
    rev: int = 1
    phase: BookingPhase | None = None
    power_w: int = 0
    reason: str | None = None
    canceled_reason: CanceledReason | None = None
    canceled_by: Canceler | None = None
    session_id: str | None = None
    held_until_at: datetime | None = None
    """When waiting for the holder ends, as agreed when it was made; None asks the terms of today."""
    noshow_fee_minor: int | None = None
    """The fee for not coming, as agreed when it was made; None asks the terms of today."""
    late_cancel_fee_minor: int | None = None
    """The fee for cancelling late, as agreed when it was made; None asks the terms of today."""
    group: str | None = None
    """The group of outlets that was asked for."""
    connector_type: str | None = None
    """The OCPI ConnectorType that was asked for; without one a substitute has the type of the outlet promised."""
    code: str | None = None
    """A short code that its holder may type on site; never told to anybody."""


@dataclass(frozen=True, slots=True)
class BookingTerms:
    """OCPI BookingTerms in seconds; None means not limited (no time-out: the hold lasts to the end)."""

    change_until_s: int = 0
    cancel_until_s: int = 0
    change_allowed: bool = True
    early_start_s: int = 0
    noshow_timeout_s: int | None = 900
    min_duration_s: int = 900
    max_duration_s: int = 86_400
    increment_s: int = 1
    horizon_s: int = 90 * 86_400
    buffer_s: int = 0
    overlapping_per_token: bool = False
    rfid_auth_required: bool = False
    noshow_fee_minor: int = 0
    late_cancel: LateCancel = LateCancel.DECLINE
    late_cancel_fee_minor: int = 0
    opening: tuple[LocalWindow, ...] = ()
    """Local hours in which bookings may lie; none means always."""
    remind_before_s: tuple[int, ...] = (900,)


@dataclass(frozen=True, slots=True)
class Slot:
    """A free window on one EVSE and the power that can be promised there."""

    evse_id: str
    start_at: datetime
    end_at: datetime
    power_w: int
