"""What writes do: numbers with a meaning of their own, commands, DC, energy limits and errors that stay."""

from typing import Any

import pytest
from pymodbus.constants import ExcCodes

from baywarden_drivers.simulator import Car, OutletState
from support.simulated import Bench


def charging(profile: str, **settings: Any) -> Bench:
    """A charger at which a car has charged for half a minute."""
    bench = Bench(profile, **{"failsafe_timeout_s": 0, **settings})
    for one in bench.profile.startup.writes:
        assert bench.write(one.point, one.value) is None
    bench.simulation.plug("o", Car(max_current_a=32))
    bench.wait(40)
    assert bench.outlet.state is OutletState.CHARGING
    return bench


def raw_write(bench: Bench, point: str, *registers: int) -> object:
    """The refusal of a write in plain registers."""
    wanted = bench.profile.writable[point]
    (bank,) = bench.device.banks.values()
    return bank.write((wanted.functions or (16,))[-1], wanted.type, wanted.address, registers)


def test_a_zero_that_limits_nothing_lets_the_car_take_all() -> None:
    bench = charging("mennekes-amtron-compact-2")
    assert bench.write("set_current_limit", 8) is None
    bench.wait(10)
    assert bench.outlet.current_a == pytest.approx(8)
    assert bench.write("set_current_limit", 0) is None
    bench.wait(20)
    assert bench.outlet.current_a == pytest.approx(32)


def test_a_zero_that_ends_the_session_leaves_the_car_finished() -> None:
    bench = charging("alpitronic-hypercharger")
    assert bench.write("set_power_limit", 0) is None
    bench.wait(10)
    assert bench.outlet.state is OutletState.FINISHING


@pytest.mark.parametrize(("profile", "limit"), [("go-e-charger", 0), ("go-e-charger", 5), ("sungrow-ac", 5)])
def test_a_limit_that_the_device_refuses_is_refused(profile: str, limit: float) -> None:
    bench = charging(profile)
    assert bench.write("set_current_limit", limit) is ExcCodes.ILLEGAL_VALUE
    assert bench.outlet.allowance.written_a is None


def test_a_forbidden_zero_is_refused() -> None:
    assert charging("sigenergy-evdc").write("set_power_limit", 0) is ExcCodes.ILLEGAL_VALUE


def test_a_number_beside_the_range_has_its_own_meaning() -> None:
    bench = charging("enovates-single")
    assert bench.write("set_current_limit", 10) is None
    assert raw_write(bench, "set_current_limit", 0xFFFF) is None
    bench.wait(20)
    assert bench.outlet.current_a == pytest.approx(32)
    assert raw_write(bench, "set_current_limit", 0xFFFE) is ExcCodes.ILLEGAL_VALUE


def test_a_cancelling_number_ends_the_session() -> None:
    bench = charging("kathrein-kwb")
    assert raw_write(bench, "set_current_limit", 0xFFFF) is None
    assert bench.outlet.state is OutletState.FINISHING


def test_a_box_that_was_not_told_that_it_is_controlled_takes_no_limit() -> None:
    bench = Bench("kathrein-kwb")
    assert bench.write("set_current_limit", 8) is None
    assert bench.outlet.allowance.written_a is None
    assert bench.write("ems_control", 0x8000) is None
    assert bench.write("set_current_limit", 8) is None
    assert bench.outlet.allowance.written_a == 8


@pytest.mark.parametrize(
    ("profile", "point", "stop", "go"),
    [
        ("go-e-charger", "force_state", 1, 0),
        ("go-e-charger", "allow", 0, 1),
        ("mennekes-amtron-hcc3", "command", 1, 2),
        ("siemens-versicharge-gen3", "pause", 1, 2),
        ("delta-ac-max", "pause", 1, 0),
        ("phoenix-em-cp-pp-eth", "enable", 0, 1),
        ("mennekes-amtron-compact-2", "release", 0, 1),
    ],
)
def test_a_pause_holds_the_session_and_its_end_lets_it_go_on(
    profile: str, point: str, stop: int, go: int
) -> None:
    bench = charging(profile)
    assert bench.write(point, stop) is None
    bench.wait(10)
    assert (bench.outlet.state, bench.outlet.current_a) == (OutletState.SUSPENDED_EVSE, 0)
    assert bench.write(point, go) is None
    bench.wait(20)
    assert bench.outlet.state is OutletState.CHARGING
    assert bench.outlet.session_count == 1


@pytest.mark.parametrize(
    ("profile", "point", "stop", "go"),
    [
        ("sungrow-ac", "start_stop", 1, 0),
        ("sigenergy-evdc", "start_stop", 1, 0),
        ("webasto-next", "start_stop", 2, 1),
        ("mennekes-amtron-hcc3", "command", 3, 4),
    ],
)
def test_a_stop_ends_the_session_and_a_start_begins_again(
    profile: str, point: str, stop: int, go: int
) -> None:
    bench = charging(profile)
    assert bench.write(point, stop) is None
    bench.wait(10)
    assert bench.outlet.state is OutletState.FINISHING
    assert bench.write(point, go) is None
    bench.wait(20)
    assert bench.outlet.state is OutletState.CHARGING


