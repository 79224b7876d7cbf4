"""Whether a booking can be promised: terms, outlet, calendar, token, and the power of the circuits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from baywarden.model.booking import BookingTerms
from baywarden.model.command import Reason
from baywarden.model.evse import Availability, EvseState
from baywarden.model.local_hours import LocalWindow
from baywarden.model.site import SiteRules, SiteState
from baywarden.model.time import Now
from baywarden.policy import calendar
from baywarden.policy.local_hours import LocalHours, at_of, ms_of
from baywarden.policy.neighbours import Neighbours
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


_RANK: Final[Mapping[Reason, int]] = MappingProxyType(
    {
        Reason.OUTSIDE_CALENDAR: 2,
        Reason.EVSE_INOPERATIVE: 3,
        Reason.EVSE_OCCUPIED: 3,
        Reason.SLOT_TAKEN: 4,
        Reason.TOKEN_OVERLAP: 5,
        Reason.NO_CAPACITY: 6,
    }
)
"""How far a wish came; those that are missing are of the terms, which are judged first."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not. `retry_at` is the first later start that may fare better."""

    reason: Reason
    words: str
    values: tuple[object, ...] = ()
    retry_at: datetime | None = None

    @property
    def rank(self) -> int:
        """How many kinds of checks were passed before this one."""
        return _RANK.get(self.reason, 1)

    @property
    def detail(self) -> str:
        """The sentence; put together when it is read, as a search is refused thousands of times."""
        return self.words.format(
            *(_text(value) if isinstance(value, datetime) else value for value in self.values)
        )


