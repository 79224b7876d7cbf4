"""Making a booking, or changing it by one swap; a change that is refused leaves the old one as it was."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from baywarden.model.booking import Booking, BookingPhase, BookingStatus
from baywarden.model.command import PutBooking, Reason
from baywarden.model.evse import Availability
from baywarden.model.site import SiteRules, SiteState
from baywarden.model.step import Step
from baywarden.model.time import Now
from baywarden.policy import calendar
from baywarden.policy.admission import Admission, Refusal, Wish
from baywarden.policy.answers import (
    NO_TIME,
    Asked,
    Refused,
    accepted,
    due,
    has_rev,
    is_aware,
    live_booking,
    named,
    told,
    with_evse,
    without,
)
from baywarden.policy.booking_states import BookingEvent, moved
from baywarden.policy.choosing import power_for
from baywarden.policy.finding import text
from baywarden.policy.holds import agreed_limit_at
from baywarden.policy.notices import owner_of
from baywarden.policy.places import placed

NEAR: Final = timedelta(hours=2)
"""A car that is there now may still be there at a start that is so near."""


def put(state: SiteState, wish: PutBooking, asked: Asked) -> Step:
    """Answer PutBooking. Raises Refused."""
    rules, now = asked.rules, asked.now
    _is_valid(wish)
    length_s = (wish.end_at - wish.start_at).total_seconds()
    wish = replace(wish, power_w=power_for(wish.power_w, wish.energy_wh, length_s), energy_wh=0)
    live = live_booking(state, wish.booking_id)
    if live is None:
        return _make(state, wish, asked)
    has_rev(live, wish.expected_rev)
    if _is_same(live, wish):
        return Step(state, reply=accepted(asked.command, live))
    if not now.trusted:
        raise Refused(Reason.CLOCK_NOT_TRUSTED, NO_TIME, live.rev)
    _may_change(live, rules, now)
    admission = Admission(state, rules, now)
    places = _in_turn(state, wish, asked)
    if live.evse_id in places:
        places = _first(live.evse_id, places)
    evse_id = _place(admission, wish, places, live.rev)
    terms = rules.evses[evse_id].terms
    booking = moved(
        live,
        BookingEvent.CHANGED,
        now.at,
        evse_id=evse_id,
        start_at=wish.start_at,
        end_at=wish.end_at,
        token=wish.token,
        power_w=wish.power_w,
        held_until_at=agreed_limit_at(wish.start_at, wish.end_at, terms),
        noshow_fee_minor=terms.noshow_fee_minor,
        late_cancel_fee_minor=terms.late_cancel_fee_minor,
        group=wish.group,
        connector_type=wish.connector_type,
        code=live.code if wish.code is None else wish.code,
    )
    return told(swapped(state, live, booking, now), asked.command, booking)


def swapped(state: SiteState, old: Booking, new: Booking, now: Now) -> SiteState:
    """The old one out and the new one in, as one, with what was told and noted of it."""
    keys = {key for key in state.evses[old.evse_id].raised if owner_of(key) == old.id}
    state = with_evse(state, without(state.evses[old.evse_id], old, now))
    evse = state.evses[new.evse_id]
    evse = replace(evse, bookings=calendar.put(evse.bookings, new), raised=evse.raised | keys)
    return with_evse(state, due(evse, now), places=placed(state.places, new.id, new.evse_id))


def _make(state: SiteState, wish: PutBooking, asked: Asked) -> Step:
    known, rules, now = asked.known, asked.rules, asked.now
    if known is not None and known.status.is_final:
        raise Refused(Reason.FINAL_STATE, f"the booking is {known.status.value}", known.rev)
    if wish.expected_rev:
        raise Refused(Reason.UNKNOWN_RESERVATION, "there is no such booking to change")
    if not now.trusted:
        raise Refused(Reason.CLOCK_NOT_TRUSTED, NO_TIME)
    places = _in_turn(state, wish, asked)
    evse_id = _place(Admission(state, rules, now), wish, places)
    terms = rules.evses[evse_id].terms
    booking = Booking(
        id=wish.booking_id,
        evse_id=evse_id,
        start_at=wish.start_at,
        end_at=wish.end_at,
        token=wish.token,
        status=BookingStatus.RESERVED,
        phase=BookingPhase.SCHEDULED,
        created_at=now.at,
        changed_at=now.at,
        power_w=wish.power_w,
        held_until_at=agreed_limit_at(wish.start_at, wish.end_at, terms),
        noshow_fee_minor=terms.noshow_fee_minor,
        late_cancel_fee_minor=terms.late_cancel_fee_minor,
        group=wish.group,
        connector_type=wish.connector_type,
        code=wish.code,
    )
    evse = state.evses[evse_id]
    evse = due(replace(evse, bookings=calendar.put(evse.bookings, booking)), now)
    state = with_evse(state, evse, places=placed(state.places, booking.id, evse_id))
    return told(state, asked.command, booking)


def _is_valid(wish: PutBooking) -> None:
    if not wish.booking_id or not wish.token:
        raise Refused(Reason.INVALID, "a booking needs an id and a token")
    if not (is_aware(wish.start_at) and is_aware(wish.end_at)):
        raise Refused(Reason.INVALID, "times need their offset from UTC")
    if wish.end_at <= wish.start_at:
        raise Refused(Reason.INVALID, "the end must be later than the start")
    if wish.power_w < 0 or wish.energy_wh < 0:
        raise Refused(Reason.INVALID, "power and energy cannot be negative")


def _may_change(live: Booking, rules: SiteRules, now: Now) -> None:
    terms = rules.evses[live.evse_id].terms
    if not terms.change_allowed:
        raise Refused(Reason.CHANGE_NOT_ALLOWED, "the terms do not allow changes", live.rev)
    last_at = live.start_at - timedelta(seconds=terms.change_until_s)
    if now.at > last_at:
        raise Refused(Reason.CHANGE_TOO_LATE, f"it could be changed until {text(last_at)}", live.rev)


def _is_same(live: Booking, wish: PutBooking) -> bool:
    mine = (live.start_at, live.end_at, live.token, live.power_w, live.group, live.connector_type)
    asked = (wish.start_at, wish.end_at, wish.token, wish.power_w, wish.group, wish.connector_type)
    return mine == asked and wish.evse_id in (None, live.evse_id) and wish.code in (None, live.code)


def _place(admission: Admission, wish: PutBooking, evse_ids: list[str], rev: int | None = None) -> str:
    """The first outlet that can promise it; of several refusals the one that came furthest is told."""
    asked = Wish(wish.start_at, wish.end_at, wish.power_w, wish.token, wish.booking_id)
    best: Refusal | None = None
    for evse_id in evse_ids:
        refused = admission.refusal(asked, evse_id)
        if refused is None:
            return evse_id
        if best is None or refused.rank > best.rank:
            best = refused
    if best is None:
        raise Refused(Reason.EVSE_UNKNOWN, "the site has no outlets", rev)
    raise Refused(best.reason, best.detail, rev)


def _in_turn(state: SiteState, wish: PutBooking, asked: Asked) -> list[str]:
    """In the order of the configuration; for a near start the outlets that are available now come first."""
    evse_ids = named(asked.rules, wish)
    if wish.start_at < asked.now.at + NEAR:
        evse_ids.sort(key=lambda evse_id: not _is_available(state, evse_id))
    return evse_ids


def _is_available(state: SiteState, evse_id: str) -> bool:
    evse = state.evses.get(evse_id)
    return evse is not None and evse.status.availability is Availability.AVAILABLE


def _first(evse_id: str, evse_ids: list[str]) -> list[str]:
    return [evse_id, *(other for other in evse_ids if other != evse_id)]
