"""Who gets how much, and why, on a simulated yard."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from baywarden.model.overstay import ClockState
from baywarden.model.reading import ChargerState, Pilot, Snapshot
from baywarden.model.site import Circuit, Commitment, SiteState
from baywarden.policy.power import share
from support.power_yard import BEGIN, Yard, outlet, site

YARD = Circuit("yard", 32_000)


def test_an_outlet_without_a_car_gets_nothing() -> None:
    yard = Yard(site([YARD], [outlet("a")]))
    assert yard.cycles(3)["a"].why == "0 A: no car"


def test_a_car_gets_all_its_outlet_can_give_within_a_cycle_of_the_plug() -> None:
    yard = Yard(site([YARD], [outlet("a")]))
    yard.cycles(2)
    yard.plug_in("a")
    allocation = yard.cycles(1)["a"]
    assert (allocation.limit_ma, allocation.why) == (16_000, "16 A: that is all it can give")


def test_two_cars_share_evenly_and_the_earlier_gets_the_odd_ampere() -> None:
    yard = Yard(site([Circuit("yard", 21_000)], [outlet("a"), outlet("b")]))
    yard.cycles(2)
    yard.plug_in("b")
    yard.cycles(2)
    yard.plug_in("a")
    yard.cycles(30)
    assert yard.limits_ma() == {"a": 10_000, "b": 11_000}
    assert yard.allocations["a"].why == "10 A: circuit yard L1 has 21 A for its cars beside 0 A of other load"


def test_a_newcomer_waits_for_the_confirmed_cut_of_the_others() -> None:
    yard = Yard(site([Circuit("yard", 20_000)], [outlet("a"), outlet("b")]))
    yard.cycles(2)
    yard.plug_in("a")
    yard.cycles(20)
    yard.plug_in("b")
    yard.chargers["a"].loses_answers = True
    yard.cycles(3)
    assert yard.limits_ma() == {"a": 10_000, "b": 0}
    assert yard.allocations["b"].why == "0 A: may have 10 A, when circuit yard L1 is free of it"
    yard.chargers["a"].loses_answers = False
    yard.cycles(2)
    assert yard.limits_ma() == {"a": 10_000, "b": 10_000}


def test_an_outlet_that_does_not_confirm_its_cut_counts_at_its_old_limit_in_the_end() -> None:
    yard = Yard(site([Circuit("yard", 22_000)], [outlet("a"), outlet("b")]))
    yard.cycles(2)
    yard.plug_in("a")
    yard.cycles(20)
    yard.plug_in("b")
    yard.chargers["a"].loses_writes = True
    yard.cycles(17)
    assert yard.limits_ma() == {"a": 11_000, "b": 6_000}
    assert yard.allocations["a"].why == "11 A: may draw 16 A in spite of it, counted at that"


def test_the_least_current_goes_to_as_many_as_fit_and_the_rest_wait() -> None:
    yard = Yard(site([Circuit("yard", 13_000)], [outlet(name) for name in "abc"]))
    yard.cycles(2)
    for name in "cab":
        yard.plug_in(name)
        yard.cycles(1)
    yard.cycles(30)
    assert yard.limits_ma() == {"c": 7_000, "a": 6_000, "b": 0}
    assert yard.allocations["b"].why == "0 A: circuit yard L1 has no 6 A left beside 0 A of other load"


def test_a_booked_car_comes_before_those_that_were_there_earlier() -> None:
    yard = Yard(site([Circuit("yard", 13_000)], [outlet("a"), outlet("b")]))
    yard.cycles(2)
    yard.plug_in("a")
    yard.cycles(20)
    yard.plug_in("b", booked_w=7_400)
    yard.cycles(30)
    assert yard.limits_ma() == {"a": 0, "b": 13_000}


def test_a_booked_car_gets_what_was_promised_and_the_others_share_the_rest() -> None:
    yard = Yard(site([Circuit("yard", 30_000)], [outlet(name) for name in "abc"]))
    yard.cycles(2)
    yard.plug_in("a")
    yard.plug_in("c")
    yard.cycles(20)
    yard.plug_in("b", booked_w=11_040)
    yard.cycles(40)
    assert yard.limits_ma() == {"a": 7_000, "b": 16_000, "c": 7_000}


def test_after_its_end_a_booking_no_longer_comes_first() -> None:
    yard = Yard(site([Circuit("yard", 11_000)], [outlet("a"), outlet("b")]))
    yard.cycles(2)
    yard.plug_in("a")
    yard.cycles(2)
    yard.plug_in("b", booked_w=0, booking_end_at=BEGIN + timedelta(minutes=2))
    yard.cycles(60)
    assert yard.limits_ma() == {"a": 0, "b": 11_000}
    yard.cycles(120)
    assert yard.limits_ma() == {"a": 11_000, "b": 0}


def test_phases_are_counted_one_by_one() -> None:
    evses = [outlet("a", phases=(1,)), outlet("b", phases=(2,)), outlet("c", phases=(2,))]
    yard = Yard(site([Circuit("yard", 16_000)], evses))
    yard.cycles(2)
    for name in "abc":
        yard.plug_in(name)
    yard.cycles(30)
    assert yard.limits_ma() == {"a": 16_000, "b": 8_000, "c": 8_000}


def test_a_circuit_is_bounded_by_all_circuits_above_it() -> None:
    circuits = [Circuit("grid", 24_000), Circuit("east", 16_000, "grid"), Circuit("west", 16_000, "grid")]
    yard = Yard(site(circuits, [outlet("e1", "east"), outlet("e2", "east"), outlet("w1", "west")]))
    yard.cycles(2)
    for name in ("e1", "e2", "w1"):
        yard.plug_in(name)
    yard.cycles(60)
    assert yard.limits_ma() == {"e1": 8_000, "e2": 8_000, "w1": 8_000}


def test_a_session_that_may_not_charge_gets_nothing() -> None:
    yard = Yard(site([YARD], [outlet("a")]))
    yard.plug_in("a", withheld="RESERVED_FOR_ANOTHER")
    assert yard.cycles(2)["a"].why == "0 A: withheld (RESERVED_FOR_ANOTHER)"


def test_a_car_that_asks_for_no_power_is_left_the_least_so_that_the_site_does_not_pause_it() -> None:
    yard = Yard(site([YARD], [outlet("a")]))
    yard.plug_in("a", state=ClockState.SUSPENDED_EV)
    assert yard.cycles(2)["a"].why == "6 A: the car asks for no power"


@pytest.mark.parametrize("broken", [{"state": ChargerState.FAULTED}, {"pilot": Pilot.E}])
def test_an_outlet_out_of_order_gets_nothing(broken: dict[str, Any]) -> None:
    yard = Yard(site([YARD], [outlet("a")]))
    yard.plug_in("a")
    yard.cycles(2)
    last = yard.chargers["a"].last
    assert last is not None
    reading = replace(last, **broken)
    held = {"a": Commitment("a", 16_000, 16_000, confirmed=True)}
    found = share(yard.rules, yard.state(), Snapshot({"a": reading}), held, yard.now)
    assert found["a"].why == "0 A: the outlet is out of order"


def test_a_full_car_keeps_the_least_before_a_newcomer_so_that_it_goes_on_being_idle() -> None:
    # Paused by us it would be no longer idle, and nobody could say for how long it had blocked the bay.
    yard = Yard(site([Circuit("yard", 11_000)], [outlet("a"), outlet("b")]))
    yard.plug_in("a", state=ClockState.SUSPENDED_EV)
    yard.cycles(20)
    yard.plug_in("b")
    yard.cycles(60)
    assert yard.limits_ma() == {"a": 6_000, "b": 0}


def test_a_full_car_is_paused_for_a_booked_one() -> None:
    yard = Yard(site([Circuit("yard", 11_000)], [outlet("a"), outlet("b")]))
    yard.plug_in("a", state=ClockState.SUSPENDED_EV)
    yard.cycles(20)
    yard.plug_in("b", booked_w=0)
    yard.cycles(60)
    assert yard.limits_ma() == {"a": 0, "b": 11_000}


def test_the_share_of_no_outlets_is_empty() -> None:
    yard = Yard(site([YARD], []))
    assert share(yard.rules, SiteState({}), Snapshot(), {}, yard.now) == {}
