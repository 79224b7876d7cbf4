"""Faults by chance, by number and by time, and the bits that arrive wrong."""

from random import Random

import pytest

from baywarden_drivers.simulator import Car, FaultKind
from baywarden_drivers.simulator.faults import Faults
from baywarden_drivers.simulator.noise import flipped
from support.simulated import Bench

FRAME = bytes(range(256))


def wrong_bits(before: bytes, after: bytes) -> int:
    return sum((one ^ other).bit_count() for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize("share", [1e-4, 1e-3, 0.05, 0.5])
def test_bits_are_turned_over_as_often_as_was_asked(share: float) -> None:
    luck = Random(5)
    rounds = 3_000 if share < 0.01 else 200
    total = sum(wrong_bits(FRAME, flipped(FRAME, share, luck)) for _ in range(rounds))
    expected = share * 8 * len(FRAME) * rounds
    assert abs(total - expected) < 6 * (expected * (1 - share)) ** 0.5


def test_no_share_leaves_the_frame_and_all_of_it_turns_everything() -> None:
    assert flipped(FRAME, 0, Random(1)) == FRAME
    assert flipped(FRAME, 1, Random(1)) == bytes(255 - byte for byte in FRAME)


def test_the_same_seed_gives_the_same_luck() -> None:
    struck = []
    for seed in (7, 7, 8):
        faults = Faults(seed=seed)
        faults.set(FaultKind.SILENCE, 0, share=0.5)
        struck.append([bool(faults.strike(0)) for _ in range(64)])
    assert struck[0] == struck[1] != struck[2]


def test_a_share_strikes_that_part_of_the_requests() -> None:
    faults = Faults(seed=3)
    faults.set(FaultKind.MUTE, 0, share=0.2)
    assert 140 < sum(bool(faults.strike(0)) for _ in range(1_000)) < 260


def test_a_number_of_times_is_just_that_many_and_a_time_ends_it_too() -> None:
    faults = Faults()
    faults.set(FaultKind.EXCEPTION, 0, value=6, times=2)
    assert [faults.strike(0) for _ in range(3)] == [{FaultKind.EXCEPTION: 6}, {FaultKind.EXCEPTION: 6}, {}]
    faults.set(FaultKind.CUT, 10, for_s=5)
    assert faults.strike(14.9)
    assert not faults.strike(15)


def test_a_stuck_status_stays_while_the_measurements_go_on() -> None:
    bench = Bench("heidelberg-energy-control", failsafe_timeout_s=0)
    bench.simulation.plug("o", Car())
    bench.wait(30)
    before = bench.read("status").value
    assert bench.read("current_l1").value == 16
    bench.simulation.inject("it", FaultKind.STUCK)
    bench.simulation.unplug("o")
    bench.wait(60)
    assert bench.read("status").value == before
    assert bench.read("current_l1").value == 0
    bench.simulation.clear("it")
    assert bench.read("status").value != before


def test_frozen_points_stay_as_they_were_when_it_began_read_or_not() -> None:
    bench = Bench("eastron-sdm630")
    bench.wait(10)
    energy_wh = bench.simulation.meter("it").energy_total_wh
    bench.simulation.inject("it", FaultKind.FROZEN)
    bench.wait(3_600)
    assert float(bench.read("energy_total").number or 0) == pytest.approx(energy_wh, abs=1)
    bench.simulation.clear("it")
    assert float(bench.read("energy_total").number or 0) > energy_wh + 1_000


def test_a_point_says_what_it_is_told_to_for_a_while() -> None:
    bench = Bench("eastron-sdm630")
    bench.simulation.say("it", "power", 99_000, for_s=5)
    assert bench.read("power").number == 99_000
    bench.wait(6)
    assert bench.read("power").number != 99_000


def test_a_value_can_jump_from_where_it_is() -> None:
    bench = Bench("eastron-sdm630")
    before = float(bench.read("current_l1").number or 0)
    bench.simulation.say("it", "current_l1", by=50)
    assert float(bench.read("current_l1").number or 0) == pytest.approx(before + 50, abs=0.5)
    bench.simulation.clear("it")
    assert float(bench.read("current_l1").number or 0) == pytest.approx(before, abs=0.5)


@pytest.mark.parametrize(("profile", "of"), [("keba-p30", "o"), ("eastron-sdm630", "it")])
def test_an_energy_counter_can_be_set_back(profile: str, of: str) -> None:
    bench = Bench(profile)
    bench.simulation.set_counter(of, 250)
    assert float(bench.read("energy_total").number or 0) == pytest.approx(250, abs=1)
