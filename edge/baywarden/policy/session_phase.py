"""What a session is doing in one word (DOMAIN 3): derived, so that it cannot contradict the timeline."""

from typing import Final

from baywarden.model.overstay import ClockState
from baywarden.model.session import Session, SessionPhase, SessionStatus
from baywarden.policy.withheld import STOPPED

_AS_THE_CLOCK_SAYS: Final = {
    ClockState.SUSPENDED_EVSE: SessionPhase.SUSPENDED_EVSE,
    ClockState.FAULTED: SessionPhase.FAULTED,
    ClockState.UNKNOWN: SessionPhase.UNKNOWN,
}


def phase_of(session: Session) -> SessionPhase:
    """The word for the session as it is now."""
    if session.status is SessionStatus.COMPLETED:
        return SessionPhase.FINISHED
    if session.open_state in _AS_THE_CLOCK_SAYS:
        return _AS_THE_CLOCK_SAYS[session.open_state]
    if session.open_state is ClockState.CHARGING:
        is_low = session.low_since_mono_ms is not None
        return SessionPhase.SUSPENDED_EV if is_low else SessionPhase.CHARGING
    if session.withheld in STOPPED:
        return SessionPhase.SUSPENDED_EVSE
    return SessionPhase.IDLE if session.has_charged else SessionPhase.CONNECTED
