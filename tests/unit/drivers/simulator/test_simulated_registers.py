"""The rules of each register bank: who may read and write what."""

from decimal import Decimal

import pytest
from pymodbus.constants import ExcCodes

from baywarden_drivers.profile import ReadPoint, load_profile
from baywarden_drivers.simulator.car import Car
from baywarden_drivers.simulator.meter import BaseLoad, Meter
from baywarden_drivers.simulator.meter_device import MeterDevice
from baywarden_drivers.simulator.truth import Truth
from baywarden_drivers.values.codec import decode
from support.simulated import CHARGERS, METERS, Stand


def step_of(point: ReadPoint, value: Decimal) -> Decimal:
    """How far a register may be from the truth."""
    if point.dtype in ("f32", "f64"):
        return abs(value) * Decimal(2) ** (-22 if point.dtype == "f32" else -50) + Decimal("1e-30")
    return point.scale


def assert_told(point: ReadPoint, truth: Truth, stand_value: object) -> None:
    """The value read is the truth rounded down by less than one step of the register."""
    if isinstance(truth, str | tuple):
        assert stand_value == truth
        return
    assert isinstance(stand_value, int | Decimal), f"{point.name}: {stand_value!r} for {truth!r}"
    exact = Decimal(str(truth))
    assert 0 <= exact - stand_value <= step_of(point, exact), f"{point.name}: {stand_value} for {truth!r}"


@pytest.mark.parametrize("profile", CHARGERS)
def test_every_point_of_a_charger_tells_the_truth_within_one_step(profile: str) -> None:
    stand = Stand(profile)
    stand.outlet.plug(Car(tag="04A1B2C3"))
    stand.charger.take(stand.profile.writable["set_current_limit"], 1, 11)
    stand.wait(1_000)
    for point in stand.profile.read:
        connector = None if point.scope == "station" else 1
        assert_told(point, stand.charger.truth(point, connector), stand.read(point.name).value)
    assert stand.read("current_l1").number == pytest.approx(11)


@pytest.mark.parametrize("profile", METERS)
def test_every_point_of_a_meter_tells_the_truth_within_one_step(profile: str) -> None:
    meter = Meter("m", [], BaseLoad(((0, (5, 6, 7)),)))
    device = MeterDevice("m", load_profile(profile), meter)
    meter.step(500)
    (bank,) = device.banks.values()
    for slot in bank.slots:
        registers = bank.read(slot.point.type, slot.address, slot.point.count)
        assert isinstance(registers, list)
        assert_told(slot.point, device.truth(slot.point, 1), decode(slot.point, registers, 0).value)
    shown = {slot.point.name: device.truth(slot.point, 1) for slot in bank.slots}
    assert shown["current_l1"] == pytest.approx(5, abs=0.06)
    assert shown["power"] == pytest.approx(meter.power_w)
    assert shown["energy_total"] == pytest.approx(meter.energy_total_wh)


def test_a_register_that_nobody_documented_is_refused() -> None:
    stand = Stand("heidelberg-energy-control")
    bank = stand.charger.banks[0, 1]
    assert bank.read("input", 3, 1) is ExcCodes.ILLEGAL_ADDRESS
    assert bank.read("holding", 5, 1) is ExcCodes.ILLEGAL_ADDRESS
    assert bank.read("input", 18, 2) is ExcCodes.ILLEGAL_ADDRESS
    assert isinstance(bank.read("input", 4, 15), list)


def test_a_device_that_wants_exact_reads_refuses_all_others() -> None:
    bank = Stand("keba-p30").charger.banks[0, 255]
    assert isinstance(bank.read("holding", 1000, 2), list)
    assert bank.read("holding", 1000, 1) is ExcCodes.ILLEGAL_ADDRESS
    assert bank.read("holding", 1008, 4) is ExcCodes.ILLEGAL_VALUE


def test_gaps_can_be_read_across_where_the_profile_says_so() -> None:
    meter = MeterDevice("m", load_profile("eastron-sdm630"), Meter("m"))
    bank = meter.banks[0, 1]
    registers = bank.read("input", 0x30, 8)
    assert registers is ExcCodes.ILLEGAL_ADDRESS, "it would begin with a gap"
    assert isinstance(bank.read("input", 0x34, 6), list)
    assert bank.read("input", 0, 62) is ExcCodes.ILLEGAL_VALUE


def test_a_block_of_the_profile_may_be_read_in_one_piece() -> None:
    bank = Stand("phoenix-charx-sec", outlets=2).charger.banks[0, 1]
    assert isinstance(bank.read("holding", 1232, 77), list)
    assert isinstance(bank.read("holding", 2232, 77), list)
    assert bank.read("holding", 3232, 77) is ExcCodes.ILLEGAL_ADDRESS


