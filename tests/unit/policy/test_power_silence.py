"""What silent meters and outlets count with, so that the fuse holds whatever they do."""

from baywarden.model.site import Circuit
from support.power_yard import Yard, outlet, site

YARD = Circuit("yard", 32_000)
METERED = Circuit("yard", 32_000, meter_id="m1")


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


def test_others_need_not_stop_for_an_outlet_that_falls_silent_while_it_charges() -> None:
    yard = Yard(site([METERED], [outlet("a"), outlet("b")]))
    yard.plug_in("a")
    yard.plug_in("b")
    yard.cycles(30)
    before = yard.limits_ma()
    yard.chargers["a"].is_heard = False
    yard.cycles(60)
    assert yard.limits_ma() == before
