"""Intervals on one outlet: sorted tuples that never overlap, searched by bisection. All are [start, end)."""

from bisect import bisect_left
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Final

from baywarden.model.booking import Booking

_START: Final = attrgetter("start_at")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)


def in_order(bookings: Iterable[Booking]) -> tuple[Booking, ...]:
    """Sorted by start."""
    return tuple(sorted(bookings, key=_START))


def put(bookings: tuple[Booking, ...], booking: Booking) -> tuple[Booking, ...]:
    """With one more."""
    place = bisect_left(bookings, booking.start_at, key=_START)
    return (*bookings[:place], booking, *bookings[place:])


def without(bookings: tuple[Booking, ...], booking_id: str) -> tuple[Booking, ...]:
    """All but the one with this id."""
    return tuple(booking for booking in bookings if booking.id != booking_id)


def find(bookings: tuple[Booking, ...], booking_id: str) -> Booking | None:
    """The one with this id."""
    return next((booking for booking in bookings if booking.id == booking_id), None)


def overlapping(bookings: tuple[Booking, ...], start_at: datetime, end_at: datetime) -> tuple[Booking, ...]:
    """Those that share a moment with the window."""
    stop = first = bisect_left(bookings, end_at, key=_START)
    while first and bookings[first - 1].end_at > start_at:
        first -= 1
    return bookings[first:stop]


def free_from(bookings: tuple[Booking, ...], at: datetime, length: timedelta, buffer: timedelta) -> datetime:
    """The first moment from `at` on that is followed by `length` with no booking nearer than `buffer`."""
    place = bisect_left(bookings, at, key=_START)
    if place:
        at = max(at, bookings[place - 1].end_at + buffer)
    room = length + buffer
    while place < len(bookings) and bookings[place].start_at - at < room:
        at = max(at, bookings[place].end_at + buffer)
        place += 1
    return at


def on_grid(at: datetime, increment_s: int) -> datetime:
    """The first moment from `at` on that is a whole multiple of the increment since 1970."""
    step = increment_s * _SECOND
    return _EPOCH + -((_EPOCH - at) // step) * step


def is_on_grid(at: datetime, increment_s: int) -> bool:
    """Whether the moment is a whole multiple of the increment; one second asks for nothing."""
    return increment_s <= 1 or not (at - _EPOCH) % (increment_s * _SECOND)
