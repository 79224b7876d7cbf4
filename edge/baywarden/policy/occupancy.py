"""How full the site is, for policies whose rate depends on it. Sampled at every change (DOMAIN 2.3)."""

from dataclasses import replace

from baywarden.model.evse import Availability, EvseState
from baywarden.model.overstay import OverstayPolicy
from baywarden.model.session import Session
from baywarden.model.site import SiteState
from baywarden.model.step import Effect, SessionChanged
from baywarden.model.time import Now
from baywarden.policy.timeline import at_occupancy


def percent(state: SiteState) -> int:
    """Outlets in use (a car, or kept for a booking) of those in service, rounded down."""
    in_service = in_use = 0
    for evse in state.evses.values():
        if evse.status.availability is Availability.OUT_OF_SERVICE:
            continue
        in_service += 1
        in_use += evse.session is not None or evse.status.availability is Availability.RESERVED
    return 100 * in_use // in_service if in_service else 0


def resampled(state: SiteState, now: Now) -> tuple[SiteState, tuple[Effect, ...]]:
    """With a new stretch in each session whose rate the present occupancy changes."""
    concerned = [evse for evse in state.evses.values() if evse.session is not None and _bands(evse.session)]
    if not concerned:
        return state, ()
    now_pct = percent(state)
    changed: dict[str, EvseState] = {}
    effects: list[Effect] = []
    for evse in concerned:
        session = evse.session
        if session is None or _is_unheard(evse) or _is_same_band(session, now_pct):
            continue
        session = at_occupancy(session, now_pct, now)
        changed[evse.evse_id] = replace(evse, session=session, wake_at=now.at, wake_mono_ms=now.mono_ms)
        effects.append(SessionChanged(session, public=False))
    if not changed:
        return state, ()
    return replace(state, evses={**state.evses, **changed}), tuple(effects)


def _is_unheard(evse: EvseState) -> bool:
    """Its open stretch may yet turn out to be unknown time; it is sampled once the outlet is heard."""
    return evse.status.availability is Availability.UNKNOWN


def _bands(session: Session) -> bool:
    return session.policy is not None and bool(session.policy.occupancy)


def _is_same_band(session: Session, pct: int) -> bool:
    old = session.open_occupancy_pct
    if old is None or session.policy is None:
        return False
    return _band(session.policy, old) == _band(session.policy, pct)


def _band(policy: OverstayPolicy, pct: int) -> int | None:
    return max((band.min_pct for band in policy.occupancy if band.min_pct <= pct), default=None)
