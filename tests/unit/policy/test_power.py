"""Who gets how much, and why, on a simulated yard."""

from dataclasses import replace
from datetime import timedelta

import pytest

from baywarden.model.overstay import ClockState
from baywarden.model.reading import ChargerState, Contact, EvseReading, MeterReading, Pilot, Snapshot
from baywarden.model.site import Circuit, Commitment, SiteState
from baywarden.policy.power import share
from support.power_yard import BEGIN, Yard, outlet, site

YARD = Circuit("yard", 32_000)
METERED = Circuit("yard", 32_000, meter_id="m1")


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
def test_an_outlet_out_of_order_gets_nothing(broken: dict[str, object]) -> None:
    yard = Yard(site([YARD], [outlet("a")]))
    yard.plug_in("a")
    yard.cycles(2)
    last = yard.chargers["a"].last
    assert last is not None
    reading = replace(last, **broken)  # type: ignore[arg-type]  # fields by the test
    held = {"a": Commitment("a", 16_000, 16_000, confirmed=True)}
    found = share(yard.rules, yard.state(), Snapshot({"a": reading}), held, yard.now)
    assert found["a"].why == "0 A: the outlet is out of order"


def test_a_cut_comes_at_once_and_a_raise_ten_seconds_after_it() -> None:
    yard = Yard(site([METERED], [outlet("a")]), {"yard": 5_000})
    yard.plug_in("a")
    yard.cycles(3)
    assert yard.limits_ma() == {"a": 16_000}
    yard.loads_ma["yard"] = 24_000
    yard.cycles(1)
    assert yard.limits_ma() == {"a": 8_000}
    yard.loads_ma["yard"] = 5_000
    yard.cycles(9)
    assert yard.allocations["a"].why == "8 A: may have 16 A, in 1 s"
    yard.cycles(1)
    assert yard.limits_ma() == {"a": 16_000}


def test_a_paused_car_is_not_switched_on_again_before_a_minute() -> None:
    yard = Yard(site([METERED], [outlet("a")]), {"yard": 5_000})
    yard.plug_in("a")
    yard.cycles(3)
    yard.loads_ma["yard"] = 28_000
    yard.cycles(1)
    assert yard.allocations["a"].why == "0 A: circuit yard L1 has no 6 A left beside 28 A of other load"
    yard.loads_ma["yard"] = 5_000
    yard.cycles(59)
    assert yard.limits_ma() == {"a": 0}
    yard.cycles(1)
    assert yard.limits_ma() == {"a": 16_000}


@pytest.mark.parametrize(("booked_w", "pause_s"), [(None, 300), (0, 60)])
def test_a_car_that_is_paused_again_soon_rests_for_five_minutes_unless_it_is_booked(
    booked_w: int | None, pause_s: int
) -> None:
    yard = Yard(site([METERED], [outlet("a")]), {"yard": 5_000})
    yard.plug_in("a", booked_w=booked_w)
    for load_ma, seconds in ((5_000, 3), (28_000, 1), (5_000, 60), (28_000, 1)):
        yard.loads_ma["yard"] = load_ma
        yard.cycles(seconds)
    yard.loads_ma["yard"] = 5_000
    yard.cycles(pause_s - 1)
    assert yard.limits_ma() == {"a": 0}
    yard.cycles(1)
    assert yard.limits_ma() == {"a": 16_000}


def test_a_restless_load_does_not_switch_a_car_more_than_twelve_times_an_hour() -> None:
    yard = Yard(site([METERED], [outlet(name) for name in "abc"]), {"yard": 10_000})
    for name in "abc":
        yard.plug_in(name)
        yard.cycles(1)
    was_on, switched_off = False, 0
    for second in range(3600):
        yard.loads_ma["yard"] = 16_000 if second // 45 % 2 else 12_000
        is_on = yard.cycles(1)["c"].limit_ma > 0
        switched_off += was_on and not is_on
        was_on = is_on
    assert 2 <= switched_off <= 12


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


