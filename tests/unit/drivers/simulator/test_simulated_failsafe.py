"""What a charger does when nobody speaks to it."""

import pytest

from baywarden_drivers.simulator.car import Car
from baywarden_drivers.simulator.failsafe import FEEDS, Failsafe, FailsafeSettings, Sign
from baywarden_drivers.simulator.words import OutletState
from support.simulated import Stand


@pytest.mark.parametrize(("trigger", "sign"), FEEDS.items())
def test_only_the_sign_of_the_trigger_keeps_a_charger_calm(trigger: str, sign: Sign) -> None:
    failsafe = Failsafe(FailsafeSettings(trigger, timeout_s=30, current_a=6))
    for other in Sign:
        if other is not sign:
            failsafe.hear(other, 100)
    assert failsafe.is_active(100)
    failsafe.hear(sign, 100)
    assert not failsafe.is_active(129.9)
    assert failsafe.is_active(130)


def test_only_the_right_number_at_the_heartbeat_point_is_a_sign_of_life() -> None:
    failsafe = Failsafe(FailsafeSettings("no_heartbeat_token", timeout_s=30, current_a=6, heartbeat=21_930))
    failsafe.beat(1, 29)
    assert failsafe.is_active(30)
    failsafe.beat(21_930, 31)
    assert not failsafe.is_active(60)


def test_a_set_point_that_was_never_written_is_not_valid_even_after_a_restart() -> None:
    failsafe = Failsafe(FailsafeSettings("no_setpoint_write", timeout_s=60, current_a=6))
    assert failsafe.is_active(0)
    failsafe.hear(Sign.SETPOINT, 1)
    assert not failsafe.is_active(2)
    failsafe.reboot(3)
    assert failsafe.is_active(3)


@pytest.mark.parametrize("timeout_s", [0, 65_535])
def test_a_time_out_that_means_off_is_never_over(timeout_s: float) -> None:
    failsafe = Failsafe(FailsafeSettings("no_request", timeout_s, 6, off_s=frozenset({65_535.0})))
    assert not failsafe.is_armed
    assert not failsafe.is_active(1e9)


def test_a_box_with_a_fail_safe_of_zero_amperes_stops_with_an_error() -> None:
    stand = Stand("heidelberg-energy-control", timeout_s=None)
    stand.outlet.plug(Car())
    stand.wait(14)
    assert stand.outlet.state is OutletState.CHARGING
    stand.wait(2)
    assert (stand.outlet.state, stand.outlet.current_a) == (OutletState.FAULTED, 0)
    stand.charger.hear({1}, Sign.REQUEST)
    stand.wait(10)
    assert stand.outlet.state is OutletState.CHARGING


def test_a_validity_time_ends_in_the_safe_current_although_somebody_reads() -> None:
    stand = Stand("alfen-eve", timeout_s=None)
    stand.outlet.plug(Car())
    point = stand.profile.writable["set_current_limit"]
    stand.charger.take(point, 1, 16)
    for _ in range(59):
        stand.wait(1)
        stand.charger.hear({1}, Sign.REQUEST)
    assert stand.outlet.current_a == pytest.approx(16)
    assert stand.read("setpoint_valid_time").value == 1
    stand.wait(5)
    assert stand.outlet.current_a == pytest.approx(6)
    stand.charger.take(point, 1, 10)
    stand.wait(5)
    assert stand.outlet.current_a == pytest.approx(10)


def test_a_keba_ships_without_supervision_and_can_be_armed() -> None:
    stand = Stand("keba-p30", timeout_s=None)
    stand.outlet.plug(Car())
    stand.wait(1_000)
    assert stand.outlet.current_a == pytest.approx(16)
    stand.charger.hear({1}, Sign.REQUEST)
    stand.charger.take(stand.profile.writable["failsafe_current"], 1, 8)
    stand.charger.take(stand.profile.writable["failsafe_timeout"], 1, 20)
    stand.wait(19)
    assert stand.outlet.current_a == pytest.approx(16)
    stand.wait(4)
    assert stand.outlet.current_a == pytest.approx(8)


def test_stored_settings_survive_a_restart_and_others_do_not() -> None:
    stand = Stand("keba-p30", timeout_s=None)
    take, points = stand.charger.take, stand.profile.writable
    take(points["failsafe_timeout"], 1, 20)
    stand.charger.reboot()
    assert stand.read("failsafe_timeout").value == 0
    take(points["failsafe_timeout"], 1, 20)
    take(points["failsafe_persist"], 1, 1)
    stand.charger.reboot()
    assert stand.read("failsafe_timeout").value == 20


def test_a_time_out_in_milliseconds_is_understood_as_such() -> None:
    stand = Stand("heidelberg-energy-control", timeout_s=None)
    bank, address = stand.bank_of("failsafe_timeout", 1)
    assert bank.read("holding", address, 1) == [15_000]
    assert bank.write(6, "holding", address, [30_000]) is None
    assert stand.outlet.allowance.failsafe.timeout_s == 30
