"""Whether a booking can be promised: terms, outlet, calendar, token, and the power of the circuits."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from baywarden.model.booking import Booking, BookingStatus, BookingTerms
from baywarden.model.command import Reason
from baywarden.model.evse import Availability, EvseState
from baywarden.model.site import SiteRules, SiteState
from baywarden.model.time import Now
from baywarden.policy import calendar
from baywarden.policy.local_hours import LocalHours, at_of, ms_of
from baywarden.policy.power import spare_power_w
from baywarden.policy.sight import is_same_token

LATE: Final = timedelta(seconds=60)
"""A booking "from now" may have been on its way for so long."""
SOON: Final = timedelta(hours=4)
"""An outlet out of service takes no bookings whose hold begins so soon."""
_WEEK_MS: Final = 8 * 86_400_000
LOST: Final = timedelta(minutes=10)
"""An outlet of which nothing is known for so long counts as out of service."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be promised. Without a token nobody is asked for yet; `booking_id` is not in its own way."""

    start_at: datetime
    end_at: datetime
    power_w: int = 0
    token: str | None = None
    booking_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not. `retry_at` is the first later start that may fare better; `rank` says how far it came."""

    reason: Reason
    detail: str
    retry_at: datetime | None = None
    rank: int = 0


class Admission:
    """Judges wishes against one state of the site; remembers what it has gathered for a window."""

    def __init__(self, state: SiteState, rules: SiteRules, now: Now) -> None:
        self._state = state
        self._rules = rules
        self._now = now
        self._neighbours: dict[tuple[datetime, datetime], tuple[Booking, ...]] = {}

    def refusal(self, wish: Wish, evse_id: str) -> Refusal | None:
        """The first reason that forbids the wish at this outlet; None when it can be promised."""
        evse = self._state.evses.get(evse_id)
        outlet = self._rules.evses.get(evse_id)
        if evse is None or outlet is None:
            return Refusal(Reason.EVSE_UNKNOWN, f"there is no outlet {evse_id}")
        found = enumerate(self._refusals(wish, evse, outlet.terms), start=1)
        return next((replace(refused, rank=rank) for rank, refused in found if refused is not None), None)

    def _refusals(self, wish: Wish, evse: EvseState, terms: BookingTerms) -> Iterator[Refusal | None]:
        """The checks in their order, the cheap ones first."""
        yield next(_against_terms(wish, terms, self._now.at), None)
        yield self._by_opening(wish, terms)
        yield self._by_outlet(wish, evse, terms)
        yield _by_calendar(wish, evse, terms)
        yield self._by_token(wish, terms)
        yield self._by_power(wish, evse.evse_id)

    def can_take_over(self, wish: Wish, evse_id: str) -> bool:
        """Whether the outlet can serve what was promised elsewhere; the terms were judged when it was."""
        evse, terms = self._state.evses[evse_id], self._rules.evses[evse_id].terms
        return (
            self._by_outlet(wish, evse, terms) is None
            and _by_calendar(wish, evse, terms) is None
            and self._by_power(wish, evse_id) is None
        )

    def spare_w(self, wish: Wish, evse_id: str) -> int:
        """The power that can be promised there in that window."""
        others = tuple(b for b in self._in_window(wish.start_at, wish.end_at) if b.id != wish.booking_id)
        return spare_power_w(self._rules, others, wish.start_at, wish.end_at, evse_id)

    def _by_outlet(self, wish: Wish, evse: EvseState, terms: BookingTerms) -> Refusal | None:
        now, early = self._now.at, timedelta(seconds=terms.early_start_s)
        hold_at = wish.start_at - early
        status = evse.status
        if status.availability is Availability.OUT_OF_SERVICE and hold_at < now + SOON:
            return Refusal(Reason.EVSE_INOPERATIVE, f"out of service: {status.reason}", now + SOON + early)
        at_once = now + early + timedelta(seconds=1)
        if status.availability is Availability.UNKNOWN:
            is_lost = now - status.since_at > LOST
            if hold_at <= now or (is_lost and hold_at < now + SOON):
                retry_at = now + SOON + early if is_lost else at_once
                return Refusal(Reason.EVSE_INOPERATIVE, f"its state is unknown: {status.reason}", retry_at)
        session = evse.session
        if session is not None and hold_at <= now and not is_same_token(session.token, wish.token):
            return Refusal(Reason.EVSE_OCCUPIED, "a car is there now", at_once)
        return None

    def _by_opening(self, wish: Wish, terms: BookingTerms) -> Refusal | None:
        """Against the hours in which bookings may lie, by the clock on the site's wall."""
        if not terms.opening:
            return None
        from_ms, to_ms = ms_of(wish.start_at), ms_of(wish.end_at)
        hours = LocalHours(terms.opening, self._rules.tz)
        closed = hours.gaps(from_ms, to_ms)
        if not closed:
            return None
        opens = hours.spans(closed[-1][1], closed[-1][1] + _WEEK_MS)
        retry_at = at_of(opens[0][0]) if opens else None
        begin, end = (_text(at_of(moment)) for moment in closed[0])
        return Refusal(Reason.OUTSIDE_CALENDAR, f"closed from {begin} to {end}", retry_at)

    def _by_token(self, wish: Wish, terms: BookingTerms) -> Refusal | None:
        if wish.token is None or terms.overlapping_per_token:
            return None
        for other in self._in_window(wish.start_at, wish.end_at):
            if other.id != wish.booking_id and is_same_token(other.token, wish.token):
                return Refusal(
                    Reason.TOKEN_OVERLAP,
                    f"the token has {other.evse_id} from {_text(other.start_at)} to {_text(other.end_at)}",
                    other.end_at,
                )
        return None

    def _by_power(self, wish: Wish, evse_id: str) -> Refusal | None:
        spare_w = self.spare_w(wish, evse_id)
        if max(wish.power_w, 1) <= spare_w:
            return None
        ends = [b.end_at for b in self._in_window(wish.start_at, wish.end_at) if b.end_at > wish.start_at]
        detail = f"{spare_w} W can be promised there then, {wish.power_w or 'any'} W are asked for"
        return Refusal(Reason.NO_CAPACITY, detail, min(ends, default=None))

    def _in_window(self, start_at: datetime, end_at: datetime) -> tuple[Booking, ...]:
        """All of the site's promises that share a moment with the window."""
        window = (start_at, end_at)
        found = self._neighbours.get(window)
        if found is None:
            found = tuple(
                booking
                for evse in self._state.evses.values()
                for booking in calendar.overlapping(promises(evse), start_at, end_at)
            )
            self._neighbours[window] = found
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