def test_registers_that_must_be_read_alone_are_refused_in_company() -> None:
    bank = Stand("bender-cc612").charger.banks[0, 255]
    assert isinstance(bank.read("holding", 730, 1), list)
    assert bank.read("holding", 720, 11) is ExcCodes.ILLEGAL_ADDRESS


def test_odd_reads_are_refused_by_a_meter_that_counts_in_pairs() -> None:
    bank = MeterDevice("m", load_profile("eastron-sdm630"), Meter("m")).banks[0, 1]
    assert bank.read("input", 1, 2) is ExcCodes.ILLEGAL_ADDRESS
    assert bank.read("input", 0, 3) is ExcCodes.ILLEGAL_ADDRESS


def test_only_the_documented_functions_write() -> None:
    keba = Stand("keba-p30")
    bank = keba.charger.banks[0, 255]
    assert bank.write(16, "holding", 5004, [10_000]) is ExcCodes.ILLEGAL_FUNCTION
    assert bank.write(6, "holding", 5004, [10_000]) is None
    assert keba.outlet.allowance.written_a == 10
    alfen = Stand("alfen-eve").charger.banks[0, 1]
    assert alfen.write(6, "holding", 1210, [0x4120]) is ExcCodes.ILLEGAL_ADDRESS


@pytest.mark.parametrize(
    ("milliamperes", "answer"),
    [
        (0, None),
        (6_000, None),
        (63_000, None),
        (5_999, ExcCodes.ILLEGAL_VALUE),
        (63_001, ExcCodes.ILLEGAL_VALUE),
    ],
)
def test_values_outside_the_legal_range_are_refused(milliamperes: int, answer: ExcCodes | None) -> None:
    bank = Stand("keba-p30").charger.banks[0, 255]
    assert bank.write(6, "holding", 5004, [milliamperes]) is answer


def test_a_number_without_a_meaning_is_refused() -> None:
    bank = Stand("heidelberg-energy-control").charger.banks[0, 1]
    assert bank.write(6, "holding", 258, [4]) is None
    assert bank.write(6, "holding", 258, [3]) is ExcCodes.ILLEGAL_VALUE


def test_a_write_over_several_points_happens_as_a_whole_or_not_at_all() -> None:
    stand = Stand("heidelberg-energy-control")
    bank = stand.charger.banks[0, 1]
    assert bank.write(16, "holding", 261, [100, 200]) is ExcCodes.ILLEGAL_VALUE
    assert stand.outlet.allowance.written_a is None
    assert bank.write(16, "holding", 261, [100, 60]) is None
    assert stand.outlet.allowance.written_a == 10
    assert stand.outlet.allowance.failsafe.current_a == 6


def test_a_point_that_is_only_written_cannot_be_read() -> None:
    bank = Stand("heidelberg-energy-control").charger.banks[0, 1]
    assert bank.read("holding", 258, 1) is ExcCodes.ILLEGAL_ADDRESS


def test_a_point_that_a_device_lacks_is_refused() -> None:
    stand = Stand("bender-cc612", without=frozenset({"ev_soc"}))
    assert stand.charger.banks[0, 255].read("holding", 730, 1) is ExcCodes.ILLEGAL_ADDRESS


def test_connectors_are_found_by_offset_by_unit_and_by_port() -> None:
    assert set(Stand("phoenix-charx-sec", outlets=2).charger.banks) == {(0, 1)}
    assert set(Stand("alfen-eve", outlets=2).charger.banks) == {(0, 1), (0, 2), (0, 200)}
    assert set(Stand("bender-cc612", outlets=2).charger.banks) == {(0, 255), (1, 255)}


def test_locking_a_box_from_afar_takes_it_out_of_service() -> None:
    stand = Stand("heidelberg-energy-control")
    bank = stand.charger.banks[0, 1]
    assert bank.write(6, "holding", 259, [0]) is None
    assert not stand.outlet.in_service
    assert bank.write(6, "holding", 259, [1]) is None
    assert stand.outlet.in_service


def test_fixed_values_of_a_site_are_told_as_they_are() -> None:
    stand = Stand("keba-p30", values={"serial": 12_345_678})
    assert stand.read("serial").value == 12_345_678


def test_a_card_is_told_as_text_or_as_a_number() -> None:
    for profile, told in (("keba-p30", 0x04A1B2C3), ("phoenix-charx-sec", "04A1B2C3")):
        stand = Stand(profile)
        stand.outlet.plug(Car(tag="04A1B2C3"))
        assert stand.read("id_tag").value == told
