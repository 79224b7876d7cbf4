"""What is promised already, gathered for one answer: by outlet, by window, and as current on the lines."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from baywarden.model.booking import Booking, BookingStatus
from baywarden.model.evse import EvseState
from baywarden.model.site import SiteRules, SiteState
from baywarden.policy import calendar
from baywarden.policy.local_hours import EPOCH
from baywarden.policy.promises import Lines, Promised

_Window = tuple[datetime, datetime]
STRETCH: Final = timedelta(hours=8)
"""A search gathers so much at a time: many of its windows lie within, and most searches end in the first."""


class Neighbours:
    """The promises of one state of the site. It lives as long as one answer, so it cannot grow stale."""

    def __init__(self, state: SiteState, rules: SiteRules, *, stretch: timedelta | None = None) -> None:
        self._state = state
        self._rules = rules
        self._stretch = stretch
        self._lines: Lines | None = None
        self._by_outlet: dict[str, tuple[Booking, ...]] = {}
        self._by_window: dict[_Window, tuple[Booking, ...]] = {}
        self._promised: dict[tuple[datetime, datetime, str | None], Promised] = {}

    def at(self, evse_id: str) -> tuple[Booking, ...]:
        """The promises of one outlet, by start."""
        found = self._by_outlet.get(evse_id)
        if found is None:
            found = self._by_outlet[evse_id] = promises(self._state.evses[evse_id])
        return found

    def within(self, start_at: datetime, end_at: datetime) -> tuple[Booking, ...]:
        """All of the site's promises that share a moment with the window."""
        window = (start_at, end_at)
        found = self._by_window.get(window)
        if found is None:
            found = tuple(
                booking
                for evse_id in self._state.evses
                for booking in calendar.overlapping(self.at(evse_id), start_at, end_at)
            )
            self._by_window[window] = found
        return found

    def spare_w(self, evse_id: str, start_at: datetime, end_at: datetime, but_for: str | None = None) -> int:
        """The power that the outlet can be promised throughout the window, the booking `but_for` left out."""
        return min(
            promised.spare_w(evse_id, max(start_at, from_at), min(end_at, to_at))
            for promised, from_at, to_at in self._parts(start_at, end_at, but_for)
        )

    def freed_at(self, evse_id: str, start_at: datetime, end_at: datetime, power_w: int) -> datetime | None:
        """The first start from which a window of this length may have that power; None where it never has."""
        for promised, from_at, to_at in reversed([*self._parts(start_at, end_at, None)]):
            first_at = max(start_at, from_at)
            freed_at = promised.freed_at(evse_id, first_at, min(end_at, to_at), power_w)
            if freed_at is None or freed_at > first_at:
                return freed_at
        return start_at

    def _parts(
        self, start_at: datetime, end_at: datetime, but_for: str | None
    ) -> Iterator[tuple[Promised, datetime, datetime]]:
        """What is promised within the window itself, or within the whole stretches that cover it."""
        if self._stretch is None:
            yield self._promised_in(start_at, end_at, but_for), start_at, end_at
            return
        from_at = start_at - (start_at - EPOCH) % self._stretch
        while from_at < end_at:
            to_at = from_at + self._stretch
            yield self._promised_in(from_at, to_at, but_for), from_at, to_at
            from_at = to_at

    def _promised_in(self, from_at: datetime, to_at: datetime, but_for: str | None) -> Promised:
        key = (from_at, to_at, but_for)
        found = self._promised.get(key)
        if found is None:
            lines = self._lines = self._lines or Lines(self._rules)
            near = (booking for booking in self.within(from_at, to_at) if booking.id != but_for)
            found = self._promised[key] = Promised(lines, near, from_at)
        return found


def promises(evse: EvseState) -> tuple[Booking, ...]:
    """The live bookings, and what a fulfilled one has promised to the car that is there."""
    session = evse.session
    if session is None or session.booking_id is None or session.booking_end_at is None:
        return evse.bookings
    running = Booking(
        id=session.booking_id,
        evse_id=evse.evse_id,
        start_at=min(session.started_at, session.booking_end_at - timedelta(seconds=1)),
        end_at=session.booking_end_at,
        token=session.token or "",
        status=BookingStatus.RESERVED,
        created_at=session.started_at,
        changed_at=session.started_at,
        power_w=session.power_w,
    )
    return calendar.put(evse.bookings, running)
