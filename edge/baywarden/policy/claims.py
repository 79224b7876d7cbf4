"""What each outlet asks for, and what it may be drawing at worst."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from baywarden.model.overstay import ClockState
from baywarden.model.reading import ChargerState, EvseReading, Pilot, Snapshot
from baywarden.model.session import Session, SessionStatus
from baywarden.model.site import Commitment, EvseRules, SiteRules, SiteState
from baywarden.model.time import Now
from baywarden.policy.circuits import Tree, amps
from baywarden.policy.commitment import ANY_MA, first
from baywarden.policy.fill import Ask, whole, whole_up

SETTLE_MS = 15_000
"""A charger and its car have so long to follow a cut before it counts as not followed."""
FOLLOW_MS = 10_000
"""A current that was read sooner after a raise or a cut does not say yet what the car will draw."""
OVERDRAW_MA = 1_000
"""Cars and meters err by so much; more is an outlet that does not do as it is told."""
FALLBACK_MARGIN_MS = 15_000
"""After its time-out a charger and its car have so long to fall back before that is reckoned with."""
HIGHEST_VOLTAGE_PERMILLE = 1100
"""EN 50160: the voltage may be 10 % above the nominal one."""

_OUT_OF_ORDER = frozenset({ChargerState.FAULTED, ChargerState.UNAVAILABLE})
_NO_SUPPLY = frozenset({Pilot.E, Pilot.F})


@dataclass(slots=True)
class Claim:
    """One outlet in this cycle. `feeds` are the lines of each of its phases, `worst_ma` the worst case on each.

    `drawn_ma` is what flowed on each for certain when it was last read, at `read_mono_ms`; `most_drawn_ma` is
    what a meter may have seen of it since, more than that while the car still follows a raise. While it follows
    a cut neither is more than the new limit.
    `level_ma` is the limit it was last told (or has, when it was never told one), in whole amperes.
    `fallback_ma` is the fail-safe current of one that has surely fallen back to it, and so its worst; else None.
    `trouble` says why it cannot be reckoned with and is counted at its worst; None when it can.
    """

    evse: EvseRules
    held: Commitment
    session: Session | None
    feeds: tuple[tuple[int, ...], ...]
    worst_ma: tuple[int, ...]
    drawn_ma: tuple[int, ...]
    most_drawn_ma: tuple[int, ...]
    read_mono_ms: int
    level_ma: int
    ask: Ask
    why: str
    trouble: str | None = None
    fallback_ma: int | None = None

    @property
    def rank(self) -> tuple[bool, bool, datetime | None, str]:
        """Booked sessions first, then by their start."""
        started_at = None if self.session is None else self.session.started_at
        return not self.ask.is_booked, started_at is None, started_at, self.evse.id


def claims_of(
    tree: Tree,
    rules: SiteRules,
    state: SiteState,
    snapshot: Snapshot,
    *,
    held: Mapping[str, Commitment],
    now: Now,
) -> list[Claim]:
    """All outlets, those that come first in front."""
    claims = []
    for evse in rules.evses.values():
        reading = snapshot.evses.get(evse.id) or EvseReading(evse.id)
        commitment = held.get(evse.id) or first(evse.id, reading.limit_ma)
        known = state.evses.get(evse.id)
        age_ms = None if reading.read_mono_ms is None else now.mono_ms - reading.read_mono_ms
        is_heard = age_ms is not None and age_ms <= rules.stale_after_ms
        fallback_ma = None
        if known is not None and not is_heard:
            silent_ms = now.mono_ms - state.begun_mono_ms if age_ms is None else age_ms
            fallback_ma = _fallback_ma(evse, known.armed_ma, silent_ms)
        session = None if known is None else known.session
        claims.append(
            _claim(
                tree, evse, session, reading, commitment, now=now, is_heard=is_heard, fallback_ma=fallback_ma
            )
        )
    return sorted(claims, key=lambda claim: claim.rank)


def _fallback_ma(evse: EvseRules, armed_ma: int | None, silent_ms: int) -> int | None:
    """What it has surely fallen back to by itself; None for one that may still have its last limit."""
    return armed_ma if silent_ms > evse.failsafe_timeout_ms + FALLBACK_MARGIN_MS else None


def _claim(
    tree: Tree,
    evse: EvseRules,
    session: Session | None,
    reading: EvseReading,
    held: Commitment,
    *,
    now: Now,
    is_heard: bool,
    fallback_ma: int | None,
) -> Claim:
    if fallback_ma is None:
        worst_ma = _worst_ma(evse, reading, held, is_heard=is_heard)
    else:
        worst_ma = (fallback_ma,) * len(evse.phases)
    level_ma = _level_ma(evse, held)
    want_ma, why = _want(evse, session, reading)
    drawn_ma = _drawn_ma(evse, reading, worst_ma)
    if fallback_ma is not None:
        drawn_ma = tuple(min(phase_ma, fallback_ma) for phase_ma in drawn_ma)
    if _follows(held.cut_mono_ms, reading):
        drawn_ma = tuple(min(phase_ma, held.allowed_ma) for phase_ma in drawn_ma)
    is_booked = session is not None and _is_booked(session, now)
    return Claim(
        evse=evse,
        held=held,
        session=session,
        feeds=tree.feeds(evse),
        worst_ma=worst_ma,
        drawn_ma=drawn_ma,
        most_drawn_ma=worst_ma if is_heard and _follows(held.raised_mono_ms, reading) else drawn_ma,
        read_mono_ms=reading.read_mono_ms or 0,
        level_ma=level_ma,
        ask=Ask(
            lines=tree.lines(evse),
            least_ma=whole_up(evse.min_current_ma),
            want_ma=want_ma,
            floor_ma=whole_up(promised_ma(evse, session.power_w)) if session and is_booked else 0,
            is_booked=is_booked,
        ),
        why=why,
        trouble=_trouble(held, max(worst_ma, default=0), level_ma, now, is_heard=is_heard),
        fallback_ma=fallback_ma,
    )


def promised_ma(evse: EvseRules, power_w: int) -> int:
    """The current on each phase for so much power, at least the least that a car can use."""
    per_phase_mv_a = evse.nominal_v * max(1, len(evse.phases))
    return max(evse.min_current_ma, -(-power_w * 1000 // per_phase_mv_a))


def _want(evse: EvseRules, session: Session | None, reading: EvseReading) -> tuple[int, str]:
    """The current it has use for. Without a car that is nothing: it is raised in the cycle that sees the plug."""
    if session is None or session.status is SessionStatus.COMPLETED:
        return 0, "no car"
    if session.withheld is not None:
        return 0, f"withheld ({session.withheld})"
    if reading.state in _OUT_OF_ORDER or reading.pilot in _NO_SUPPLY:
        return 0, "the outlet is out of order"
    most_ma = whole(evse.max_current_ma)
    if session.open_state is ClockState.SUSPENDED_EV:
        return min(whole_up(evse.min_current_ma), most_ma), "the car asks for no power"
    return most_ma, "that is all it can give"


def _worst_ma(evse: EvseRules, reading: EvseReading, held: Commitment, *, is_heard: bool) -> tuple[int, ...]:
    """By its own phases: the limit that may be in force, or what was last measured if that is more.

    One that is not heard may have fallen back to its fail-safe current, and may not have. One whose
    limit was never read may have the largest.
    """
    allowed_ma = max(evse.max_current_ma, evse.failsafe_ma) if held.allowed_ma >= ANY_MA else held.allowed_ma
    if not is_heard:
        allowed_ma = max(allowed_ma, evse.failsafe_ma)
    currents = reading.current_ma[: len(evse.phases)]
    return tuple([allowed_ma if one is None or one < allowed_ma else one for one in currents])


def _drawn_ma(evse: EvseRules, reading: EvseReading, worst_ma: tuple[int, ...]) -> tuple[int, ...]:
    """What a meter above sees of it for certain, on each of its own phases.

    Where only the power is known, that is what is left of it when the other phases draw their worst.
    """
    currents = reading.current_ma[: len(evse.phases)]
    if reading.power_w is None or currents.count(None) < len(currents):
        return tuple([0 if one is None or one < 0 else one for one in currents])
    all_ma = max(0, reading.power_w) * 1_000_000 // (evse.nominal_v * HIGHEST_VOLTAGE_PERMILLE)
    return tuple(max(0, all_ma - sum(worst_ma) + own_ma) for own_ma in worst_ma)


def _follows(changed_mono_ms: int | None, reading: EvseReading) -> bool:
    """Whether its limit was changed after it was read, or so shortly before that the car was still following."""
    if changed_mono_ms is None or reading.read_mono_ms is None:
        return False
    return reading.read_mono_ms - changed_mono_ms < FOLLOW_MS


def _level_ma(evse: EvseRules, held: Commitment) -> int:
    if held.sent_ma is not None:
        level_ma = held.sent_ma
    else:
        level_ma = evse.max_current_ma if held.allowed_ma >= ANY_MA else held.allowed_ma
    level_ma = min(whole(level_ma), whole(evse.max_current_ma))
    return level_ma if level_ma >= whole_up(evse.min_current_ma) else 0


def _trouble(held: Commitment, worst_ma: int, level_ma: int, now: Now, *, is_heard: bool) -> str | None:
    if not is_heard:
        return f"not heard, counted at {amps(worst_ma)} A"
    told_ma = held.allowed_ma if held.sent_ma is None or held.confirmed else level_ma
    is_settled = held.cut_mono_ms is None or now.mono_ms - held.cut_mono_ms > SETTLE_MS
    if is_settled and worst_ma > told_ma + OVERDRAW_MA:
        return f"may draw {amps(worst_ma)} A in spite of it, counted at that"
    return None


def _is_booked(session: Session, now: Now) -> bool:
    """Whether it is on a booking that has not ended; after that it is a car like any other."""
    if session.booking_id is None:
        return False
    return session.booking_end_at is None or now.at < session.booking_end_at
