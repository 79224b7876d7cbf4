"""Kinds of one device: where the profile is in doubt, with fewer phases, and with habits of a single unit."""

import pytest
from pymodbus.constants import ExcCodes

from baywarden_drivers.doubts.doubt import Seen, judge
from baywarden_drivers.profile import load_profile, profile_names
from baywarden_drivers.simulator import SiteFileError
from baywarden_drivers.simulator.bank import Silence
from support.simulated import Bench

RULED = [
    (name, doubt.name, choice.name)
    for name in profile_names()
    for doubt in load_profile(name).doubt
    if doubt.decide == "rule"
    for choice in doubt.choice
]
DOUBTFUL = [
    (name, doubt.name, choice.name)
    for name in profile_names()
    for doubt in load_profile(name).doubt
    for choice in doubt.choice
]


@pytest.mark.parametrize(("name", "doubt", "choice"), DOUBTFUL)
def test_a_device_is_of_the_kind_that_was_chosen(name: str, doubt: str, choice: str) -> None:
    bench = Bench(name, choices={doubt: choice})
    found = next(one for one in bench.profile.doubt if one.name == doubt)
    wanted = next(one for one in found.choice if one.name == choice)
    points = [one for one in (*bench.profile.read, *bench.profile.write) if one.name in found.points]
    assert points
    for point in points:
        assert wanted.scale in (None, point.scale)
        assert wanted.word_order in (None, point.word_order)
        assert wanted.address in (None, point.address)
        assert wanted.dtype in (None, point.dtype)


@pytest.mark.parametrize(("name", "doubt", "choice"), RULED)
def test_what_the_device_says_leads_a_reader_to_its_kind(name: str, doubt: str, choice: str) -> None:
    bench = Bench(name, choices={doubt: choice})
    bench.wait(10)
    found = next(one for one in bench.profile.doubt if one.name == doubt)
    asked = {condition.point for one in found.choice for condition in one.when}
    values = {point: bench.read(point) for point in asked if bench.device.has(point)}
    verdict = judge(bench.profile, found, [Seen(one, values, {}) for one in found.choice])
    assert (verdict.choice or found.choice[0]).name == choice


def test_the_registers_are_those_of_the_other_kind() -> None:
    usual, other = Bench("keba-p40"), Bench("keba-p40", choices={"energy_scale": "Wh"})
    registers = []
    for bench in (usual, other):
        slot = next(
            one
            for bank in bench.device.banks.values()
            for one in bank.slots
            if one.point.name == "energy_total"
        )
        (bank,) = bench.device.banks.values()
        registers.append(bank.read("holding", slot.address, slot.point.count))
    assert registers == [[0, 10_000], [0, 1_000]]


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        ({"energy_scal": "Wh"}, "no doubt 'energy_scal'; did you mean 'energy_scale'?"),
        ({"energy_scale": "kWh"}, "energy_scale: no choice 'kWh'; did you mean 'Wh'?"),
    ],
)
def test_a_choice_that_there_is_not_is_told(choices: dict[str, str], sentence: str) -> None:
    with pytest.raises(SiteFileError) as error:
        Bench("keba-p40", choices=choices)
    assert sentence in str(error.value)


def test_points_of_missing_phases_have_no_value_and_the_others_do() -> None:
    bench = Bench("alfen-eve", phases=1)
    assert bench.read("current_l1").value == 0
    assert bench.read("current_l2").value is None
    assert bench.read("power_factor_l3").value is None
    assert float(bench.read("voltage_l1").number or 0) == pytest.approx(230, abs=2)


def test_points_can_be_taken_away_by_pattern() -> None:
    bench = Bench("eastron-sdm630", without=["*_l3", "frequency"])
    assert not bench.device.has("power_l3")
    assert not bench.device.has("frequency")
    assert bench.read("power_l2").value is not None


def test_a_unit_may_refuse_reads_that_others_of_its_kind_take() -> None:
    usual, strict = Bench("eastron-sdm630"), Bench("eastron-sdm630", max_registers=10)
    (bank,), (narrow,) = usual.device.banks.values(), strict.device.banks.values()
    assert isinstance(bank.read("input", 0, 18), list)
    assert narrow.read("input", 0, 18) is ExcCodes.ILLEGAL_VALUE
    assert isinstance(narrow.read("input", 0, 10), list)


@pytest.mark.parametrize("where", ["ev_soc", 730])
def test_a_unit_may_close_the_connection_on_a_register(where: str | int) -> None:
    bench = Bench("bender-cc612", closes_on=[where])
    bank = bench.device.banks[0, 255]
    assert bank.read("holding", 730, 1) is Silence.CLOSES
    assert isinstance(bank.read("holding", 122, 1), list)


def test_transformer_ratios_are_divided_out_of_the_registers() -> None:
    direct, through = Bench("chint-dtsu666"), Bench("chint-dtsu666", values={"current_ratio": 40})
    for bench in (direct, through):
        bench.wait(20)
    one, fortieth = direct.read("current_l1").number, through.read("current_l1").number
    assert one is not None
    assert fortieth is not None
    assert float(one) == pytest.approx(40 * float(fortieth), rel=0.01)
