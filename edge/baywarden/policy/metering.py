"""Energy by the register: counted up to what the outlet can give; a register that is odd once counts nothing."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from baywarden.model.session import Session, SessionStatus
from baywarden.policy.moves import move
from baywarden.policy.scene import Scene
from baywarden.policy.session_states import MOVES, SessionEvent

QUARTER: Final = timedelta(minutes=15)
KEEP_EVERY_MS: Final = 60_000
"""Registers are kept on whole minutes of CLOCK_BOOTTIME, all outlets' in one commit."""
_ROOM_WH: Final = 100
"""A register in steps of 0.1 kWh may jump so far at once."""
_MS_PER_HOUR: Final = 3_600_000


def metered(session: Session, scene: Scene, *, at_once: bool) -> Session:
    """Count up to the register that was read, on the minute or `at_once`."""
    now, sight = scene.now, scene.sight
    sample_due = session.next_sample_at is not None and (
        now.at >= session.next_sample_at or session.next_sample_at - now.at > QUARTER
    )
    if sample_due:
        session = replace(session, next_sample_at=quarter_after(now.at))
    register_wh, heard = sight.energy_wh, sight.heard_mono_ms
    if sight.unheard is not None or register_wh is None or heard is None:
        return session
    if session.register_wh is None:
        return _latched(session, register_wh, heard)
    minute = heard // KEEP_EVERY_MS != session.seen_mono_ms // KEEP_EVERY_MS
    is_odd = register_wh < session.register_wh or session.odd_register_wh is not None
    if not (is_odd or minute or sample_due or at_once):
        return session
    return _read(session, register_wh, heard, scene)


def quarter_after(at: datetime) -> datetime:
    """The next quarter of an hour."""
    start = at.replace(minute=at.minute - at.minute % 15, second=0, microsecond=0)
    return start + QUARTER


def _latched(session: Session, register_wh: int, heard: int) -> Session:
    """The first valid register: nothing is counted before it."""
    if session.status is not SessionStatus.PENDING:
        return session
    return replace(
        session,
        status=move(MOVES, session.status, SessionEvent.METERED),
        start_register_wh=register_wh,
        register_wh=register_wh,
        register_mono_ms=heard,
        seen_mono_ms=max(heard, session.seen_mono_ms),
    )


def _read(session: Session, register_wh: int, heard: int, scene: Scene) -> Session:
    """A register that fits is counted; an odd one waits for a second reading that goes on from it."""
    if _fits(session.register_wh, session.register_mono_ms, register_wh, heard, scene):
        return _counted(session, session.register_wh, register_wh, heard, scene)
    if session.odd_mono_ms is not None and heard <= session.odd_mono_ms:
        return session
    if _fits(session.odd_register_wh, session.odd_mono_ms, register_wh, heard, scene):
        # The meter was changed, reset or has overflowed: what lies between the two registers is not known.
        return _counted(session, session.odd_register_wh, register_wh, heard, scene)
    return replace(session, odd_register_wh=register_wh, odd_mono_ms=heard, energy_suspect=True)


def _fits(from_wh: int | None, from_mono_ms: int | None, register_wh: int, heard: int, scene: Scene) -> bool:
    """Whether the outlet can have given that much since; over a time of unknown length it can give anything."""
    if from_wh is None or register_wh < from_wh:
        return False
    if from_mono_ms is None:
        return True
    passed_ms = max(0, heard - from_mono_ms)
    most_wh = scene.outlet.max_power_w * passed_ms * 12 // (10 * _MS_PER_HOUR) + _ROOM_WH
    return register_wh - from_wh <= most_wh


def _counted(session: Session, from_wh: int | None, register_wh: int, heard: int, scene: Scene) -> Session:
    if register_wh == session.register_wh:
        return replace(session, register_mono_ms=heard, odd_register_wh=None, odd_mono_ms=None)
    return replace(
        session,
        register_wh=register_wh,
        register_mono_ms=heard,
        odd_register_wh=None,
        odd_mono_ms=None,
        energy_wh=session.energy_wh + register_wh - (register_wh if from_wh is None else from_wh),
        seen_mono_ms=max(heard, session.seen_mono_ms),
        last_power_w=scene.sight.power_w,
    )