def test_a_flickering_load_does_not_make_the_limits_flicker() -> None:
    yard = Yard(site([METERED], [outlet("a")]), {"yard": 20_000})
    yard.plug_in("a")
    seen = []
    for second in range(120):
        yard.loads_ma["yard"] = 20_000 + (400 if second % 7 < 3 else -400)
        seen.append(yard.cycles(1)["a"].limit_ma)
    assert set(seen[20:]) == {11_000}


def test_with_the_meter_silent_outlets_fall_to_their_fail_safe_current() -> None:
    yard = Yard(site([METERED], [outlet("a"), outlet("b", failsafe_ma=0)]), {"yard": 2_000})
    yard.plug_in("a")
    yard.plug_in("b")
    yard.cycles(30)
    assert min(yard.limits_ma().values()) >= 14_000
    yard.silent_meters.add("m1")
    yard.cycles(10)
    assert min(yard.limits_ma().values()) >= 14_000
    yard.cycles(1)
    assert yard.limits_ma() == {"a": 6_000, "b": 0}
    unknown = "the load of circuit yard L1 is unknown, so no more than the fail-safe current"
    assert yard.allocations["a"].why == f"6 A: {unknown}"
    assert yard.allocations["b"].why == f"0 A: {unknown}"


def test_the_unknown_load_of_a_circuit_is_unknown_above_it_unless_a_meter_sees_it() -> None:
    below = Circuit("east", 32_000, "grid", meter_id="m2")
    for grid, expected in (
        (Circuit("grid", 63_000), 6_000),
        (Circuit("grid", 63_000, meter_id="m1"), 16_000),
    ):
        yard = Yard(site([grid, below], [outlet("a", "grid")]), silent_meters={"m2"})
        yard.plug_in("a")
        yard.cycles(20)
        assert yard.limits_ma() == {"a": expected}


def test_a_silent_outlet_keeps_its_limit_and_counts_with_it() -> None:
    yard = Yard(site([Circuit("yard", 20_000)], [outlet("a"), outlet("b")]))
    yard.plug_in("a")
    yard.cycles(20)
    yard.chargers["a"].is_heard = False
    yard.plug_in("b")
    yard.cycles(30)
    assert yard.limits_ma() == {"a": 10_000, "b": 0}
    # It was cut while it was not yet known to be silent; nobody confirmed that.
    assert yard.allocations["a"].why == "10 A: not heard, counted at 16 A"


def test_a_silent_outlet_counts_at_least_with_its_fail_safe_current() -> None:
    yard = Yard(site([Circuit("yard", 16_000)], [outlet("a", failsafe_ma=8_000), outlet("b")]))
    yard.cycles(2)
    yard.plug_in("b")
    yard.cycles(2)
    yard.chargers["a"].is_heard = False
    yard.cycles(12)
    assert yard.limits_ma() == {"a": 0, "b": 8_000}


def test_an_outlet_that_was_never_heard_counts_with_the_most_it_can_give() -> None:
    yard = Yard(site([YARD], [outlet("a"), outlet("b", max_current_ma=20_000)]))
    yard.chargers["b"].is_heard = False
    yard.plug_in("a")
    yard.plug_in("b")
    yard.cycles(20)
    assert yard.limits_ma() == {"a": 12_000, "b": 0}
    assert yard.allocations["b"].why == "0 A: not heard, counted at 20 A"


def test_an_armed_outlet_that_is_silent_counts_at_its_fail_safe_current_once_it_has_surely_fallen_back() -> (
    None
):
    yard = Yard(site([Circuit("yard", 20_000)], [outlet("a"), outlet("b")]))
    yard.chargers["a"].is_armed = True
    yard.plug_in("a")
    yard.cycles(20)
    yard.chargers["a"].is_heard = False
    yard.plug_in("b")
    yard.cycles(45)
    assert yard.limits_ma() == {"a": 10_000, "b": 0}
    yard.cycles(1)
    assert yard.limits_ma() == {"a": 6_000, "b": 14_000}
    assert yard.allocations["a"].why == "6 A: not heard, counted at 6 A"