class Admission:
    """Judges wishes against one state of the site. A search says in which stretches to gather the promises."""

    def __init__(
        self, state: SiteState, rules: SiteRules, now: Now, *, stretch: timedelta | None = None
    ) -> None:
        self._state = state
        self._rules = rules
        self._now = now
        self._near = Neighbours(state, rules, stretch=stretch)
        self._hours: dict[tuple[LocalWindow, ...], LocalHours] = {}
        self._judged: Wish | None = None
        self._terms: BookingTerms | None = None
        self._by_terms: Refusal | None = None

    def refusal(self, wish: Wish, evse_id: str) -> Refusal | None:
        """The first reason that forbids the wish at this outlet; None when it can be promised."""
        return self.misfit(wish, evse_id) or self._by_power(wish, evse_id)

    def misfit(self, wish: Wish, evse_id: str) -> Refusal | None:
        """The first reason but for the power of the circuits; the cheap checks come first."""
        evse = self._state.evses.get(evse_id)
        outlet = self._rules.evses.get(evse_id)
        if evse is None or outlet is None:
            return Refusal(Reason.EVSE_UNKNOWN, "there is no outlet {}", (evse_id,))
        return (
            self._by_terms_once(wish, outlet.terms)
            or self._by_outlet(wish, evse, outlet.terms)
            or self._by_calendar(wish, evse_id, outlet.terms)
            or self._by_token(wish, outlet.terms)
        )

    def free_from(self, evse_id: str, start_at: datetime, length: timedelta) -> datetime:
        """The first start from then on at which the outlet is promised to nobody for so long."""
        buffer = timedelta(seconds=self._rules.evses[evse_id].terms.buffer_s)
        return calendar.free_from(self._near.at(evse_id), start_at, length, buffer)

    def can_take_over(self, wish: Wish, evse_id: str) -> bool:
        """Whether the outlet can serve what was promised elsewhere; the terms were judged when it was."""
        evse, terms = self._state.evses[evse_id], self._rules.evses[evse_id].terms
        return (
            self._by_outlet(wish, evse, terms) is None
            and self._by_calendar(wish, evse_id, terms) is None
            and self._by_power(wish, evse_id) is None
        )

    def spare_w(self, wish: Wish, evse_id: str) -> int:
        """The power that can be promised there in that window."""
        return self._near.spare_w(evse_id, wish.start_at, wish.end_at, wish.booking_id)

    def _by_terms_once(self, wish: Wish, terms: BookingTerms) -> Refusal | None:
        """Many outlets have the same terms: they are judged once for a wish."""
        if wish is not self._judged or terms is not self._terms:
            self._by_terms = _by_terms(wish, terms, self._now.at) or self._by_opening(wish, terms)
            self._judged, self._terms = wish, terms
        return self._by_terms

    def _by_outlet(self, wish: Wish, evse: EvseState, terms: BookingTerms) -> Refusal | None:
        now, early = self._now.at, timedelta(seconds=terms.early_start_s)
        hold_at = wish.start_at - early
        status = evse.status
        if status.availability is Availability.OUT_OF_SERVICE and hold_at < now + SOON:
            return Refusal(
                Reason.EVSE_INOPERATIVE, "out of service: {}", (status.reason,), now + SOON + early
            )
        at_once = now + early + timedelta(seconds=1)
        if status.availability is Availability.UNKNOWN:
            is_lost = now - status.since_at > LOST
            if hold_at <= now or (is_lost and hold_at < now + SOON):
                retry_at = now + SOON + early if is_lost else at_once
                return Refusal(
                    Reason.EVSE_INOPERATIVE, "its state is unknown: {}", (status.reason,), retry_at
                )
        session = evse.session
        if session is not None and hold_at <= now and not is_same_token(session.token, wish.token):
            return Refusal(Reason.EVSE_OCCUPIED, "a car is there now", retry_at=at_once)
        return None

    def _by_opening(self, wish: Wish, terms: BookingTerms) -> Refusal | None:
        """Against the hours in which bookings may lie, by the clock on the site's wall."""
        if not terms.opening:
            return None
        from_ms, to_ms = ms_of(wish.start_at), ms_of(wish.end_at)
        hours = self._hours.get(terms.opening)
        if hours is None:
            hours = self._hours[terms.opening] = LocalHours(terms.opening, self._rules.tz)
        closed = hours.gaps(from_ms, to_ms)
        if not closed:
            return None
        opens = hours.spans(closed[-1][1], closed[-1][1] + _WEEK_MS)
        retry_at = at_of(opens[0][0]) if opens else None
        begin, end = (at_of(moment) for moment in closed[0])
        return Refusal(Reason.OUTSIDE_CALENDAR, "closed from {} to {}", (begin, end), retry_at)

    def _by_calendar(self, wish: Wish, evse_id: str, terms: BookingTerms) -> Refusal | None:
        buffer = timedelta(seconds=terms.buffer_s)
        near = calendar.overlapping(self._near.at(evse_id), wish.start_at - buffer, wish.end_at + buffer)
        last = next((booking for booking in reversed(near) if booking.id != wish.booking_id), None)
        if last is None:
            return None
        retry_at = last.end_at + buffer
        return Refusal(Reason.SLOT_TAKEN, "taken from {} to {}", (last.start_at, last.end_at), retry_at)

    def _by_token(self, wish: Wish, terms: BookingTerms) -> Refusal | None:
        if wish.token is None or terms.overlapping_per_token:
            return None
        for other in self._near.within(wish.start_at, wish.end_at):
            if other.id != wish.booking_id and is_same_token(other.token, wish.token):
                return Refusal(
                    Reason.TOKEN_OVERLAP,
                    "the token has {} from {} to {}",
                    (other.evse_id, other.start_at, other.end_at),
                    other.end_at,
                )
        return None

    def _by_power(self, wish: Wish, evse_id: str) -> Refusal | None:
        spare_w, needs_w = self.spare_w(wish, evse_id), max(wish.power_w, 1)
        if needs_w <= spare_w:
            return None
        retry_at = self._near.freed_at(evse_id, wish.start_at, wish.end_at, needs_w)
        words = "{} W can be promised there then, {} W are asked for"
        return Refusal(Reason.NO_CAPACITY, words, (spare_w, wish.power_w or "any"), retry_at)


def _by_terms(wish: Wish, terms: BookingTerms, now: datetime) -> Refusal | None:
    if wish.start_at < now - LATE or wish.end_at <= now:
        return Refusal(Reason.IN_PAST, "{} is over", (wish.start_at,), now)
    if wish.start_at > now + timedelta(seconds=terms.horizon_s):
        return Refusal(Reason.TOO_FAR, "at most {} s ahead", (terms.horizon_s,))
    length_s = (wish.end_at - wish.start_at).total_seconds()
    if length_s < terms.min_duration_s:
        return Refusal(Reason.TOO_SHORT, "at least {} s", (terms.min_duration_s,))
    if length_s > terms.max_duration_s:
        return Refusal(Reason.TOO_LONG, "at most {} s", (terms.max_duration_s,))
    step_s = terms.increment_s
    if calendar.is_on_grid(wish.start_at, step_s) and calendar.is_on_grid(wish.end_at, step_s):
        return None
    retry_at = calendar.on_grid(wish.start_at + timedelta(microseconds=1), step_s)
    words = "start and end must be on multiples of {} s"
    return Refusal(Reason.NOT_ON_INCREMENT, words, (step_s,), retry_at)


def _text(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
