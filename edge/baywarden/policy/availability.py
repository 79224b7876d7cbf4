"""The one state of an outlet that people see (DOMAIN 3), derived anew from what is known."""

from dataclasses import replace
from datetime import datetime

from baywarden.model.booking import BookingPhase
from baywarden.model.evse import Availability, EvseState, EvseStatus
from baywarden.model.overstay import ClockState
from baywarden.model.reading import ChargerState
from baywarden.model.session import Session, SessionStatus
from baywarden.policy.bookings import held
from baywarden.policy.scene import Scene
from baywarden.policy.sight import Sight, Why
from baywarden.policy.withheld import WHY

_STATES = {
    Why.PREPARING: ChargerState.PREPARING,
    Why.CHARGING: ChargerState.CHARGING,
    Why.IDLE: ChargerState.SUSPENDED_EV,
    Why.PAUSED: ChargerState.SUSPENDED_EVSE,
    Why.WITHHELD: ChargerState.SUSPENDED_EVSE,
    Why.FAULT: ChargerState.FAULTED,
    Why.UNAVAILABLE: ChargerState.UNAVAILABLE,
    Why.HELD: ChargerState.RESERVED,
    Why.CHARGER_RESERVED: ChargerState.RESERVED,
    Why.FREE: ChargerState.AVAILABLE,
}


def not_polled(evse_id: str, at: datetime) -> EvseStatus:
    """Before the first poll nothing is known, whatever was known before the restart."""
    return EvseStatus(evse_id, Availability.UNKNOWN, Why.NOT_POLLED.value, at)


def derived(evse: EvseState, scene: Scene) -> EvseStatus:
    """The status as it should be now; the same object when it is so already."""
    sight, old = scene.sight, evse.status
    session = evse.session
    if session is not None and session.status is SessionStatus.COMPLETED:
        session = None
    booking = held(evse)
    is_conflict = booking is not None and booking.phase is BookingPhase.CONFLICT
    availability, why = _now(sight, session, is_held=booking is not None)
    state = old.state if sight.unheard is not None else _STATES[why].value
    is_same = old.availability is availability and old.reason == why
    status = EvseStatus(
        evse_id=evse.evse_id,
        availability=availability,
        reason=why.value,
        since_at=old.since_at if is_same else scene.now.at,
        detail=_detail(sight, scene, session, is_conflict),
        state=state,
        session_id=None if session is None else session.id,
        booking_id=booking.id if booking is not None else (session.booking_id if session else None),
    )
    if is_same and sight.unheard is not None:
        status = replace(status, detail=old.detail)
    return old if status == old else status


def _now(sight: Sight, session: Session | None, *, is_held: bool) -> tuple[Availability, Why]:
    if sight.unheard is not None:
        return Availability.UNKNOWN, sight.unheard
    if sight.fault is not None:
        return Availability.OUT_OF_SERVICE, sight.fault
    if session is not None:
        return Availability.OCCUPIED, _doing(sight, session)
    if sight.car:
        return Availability.OCCUPIED, Why.PREPARING
    if is_held:
        return Availability.RESERVED, Why.HELD
    if sight.state is ChargerState.RESERVED:
        return Availability.RESERVED, Why.CHARGER_RESERVED
    return Availability.AVAILABLE, Why.FREE


def _doing(sight: Sight, session: Session) -> Why:
    if session.withheld is not None:
        return Why.WITHHELD
    if sight.is_drawing:
        return Why.CHARGING
    if sight.is_paused:
        return Why.PAUSED
    if not session.has_charged:
        return Why.PREPARING
    if session.open_state is ClockState.CHARGING:
        return Why.CHARGING
    return Why.IDLE


def _detail(sight: Sight, scene: Scene, session: Session | None, is_conflict: bool) -> str:
    if sight.unheard is not None:
        return sight.detail or _last_heard(sight, scene)
    if sight.fault is not None:
        code = "" if sight.error_code is None else f"error {sight.error_code}"
        return " ".join(part for part in (code, sight.detail) if part)
    if is_conflict:
        return "a booking waits for this outlet"
    return "" if session is None or session.withheld is None else WHY.get(session.withheld, "")


def _last_heard(sight: Sight, scene: Scene) -> str:
    if sight.heard_mono_ms is None:
        return ""
    return f"last heard {scene.now.in_ms(sight.heard_mono_ms):%Y-%m-%dT%H:%M:%SZ}"
