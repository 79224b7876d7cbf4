"""Which state of the overstay clocks a session is in (DOMAIN 2.3 and 3)."""

from dataclasses import replace
from typing import Final

from baywarden.model.overstay import ClockState
from baywarden.model.session import Session
from baywarden.policy.scene import Scene
from baywarden.policy.sight import IDLE_DEBOUNCE_S
from baywarden.policy.timeline import turned
from baywarden.policy.withheld import STOPPED

PAUSED: Final = ClockState.SUSPENDED_EVSE
IDLE: Final = ClockState.SUSPENDED_EV
"""Also a car that has not charged yet: the clock after a charge waits for a CHARGING segment by itself.

And a car that was stopped by request: it could leave, so it does not park for free behind a pause of the site.
"""


def on_the_clock(session: Session, scene: Scene) -> Session:
    """The session with its timeline turned to what is seen now."""
    sight, now = scene.sight, scene.now
    if sight.unheard is not None:
        return _unheard(session, scene)
    heard = now.mono_ms if sight.heard_mono_ms is None else sight.heard_mono_ms
    state, from_mono_ms, low_since = _seen(session, scene, heard)
    has_charged = session.has_charged or state is ClockState.CHARGING
    if not now.trusted:
        # Money may not begin on a calendar that nobody believes.
        state, from_mono_ms, low_since = ClockState.UNKNOWN, heard, None
    if (has_charged, low_since) != (session.has_charged, session.low_since_mono_ms):
        session = replace(session, has_charged=has_charged, low_since_mono_ms=low_since)
    if state is None:
        return session
    return _charge_end(_turned(session, state, from_mono_ms, scene, heard), state)


def debounce_ms(session: Session) -> int:
    """For how long a car must ask for nothing until it is idle."""
    return 1000 * (IDLE_DEBOUNCE_S if session.policy is None else session.policy.idle_debounce_s)


def _unheard(session: Session, scene: Scene) -> Session:
    """Silence ends nothing, but its time is unknown from the last good reading on.

    After a start an outlet gets `stale_after_ms` to be heard, in which the open stretch goes on.
    """
    sight, now = scene.sight, scene.now
    is_early = now.mono_ms - scene.begun_mono_ms <= scene.rules.stale_after_ms
    if sight.heard_mono_ms is None and is_early:
        return session
    heard = session.seen_mono_ms if sight.heard_mono_ms is None else sight.heard_mono_ms
    session = turned(session, ClockState.UNKNOWN, heard, now)
    return session if session.low_since_mono_ms is None else replace(session, low_since_mono_ms=None)


def _seen(session: Session, scene: Scene, heard: int) -> tuple[ClockState | None, int, int | None]:
    """The state, since when, and since when the car asks for nothing; no state when it stays for now."""
    sight = scene.sight
    if sight.fault is not None:
        return ClockState.FAULTED, heard, None
    if sight.is_drawing:
        return ClockState.CHARGING, heard, None
    if session.withheld in STOPPED:
        return IDLE, heard, None
    if session.withheld is not None or sight.is_paused:
        return PAUSED, heard, None
    if not session.has_charged or session.open_state is IDLE:
        return IDLE, heard, None
    if not sight.is_asking and session.open_state is ClockState.CHARGING:
        return IDLE, heard, None
    # After a pause, a fault or silence a car may need a while to ask again.
    low_since = heard if session.low_since_mono_ms is None else session.low_since_mono_ms
    if heard - low_since < debounce_ms(session):
        return None, heard, low_since
    return IDLE, low_since, None


def _turned(session: Session, state: ClockState, from_mono_ms: int, scene: Scene, heard: int) -> Session:
    """If the state changed while we were off, the time off belongs to neither state."""
    if (
        scene.is_first_look
        and state is not session.open_state
        and heard - session.seen_mono_ms > scene.rules.stale_after_ms
    ):
        session = turned(session, ClockState.UNKNOWN, session.seen_mono_ms, scene.now)
    return turned(session, state, from_mono_ms, scene.now)


def _charge_end(session: Session, state: ClockState) -> Session:
    if state is ClockState.CHARGING and session.charge_ended_at is not None:
        return replace(session, charge_ended_at=None)
    if state is IDLE and session.has_charged and session.charge_ended_at is None:
        return replace(session, charge_ended_at=session.open_from_at)
    return session