def test_an_outlet_that_was_not_armed_counts_at_its_last_limit_for_as_long_as_it_is_silent() -> None:
    yard = Yard(site([Circuit("yard", 20_000)], [outlet("a"), outlet("b")]))
    yard.plug_in("a")
    yard.cycles(20)
    yard.chargers["a"].is_heard = False
    yard.plug_in("b")
    yard.cycles(600)
    assert yard.limits_ma() == {"a": 10_000, "b": 0}


def test_after_a_restart_dead_outlets_that_were_armed_do_not_stop_the_others() -> None:
    yard = Yard(site([Circuit("yard", 63_000)], [outlet(name, max_current_ma=32_000) for name in "abcdef"]))
    for name, charger in yard.chargers.items():
        charger.is_armed = True
        yard.plug_in(name)
    yard.cycles(60)
    yard.restart()
    for name in "ef":
        yard.chargers[name].is_heard = False
    yard.cycles(45)
    assert set(yard.limits_ma().values()) == {0}
    yard.cycles(120)
    assert sum(yard.limits_ma()[name] for name in "abcd") == 63_000 - 2 * 6_000


def test_what_a_silent_outlet_drew_last_is_not_taken_off_the_meter_once_it_has_fallen_back() -> None:
    yard = Yard(site([METERED], [outlet("a"), outlet("b")]), {"yard": 10_000})
    yard.chargers["a"].is_armed = True
    yard.plug_in("a")
    yard.cycles(20)
    yard.chargers["a"].is_heard = False
    yard.plug_in("b")
    yard.cycles(200)
    assert yard.chargers["a"].drawn_ma == 6_000
    assert yard.limits_ma()["b"] <= 32_000 - 10_000 - 6_000
    assert yard.limits_ma()["b"] >= 6_000


def test_an_outlet_that_fell_back_to_nothing_is_told_to_stay_there() -> None:
    yard = Yard(site([Circuit("yard", 16_000)], [outlet("a", failsafe_ma=0), outlet("b")]))
    yard.chargers["a"].is_armed = True
    yard.plug_in("a")
    yard.cycles(20)
    yard.chargers["a"].is_heard = False
    yard.plug_in("b")
    yard.cycles(60)
    assert yard.limits_ma() == {"a": 0, "b": 16_000}


def test_a_silent_outlet_that_fell_back_is_told_to_stop_only_where_the_fuse_needs_it() -> None:
    yard = Yard(site([METERED], [outlet("a")]), {"yard": 5_000})
    yard.chargers["a"].is_armed = True
    yard.plug_in("a")
    yard.cycles(5)
    yard.chargers["a"].is_heard = False
    yard.cycles(100)
    assert yard.allocations["a"].why == "6 A: not heard, counted at 6 A"
    yard.loads_ma["yard"] = 30_000
    yard.cycles(2)
    assert yard.limits_ma() == {"a": 0}


def test_a_silent_outlet_is_told_to_stop_when_a_fuse_is_over_its_limit() -> None:
    yard = Yard(site([METERED], [outlet("a")]), {"yard": 5_000})
    yard.plug_in("a")
    yard.cycles(5)
    yard.chargers["a"].is_heard = False
    yard.loads_ma["yard"] = 30_000
    yard.cycles(12)
    assert (
        yard.allocations["a"].why == "0 A: not heard, counted at 16 A, and circuit yard L1 is over its limit"
    )


