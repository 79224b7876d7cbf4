"""Laws of the power share, under any history of cars, silences and lost writes and answers."""

import random
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from baywarden.model.overstay import ClockState
from baywarden.model.site import Allocation, Circuit, Commitment, EvseRules, SiteRules
from baywarden.policy.commitment import ANY_MA, first
from baywarden.policy.power import spare_power_w
from support.power_yard import BEGIN, Charger, Yard, outlet, site

PHASES = st.sampled_from([(1, 2, 3), (2, 3, 1), (3, 1, 2), (1,), (2,), (3,), (1, 2)])


@st.composite
def sites(draw: st.DrawFn, *, metered: bool = True) -> SiteRules:
    """A tree of up to four circuits, and up to seven outlets in it."""
    circuits: list[Circuit] = []
    for number in range(draw(st.integers(1, 4))):
        parent = draw(st.sampled_from([one.id for one in circuits])) if circuits else None
        meter = f"m{number}" if metered and draw(st.booleans()) else None
        limit_ma = draw(st.integers(0, 80)) * 1000 + draw(st.sampled_from([0, 500]))
        base_ma = draw(st.sampled_from([0, 0, 3_000]))
        circuits.append(Circuit(f"c{number}", limit_ma, parent, meter, base_ma))
    evses = [
        outlet(
            f"e{number}",
            draw(st.sampled_from([one.id for one in circuits])),
            draw(PHASES),
            max_current_ma=draw(st.sampled_from([6_000, 13_800, 16_000, 32_000])),
            min_current_ma=draw(st.sampled_from([6_000, 6_000, 5_500, 8_000])),
            failsafe_ma=draw(st.sampled_from([0, 6_000, 8_000])),
        )
        for number in range(draw(st.integers(1, 7)))
    ]
    return site(circuits, evses)


def stir(yard: Yard, chance: random.Random) -> None:
    """Cars come, change and go; outlets fall silent; writes and answers get lost."""
    for name, charger in yard.chargers.items():
        if chance.random() < 0.08:
            charger.is_heard = not charger.is_heard
        age_ms = yard.mono_ms - (charger.heard_mono_ms or 0)
        if not charger.is_heard and age_ms < 4_000:
            continue  # what changes unseen within 3 s of the last reading, nobody can know
        if chance.random() < 0.06:
            charger.session = None
        elif chance.random() < 0.12:
            state = chance.choice([ClockState.CHARGING, ClockState.CHARGING, ClockState.SUSPENDED_EV])
            yard.plug_in(name, booked_w=chance.choice([None, None, 0, 4_140, 11_040]), state=state)
        charger.appetite_ma = chance.choice([0, 5_000, 10_000, 40_000])
        charger.loses_writes = chance.random() < 0.15
        charger.loses_answers = chance.random() < 0.15
    if chance.random() < 0.1:
        yard.mono_ms += chance.choice([1_000, 15_000, 61_000])


def arm(yard: Yard, chance: random.Random) -> None:
    for charger in yard.chargers.values():
        charger.is_armed = chance.random() < 0.6


def calm(yard: Yard) -> None:
    for charger in yard.chargers.values():
        charger.is_heard, charger.loses_writes, charger.loses_answers = True, False, False
        charger.appetite_ma = 80_000


def with_loads(yard: Yard, chance: random.Random) -> None:
    """Others' loads: what is assumed where no meter is, anything where one is."""
    for circuit in yard.rules.circuits.values():
        is_metered = circuit.meter_id is not None
        yard.loads_ma[circuit.id] = chance.randint(0, 30) * 1000 if is_metered else circuit.base_load_ma


def is_heard(yard: Yard, charger: Charger) -> bool:
    heard = charger.heard_mono_ms
    return heard is not None and yard.mono_ms - heard <= yard.rules.stale_after_ms


