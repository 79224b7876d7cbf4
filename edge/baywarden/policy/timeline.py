"""The timeline of a session: closed segments and one open stretch. Lengths are by CLOCK_BOOTTIME."""

from dataclasses import replace
from datetime import datetime

from baywarden.model.overstay import ClockState, Segment
from baywarden.model.session import Session
from baywarden.model.time import Now


def turned(session: Session, state: ClockState, at_mono_ms: int, now: Now) -> Session:
    """With the open stretch closed and one of `state` begun at `at_mono_ms`; the same if nothing turns."""
    if state is session.open_state:
        return session
    at_mono_ms = max(at_mono_ms, session.open_from_mono_ms)
    return replace(
        session,
        segments=closed(session, at_mono_ms),
        open_state=state,
        open_from_at=now.in_ms(at_mono_ms),
        open_from_mono_ms=at_mono_ms,
    )


def closed(session: Session, until_mono_ms: int) -> tuple[Segment, ...]:
    """All segments, the open stretch ending at `until_mono_ms`; one without length is left out."""
    duration_ms = until_mono_ms - session.open_from_mono_ms
    if duration_ms <= 0:
        return session.segments
    return (*session.segments, _open(session, duration_ms))


def up_to(session: Session, until_mono_ms: int) -> tuple[Segment, ...]:
    """For a fee: the segments and the present state, even when that has just begun."""
    return (*session.segments, _open(session, max(0, until_mono_ms - session.open_from_mono_ms)))


def at_occupancy(session: Session, occupancy_pct: int, now: Now) -> Session:
    """With the stretch from now on at another occupancy."""
    if session.open_occupancy_pct is None and not session.segments:
        return replace(session, open_occupancy_pct=occupancy_pct)
    at_mono_ms = max(now.mono_ms, session.open_from_mono_ms)
    return replace(
        session,
        segments=closed(session, at_mono_ms),
        open_from_at=now.in_ms(at_mono_ms),
        open_from_mono_ms=at_mono_ms,
        open_occupancy_pct=occupancy_pct,
    )


def shifted(session: Session, shift_ms: int, boot_id: str) -> Session:
    """The same session told in another boot's CLOCK_BOOTTIME."""
    low_since, counted = session.low_since_mono_ms, session.register_mono_ms
    return replace(
        session,
        boot_id=boot_id,
        open_from_mono_ms=session.open_from_mono_ms + shift_ms,
        seen_mono_ms=session.seen_mono_ms + shift_ms,
        low_since_mono_ms=None if low_since is None else low_since + shift_ms,
        register_mono_ms=None if counted is None else counted + shift_ms,
        odd_register_wh=None,
        odd_mono_ms=None,
    )


def interrupted(session: Session, heard_mono_ms: int, end_at: datetime, now: Now) -> Session:
    """After a time off of unknown length: known up to `heard_mono_ms` of the old boot, then UNKNOWN."""
    return replace(
        session,
        segments=closed(session, heard_mono_ms),
        open_state=ClockState.UNKNOWN,
        open_from_at=end_at,
        open_from_mono_ms=now.mono_ms,
        seen_mono_ms=now.mono_ms,
        low_since_mono_ms=None,
        register_mono_ms=None,
        odd_register_wh=None,
        odd_mono_ms=None,
        boot_id=now.boot_id,
    )


def _open(session: Session, duration_ms: int) -> Segment:
    return Segment(session.open_state, session.open_from_at, duration_ms, session.open_occupancy_pct)