def _against_terms(wish: Wish, terms: BookingTerms, now: datetime) -> Iterator[Refusal]:
    length_s = (wish.end_at - wish.start_at).total_seconds()
    if wish.start_at < now - LATE or wish.end_at <= now:
        yield Refusal(Reason.IN_PAST, f"{_text(wish.start_at)} is over", now)
    if wish.start_at > now + timedelta(seconds=terms.horizon_s):
        yield Refusal(Reason.TOO_FAR, f"at most {terms.horizon_s} s ahead")
    if length_s < terms.min_duration_s:
        yield Refusal(Reason.TOO_SHORT, f"at least {terms.min_duration_s} s")
    if length_s > terms.max_duration_s:
        yield Refusal(Reason.TOO_LONG, f"at most {terms.max_duration_s} s")
    step_s = terms.increment_s
    if not calendar.is_on_grid(wish.start_at, step_s) or not calendar.is_on_grid(wish.end_at, step_s):
        yield Refusal(
            Reason.NOT_ON_INCREMENT,
            f"start and end must be on multiples of {step_s} s",
            calendar.on_grid(wish.start_at + timedelta(microseconds=1), step_s),
        )


def _by_calendar(wish: Wish, evse: EvseState, terms: BookingTerms) -> Refusal | None:
    buffer = timedelta(seconds=terms.buffer_s)
    near = calendar.overlapping(promises(evse), wish.start_at - buffer, wish.end_at + buffer)
    taken = [booking for booking in near if booking.id != wish.booking_id]
    if not taken:
        return None
    last = taken[-1]
    detail = f"taken from {_text(last.start_at)} to {_text(last.end_at)}"
    return Refusal(Reason.SLOT_TAKEN, detail, last.end_at + buffer)


def _text(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
