"""Meters and the building behind them."""

import pytest

from baywarden_drivers.simulator.car import Car
from baywarden_drivers.simulator.meter import BaseLoad, Meter
from baywarden_drivers.simulator.outlet import Outlet
from baywarden_drivers.simulator.world import World


def site(base: BaseLoad, outlets: list[Outlet]) -> tuple[World, Meter]:
    meter = Meter("mains", outlets, base)
    return World(outlets, [meter]), meter


def test_a_meter_shows_the_cars_behind_it_and_the_building() -> None:
    outlets = [Outlet("a", wiring=(1, 2, 3)), Outlet("b", wiring=(2, 3, 1))]
    world, meter = site(BaseLoad(((0, (5, 6, 7)),), ripple_a=0), outlets)
    outlets[0].plug(Car())
    outlets[1].plug(Car(phases=1))
    world.advance_to(60)
    assert meter.currents_a == (pytest.approx(21), pytest.approx(38), pytest.approx(23))
    assert meter.power_w == pytest.approx(sum(meter.power_of_w(phase) for phase in (1, 2, 3)))


def test_the_energy_of_a_meter_is_the_integral_of_its_power() -> None:
    world, meter = site(BaseLoad(((0, (10, 10, 10)),)), [])
    before_wh = meter.energy_total_wh
    sum_ws = 0.0
    for second in range(1, 601):
        world.advance_to(second)
        sum_ws += meter.power_w
    assert meter.energy_total_wh - before_wh == pytest.approx(sum_ws / 3600)


def test_a_schedule_steps_at_its_seconds_and_starts_anew() -> None:
    base = BaseLoad(((0, (1, 1, 1)), (60, (9, 9, 9))), repeat_s=100, ripple_a=0)
    assert [base.current_a(1, at_s) for at_s in (0, 59, 60, 99, 100, 160)] == [1, 1, 9, 9, 1, 9]


def test_a_schedule_that_has_not_begun_is_no_load() -> None:
    assert BaseLoad(((50, (9, 9, 9)),)).current_a(2, 49) == 0


def test_a_steady_building_does_not_look_dead() -> None:
    world, meter = site(BaseLoad(((0, (10, 10, 10)),)), [])
    seen = set()
    for second in range(1, 61):
        world.advance_to(second)
        seen.add(meter.currents_a)
    assert len(seen) == 60


def test_things_happen_at_their_second_even_when_time_leaps() -> None:
    outlet = Outlet("a")
    world = World([outlet], [])
    world.at(100, lambda: outlet.plug(Car()))
    world.at(1_000, outlet.unplug)
    world.advance_to(5_000)
    assert outlet.session_started_s == 100
    assert outlet.session_ended_s == 1_000
    assert outlet.session_duration_s == 900