def test_a_car_that_draws_more_than_it_was_told_is_counted_at_what_it_draws() -> None:
    yard = Yard(site([YARD], [outlet("a"), outlet("b")]))
    yard.cycles(2)
    yard.plug_in("a")
    yard.cycles(2)
    held = {
        "a": Commitment("a", 10_000, 10_000, confirmed=True),
        "b": Commitment("b", 0, 0, confirmed=True),
    }
    drawing = EvseReading("a", Contact.OK, read_mono_ms=yard.mono_ms, current_ma=(20_000, 0, 0))
    idle = EvseReading("b", Contact.OK, read_mono_ms=yard.mono_ms)
    yard.plug_in("b")
    found = share(yard.rules, yard.state(), Snapshot({"a": drawing, "b": idle}), held, yard.now)
    assert found["a"].why == "10 A: may draw 20 A in spite of it, counted at that"
    assert found["b"].limit_ma == 12_000


def test_before_anything_is_confirmed_nothing_is_raised() -> None:
    yard = Yard(site([YARD], [outlet("a")]))
    yard.chargers["a"].real_ma = 9_500
    yard.plug_in("a")
    allocation = yard.cycles(1)["a"]
    assert allocation.why == "9 A: may have 16 A, when 9 A is read back"
    assert yard.cycles(11)["a"].limit_ma == 16_000


def test_on_an_overbooked_fuse_what_shows_more_than_it_is_told_for_the_first_time_waits_for_the_others() -> (
    None
):
    yard = Yard(site([Circuit("yard", 20_000)], [outlet("a"), outlet("b")]))
    for charger in yard.chargers.values():
        charger.real_ma = 16_000
    yard.plug_in("a")
    yard.plug_in("b")
    assert {name: share.limit_ma for name, share in yard.cycles(1).items()} == {"a": 6_000, "b": 6_000}
    assert yard.allocations["a"].why == "6 A: may have 10 A, when the others have been cut"
    assert yard.cycles(15)["a"].limit_ma == 10_000


def test_export_of_others_is_not_relied_on() -> None:
    yard = Yard(site([Circuit("yard", 10_000, meter_id="m1")], [outlet("a")]), {"yard": -20_000})
    yard.plug_in("a")
    yard.cycles(30)
    assert yard.limits_ma() == {"a": 9_000}


@pytest.mark.parametrize(("phases", "expected"), [((1,), 16_000), ((1, 2, 3), 11_000)])
def test_an_outlet_that_only_tells_its_power_is_taken_off_the_meter_as_far_as_certain(
    phases: tuple[int, ...], expected: int
) -> None:
    # The meter sees 20 A of which the outlet draws 16 A on one phase; on three it might be any of them.
    rules = site([Circuit("yard", 31_000, meter_id="m1")], [outlet("a", phases=phases)])
    yard = Yard(rules)
    yard.plug_in("a")
    yard.cycles(3)
    reading = EvseReading("a", Contact.OK, read_mono_ms=yard.mono_ms, power_w=3_680)
    meter = MeterReading("m1", Contact.OK, read_mono_ms=yard.mono_ms, current_ma=(20_000, 0, 0))
    held = {"a": Commitment("a", 16_000, 16_000, confirmed=True)}
    found = share(rules, yard.state(), Snapshot({"a": reading}, {"m1": meter}), held, yard.now)
    assert found["a"].limit_ma == expected


def test_a_raise_does_not_rely_on_currents_read_long_before_the_meter() -> None:
    yard = Yard(site([METERED], [outlet("a"), outlet("b")]), {"yard": 10_000})
    yard.cycles(2)
    yard.plug_in("a")
    yard.cycles(2)
    # The car of the silent outlet stops unseen: the 10 A that the meter shows are all of others, but
    # less the 16 A that the outlet last drew they would be none.
    yard.chargers["a"].is_heard = False
    yard.chargers["a"].appetite_ma = 0
    yard.cycles(4)
    yard.plug_in("b")
    allocation = yard.cycles(1)["b"]
    assert allocation.why == "6 A: may have 16 A, when circuit yard L1 is free of it"


