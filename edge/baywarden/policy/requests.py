"""The answers to requests. A refusal changes nothing; a change is one swap and never loses what was there."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from baywarden.model.booking import Booking, BookingPhase, CanceledReason, Canceler, LateCancel
from baywarden.model.command import (
    AuthorizeSession,
    CancelBooking,
    Command,
    Door,
    FindSlots,
    PutBooking,
    PutTokens,
    Reason,
    RemoveTokens,
    Reply,
    Result,
    StopSession,
    SyncTokens,
)
from baywarden.model.evse import Availability, EvseState
from baywarden.model.overstay import PenaltyKind
from baywarden.model.session import Session, StopReason
from baywarden.model.site import SiteRules, SiteState
from baywarden.model.step import Commanded, PenaltyChanged, SessionChanged, Step
from baywarden.model.time import Now
from baywarden.policy import authorizing, finding, tokens
from baywarden.policy.answers import (
    NO_TIME,
    Asked,
    Refused,
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
from baywarden.policy.bookings import unfit_key
from baywarden.policy.finding import text
from baywarden.policy.holds import late_cancel_fee_minor
from baywarden.policy.penalties import flat_fee
from baywarden.policy.places import left
from baywarden.policy.promising import put
from baywarden.policy.sessions import stopped
from baywarden.policy.withheld import Withheld

_SITES_OWN: Final = frozenset(
    {
        CanceledReason.POWER_OUTAGE,
        CanceledReason.BROKEN_CHARGER,
        CanceledReason.FULL,
        CanceledReason.BLOCKED,
    }
)
_CANCELER: Final = {Door.CLOUD: Canceler.CLOUD, Door.LOCAL: Canceler.LOCAL}
_STOPPED_BY: Final = {Door.CLOUD: Withheld.STOPPED_REMOTE, Door.LOCAL: Withheld.STOPPED_LOCAL}


def answer(state: SiteState, event: Commanded, rules: SiteRules, now: Now) -> Step:
    """Judge one request; the step has always a reply."""
    command = event.command
    asked = Asked(command, event.known, rules, now)
    try:
        _in_time(command, now)
        match command.request:
            case PutBooking() as request:
                return put(state, request, asked)
            case CancelBooking() as request:
                return _cancel(state, request, asked)
            case FindSlots() as request:
                return _find(state, request, asked)
            case StopSession() as request:
                return _stop(state, request, asked)
            case AuthorizeSession() as request:
                return authorizing.authorize(state, request, asked)
            case PutTokens() as request:
                return tokens.put(state, request, asked)
            case RemoveTokens() as request:
                return tokens.remove(state, request, asked)
            case SyncTokens() as request:
                return tokens.sync(state, request, asked)
    except Refused as refused:
        return Step(
            state, reply=Reply(command.id, Result.REJECTED, refused.reason, refused.detail, refused.rev)
        )


def _cancel(state: SiteState, wish: CancelBooking, asked: Asked) -> Step:
    known, rules, now = asked.known, asked.rules, asked.now
    live = live_booking(state, wish.booking_id)
    if live is None:
        if known is not None and known.status.is_final:
            raise Refused(Reason.FINAL_STATE, f"the booking is {known.status.value}", known.rev)
        raise Refused(Reason.UNKNOWN_RESERVATION, f"there is no booking {wish.booking_id}")
    has_rev(live, wish.expected_rev)
    why = _canceled_reason(wish.reason)
    terms, evse = rules.evses[live.evse_id].terms, state.evses[live.evse_id]
    last_at = live.start_at - timedelta(seconds=terms.cancel_until_s)
    is_late = now.trusted and now.at > last_at and not _is_the_sites_fault(live, evse, why)
    if is_late and terms.late_cancel is LateCancel.DECLINE:
        raise Refused(Reason.CANCEL_TOO_LATE, f"it could be canceled until {text(last_at)}", live.rev)
    booking = moved(
        live,
        BookingEvent.WITHDRAWN,
        now.at,
        canceled_reason=why,
        canceled_by=_CANCELER[asked.command.door],
    )
    state = with_evse(state, without(evse, live, now), places=left(state.places, live.id))
    step = told(state, asked.command, booking)
    fee_minor = late_cancel_fee_minor(live, terms) if is_late else 0
    if not fee_minor:
        return step
    fee = flat_fee(booking, PenaltyKind.LATE_CANCEL, fee_minor, span=(last_at, now.at), rules=rules, now=now)
    return replace(step, effects=(*step.effects, PenaltyChanged(fee)))


def _is_the_sites_fault(live: Booking, evse: EvseState, why: CanceledReason) -> bool:
    """A cancellation because of the site is never too late: another car there, a fault, an outlet unheard."""
    out = (Availability.OUT_OF_SERVICE, Availability.UNKNOWN)
    is_unfit = unfit_key(live) in evse.raised or evse.status.availability in out
    return why in _SITES_OWN or live.phase is BookingPhase.CONFLICT or is_unfit


def _find(state: SiteState, wish: FindSlots, asked: Asked) -> Step:
    rules, now = asked.rules, asked.now
    if not (is_aware(wish.from_at) and is_aware(wish.to_at)):
        raise Refused(Reason.INVALID, "times need their offset from UTC")
    if (
        wish.to_at <= wish.from_at
        or wish.duration_s <= 0
        or wish.limit <= 0
        or min(wish.power_w, wish.energy_wh) < 0
    ):
        raise Refused(Reason.INVALID, "a window, a duration and a limit must be more than nothing")
    named(rules, wish)
    if not now.trusted:
        raise Refused(Reason.CLOCK_NOT_TRUSTED, NO_TIME)
    data = finding.as_data(*finding.slots(state, rules, wish, now))
    return Step(state, reply=Reply(asked.command.id, Result.ACCEPTED, data=data))


def _stop(state: SiteState, wish: StopSession, asked: Asked) -> Step:
    for evse in state.evses.values():
        session = evse.session
        if session is not None and session.id == wish.session_id:
            return _stopped(state, evse, session, wish.reason, asked)
    raise Refused(Reason.UNKNOWN_SESSION, f"there is no open session {wish.session_id}")


def _stopped(
    state: SiteState, evse: EvseState, session: Session, why: StopReason | None, asked: Asked
) -> Step:
    command, by = asked.command, _STOPPED_BY[asked.command.door]
    if session.withheld in _STOPPED_BY.values():
        return Step(state, reply=Reply(command.id, Result.ACCEPTED, rev=session.rev))
    session = stopped(session, by, why)
    state = with_evse(state, due(replace(evse, session=session), asked.now))
    reply = Reply(command.id, Result.ACCEPTED, rev=session.rev)
    return Step(state, (SessionChanged(session),), reply)


def _in_time(command: Command, now: Now) -> None:
    if now.trusted and command.expires_at is not None and now.at >= command.expires_at:
        raise Refused(Reason.COMMAND_EXPIRED, f"it was meant to be read before {text(command.expires_at)}")


def _canceled_reason(word: str) -> CanceledReason:
    try:
        return CanceledReason(word)
    except ValueError:
        return CanceledReason.UNKNOWN
