"""Sessions: begun when a car is seen, ended when it is seen to be gone; energy is counted by register."""

from dataclasses import replace
from datetime import datetime, timedelta

from baywarden.model.evse import Availability, EvseState
from baywarden.model.overstay import ClockState
from baywarden.model.session import Session, SessionStatus, StopReason
from baywarden.policy import access
from baywarden.policy.clock import debounce_ms, on_the_clock
from baywarden.policy.holds import own_end
from baywarden.policy.metering import KEEP_EVERY_MS, metered, quarter_after
from baywarden.policy.moves import move
from baywarden.policy.scene import Scene
from baywarden.policy.session_states import MOVES, SessionEvent
from baywarden.policy.sight import is_same_token
from baywarden.policy.timeline import closed, turned
from baywarden.policy.withheld import STOPPED, Withheld


def meet(evse: EvseState, scene: Scene) -> EvseState:
    """Begin the session of a car that has come, end that of one that has left, note a token shown."""
    sight, session = scene.sight, evse.session
    card = access.card_shown(evse, scene)
    evse = access.noted(evse, scene)
    if sight.unheard is not None:
        return evse
    if session is None:
        return replace(evse, session=_begun(evse, scene, card), shown=None) if sight.car else evse
    if card is not None and access.is_open_to_another_card(session):
        session = replace(session, token=card, token_group=scene.tokens.group_of(card))
    if sight.car is False:
        session = _left(session, scene)
    elif sight.car and _is_anothers(evse, session, scene):
        session = replace(_left(session, scene), energy_suspect=True)
        evse = replace(evse, tag=None)  # the other car's card: its session begins with the next look
    return evse if session is evse.session else replace(evse, session=session)


def follow(evse: EvseState, scene: Scene, before: Session | None) -> EvseState:
    """Turn the timeline to what the car does now and count the energy."""
    session = evse.session
    if session is None:
        return evse
    if session.status is SessionStatus.COMPLETED and scene.sight.car:
        # Nobody knows which of two cars drew what the register has counted since.
        return evse
    if session.status is not SessionStatus.COMPLETED:
        session = on_the_clock(session, scene)
    session = metered(session, scene, at_once=is_worth_keeping(before, session))
    return evse if session is evse.session else replace(evse, session=session)


def stopped(session: Session, by: Withheld, why: StopReason | None = None) -> Session:
    """With 0 A until the car leaves."""
    return replace(session, withheld=by.value, stop_asked=why, rev=session.rev + 1)


def removed(session: Session) -> Session:
    """Ended because the outlet is no longer part of the site; what was heard last counts."""
    heard = max(session.seen_mono_ms, session.open_from_mono_ms)
    ended_at = session.open_from_at + timedelta(milliseconds=heard - session.open_from_mono_ms)
    return _completed(session, heard, ended_at, _stopped_by(session) or StopReason.OTHER)


def is_worth_keeping(before: Session | None, after: Session) -> bool:
    """Whether something has changed that must survive a power cut at once. Registers wait for the minute."""
    return before is None or _skeleton(before) != _skeleton(after)


def is_news(before: Session | None, after: Session) -> bool:
    """Whether a cloud should hear of the change."""
    return before is None or _public(before) != _public(after)


