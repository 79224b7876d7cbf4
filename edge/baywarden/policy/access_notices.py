"""What drivers are told of their right: none here, not any more, or only until the next hold."""

from collections.abc import Iterator, Mapping
from typing import Any

from baywarden.model.evse import EvseState
from baywarden.model.notice import Notice, NoticeKind
from baywarden.model.session import Session, SessionStatus
from baywarden.policy.holders import is_holder
from baywarden.policy.notices import clock
from baywarden.policy.scene import Scene
from baywarden.policy.withheld import WHY


def due(before: EvseState, evse: EvseState, scene: Scene) -> Iterator[Notice]:
    """What is to be told and has not been told."""
    session = evse.session
    if session is not None and session.status is not SessionStatus.COMPLETED:
        yield from _refused(evse, session, scene)
        yield from _limited(evse, session, scene)
    elif session is None and before.shown is not None and evse.shown is None and before.session is None:
        yield from _not_used(before, evse, scene)


def _refused(evse: EvseState, session: Session, scene: Scene) -> Iterator[Notice]:
    """Once for each reason in a session, to the one whose token it is; without one nobody is known."""
    why = None if session.withheld is None else WHY.get(session.withheld)
    if session.token is None or why is None:
        return
    key = f"{session.id}/{NoticeKind.ACCESS_REFUSED.value}/{session.withheld}"
    if key not in evse.raised:
        text = f"{scene.outlet.label} gives no power: {why}."
        yield _notice(key, NoticeKind.ACCESS_REFUSED, text, scene, _of(session))


def _limited(evse: EvseState, session: Session, scene: Scene) -> Iterator[Notice]:
    """A car without a booking may stay until the next hold; told again when that moves."""
    until_at = session.booking_end_at
    if session.booking_id is not None or until_at is None or until_at <= scene.now.at:
        return
    if session.withheld is not None or session.penalty_id is not None:
        return
    if any(is_holder(scene.tokens, session.token, booking.token) for booking in evse.bookings[:1]):
        return
    key = f"{session.id}/{NoticeKind.STAY_LIMITED.value}/{until_at:%Y%m%dT%H%M%SZ}"
    if key not in evse.raised:
        text = f"{scene.outlet.label} is booked: you may stay until {clock(until_at, scene.rules)}."
        yield _notice(key, NoticeKind.STAY_LIMITED, text, scene, _of(session))


def _not_used(before: EvseState, evse: EvseState, scene: Scene) -> Iterator[Notice]:
    """The right token was shown and nobody plugged in (OCPP 2.1 NoTransaction): the hold stays as it is."""
    shown = before.shown
    assert shown is not None
    held = next((b for b in evse.bookings if is_holder(scene.tokens, shown.token, b.token)), None)
    owner = evse.evse_id if held is None else held.id
    key = f"{owner}/{NoticeKind.NO_TRANSACTION.value}/{shown.until_mono_ms:x}-{scene.now.boot_id}"
    text = f"Nobody plugged in at {scene.outlet.label} in time: show the card or ask in the app again."
    about = {"token": shown.token, "booking_id": None if held is None else held.id}
    yield _notice(key, NoticeKind.NO_TRANSACTION, text, scene, about)


def _of(session: Session) -> Mapping[str, Any]:
    return {"token": session.token, "booking_id": session.booking_id, "session_id": session.id}


def _notice(key: str, kind: NoticeKind, text: str, scene: Scene, about: Mapping[str, Any]) -> Notice:
    return Notice(key, kind, scene.now.at, scene.outlet.id, text, **about)