@pytest.mark.parametrize(("age_ms", "expected_ma"), [(1_000, 16_000), (12_000, 6_000)])
def test_a_car_that_follows_its_raise_does_not_look_like_a_load_of_others(
    age_ms: int, expected_ma: int
) -> None:
    # The meter sees 14 A while the outlet still shows none of the 16 A it was raised to: for as long as a car takes
    # to follow they may be its own, after that they are somebody else's.
    rules = site([Circuit("yard", 20_000, meter_id="m1")], [outlet("a")])
    yard = Yard(rules)
    yard.plug_in("a")
    yard.cycles(3)
    at_ms = yard.mono_ms
    reading = EvseReading("a", Contact.OK, read_mono_ms=at_ms - 500, current_ma=(0, 0, 0))
    meter = MeterReading("m1", Contact.OK, read_mono_ms=at_ms, current_ma=(14_000, 14_000, 14_000))
    held = {"a": Commitment("a", 16_000, 16_000, confirmed=True, raised_mono_ms=at_ms - age_ms)}
    found = share(rules, yard.state(), Snapshot({"a": reading}, {"m1": meter}), held, yard.now)
    assert found["a"].limit_ma == expected_ma


@pytest.mark.parametrize(("raised_ago_ms", "expected_ma"), [(1_500, 4_000), (14_000, 15_000)])
def test_what_a_car_took_up_after_the_meter_was_read_is_not_taken_off_for_a_raise(
    raised_ago_ms: int, expected_ma: int
) -> None:
    # The meter saw 12 A of others and nothing of the car, which has 16 A a second later: less those there would
    # be no others. Had the car been raised long before both, the 12 A would be its own.
    rules = site([Circuit("yard", 32_000, meter_id="m1")], [outlet("a"), outlet("b", min_current_ma=4_000)])
    yard = Yard(rules)
    yard.plug_in("a")
    yard.plug_in("b")
    yard.cycles(1)
    at_ms = yard.mono_ms
    readings = {
        "a": EvseReading("a", Contact.OK, read_mono_ms=at_ms, current_ma=(16_000,) * 3),
        "b": EvseReading("b", Contact.OK, read_mono_ms=at_ms, current_ma=(0, 0, 0)),
    }
    meter = MeterReading("m1", Contact.OK, read_mono_ms=at_ms - 1_000, current_ma=(12_000,) * 3)
    held = {
        "a": Commitment("a", 16_000, 16_000, confirmed=True, raised_mono_ms=at_ms - raised_ago_ms),
        "b": Commitment("b", 0, 0, confirmed=True),
    }
    found = share(rules, yard.state(), Snapshot(readings, {"m1": meter}), held, yard.now)
    assert found["b"].limit_ma == expected_ma


def test_a_fuse_that_is_measured_over_its_limit_is_relieved_even_while_a_car_follows_its_raise() -> None:
    rules = site([Circuit("yard", 20_000, meter_id="m1")], [outlet("a")])
    yard = Yard(rules)
    yard.plug_in("a")
    yard.cycles(3)
    at_ms = yard.mono_ms
    reading = EvseReading("a", Contact.OK, read_mono_ms=at_ms - 500, current_ma=(8_000, 8_000, 8_000))
    meter = MeterReading("m1", Contact.OK, read_mono_ms=at_ms, current_ma=(24_000, 24_000, 24_000))
    held = {"a": Commitment("a", 16_000, 16_000, confirmed=True, raised_mono_ms=at_ms - 1_000)}
    found = share(rules, yard.state(), Snapshot({"a": reading}, {"m1": meter}), held, yard.now)
    assert found["a"].limit_ma == 12_000


def test_others_need_not_stop_for_an_outlet_that_falls_silent_while_it_charges() -> None:
    yard = Yard(site([METERED], [outlet("a"), outlet("b")]))
    yard.plug_in("a")
    yard.plug_in("b")
    yard.cycles(30)
    before = yard.limits_ma()
    yard.chargers["a"].is_heard = False
    yard.cycles(60)
    assert yard.limits_ma() == before


def test_the_share_of_no_outlets_is_empty() -> None:
    yard = Yard(site([YARD], []))
    assert share(yard.rules, SiteState({}), Snapshot(), {}, yard.now) == {}