def next_due(session: Session, scene: Scene) -> tuple[int | None, datetime | None]:
    """When to look again though nothing is seen to change: by CLOCK_BOOTTIME and by the calendar."""
    due = []
    if session.low_since_mono_ms is not None:
        due.append(max(session.low_since_mono_ms + debounce_ms(session), scene.now.mono_ms + 1))
    if session.open_state is ClockState.CHARGING:
        due.append((scene.now.mono_ms // KEEP_EVERY_MS + 1) * KEEP_EVERY_MS)
    if scene.sight.heard_mono_ms is None:
        due.append(max(scene.begun_mono_ms + scene.rules.stale_after_ms, scene.now.mono_ms) + 1)
    if session.odd_register_wh is not None and scene.sight.unheard is None:
        due.append(scene.now.mono_ms + 1)
    return min(due, default=None), session.next_sample_at


def _begun(evse: EvseState, scene: Scene, card: str | None) -> Session:
    """With the card that is shown at the plug, or else the token that was shown shortly before."""
    now, shown = scene.now, evse.shown
    if card is not None or shown is None:
        token, group, right = card, scene.tokens.group_of(card), None
    else:
        token, group, right = shown.token, shown.token_group, shown.right
    heard = now.mono_ms if scene.sight.heard_mono_ms is None else scene.sight.heard_mono_ms
    at = now.in_ms(heard)
    return Session(
        id=session_id(evse.evse_id, at, heard),
        evse_id=evse.evse_id,
        status=SessionStatus.PENDING,
        started_at=at,
        boot_id=now.boot_id,
        open_state=ClockState.SUSPENDED_EV,
        open_from_at=at,
        open_from_mono_ms=heard,
        booking_end_at=own_end(evse, scene.terms, at) if now.trusted else None,
        token=token,
        token_group=group,
        right=right,
        policy=scene.outlet.overstay,
        seen_mono_ms=heard,
        next_sample_at=quarter_after(now.at),
    )


def session_id(evse_id: str, at: datetime, mono_ms: int) -> str:
    """Both clocks in one name: a calendar that comes back after a reboot cannot make it twice."""
    return f"{evse_id}-{at:%Y%m%dt%H%M%Sz}-{mono_ms:x}"


def _is_anothers(evse: EvseState, session: Session, scene: Scene) -> bool:
    """Whether the car was exchanged while nothing was heard: another card is shown than before.

    While the outlet is heard a second card means nothing; the next cycle begins the other car's session.
    """
    token = scene.sight.token
    was_unheard = evse.status.availability is Availability.UNKNOWN
    return was_unheard and token is not None and not is_same_token(session.token, token)


def _left(session: Session, scene: Scene) -> Session:
    """Ended at the reading that shows no car; time of which nothing was heard before it stays unknown."""
    now = scene.now
    heard = now.mono_ms if scene.sight.heard_mono_ms is None else scene.sight.heard_mono_ms
    if scene.is_first_look and heard - session.seen_mono_ms > scene.rules.stale_after_ms:
        session = turned(session, ClockState.UNKNOWN, session.seen_mono_ms, now)
    reason = StopReason.EV_DISCONNECTED
    if session.withheld is not None:
        reason = STOPPED.get(session.withheld, reason)
    heard = max(heard, session.open_from_mono_ms)
    reason = _stopped_by(session) or StopReason.EV_DISCONNECTED
    return _completed(session, heard, now.in_ms(heard), reason)


def _stopped_by(session: Session) -> StopReason | None:
    """What ended it before the car left: whoever asked for it may have said why."""
    if session.withheld is None or session.withheld not in STOPPED:
        return None
    return session.stop_asked or STOPPED[session.withheld]


def _completed(session: Session, at_mono_ms: int, ended_at: datetime, reason: StopReason) -> Session:
    return replace(
        session,
        status=move(MOVES, session.status, SessionEvent.LEFT),
        segments=closed(session, at_mono_ms),
        open_from_at=ended_at,
        open_from_mono_ms=at_mono_ms,
        low_since_mono_ms=None,
        ended_at=ended_at,
        charge_ended_at=session.charge_ended_at or (ended_at if session.has_charged else None),
        stop_reason=reason,
    )


def _skeleton(session: Session) -> tuple[object, ...]:
    return (
        *_public(session),
        session.open_state,
        session.open_from_mono_ms,
        session.boot_id,
        len(session.segments),
        session.start_register_wh,
    )


def _public(session: Session) -> tuple[object, ...]:
    return (
        session.status,
        session.booking_id,
        session.booking_end_at,
        session.token,
        session.has_charged,
        session.charge_ended_at,
        session.ended_at,
        session.energy_suspect,
        session.penalty_id,
        session.withheld,
        session.right,
        session.stop_asked,
        session.open_state,
    )
