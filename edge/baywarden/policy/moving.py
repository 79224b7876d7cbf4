"""A booking whose outlet cannot serve it moves to a free one that can (DOMAIN 1.4)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

from baywarden.model.booking import Booking, BookingPhase
from baywarden.model.evse import Availability, EvseState
from baywarden.model.notice import Notice, NoticeKind
from baywarden.model.site import SiteRules, SiteState
from baywarden.model.step import BookingChanged, Effect, NoticeRaised
from baywarden.model.time import Now
from baywarden.policy.admission import Admission, Wish
from baywarden.policy.booking_states import BookingEvent, moved
from baywarden.policy.choosing import fitting
from baywarden.policy.holds import agreed_limit_at, hold_begins, limit_at
from baywarden.policy.notices import clock
from baywarden.policy.promising import swapped

UNHEARD: Final = timedelta(seconds=60)
"""An outlet that is unheard for less may be back in a moment."""


def substituted(state: SiteState, rules: SiteRules, now: Now) -> tuple[SiteState, tuple[Effect, ...]]:
    """With each booking in trouble moved to the first outlet that is free for the rest of its time."""
    if not now.trusted:
        return state, ()
    effects: tuple[Effect, ...] = ()
    for booking in [*_in_trouble(state, rules, now)]:
        evse_id = _substitute(state, rules, booking, now)
        if evse_id is not None:
            state, told = _to(state, rules, booking, evse_id, now)
            effects += told
    return state, effects


def _in_trouble(state: SiteState, rules: SiteRules, now: Now) -> Iterator[Booking]:
    """Bookings whose hold is due at an outlet that another car, a fault or silence keeps from serving them."""
    for evse in state.evses.values():
        if not evse.bookings:
            continue
        booking, terms = evse.bookings[0], rules.evses[evse.evse_id].terms
        is_due = _is_out(evse, now) and hold_begins(evse, 0, terms) <= now.at
        if is_due or booking.phase is BookingPhase.CONFLICT:
            yield booking


def _is_out(evse: EvseState, now: Now) -> bool:
    status = evse.status
    if status.availability is Availability.UNKNOWN:
        return now.at - status.since_at >= UNHEARD
    return status.availability is Availability.OUT_OF_SERVICE


def _substitute(state: SiteState, rules: SiteRules, booking: Booking, now: Now) -> str | None:
    kind = booking.connector_type or rules.evses[booking.evse_id].connector_type
    wish = Wish(max(now.at, booking.start_at), booking.end_at, booking.power_w, booking.token, booking.id)
    if wish.end_at <= wish.start_at:
        return None
    admission = Admission(state, rules, now)
    for evse_id in fitting(rules, None, booking.group, kind):
        evse = state.evses[evse_id]
        is_free = evse.status.availability is Availability.AVAILABLE and evse.session is None
        if is_free and evse_id != booking.evse_id and admission.can_take_over(wish, evse_id):
            return evse_id
    return None


def _to(
    state: SiteState, rules: SiteRules, old: Booking, evse_id: str, now: Now
) -> tuple[SiteState, tuple[Effect, ...]]:
    """Nobody loses time to come by the move, and what the site failed to keep is never charged."""
    terms = rules.evses[evse_id].terms
    anew = agreed_limit_at(max(now.at, old.start_at), old.end_at, terms)
    until = max(anew, limit_at(old, rules.evses[old.evse_id].terms))
    new = moved(old, BookingEvent.MOVED, now.at, evse_id=evse_id, held_until_at=until)
    notice = _notice(old, new, rules, now)
    state = swapped(state, old, new, now)
    evse = state.evses[evse_id]
    evse = replace(evse, raised=evse.raised | {notice.key})
    state = replace(state, evses={**state.evses, evse_id: evse})
    return state, (BookingChanged(new), NoticeRaised(notice))


def _notice(old: Booking, new: Booking, rules: SiteRules, now: Now) -> Notice:
    there, here = rules.evses[new.evse_id].label, rules.evses[old.evse_id].label
    text = f"Your booking from {clock(old.start_at, rules)} is at {there} now: {here} cannot serve you."
    return Notice(
        key=f"{new.id}/{NoticeKind.BOOKING_MOVED.value}/{new.evse_id}-{new.rev}",
        kind=NoticeKind.BOOKING_MOVED,
        at=now.at,
        evse_id=new.evse_id,
        text=text,
        token=new.token,
        booking_id=new.id,
    )