def allowed_ma(yard: Yard, charger: Charger, held: Commitment) -> int:
    """The largest limit that may be in force. Cars in the yard keep to it."""
    evse = charger.rules
    if yard.has_fallen_back(charger):
        return evse.failsafe_ma
    limit_ma = held.allowed_ma if held.allowed_ma < ANY_MA else max(evse.max_current_ma, evse.failsafe_ma)
    return limit_ma if is_heard(yard, charger) else max(limit_ma, evse.failsafe_ma)


def worst_ma(yard: Yard, charger: Charger, held: Commitment) -> int:
    if yard.has_fallen_back(charger):
        return charger.rules.failsafe_ma
    measured = max((ma or 0 for ma in charger.last.current_ma), default=0) if charger.last else 0
    return max(allowed_ma(yard, charger, held), measured)


@dataclass(frozen=True)
class Line:
    """One phase of one circuit, and the outlets that it feeds."""

    circuit: Circuit
    phase: int
    load_ma: int
    chargers: tuple[Charger, ...]


def lines(yard: Yard) -> list[Line]:
    found = []
    for circuit in yard.rules.circuits.values():
        below = yard.below(circuit.id)
        load_ma = sum(yard.loads_ma[one] for one in below)
        for phase in (1, 2, 3):
            fed = (
                c for c in yard.chargers.values() if c.rules.circuit_id in below and phase in c.rules.phases
            )
            found.append(Line(circuit, phase, load_ma, tuple(fed)))
    return found


def check_each_grant(evse: EvseRules, allocation: Allocation) -> None:
    assert allocation.limit_ma == 0 or evse.min_current_ma <= allocation.limit_ma <= evse.max_current_ma
    assert allocation.limit_ma % 1000 == 0
    assert allocation.why.startswith(f"{allocation.limit_ma // 1000} A: ")


def check_raises(yard: Yard) -> None:
    """A line on which anybody was raised beyond the worst case holds all that may be in force."""
    for line in lines(yard):
        is_raised = False
        total_ma = line.load_ma
        for charger in line.chargers:
            before = yard.before[charger.rules.id] or first(charger.rules.id, None)
            granted_ma = yard.allocations[charger.rules.id].limit_ma
            old_ma = worst_ma(yard, charger, before)
            is_raised = is_raised or granted_ma > old_ma
            total_ma += max(allowed_ma(yard, charger, before), granted_ma)
        assert not is_raised or total_ma <= line.circuit.limit_ma


def check_aims(yard: Yard) -> None:
    """What everybody is told fits beside those that do not follow; else everybody who follows is told 0 A."""
    for line in lines(yard):
        is_metered = any(yard.rules.circuits[one].meter_id for one in yard.below(line.circuit.id))
        if is_metered and not all(charger.is_heard for charger in line.chargers):
            continue  # what the meter saw of a silent one is a guess, and only raises must not rely on it
        told_ma, stubborn_ma = 0, 0
        for charger in line.chargers:
            before = yard.before[charger.rules.id] or first(charger.rules.id, None)
            if is_heard(yard, charger) and not is_stubborn(yard, charger, before):
                told_ma += yard.allocations[charger.rules.id].limit_ma
            else:
                stubborn_ma += worst_ma(yard, charger, before)
        assert told_ma == 0 or line.load_ma + told_ma + stubborn_ma <= line.circuit.limit_ma


def is_stubborn(yard: Yard, charger: Charger, held: Commitment) -> bool:
    """More than it was told may be in force 15 s after the last cut."""
    is_settled = held.cut_mono_ms is None or yard.mono_ms - held.cut_mono_ms > 15_000
    return held.sent_ma is not None and is_settled and worst_ma(yard, charger, held) > held.sent_ma + 1_000


@settings(max_examples=120, deadline=None)
@given(sites(), st.integers(0, 2**32))
def test_no_fuse_is_promised_more_than_it_holds_in_any_history(rules: SiteRules, seed: int) -> None:
    chance = random.Random(seed)
    yard = Yard(rules)
    arm(yard, chance)
    for _ in range(30):
        if chance.random() < 0.3 or not yard.loads_ma:
            with_loads(yard, chance)
        stir(yard, chance)
        yard.cycle()
        for evse_id, allocation in yard.allocations.items():
            check_each_grant(rules.evses[evse_id], allocation)
        check_aims(yard)
        check_raises(yard)


