"""What the meters show against what was told: loads of others, raises under way, and fuses over their limit."""

import pytest

from baywarden.model.reading import Contact, EvseReading, MeterReading, Snapshot
from baywarden.model.site import Circuit, Commitment
from baywarden.policy.power import share
from support.power_yard import Yard, outlet, site

YARD = Circuit("yard", 32_000)
METERED = Circuit("yard", 32_000, meter_id="m1")


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
