"""What others draw on each line: measured where a meter is heard, assumed where there is none, else unknown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from baywarden.model.reading import MeterReading, Snapshot
from baywarden.model.site import Circuit, SiteRules
from baywarden.model.time import Now
from baywarden.policy.circuits import PHASES, Tree
from baywarden.policy.claims import FOLLOW_MS, Claim

TOGETHER_MS = 200
"""Two readings no further apart are of one moment."""

_NOTHING = (None, None, None)


@dataclass(slots=True)
class Loads:
    """By line: the load of others in mA, the most it may be, whether it is known, and whether a meter took part.

    The meter of a circuit sees all that is below it; our outlets' own last measured currents are taken off. Of a
    car that follows a raise and was read before the meter that is all that it was granted: else its own rise would
    look like a load of others and cut it again. For the most it may be, those whose current is unknown, or was read
    at another moment than the meter, or after it with a raise in between, are not taken off: they count twice rather
    than never. Export of others is not relied on: their load is never below zero. Without a meter the load is the
    base load and that of the circuits below. With its meter silent it is unknown; the base load stands in for it,
    and the outlets below are held at their fail-safe current, as if the gateway were dead.
    """

    load_ma: list[int]
    most_ma: list[int]
    is_known: list[bool]
    is_measured: list[bool]


def loads_of(tree: Tree, rules: SiteRules, snapshot: Snapshot, claims: Iterable[Claim], now: Now) -> Loads:
    """The loads of this cycle."""
    meters = [_heard(circuit, rules, snapshot, now) for circuit in tree.circuits]
    metered_mono_ms = [None if one is None else one.read_mono_ms for one in meters]
    drawn_ma, surely_ma = _drawn_ma(claims, metered_mono_ms, rules.meter_skew_ms)
    size = len(tree.circuits) * PHASES
    found = Loads([0] * size, [0] * size, [True] * size, [False] * size)
    for place, parent in tree.upwards():
        circuit, meter = tree.circuits[place], meters[place]
        for phase, current_ma in enumerate(_NOTHING if meter is None else meter.current_ma):
            line = place * PHASES + phase
            if current_ma is not None:
                found.load_ma[line] = max(0, current_ma - drawn_ma[line])
                found.most_ma[line] = max(0, current_ma - surely_ma[line])
                found.is_known[line] = found.is_measured[line] = True
            else:
                found.load_ma[line] += circuit.base_load_ma
                found.most_ma[line] += circuit.base_load_ma
                found.is_known[line] &= circuit.meter_id is None
            if parent is not None:
                _add(found, line, parent * PHASES + phase)
    return found


def _add(found: Loads, line: int, above: int) -> None:
    found.load_ma[above] += found.load_ma[line]
    found.most_ma[above] += found.most_ma[line]
    found.is_known[above] &= found.is_known[line]
    found.is_measured[above] |= found.is_measured[line]


def _drawn_ma(
    claims: Iterable[Claim], read_mono_ms: Sequence[int | None], skew_ms: int
) -> tuple[list[int], list[int]]:
    """By line: the most that our own outlets draw by now, and what of it the meter there has surely seen."""
    drawn_ma, surely_ma = [0] * (len(read_mono_ms) * PHASES), [0] * (len(read_mono_ms) * PHASES)
    for claim in claims:
        for feed, phase_ma, most_ma in zip(claim.feeds, claim.drawn_ma, claim.most_drawn_ma, strict=True):
            if not most_ma:
                continue
            for line in feed:
                metered_mono_ms = read_mono_ms[line // PHASES]
                is_behind = metered_mono_ms is not None and claim.read_mono_ms < metered_mono_ms - TOGETHER_MS
                drawn_ma[line] += most_ma if is_behind else phase_ma
                if metered_mono_ms is not None and _has_surely_seen(metered_mono_ms, claim, skew_ms):
                    surely_ma[line] += phase_ma
    return drawn_ma, surely_ma


def _has_surely_seen(metered_mono_ms: int, claim: Claim, skew_ms: int) -> bool:
    """Whether the meter saw the current of the outlet: not what a car took up only after the meter was read."""
    later_ms, raised_mono_ms = claim.read_mono_ms - metered_mono_ms, claim.held.raised_mono_ms
    if abs(later_ms) > skew_ms:
        return False
    if later_ms <= TOGETHER_MS or raised_mono_ms is None:
        return True
    return raised_mono_ms >= claim.read_mono_ms or metered_mono_ms >= raised_mono_ms + FOLLOW_MS


def _heard(circuit: Circuit, rules: SiteRules, snapshot: Snapshot, now: Now) -> MeterReading | None:
    """The reading of the circuit's meter if it is still the truth."""
    reading = snapshot.meters.get(circuit.meter_id) if circuit.meter_id is not None else None
    if reading is None or reading.read_mono_ms is None:
        return None
    return reading if now.mono_ms - reading.read_mono_ms <= rules.meter_stale_after_ms else None
