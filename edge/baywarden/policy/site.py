"""The site's brain: what is, and what has happened, make what is to be done. Nothing is performed here."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from baywarden.model.evse import EvseState
from baywarden.model.reading import EvseReading, Snapshot
from baywarden.model.site import SiteRules, SiteState
from baywarden.model.step import Commanded, Effect, Event, Observed, Restarted, Step
from baywarden.model.time import Now
from baywarden.model.token import TokenList
from baywarden.policy import calendar, clockstep, moving, occupancy, outlet, removal, requests, restart
from baywarden.policy.availability import not_polled
from baywarden.policy.places import left, places
from baywarden.policy.scene import Scene
from baywarden.policy.sight import glance, look, was_heard


def begin(
    rules: SiteRules, saved: Iterable[EvseState], now: Now, tokens: TokenList | None = None
) -> SiteState:
    """The live state after a start: what was saved, none of it polled yet, the removed outlets last."""
    found = {evse.evse_id: evse for evse in saved}
    evses = {evse_id: _begun(evse_id, found.get(evse_id), now) for evse_id in rules.evses}
    for evse_id, evse in found.items():
        if evse_id not in evses:
            evses[evse_id] = _begun(evse_id, evse, now)
    return SiteState(evses, _places(evses), begun_mono_ms=now.mono_ms, tokens=tokens or TokenList())


def decide(state: SiteState, event: Event, rules: SiteRules, now: Now) -> Step:
    """The one rule of the site. Asked again with the same, it says the same."""
    if isinstance(event, Observed):
        return _observed(state, event.snapshot, rules, now)
    if isinstance(event, Commanded):
        step = requests.answer(state, event, rules, now)
        return replace(step, wake_at=_wake_at(step.state))
    return _restarted(state, event, rules, now)


def _observed(state: SiteState, snapshot: Snapshot, rules: SiteRules, now: Now) -> Step:
    state, effects = _with_configured(state, rules, now)
    state, told = clockstep.noticed(state, rules, now)
    effects += told
    judged: dict[str, EvseState] = {}
    glances: dict[str, tuple[object, ...]] = {}
    readings, seen = snapshot.evses, state.glances
    for evse_id, evse in state.evses.items():
        reading = readings.get(evse_id) or EvseReading(evse_id)
        configured = rules.evses[evse_id]
        session = evse.session
        policy = configured.overstay if session is None else session.policy
        view = glance(reading, policy, configured, rules, now)
        if view == seen.get(evse_id) and not _is_due(evse, reading, now):
            continue
        sight = look(reading, policy, configured, rules, now)
        first = not was_heard(seen.get(evse_id))
        scene = Scene(rules, configured, sight, now, state.begun_mono_ms, first, state.tokens)
        after, told = outlet.judge(evse, scene)
        glances[evse_id] = view
        effects += told
        if after is not evse:
            judged[evse_id] = after
    if judged or glances:
        state = _merged(state, judged, glances)
    state, moves = moving.substituted(state, rules, now)
    effects += moves
    if judged or glances or moves:
        state, told = occupancy.resampled(state, now)
        effects += told
    return Step(state, effects, wake_at=_wake_at(state))


def _is_due(evse: EvseState, reading: EvseReading, now: Now) -> bool:
    """Whether an outlet that looks the same must be judged: its time has come, or its register fell."""
    if evse.wake_at is not None and now.at >= evse.wake_at:
        return True
    if evse.wake_mono_ms is not None and now.mono_ms >= evse.wake_mono_ms:
        return True
    session, register_wh = evse.session, reading.energy_wh
    if session is None or register_wh is None or session.register_wh is None:
        return False
    return register_wh < session.register_wh


def _restarted(state: SiteState, event: Restarted, rules: SiteRules, now: Now) -> Step:
    state, effects = _with_configured(state, rules, now)
    evses: dict[str, EvseState] = {}
    for evse_id, evse in state.evses.items():
        evses[evse_id], told = restart.resumed(evse, event.anchor, rules, now)
        effects += told
    state = SiteState(evses, state.places, begun_mono_ms=now.mono_ms, tokens=state.tokens)
    return Step(state, effects, wake_at=now.at)


def _with_configured(state: SiteState, rules: SiteRules, now: Now) -> tuple[SiteState, tuple[Effect, ...]]:
    """With the outlets configured now: new ones unknown, removed ones ended, the others untouched."""
    if state.evses.keys() == rules.evses.keys():
        return state, ()
    effects: tuple[Effect, ...] = ()
    for evse_id, evse in state.evses.items():
        if evse_id not in rules.evses:
            effects += removal.removed(evse, now)
    evses = {evse_id: state.evses.get(evse_id) or _begun(evse_id, None, now) for evse_id in rules.evses}
    glances = {key: view for key, view in state.glances.items() if key in evses}
    return replace(state, evses=evses, places=_places(evses), glances=glances), effects


def _merged(
    state: SiteState, judged: Mapping[str, EvseState], glances: Mapping[str, tuple[object, ...]]
) -> SiteState:
    seen = {**state.glances, **glances}
    if not judged:
        return replace(state, glances=seen)
    kept = state.places
    for booking_id in _ended(state.evses, judged):
        kept = left(kept, booking_id)
    return replace(state, evses={**state.evses, **judged}, places=kept, glances=seen)


def _ended(before: Mapping[str, EvseState], judged: Mapping[str, EvseState]) -> Iterator[str]:
    """The bookings that are live no more."""
    for evse_id, evse in judged.items():
        bookings = before[evse_id].bookings
        if evse.bookings is not bookings:
            live = {booking.id for booking in evse.bookings}
            yield from (booking.id for booking in bookings if booking.id not in live)


def _begun(evse_id: str, saved: EvseState | None, now: Now) -> EvseState:
    status = not_polled(evse_id, now.at)
    if saved is None:
        return EvseState(evse_id, status)
    live = calendar.in_order(booking for booking in saved.bookings if not booking.status.is_final)
    return replace(saved, status=status, bookings=live, wake_at=None, wake_mono_ms=None)


def _places(evses: Mapping[str, EvseState]) -> Mapping[str, str]:
    return places((b.id, evse.evse_id) for evse in evses.values() for b in evse.bookings)


def _wake_at(state: SiteState) -> datetime | None:
    return min((evse.wake_at for evse in state.evses.values() if evse.wake_at is not None), default=None)
