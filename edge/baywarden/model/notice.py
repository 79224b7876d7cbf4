"""Messages meant for a driver or the operator, raised once each."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class NoticeKind(Enum):
    """What happened or is about to."""

    BOOKING_SOON = "BOOKING_SOON"
    HOLD_BEGINS = "HOLD_BEGINS"
    HOLD_EXPIRED = "HOLD_EXPIRED"
    BOOKING_CONFLICT = "BOOKING_CONFLICT"
    BOOKING_MOVED = "BOOKING_MOVED"
    BAY_NEEDED = "BAY_NEEDED"
    SITE_FAULT = "SITE_FAULT"
    CHARGING_STARTED = "CHARGING_STARTED"
    CHARGING_COMPLETE = "CHARGING_COMPLETE"
    TIME_NEARLY_UP = "TIME_NEARLY_UP"
    OVERSTAY_STARTED = "OVERSTAY_STARTED"
    CAP_REACHED = "CAP_REACHED"
    SESSION_ENDED = "SESSION_ENDED"
    ACCESS_REFUSED = "ACCESS_REFUSED"
    NO_TRANSACTION = "NO_TRANSACTION"
    STAY_LIMITED = "STAY_LIMITED"


@dataclass(frozen=True, slots=True)
class Notice:
    """`key` is unique for all time: the same moment of the same booking or session has the same key."""

    key: str
    kind: NoticeKind
    at: datetime
    evse_id: str
    text: str
    token: str | None = None
    booking_id: str | None = None
    session_id: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
