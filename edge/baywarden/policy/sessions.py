"""Sessions: begun when a car is seen, ended when it is seen to be gone; energy is counted by register."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from baywarden.model.booking import BookingTerms
from baywarden.model.evse import EvseState
from baywarden.model.overstay import ClockState
from baywarden.model.session import Session, SessionStatus, StopReason
from baywarden.policy.clock import debounce_ms, on_the_clock
from baywarden.policy.moves import move
from baywarden.policy.scene import Scene
from baywarden.policy.session_states import MOVES, SessionEvent
from baywarden.policy.timeline import closed, turned

QUARTER: Final = timedelta(minutes=15)
KEEP_EVERY_MS: Final = 60_000
"""Registers are kept on whole minutes of CLOCK_BOOTTIME, all outlets' in one commit."""


class Withheld(StrEnum):
    """Why a car gets 0 A."""

    STOPPED_REMOTE = "stopped_remote"
    STOPPED_LOCAL = "stopped_local"
    RESERVED_FOR_ANOTHER = "reserved_for_another"
    TOKEN_REQUIRED = "token_required"


STOPPED: Final[Mapping[str, StopReason]] = MappingProxyType(
    {Withheld.STOPPED_REMOTE: StopReason.REMOTE, Withheld.STOPPED_LOCAL: StopReason.LOCAL}
)


def meet(evse: EvseState, scene: Scene) -> EvseState:
    """Begin the session of a car that has come, end that of one that has left, note a token shown."""
    sight, session = scene.sight, evse.session
    if sight.unheard is not None:
        return evse
    if session is None:
        return replace(evse, session=_begun(evse, scene)) if sight.car else evse
    if session.token is None and sight.token is not None:
        session = replace(session, token=sight.token)
    if sight.car is False:
        session = _left(session, scene)
    return evse if session is evse.session else replace(evse, session=session)


def follow(evse: EvseState, scene: Scene, before: Session | None) -> EvseState:
    """Turn the timeline to what the car does now and count the energy."""
    session = evse.session
    if session is None:
        return evse
    if session.status is not SessionStatus.COMPLETED:
        session = on_the_clock(session, scene)
    session = _metered(session, scene, before)
    return evse if session is evse.session else replace(evse, session=session)


def stopped(session: Session, by: Withheld) -> Session:
    """With 0 A until the car leaves."""
    return replace(session, withheld=by.value, rev=session.rev + 1)


def removed(session: Session) -> Session:
    """Ended because the outlet is no longer part of the site; what was heard last counts."""
    heard = max(session.seen_mono_ms, session.open_from_mono_ms)
    ended_at = session.open_from_at + timedelta(milliseconds=heard - session.open_from_mono_ms)
    return _completed(session, heard, ended_at, StopReason.OTHER)


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
    return min(due, default=None), session.next_sample_at


def own_end(evse: EvseState, terms: BookingTerms, at: datetime) -> datetime | None:
    """Until when a car that comes unbooked at that moment may stay: the next hold."""
    early = timedelta(seconds=terms.early_start_s)
    holds = (booking.start_at - early for booking in evse.bookings)
    return next((hold_at for hold_at in holds if hold_at > at), None)


def _begun(evse: EvseState, scene: Scene) -> Session:
    now = scene.now
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
        booking_end_at=own_end(evse, scene.terms, at),
        token=scene.sight.token,
        policy=scene.outlet.overstay,
        seen_mono_ms=heard,
        next_sample_at=_quarter_after(now.at),
    )


def session_id(evse_id: str, at: datetime, mono_ms: int) -> str:
    """Both clocks in one name: a calendar that comes back after a reboot cannot make it twice."""
    return f"{evse_id}-{at:%Y%m%dt%H%M%Sz}-{mono_ms:x}"


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
    return _completed(session, heard, now.in_ms(heard), reason)


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


def _metered(session: Session, scene: Scene, before: Session | None) -> Session:
    """Count up to the register that was read. After a fall the count goes on from the new value."""
    sight, now = scene.sight, scene.now
    sample_due = session.next_sample_at is not None and (
        now.at >= session.next_sample_at or session.next_sample_at - now.at > QUARTER
    )
    if sample_due:
        session = replace(session, next_sample_at=_quarter_after(now.at))
    register_wh, heard = sight.energy_wh, sight.heard_mono_ms
    if sight.unheard is not None or register_wh is None or heard is None:
        return session
    if session.register_wh is None:
        return _latched(session, register_wh, heard)
    falls = register_wh < session.register_wh
    minute = heard // KEEP_EVERY_MS != session.seen_mono_ms // KEEP_EVERY_MS
    if not (falls or minute or sample_due or is_worth_keeping(before, session)):
        return session
    if register_wh == session.register_wh:
        return session
    return replace(
        session,
        register_wh=register_wh,
        energy_wh=session.energy_wh + max(0, register_wh - session.register_wh),
        energy_suspect=session.energy_suspect or falls,
        seen_mono_ms=max(heard, session.seen_mono_ms),
        last_power_w=sight.power_w,
    )


def _latched(session: Session, register_wh: int, heard: int) -> Session:
    """The first valid register: nothing is counted before it."""
    if session.status is not SessionStatus.PENDING:
        return session
    return replace(
        session,
        status=move(MOVES, session.status, SessionEvent.METERED),
        start_register_wh=register_wh,
        register_wh=register_wh,
        seen_mono_ms=max(heard, session.seen_mono_ms),
    )


def _quarter_after(at: datetime) -> datetime:
    start = at.replace(minute=at.minute - at.minute % 15, second=0, microsecond=0)
    return start + QUARTER


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
    )
