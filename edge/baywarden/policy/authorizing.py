"""`session.authorize`: a token or the code of a booking gives a right to the car that is there, or comes soon."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from baywarden.model.access import AccessDecision, AccessMode, Right, Shown
from baywarden.model.booking import Booking
from baywarden.model.command import AuthorizeSession, Door, Reason, Reply, Result
from baywarden.model.evse import Availability, EvseState
from baywarden.model.session import Session
from baywarden.model.site import EvseRules, SiteState
from baywarden.model.step import AccessDecided, Effect, SessionChanged, Step
from baywarden.policy import codes
from baywarden.policy.access import REASONS, verdict
from baywarden.policy.answers import Asked, Refused, due, with_evse
from baywarden.policy.finding import text
from baywarden.policy.holders import is_holder
from baywarden.policy.holds import hold_begins, limit_at, own_end
from baywarden.policy.sight import is_same_token
from baywarden.policy.withheld import STOPPED, WHY, Withheld

_OUT = (Availability.OUT_OF_SERVICE, Availability.UNKNOWN)


@dataclass(frozen=True, slots=True)
class _Case:
    """Who asks where. `booking` is the one whose hold is on and whose right it is."""

    state: SiteState
    evse: EvseState
    outlet: EvseRules
    asked: Asked
    token: str
    right: Right
    booking: Booking | None


def authorize(state: SiteState, wish: AuthorizeSession, asked: Asked) -> Step:
    """Answer AuthorizeSession; what was tried is noted for the audit, granted or not. Raises Refused."""
    if wish.evse_id not in asked.rules.evses:
        raise Refused(Reason.EVSE_UNKNOWN, f"there is no outlet {wish.evse_id}")
    if (wish.token is None) == (wish.code is None):
        raise Refused(Reason.INVALID, "either a token or a code is needed")
    if wish.code is not None:
        state, refused = codes.tried(state, wish.evse_id, wish.code, asked.rules, asked.now)
    else:
        refused = None
    try:
        if refused is not None:
            raise refused
        return _granted(_case(state, wish, asked))
    except Refused as refusal:
        reply = Reply(asked.command.id, Result.REJECTED, refusal.reason, refusal.detail)
        return Step(state, (_noted(wish, asked, wish.token, refusal.reason),), reply)


def held_now(evse: EvseState, outlet: EvseRules, at: datetime) -> Booking | None:
    """The booking that the outlet is kept for at that moment."""
    for place, booking in enumerate(evse.bookings[:2]):
        if hold_begins(evse, place, outlet.terms) <= at < limit_at(booking, outlet.terms):
            return booking
    return None


def _case(state: SiteState, wish: AuthorizeSession, asked: Asked) -> _Case:
    """Raises Refused where the token is no right there."""
    evse, outlet = state.evses[wish.evse_id], asked.rules.evses[wish.evse_id]
    hold = held_now(evse, outlet, asked.now.at) if asked.now.trusted else None
    token = wish.token
    if wish.code is not None:
        hold = codes.booking_of(evse, outlet, wish.code, asked.now)
        if hold is None:
            raise Refused(Reason.WRONG_CODE, "no booking of this outlet has that code now")
        token = hold.token
    assert token is not None
    _is_not_anothers(evse, token)
    if hold is not None and (wish.code is not None or is_holder(state.tokens, token, hold.token)):
        return _Case(state, evse, outlet, asked, token, Right.BOOKING, hold)
    if hold is not None and (evse.session is None or evse.session.right is None):
        raise Refused(Reason.EVSE_RESERVED, WHY[Withheld.RESERVED_FOR_ANOTHER])
    right = _right(state, outlet, token, asked)
    _has_time(state, evse, outlet, token, asked)
    return _Case(state, evse, outlet, asked, token, right, None)


def _is_not_anothers(evse: EvseState, token: str) -> None:
    """Raises Refused where a car has its right by another token."""
    session = evse.session
    if session is None or session.right is None or session.token is None:
        return
    if not is_same_token(session.token, token):
        raise Refused(Reason.EVSE_OCCUPIED, "a car is there on another token")


def _right(state: SiteState, outlet: EvseRules, token: str, asked: Asked) -> Right:
    """By the site's list, or by the cloud's word where the outlet takes those without a booking at all."""
    found = verdict(outlet.access, state.tokens, token)
    if isinstance(found, Right):
        return found
    if asked.command.door is Door.CLOUD and outlet.access.mode is AccessMode.TOKEN:
        return Right.CLOUD
    raise Refused(REASONS[found], WHY[found])


def _has_time(state: SiteState, evse: EvseState, outlet: EvseRules, token: str, asked: Asked) -> None:
    """Raises Refused where the next hold, unless it is for this very token, begins before the least stay is over."""
    now, session = asked.now, evse.session
    if not now.trusted or (session is not None and session.right is not None):
        return
    from_at = now.at if session is None else session.started_at
    end_at = own_end(evse, outlet.terms, now.at)
    if end_at is None or end_at - from_at >= timedelta(seconds=outlet.access.min_stay_s):
        return
    if not is_holder(state.tokens, token, evse.bookings[0].token):
        raise Refused(REASONS[Withheld.RESERVED_SOON], WHY[Withheld.RESERVED_SOON])


def _granted(case: _Case) -> Step:
    session = case.evse.session
    if case.evse.status.availability in _OUT:
        raise Refused(Reason.EVSE_INOPERATIVE, f"its state is {case.evse.status.reason}")
    if session is None:
        return _to_come(case)
    if session.withheld in STOPPED:
        raise Refused(Reason.FINAL_STATE, "its power was stopped: plug in again")
    return _at_once(case, session)


def _to_come(case: _Case) -> Step:
    """Nobody is there yet: it counts for a car that is plugged in before it runs out."""
    now, access = case.asked.now, case.outlet.access
    until_mono_ms = now.mono_ms + 1000 * access.connect_timeout_s
    group = case.state.tokens.group_of(case.token)
    right = None if case.right is Right.BOOKING else case.right
    evse = due(replace(case.evse, shown=Shown(case.token, until_mono_ms, group, right)), now)
    data = {"plug_in_until_at": text(now.in_ms(until_mono_ms))}
    if case.booking is None and now.trusted:
        end_at = own_end(evse, case.outlet.terms, now.at)
        data |= {} if end_at is None else {"stay_until_at": text(end_at)}
    return _told(case, evse, None, data)


def _at_once(case: _Case, session: Session) -> Step:
    """The car that is there; a hold is fulfilled with the next readings."""
    if session.right is None or session.token is None:
        session = replace(
            session,
            token=case.token,
            token_group=case.state.tokens.group_of(case.token),
            right=session.right or (None if case.booking is not None else case.right),
            rev=session.rev + 1,
        )
    if session.right is not None and session.withheld is not None:
        session = replace(session, withheld=None)
    end_at = session.booking_end_at if case.booking is None else case.booking.end_at
    data = {} if end_at is None else {"stay_until_at": text(end_at)}
    return _told(case, due(replace(case.evse, session=session), case.asked.now), session, data)


def _told(case: _Case, evse: EvseState, session: Session | None, data: dict[str, str]) -> Step:
    booking, asked = case.booking, case.asked
    session_id = None if session is None else session.id
    booking_id = None if booking is None else booking.id
    about = {"evse_id": evse.evse_id, "session_id": session_id, "booking_id": booking_id, **data}
    decision = AccessDecision(
        evse.evse_id,
        asked.now.at,
        asked.command.door.value,
        "token" if booking is None or _names_a_token(asked) else "code",
        case.token,
        None,
        session_id,
        booking_id,
    )
    effects: list[Effect] = [AccessDecided(decision)]
    if session is not None and session is not case.evse.session:
        effects.append(SessionChanged(session))
    reply = Reply(asked.command.id, Result.ACCEPTED, rev=session.rev if session else None, data=about)
    return Step(with_evse(case.state, evse), tuple(effects), reply)


def _names_a_token(asked: Asked) -> bool:
    return isinstance(asked.command.request, AuthorizeSession) and asked.command.request.token is not None


def _noted(wish: AuthorizeSession, asked: Asked, token: str | None, why: Reason) -> AccessDecided:
    how = "token" if wish.code is None else "code"
    door = asked.command.door.value
    return AccessDecided(AccessDecision(wish.evse_id, asked.now.at, door, how, token, why.value))
