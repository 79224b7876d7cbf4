"""Availability of one bookable outlet, with its reason."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from baywarden.model.access import Shown
from baywarden.model.booking import Booking
from baywarden.model.overstay import Penalty
from baywarden.model.session import Session


class Availability(Enum):
    """The one derived state that people see."""

    AVAILABLE = "available"
    OCCUPIED = "occupied"
    RESERVED = "reserved"
    OUT_OF_SERVICE = "out_of_service"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class EvseStatus:
    """What is published of an outlet; `reason` is one of policy.availability's words."""

    evse_id: str
    availability: Availability
    reason: str
    since_at: datetime
    detail: str = ""
    state: str | None = None
    session_id: str | None = None
    booking_id: str | None = None


@dataclass(frozen=True, slots=True)
class EvseState:
    """All that the site keeps of one outlet: live bookings (by start), the open session, open penalties."""

    evse_id: str
    status: EvseStatus
    bookings: tuple[Booking, ...] = ()
    session: Session | None = None
    penalty: Penalty | None = None
    wake_at: datetime | None = None
    wake_mono_ms: int | None = None
    """`wake_at` on the other clock, so that a step of the calendar cannot put off what is due."""
    promised_until_at: datetime | None = None
    """The end of the last booking that was fulfilled here; not kept over a restart once its session is over."""
    raised: frozenset[str] = field(default_factory=frozenset)
    """Dedupe keys of the notices raised for the live bookings and the open session."""
    armed_ma: int | None = None
    """The fail-safe current that was read back as armed; None where it is not known to be."""
    tag: str | None = None
    """The card that the charger's register showed last: while it stands there it is not shown anew."""
    shown: Shown | None = None
    """A token that waits for a car to be plugged in."""
