"""The time that passed while we were off, judged by the clock rules of DOMAIN 6."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from baywarden.model.booking import BookingTerms
from baywarden.model.evse import EvseState
from baywarden.model.session import Session
from baywarden.model.site import Anchor, SiteRules
from baywarden.model.step import Effect, SessionChanged, StatusChanged
from baywarden.model.time import Now
from baywarden.policy.availability import not_polled
from baywarden.policy.bookings import unfit_key
from baywarden.policy.holds import hold_begins, limit_at
from baywarden.policy.timeline import interrupted, shifted

SHORT: Final = timedelta(seconds=60)
"""A restart that no waiting driver would have noticed."""


def resumed(
    evse: EvseState, anchor: Anchor | None, rules: SiteRules, now: Now
) -> tuple[EvseState, tuple[Effect, ...]]:
    """The outlet after our time off. Nothing is known of it yet; its bookings wait until it was polled."""
    status = not_polled(evse.evse_id, now.at)
    session = None if evse.session is None else _session(evse.session, anchor, now)
    effects: list[Effect] = [StatusChanged(status)]
    if session is not None and session is not evse.session:
        effects.append(SessionChanged(session, public=False))
    outlet = rules.evses.get(evse.evse_id)
    raised = evse.raised
    if outlet is not None:
        raised |= frozenset(_unserved(evse, anchor, outlet.terms, now))
    return (
        replace(evse, status=status, session=session, raised=raised, wake_at=None, wake_mono_ms=None),
        tuple(effects),
    )


def _session(session: Session, anchor: Anchor | None, now: Now) -> Session:
    """The same boot: the open stretch goes on. A new one: it goes on only if both clocks were trusted."""
    if session.boot_id == now.boot_id:
        if anchor is None or anchor.boot_id != now.boot_id or anchor.mono_ms <= session.seen_mono_ms:
            return session
        return replace(session, seen_mono_ms=anchor.mono_ms)
    if anchor is None or anchor.boot_id != session.boot_id:
        return interrupted(session, session.seen_mono_ms, _known_until(session, session.seen_mono_ms), now)
    heard_mono_ms = max(anchor.mono_ms, session.seen_mono_ms)
    off = now.at - anchor.at
    if not (anchor.trusted and now.trusted) or off < timedelta():
        return interrupted(session, heard_mono_ms, _known_until(session, heard_mono_ms), now)
    shift_ms = now.mono_ms - off // timedelta(milliseconds=1) - anchor.mono_ms
    session = shifted(session, shift_ms, now.boot_id)
    return replace(session, seen_mono_ms=min(heard_mono_ms + shift_ms, now.mono_ms))


def _known_until(session: Session, heard_mono_ms: int) -> datetime:
    return session.open_from_at + timedelta(milliseconds=max(0, heard_mono_ms - session.open_from_mono_ms))


def _unserved(evse: EvseState, anchor: Anchor | None, terms: BookingTerms, now: Now) -> Iterator[str]:
    """Marks for the holds that we slept through: whoever came then found nobody at work."""
    off_from = None if anchor is None else anchor.at
    if off_from is not None and timedelta() <= now.at - off_from <= SHORT:
        return
    for place, booking in enumerate(evse.bookings):
        if hold_begins(evse, place, terms) > now.at:
            break
        if off_from is None or off_from > now.at or limit_at(booking, terms) > off_from:
            yield unfit_key(booking)