@settings(max_examples=120, deadline=None)
@given(sites(metered=False), st.integers(0, 2**32))
def test_the_limits_that_are_really_in_force_never_exceed_a_fuse(rules: SiteRules, seed: int) -> None:
    chance = random.Random(seed)
    yard = Yard(rules)
    arm(yard, chance)
    with_loads(yard, chance)
    for _ in range(40):
        stir(yard, chance)
        yard.cycle()
        for line in lines(yard):
            real_ma = sum(charger.real_ma for charger in line.chargers)
            held_ma = sum(charger.held.allowed_ma for charger in line.chargers if charger.held is not None)
            assert real_ma <= held_ma
            assert real_ma == 0 or line.load_ma + real_ma <= line.circuit.limit_ma


@settings(max_examples=60, deadline=None)
@given(sites(), st.integers(0, 2**32))
def test_once_all_is_calm_the_limits_rest_and_little_is_left_over(rules: SiteRules, seed: int) -> None:
    chance = random.Random(seed)
    yard = Yard(rules)
    with_loads(yard, chance)
    for _ in range(10):
        stir(yard, chance)
        yard.cycle()
    calm(yard)
    yard.cycles(320)  # a car that was cut soon after a raise stays paused for five minutes
    resting = yard.limits_ma()
    for _ in range(15):
        assert {name: share.limit_ma for name, share in yard.cycles(1).items()} == resting
    for line in lines(yard):
        total_ma = sum(resting[charger.rules.id] for charger in line.chargers)
        assert total_ma == 0 or line.load_ma + total_ma <= line.circuit.limit_ma
    for charger in yard.chargers.values():
        check_nothing_is_wasted(yard, charger, resting)


def check_nothing_is_wasted(yard: Yard, charger: Charger, resting: dict[str, int]) -> None:
    """Who has less than it wants is on a line with less left than a step (or its least) and the margin."""
    evse, session = charger.rules, charger.session
    wants_all = session is not None and session.open_state is ClockState.CHARGING
    got_ma = resting[evse.id]
    most_ma = evse.max_current_ma // 1000 * 1000
    if not wants_all or got_ma == most_ma or -(-evse.min_current_ma // 1000) * 1000 > most_ma:
        return
    step_ma = 1_000 if got_ma else -(-evse.min_current_ma // 1000) * 1000
    left = [
        line.circuit.limit_ma - line.load_ma - sum(resting[one.rules.id] for one in line.chargers)
        for line in lines(yard)
        if charger in line.chargers
    ]
    assert min(left) < step_ma + 1_000


@dataclass(frozen=True)
class Promised:
    evse_id: str
    power_w: int
    start_at = BEGIN
    end_at = BEGIN.replace(hour=11)


@settings(max_examples=100, deadline=None)
@given(sites(), st.data())
def test_all_that_was_promised_is_given_when_all_come(rules: SiteRules, data: st.DataObject) -> None:
    promised: list[Promised] = []
    for evse_id in data.draw(st.permutations(list(rules.evses))):
        spare_w = spare_power_w(rules, promised, Promised.start_at, Promised.end_at, evse_id)
        if spare_w and data.draw(st.booleans()):
            power_w = data.draw(st.integers(0, spare_w))
            promised.append(Promised(evse_id, power_w))
    yard = Yard(rules)
    yard.loads_ma = {one.id: one.base_load_ma for one in rules.circuits.values()}
    yard.cycles(2)
    for evse_id in rules.evses:
        yard.plug_in(evse_id)
    yard.cycles(15)
    for promise in promised:
        yard.plug_in(promise.evse_id, booked_w=promise.power_w)
    yard.cycles(100)
    for promise in promised:
        evse = rules.evses[promise.evse_id]
        given_w = yard.limits_ma()[promise.evse_id] * 230 * len(evse.phases) // 1000
        assert given_w >= promise.power_w