@pytest.mark.parametrize(
    ("profile", "one", "all_phases"),
    [
        ("keba-p30", 0, 1),
        ("kathrein-kwb", 1, 7),
        ("go-e-charger", 1, 2),
        ("peblar", 1, 0),
    ],
)
def test_phases_are_switched_by_the_words_of_the_profile(profile: str, one: int, all_phases: int) -> None:
    bench = charging(profile)
    assert bench.write("phase_switch", one) is None
    bench.wait(5)
    assert bench.outlet.active_phases == 1
    assert bench.write("phase_switch", all_phases) is None
    assert bench.outlet.phases_used == 3


def test_a_limit_of_power_is_read_back_as_it_was_written() -> None:
    bench = charging("delta-ac-max")
    assert bench.write("set_power_limit", 6_900) is None
    bench.wait(10)
    assert bench.read("limit_modbus_power").value == 6_900
    assert bench.outlet.power_w == pytest.approx(6_900, rel=0.01)
    bench.simulation.plug("o", Car(phases=1, max_current_a=32))
    bench.wait(30)
    assert bench.outlet.power_w == pytest.approx(6_900, rel=0.01)
    assert bench.outlet.current_a == pytest.approx(30)


def test_a_charger_of_either_kind_gives_what_the_site_says() -> None:
    usual, other = charging("delta-ac-max"), charging("delta-ac-max", dc=True)
    assert not usual.device.has("voltage_dc")
    assert usual.outlet.power_w == pytest.approx(22_080, rel=0.01)
    assert float(other.read("voltage_dc").number or 0) > 300
    assert other.outlet.power_w == pytest.approx(50_000, rel=0.01)


def test_a_car_at_a_dc_charger_takes_more_than_its_onboard_charger_could() -> None:
    bench = charging("alpitronic-hypercharger")
    assert bench.outlet.dc
    assert bench.outlet.power_w == pytest.approx(50_000, rel=0.02)
    volts, amperes = bench.read("voltage_dc").number, bench.read("current_dc").number
    assert volts is not None
    assert amperes is not None
    assert float(volts) * float(amperes) == pytest.approx(bench.outlet.power_w, rel=0.02)
    assert bench.write("set_power_limit", 20_000) is None
    bench.wait(10)
    assert bench.outlet.power_w == pytest.approx(20_000, rel=0.02)


def test_a_session_ends_with_the_energy_that_it_may_have() -> None:
    bench = charging("keba-p30")
    assert bench.write("energy_limit", 500) is None
    bench.wait(600)
    assert bench.outlet.state is OutletState.FINISHING
    assert bench.outlet.energy_session_wh == pytest.approx(500, abs=10)


def test_a_stored_limit_survives_a_restart_and_a_volatile_one_does_not() -> None:
    bench = charging("go-e-charger")
    assert bench.write("set_current_limit_stored", 13) is None
    assert bench.write("set_current_limit", 8) is None
    bench.simulation.reboot("it")
    bench.wait(30)
    assert bench.outlet.allowance.allowed_a == 13


def test_an_error_of_silence_stays_until_the_box_is_told_to_go_on() -> None:
    bench = Bench("mennekes-amtron-compact-2")
    bench.simulation.plug("o", Car())
    bench.wait(15)
    assert bench.outlet.state is OutletState.FAULTED
    assert bench.read("error_code").value == 200
    assert bench.write("heartbeat", 21_930) is None
    bench.wait(1)
    assert bench.outlet.state is OutletState.FAULTED
    assert bench.write("release", 1) is None
    bench.wait(1)
    assert bench.outlet.state is not OutletState.FAULTED


def test_a_wrong_token_is_no_sign_of_life() -> None:
    bench = Bench("mennekes-amtron-compact-2")
    bench.wait(9)
    assert raw_write(bench, "heartbeat", 0x55AB) is ExcCodes.ILLEGAL_VALUE
    bench.wait(2)
    assert bench.outlet.allowance.failsafe.is_active(bench.outlet.now_s)


def test_a_life_bit_is_cleared_by_the_device_itself() -> None:
    bench = Bench("webasto-next")
    assert bench.write("lifebit", 1) is None
    assert bench.read("lifebit").value == 1
    bench.wait(15)
    assert bench.read("lifebit").value == 0


def test_supervision_can_be_switched_off_where_the_profile_has_a_number_for_it() -> None:
    bench = Bench("schneider-evlink-pro-ac")
    assert bench.write("lifebit", 1) is None
    assert bench.outlet.allowance.failsafe.is_armed
    assert bench.write("lifebit", 2) is None
    assert not bench.outlet.allowance.failsafe.is_armed


def test_a_meter_that_feeds_in_counts_that_apart() -> None:
    bench = Bench("eastron-sdm630", base_a=[-5, -5, -5])
    bought = bench.read("energy_total").number
    bench.wait(3_600)
    assert bench.read("energy_total").number == bought
    exported = bench.read("energy_export").number
    assert exported is not None
    assert float(exported) == pytest.approx(3 * 5 * 230, rel=0.02)
    power = bench.read("power").number
    assert power is not None
    assert power < 0
