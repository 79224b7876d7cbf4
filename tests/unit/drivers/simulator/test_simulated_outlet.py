"""The physics of an outlet and the car at it."""

from itertools import pairwise

import pytest

from baywarden_drivers.simulator.allowance import Allowance, LimitRules
from baywarden_drivers.simulator.car import Car
from baywarden_drivers.simulator.outlet import Outlet
from baywarden_drivers.simulator.words import OutletState, Pilot


def charging_outlet(car: Car | None = None, rules: LimitRules | None = None) -> Outlet:
    """An outlet at which a car has charged for half a minute."""
    outlet = Outlet("a", Allowance(rules or LimitRules(max_a=16)))
    outlet.plug(car or Car())
    run(outlet, 30)
    return outlet


def run(outlet: Outlet, duration_s: int, dt_s: float = 1.0) -> list[float]:
    """Let time pass; the power after each step."""
    powers_w = []
    for _ in range(round(duration_s / dt_s)):
        outlet.step(dt_s)
        powers_w.append(outlet.power_w)
    return powers_w


def test_energy_is_the_integral_of_power() -> None:
    outlet = Outlet("a")
    outlet.plug(Car.needing(3_000))
    before_wh = outlet.energy_total_wh
    powers_w = run(outlet, 1_800)
    assert outlet.energy_total_wh - before_wh == pytest.approx(sum(powers_w) / 3600)
    assert outlet.energy_session_wh == pytest.approx(sum(powers_w) / 3600)
    assert sum(powers_w) > 0


def test_the_sum_of_phase_powers_is_the_power_and_each_is_voltage_times_current() -> None:
    outlet = charging_outlet(Car(phases=2))
    phases = [(outlet.voltage_v(n), outlet.currents_a[n - 1], outlet.power_of_w(n)) for n in (1, 2, 3)]
    assert all(power_w == pytest.approx(volts * amperes) for volts, amperes, power_w in phases)
    assert outlet.power_w == pytest.approx(sum(power_w for *_, power_w in phases))
    assert outlet.currents_a[2] == 0


def test_a_car_takes_what_it_needs_and_then_suspends() -> None:
    outlet = Outlet("a")
    outlet.plug(Car.needing(1_000))
    run(outlet, 3_600)
    assert outlet.state is OutletState.SUSPENDED_EV
    assert outlet.pilot is Pilot.B2
    assert outlet.energy_session_wh == pytest.approx(1_000, abs=3)


def test_near_the_end_the_current_falls_and_never_below_the_minimum() -> None:
    outlet = Outlet("a")
    outlet.plug(Car.needing(6_000))
    run(outlet, 60)
    currents_a = []
    while outlet.state is OutletState.CHARGING:
        run(outlet, 1)
        currents_a.append(outlet.current_a)
    drawn_a = [current_a for current_a in currents_a if current_a > 0]
    assert drawn_a[0] == pytest.approx(16)
    assert drawn_a[-1] == pytest.approx(6)
    assert all(later <= earlier for earlier, later in pairwise(drawn_a))
    assert min(drawn_a) >= 6


def test_a_new_limit_reaches_the_car_after_the_reaction_time() -> None:
    outlet = charging_outlet(rules=LimitRules(max_a=16, reaction_s=3))
    outlet.allowance.write(8)
    run(outlet, 2)
    assert outlet.current_a == pytest.approx(16)
    run(outlet, 3)
    assert outlet.current_a == pytest.approx(8)


def test_a_limit_of_zero_pauses_and_a_higher_one_resumes() -> None:
    outlet = charging_outlet()
    outlet.allowance.write(0)
    run(outlet, 4)
    assert (outlet.state, outlet.pilot) == (OutletState.SUSPENDED_EVSE, Pilot.C1)
    run(outlet, 10)
    assert (outlet.state, outlet.pilot, outlet.power_w) == (OutletState.SUSPENDED_EVSE, Pilot.B1, 0)
    outlet.allowance.write(10)
    run(outlet, 20)
    assert outlet.state is OutletState.CHARGING
    assert outlet.current_a == pytest.approx(10)


