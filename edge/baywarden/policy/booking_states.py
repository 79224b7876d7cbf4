"""The one table of booking states (DOMAIN 1.4); a booking that is RESERVED is where its phase says."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Any, Final

from baywarden.model.booking import Booking, BookingPhase, BookingStatus
from baywarden.policy.moves import move

BookingState = BookingPhase | BookingStatus


class BookingEvent(Enum):
    """What can happen to a booking, said as a sentence."""

    HOLD_DUE = "the hold begins"
    BLOCKED = "at the start another car is still there"
    FREED = "the other car has left"
    ARRIVED = "the holder's car is plugged in"
    CHANGED = "the holder has other wishes"
    MOVED = "another outlet serves the holder instead"
    WITHDRAWN = "the holder does not come"
    TIME_UP = "the holder was not there in time"
    GIVEN_UP = "the site cannot keep its promise"


SCHEDULED: Final = BookingPhase.SCHEDULED
HOLDING: Final = BookingPhase.HOLDING
CONFLICT: Final = BookingPhase.CONFLICT

MEANING: Final[Mapping[BookingState, str]] = MappingProxyType(
    {
        SCHEDULED: "Promised; the outlet serves others until the hold.",
        HOLDING: "The outlet is kept free for the holder.",
        CONFLICT: "The hold has begun, but another car does not leave.",
        BookingStatus.PENDING: "What a cloud shows until the site has answered; the site keeps none.",
        BookingStatus.RESERVED: "Promised; always seen here as one of its phases.",
        BookingStatus.CANCELED: "Given up by the holder or by the site.",
        BookingStatus.FAILED: "Could not be made by a fault of ours.",
        BookingStatus.NO_SHOW: "The outlet was kept and nobody came.",
        BookingStatus.FULFILLED: "The holder has plugged in; the session carries the rest.",
        BookingStatus.REJECTED: "Refused when it was asked for.",
        BookingStatus.UNKNOWN: "Read from a release that knew more than this one.",
    }
)

MOVES: Final[Mapping[tuple[BookingState, BookingEvent], BookingState]] = MappingProxyType(
    {
        (SCHEDULED, BookingEvent.HOLD_DUE): HOLDING,
        (SCHEDULED, BookingEvent.CHANGED): SCHEDULED,
        (SCHEDULED, BookingEvent.MOVED): SCHEDULED,
        (SCHEDULED, BookingEvent.WITHDRAWN): BookingStatus.CANCELED,
        (SCHEDULED, BookingEvent.GIVEN_UP): BookingStatus.CANCELED,
        (HOLDING, BookingEvent.BLOCKED): CONFLICT,
        (HOLDING, BookingEvent.ARRIVED): BookingStatus.FULFILLED,
        (HOLDING, BookingEvent.CHANGED): SCHEDULED,
        (HOLDING, BookingEvent.MOVED): SCHEDULED,
        (HOLDING, BookingEvent.WITHDRAWN): BookingStatus.CANCELED,
        (HOLDING, BookingEvent.TIME_UP): BookingStatus.NO_SHOW,
        (HOLDING, BookingEvent.GIVEN_UP): BookingStatus.CANCELED,
        (CONFLICT, BookingEvent.FREED): HOLDING,
        (CONFLICT, BookingEvent.ARRIVED): BookingStatus.FULFILLED,
        (CONFLICT, BookingEvent.CHANGED): SCHEDULED,
        (CONFLICT, BookingEvent.MOVED): SCHEDULED,
        (CONFLICT, BookingEvent.WITHDRAWN): BookingStatus.CANCELED,
        (CONFLICT, BookingEvent.GIVEN_UP): BookingStatus.CANCELED,
    }
)


def state_of(booking: Booking) -> BookingState:
    """Its phase while RESERVED, otherwise its status."""
    if booking.status is BookingStatus.RESERVED:
        return booking.phase or BookingPhase.SCHEDULED
    return booking.status


def moved(booking: Booking, event: BookingEvent, at: datetime, **fields: Any) -> Booking:
    """The booking after `event`, with its next revision. Raises NoMove."""
    state = move(MOVES, state_of(booking), event)
    if isinstance(state, BookingPhase):
        return replace(booking, phase=state, rev=booking.rev + 1, changed_at=at, **fields)
    return replace(booking, status=state, phase=None, rev=booking.rev + 1, changed_at=at, **fields)
