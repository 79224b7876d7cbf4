"""SunSpec meters: the chain as the specification wants it, by integer and by float models."""

import pytest
from pymodbus.constants import ExcCodes

from baywarden_drivers.simulator import HandClock, Simulation, SiteFileError, parse_site_data
from baywarden_drivers.simulator.bank import Bank
from support.simulated import Bench

INTEGER, FLOAT = "sunspec-meter-int", "sunspec-meter-float"


def walk(bank: Bank, base: int) -> list[tuple[int, int]]:
    """Number and address of every model, as a client finds them."""
    assert bank.read("holding", base, 2) == [0x5375, 0x6E53]
    found: list[tuple[int, int]] = []
    at = base + 2
    while True:
        header = bank.read("holding", at, 2)
        assert isinstance(header, list)
        if header[0] == 0xFFFF:
            assert header[1] == 0
            return found
        found.append((header[0], at))
        at += 2 + header[1]


@pytest.mark.parametrize(
    ("profile", "model"),
    [
        *[(INTEGER, model) for model in (201, 202, 203, 204)],
        *[(FLOAT, model) for model in (211, 212, 213, 214)],
    ],
)
@pytest.mark.parametrize("base", [40_000, 50_000, 0])
def test_the_chain_begins_at_its_base_and_holds_the_model(profile: str, model: int, base: int) -> None:
    bench = Bench(profile, model=model, base=base)
    (bank,) = bench.device.banks.values()
    assert walk(bank, base) == [(1, base + 2), (model, base + 70)]
    assert bench.read("model_id").value == model
    assert bench.read("serial").value


def test_without_a_wish_the_model_is_that_of_the_phases() -> None:
    assert Bench(INTEGER).read("model_id").value == 203
    assert Bench(FLOAT, phases=1).read("model_id").value == 211


@pytest.mark.parametrize("profile", [INTEGER, FLOAT])
def test_a_one_phase_meter_has_nothing_to_say_of_the_others(profile: str) -> None:
    bench = Bench(profile, phases=1)
    assert bench.read("current_l2").value is None
    assert bench.read("power_l3").value is None
    assert bench.read("voltage_l1").value is not None


def test_what_lies_behind_the_end_is_refused() -> None:
    (bank,) = Bench(FLOAT).device.banks.values()
    end = 40_000 + 2 + 68 + 126 + 2
    assert isinstance(bank.read("holding", end - 2, 2), list)
    assert bank.read("holding", end - 1, 2) is ExcCodes.ILLEGAL_ADDRESS
    assert bank.read("holding", 39_999, 2) is ExcCodes.ILLEGAL_ADDRESS


def test_meters_at_one_unit_stand_one_behind_the_other() -> None:
    meters = [
        {"name": "grid", "profile": FLOAT, "listener": "wire", "base_a": 20, "base": 50_000},
        {"name": "row", "profile": INTEGER, "listener": "wire", "base_a": 3},
        {"name": "solar", "profile": FLOAT, "listener": "wire", "base_a": -10},
    ]
    site = parse_site_data({"listener": [{"name": "wire", "tcp": 0}], "meter": meters})
    simulation = Simulation(site, clock=HandClock())
    (bank,) = simulation.device("grid").banks.values()
    assert [number for number, _ in walk(bank, 50_000)] == [1, 213, 1, 203, 1, 213]
    owners = {slot.address: slot.owner for slot in bank.slots if slot.point.name == "power"}
    assert [owners[address].truth for address in sorted(owners)] == [
        simulation.device(name).truth for name in ("grid", "row", "solar")
    ]


def test_a_model_that_the_profile_does_not_have_is_told() -> None:
    with pytest.raises(SiteFileError, match="no model 213; there are 201, 202, 203, 204"):
        Bench(INTEGER, model=213)


def test_the_keys_of_sunspec_are_refused_for_other_meters() -> None:
    with pytest.raises(SiteFileError, match="eastron-sdm630 is not"):
        Bench("eastron-sdm630", model=203)
