"""One outlet, judged: the rules one after the other, then the difference between before and after."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from baywarden.model.evse import EvseState, EvseStatus
from baywarden.model.notice import Notice
from baywarden.model.overstay import Penalty, PenaltyStatus
from baywarden.model.session import MeterContext, MeterSample, Session, SessionStatus
from baywarden.model.step import (
    BookingChanged,
    Effect,
    MeterSampled,
    NoticeRaised,
    PenaltyChanged,
    SessionChanged,
    StatusChanged,
)
from baywarden.model.time import earliest
from baywarden.policy import access, access_notices, availability, bookings, notices, penalties, sessions
from baywarden.policy.scene import Scene

_MS: Final = timedelta(milliseconds=1)


def judge(before: EvseState, scene: Scene) -> tuple[EvseState, tuple[Effect, ...]]:
    """What the outlet is now, and what that means for others; the same object when nothing changed."""
    evse = sessions.meet(before, scene)
    evse = bookings.keep(evse, scene, before.session)
    evse = access.judged(evse, scene, before.session)
    evse = sessions.follow(evse, scene, before.session)
    evse, bill = penalties.charge(evse, scene)
    evse = _revised(before, evse)
    status = availability.derived(evse, scene)
    told = (*notices.due(before, evse, bill, scene), *access_notices.due(before, evse, scene))
    effects = (
        *_differences(before, evse, scene),
        *(PenaltyChanged(penalty) for penalty in penalties.no_shows(evse, scene)),
        *(() if status is before.status else (StatusChanged(status),)),
        *(NoticeRaised(notice) for notice in told),
    )
    return _woken(before, _live(evse, status, told, scene), bill, scene), effects


def _revised(before: EvseState, evse: EvseState) -> EvseState:
    """With the session's next revision if a cloud should hear of it."""
    session = evse.session
    if session is None or session is before.session or before.session is None:
        return evse
    if not sessions.is_news(before.session, session):
        return evse
    return replace(evse, session=replace(session, rev=before.session.rev + 1))


def _differences(before: EvseState, evse: EvseState, scene: Scene) -> Iterator[Effect]:
    session = evse.session
    if session is not None and session is not before.session:
        yield from _of_session(before.session, session)
    if evse.bookings is not before.bookings:
        known = {id(booking) for booking in before.bookings}
        yield from (BookingChanged(booking) for booking in evse.bookings if id(booking) not in known)
    if evse.penalty is not None and evse.penalty is not before.penalty:
        yield PenaltyChanged(evse.penalty)
    if session is not None:
        yield from (MeterSampled(sample) for sample in _samples(before.session, session, scene))


def _of_session(before: Session | None, session: Session) -> Iterator[Effect]:
    if sessions.is_news(before, session):
        yield SessionChanged(session)
    elif sessions.is_worth_keeping(before, session) or (
        before is not None and before.seen_mono_ms != session.seen_mono_ms
    ):
        yield SessionChanged(session, public=False)


def _samples(before: Session | None, session: Session, scene: Scene) -> Iterator[MeterSample]:
    """The register at the begin, on the quarter hours and at the end."""
    now, power_w = scene.now.at, scene.sight.power_w
    if session.start_register_wh is None:
        return
    if before is None or before.start_register_wh is None:
        begin = MeterContext.TRANSACTION_BEGIN
        yield MeterSample(session.id, session.evse_id, now, begin, session.start_register_wh, 0, power_w)
    elif before.next_sample_at is not None and before.next_sample_at <= now and scene.sight.unheard is None:
        yield _sample(session, MeterContext.SAMPLE_CLOCK, now, power_w)
    if session.status is SessionStatus.COMPLETED:
        yield _sample(session, MeterContext.TRANSACTION_END, session.ended_at or now, power_w)


def _sample(session: Session, context: MeterContext, at: datetime, power_w: int | None) -> MeterSample:
    return MeterSample(
        session.id, session.evse_id, at, context, session.register_wh, session.energy_wh, power_w
    )


def _live(evse: EvseState, status: EvseStatus, told: tuple[Notice, ...], scene: Scene) -> EvseState:
    """Without what has ended and the keys that belonged to it."""
    live = evse.bookings
    if any(booking.status.is_final for booking in live):
        live = tuple(booking for booking in live if not booking.status.is_final)
    session = evse.session
    if session is not None and session.status is SessionStatus.COMPLETED:
        session = None
    raised = evse.raised | {notice.key for notice in told} if told else evse.raised
    armed_ma = _armed_ma(evse, scene)
    penalty = _accruing(evse.penalty)
    kept = EvseState(evse.evse_id, status, live, session, penalty, raised=raised, armed_ma=armed_ma)
    if evse.promised_until_at is not None:
        kept = replace(kept, promised_until_at=evse.promised_until_at)
    if evse.tag is not None or evse.shown is not None:
        kept = replace(kept, tag=evse.tag, shown=evse.shown)
    raised = notices.pruned(kept, scene)
    return kept if raised is kept.raised else replace(kept, raised=raised)


def _armed_ma(evse: EvseState, scene: Scene) -> int | None:
    """What it falls back to by itself; what cannot be judged stays as it was."""
    is_armed = scene.sight.is_armed
    if is_armed is None:
        return evse.armed_ma
    return scene.outlet.failsafe_ma if is_armed else None


def _accruing(penalty: Penalty | None) -> Penalty | None:
    return penalty if penalty is not None and penalty.status is PenaltyStatus.ACCRUING else None


def _woken(before: EvseState, evse: EvseState, bill: penalties.Bill | None, scene: Scene) -> EvseState:
    """With the moment at which it must be judged again though nothing is seen to change."""
    now = scene.now
    mono_ms, at = None, bookings.next_due(evse, scene)
    if evse.session is not None:
        mono_ms, sample_at = sessions.next_due(evse.session, scene)
        at = earliest(at, sample_at, penalties.next_due(evse, bill, now))
    elif scene.sight.car and scene.sight.unheard is None:
        # One car's session has ended and another car stands there: its own begins with the next look.
        mono_ms = now.mono_ms + 1
    elif evse.shown is not None:
        mono_ms = evse.shown.until_mono_ms
    wake_at = earliest(at, None if mono_ms is None else now.in_ms(mono_ms))
    wake_mono_ms = None
    if wake_at is not None:
        wake_mono_ms = now.mono_ms - (now.at - wake_at) // _MS
        evse = replace(evse, wake_at=wake_at, wake_mono_ms=wake_mono_ms)
    return before if evse == before else evse