def test_a_limit_between_zero_and_six_amperes_has_the_meaning_of_the_profile() -> None:
    pausing = charging_outlet(rules=LimitRules(max_a=16, below_min="pause"))
    clamping = charging_outlet(rules=LimitRules(max_a=16, below_min="min"))
    for outlet in (pausing, clamping):
        outlet.allowance.write(3)
        run(outlet, 10)
    assert (pausing.current_a, pausing.allowance.allowed_a) == (0, 0)
    assert pausing.state is OutletState.SUSPENDED_EVSE
    assert clamping.current_a == pytest.approx(6)


def test_a_car_that_needs_more_than_is_offered_takes_nothing() -> None:
    outlet = charging_outlet(Car(min_current_a=10))
    outlet.allowance.write(8)
    run(outlet, 10)
    assert outlet.current_a == 0
    assert outlet.state is OutletState.SUSPENDED_EV


def test_the_charger_never_offers_more_than_its_own_maximum() -> None:
    outlet = charging_outlet(Car(max_current_a=32), LimitRules(max_a=16))
    outlet.allowance.write(32)
    run(outlet, 20)
    assert outlet.current_a == pytest.approx(16)


def test_an_outlet_that_needs_a_card_waits_for_it_and_the_same_card_ends_the_session() -> None:
    outlet = Outlet("a", needs_tag=True)
    outlet.plug(Car())
    run(outlet, 60)
    assert outlet.state is OutletState.PREPARING
    outlet.present_tag("04A1B2C3")
    run(outlet, 20)
    assert (outlet.state, outlet.id_tag) == (OutletState.CHARGING, "04A1B2C3")
    outlet.present_tag("04A1B2C3")
    run(outlet, 5)
    assert (outlet.state, outlet.power_w) == (OutletState.FINISHING, 0)


def test_a_fault_cuts_the_current_and_its_end_lets_it_flow_again() -> None:
    outlet = charging_outlet()
    outlet.fault(7)
    run(outlet, 1)
    assert (outlet.state, outlet.current_a) == (OutletState.FAULTED, 0)
    outlet.fault(0)
    run(outlet, 20)
    assert outlet.state is OutletState.CHARGING


def test_the_energy_of_a_session_stays_readable_until_the_next_one() -> None:
    outlet = charging_outlet()
    run(outlet, 600)
    outlet.unplug()
    session_wh, lasted_s = outlet.energy_session_wh, outlet.session_duration_s
    run(outlet, 600)
    assert session_wh > 1_000
    assert (outlet.energy_session_wh, outlet.session_duration_s) == (session_wh, lasted_s)
    outlet.plug(Car())
    assert outlet.energy_session_wh == 0


def test_a_restart_forgets_the_limit_but_not_the_energy() -> None:
    outlet = charging_outlet()
    outlet.allowance.write(6)
    run(outlet, 60)
    before_wh = outlet.energy_total_wh
    outlet.reboot()
    assert outlet.current_a == 0
    run(outlet, 60)
    assert outlet.current_a == pytest.approx(16)
    assert outlet.energy_total_wh > before_wh
    assert outlet.energy_session_wh < outlet.energy_total_wh - before_wh + 1


def test_wiring_says_on_which_grid_phase_the_current_flows() -> None:
    outlet = Outlet("a", Allowance(LimitRules(max_a=16)), wiring=(2, 3, 1))
    outlet.plug(Car(phases=1))
    run(outlet, 30)
    assert outlet.currents_a == (pytest.approx(16), 0, 0)
    assert outlet.grid_currents_a() == (0, pytest.approx(16), 0)


def test_the_history_says_what_was_allowed_when_and_why() -> None:
    outlet = charging_outlet()
    outlet.allowance.write(10)
    run(outlet, 10)
    outlet.allowance.enabled = False
    run(outlet, 10)
    told = [(change.at_s, change.allowed_a, change.why.value) for change in outlet.allowance.history]
    assert told == [(0, 16, "start"), (31, 10, "written"), (41, 0, "paused")]
