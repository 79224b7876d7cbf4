"""A calendar that is set while we run: what lay in the stretch that was skipped never happened (DOMAIN 6)."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from baywarden.model.booking import Booking, BookingTerms
from baywarden.model.evse import EvseState
from baywarden.model.site import SiteRules, SiteState
from baywarden.model.step import BookingChanged, Effect
from baywarden.model.time import Now
from baywarden.policy.answers import due
from baywarden.policy.holds import limit_at

STEP: Final = timedelta(seconds=2)
"""Less is a clock being disciplined, more is one being set."""
_SLEW: Final = timedelta(milliseconds=100)


def noticed(state: SiteState, rules: SiteRules, now: Now) -> tuple[SiteState, tuple[Effect, ...]]:
    """With the clocks as they stand now, and the bookings anew that a step forward has run over."""
    zero_at = now.at - timedelta(milliseconds=now.mono_ms)
    if state.zero_at is None:
        return replace(state, zero_at=zero_at), ()
    step = zero_at - state.zero_at
    if abs(step) < _SLEW:
        return state, ()
    state = replace(state, zero_at=zero_at)
    return _set_forward(state, now.at - step, rules, now) if step > STEP else (state, ())


def _set_forward(
    state: SiteState, from_at: datetime, rules: SiteRules, now: Now
) -> tuple[SiteState, tuple[Effect, ...]]:
    evses: dict[str, EvseState] = {}
    effects: list[Effect] = []
    for evse_id, evse in state.evses.items():
        terms = rules.evses[evse_id].terms
        bookings = tuple(_anew(evse, place, from_at, terms, now) for place in range(len(evse.bookings)))
        told = [new for new, old in zip(bookings, evse.bookings, strict=True) if new is not old]
        evses[evse_id] = due(replace(evse, bookings=bookings), now) if told else evse
        effects += map(BookingChanged, told)
    return replace(state, evses=evses), tuple(effects)


def _anew(evse: EvseState, place: int, from_at: datetime, terms: BookingTerms, now: Now) -> Booking:
    """Without a fee and with all of its time to come, if some of the wait for its holder was skipped."""
    booking, until_at = evse.bookings[place], limit_at(evse.bookings[place], terms)
    if booking.start_at > now.at or until_at <= from_at:
        return booking
    waits = until_at - booking.start_at
    return replace(
        booking,
        held_until_at=min(booking.end_at, now.at + waits),
        noshow_fee_minor=0,
        rev=booking.rev + 1,
        changed_at=now.at,
    )
