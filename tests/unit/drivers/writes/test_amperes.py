"""A limit in amperes per phase survives the way into watts and back without ever becoming more."""

from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baywarden_drivers import PointValue, Profile, Quality, ValueRefused, load_profile
from baywarden_drivers.profile.points import WritePoint
from baywarden_drivers.values.value import Value
from baywarden_drivers.writes.amperes import Amperes
from baywarden_drivers.writes.wording import check_range, sayable

STATION = load_profile("delta-ac-max")
LOWEST_V = Decimal("0.9")
"""EN 50160, as a share of the nominal voltage."""
BOX = load_profile("keba-p30")


def _with(profile: Profile, **control: object) -> Profile:
    assert profile.control is not None
    return profile.changed(control=profile.control.model_copy(update=control))


def _limit(profile: Profile) -> WritePoint:
    assert profile.control is not None
    return profile.writable[profile.control.limit]


def _told(value: Value | None, quality: Quality = Quality.GOOD) -> PointValue:
    return PointValue(value, quality, 1_000)


@given(
    st.decimals(0, 500, places=3),
    st.sampled_from([1, 3, None]),
    st.decimals(Decimal(100), Decimal(300), places=1),
)
def test_no_phase_ever_gets_more_than_was_allowed(
    amps: Decimal, phases: int | None, nominal_v: Decimal
) -> None:
    profile = _with(STATION, power_phases=phases, nominal_v=nominal_v)
    amperes, point = Amperes(profile), _limit(profile)
    watts = amperes.said(point, amps)
    per_ampere_w = nominal_v * LOWEST_V * (phases or 1)
    assert watts <= amps * per_ampere_w, "not even at the lowest voltage"
    assert watts > amps * per_ampere_w - 1 or watts == 0 or amps * per_ampere_w < (point.min or 0)
    shown_a = amperes.shown(point, watts)
    assert shown_a is not None and shown_a * per_ampere_w >= watts, "read back it is rounded up"
    assert shown_a <= amps


def test_unknown_phases_are_one_so_that_all_of_it_fits_on_a_single_one() -> None:
    profile = _with(STATION, power_phases=None)
    assert Amperes(profile).said(_limit(profile), Decimal(16)) == 3_312
    assert Amperes(profile).shown(_limit(profile), 11_040) == Decimal("53.334")


@pytest.mark.parametrize(
    ("told", "watts"),
    [
        (_told(1), 2_070),
        (_told(3), 6_210),
        (_told(Decimal("2.0")), 4_140),
        (_told(0), 6_210),
        (_told(7), 6_210),
        (_told(None, Quality.MISSING), 6_210),
    ],
)
def test_the_phases_that_the_device_tells_count_if_they_can_be(told: PointValue, watts: int) -> None:
    plain = STATION.read[0].model_copy(update={"name": "phases", "values": {}})
    profile = _with(STATION.changed(read=(*STATION.read, plain)), phases_point="phases", power_phases=3)
    amperes = Amperes(profile)
    amperes.look({"phases": told})
    assert amperes.said(_limit(profile), Decimal(10)) == watts


def test_phases_may_be_told_by_a_code_with_a_meaning() -> None:
    coded = STATION.read[0].model_copy(update={"name": "phases", "values": {0: "1 phase", 1: "3 phases"}})
    profile = _with(STATION.changed(read=(*STATION.read, coded)), phases_point="phases", power_phases=3)
    amperes = Amperes(profile)
    for code, phases in ((0, 1), (1, 3), (5, 3)):
        amperes.look({"phases": _told(code)})
        assert amperes.phases == phases


def test_what_is_no_current_is_not_shown_as_one() -> None:
    enovates = load_profile("enovates-single")
    amperes, point = Amperes(enovates), _limit(enovates)
    assert amperes.shown(point, Decimal("-0.001")) is None, "-1 stands for no limit"
    assert amperes.shown(point, Decimal(-5)) is None
    assert amperes.shown(point, Decimal(16)) == 16


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("mennekes-amtron-compact-2", {0: None, 4: None, 6: 6}),
        ("daheimladen", {0: None, 4: 4, 6: 6}),
        ("heidelberg-energy-control", {0: 0, 6: 6}),
    ],
)
def test_a_number_that_was_written_and_limits_nothing_is_not_shown_as_a_limit(
    name: str, shown: Mapping[int, int | None]
) -> None:
    profile = load_profile(name)
    amperes, point = Amperes(profile), profile.readable["limit_modbus"]
    assert {number: amperes.shown(point, number) for number in shown} == shown


# What a point can say.


def test_a_special_value_is_never_said_as_a_limit() -> None:
    point = _limit(BOX).model_copy(update={"max": None, "values": {65535: "cancel", 65534: "also not"}})
    assert sayable(point, Decimal(100)) == Decimal("65.533")
    assert sayable(point, Decimal("65.535")) == Decimal("65.533")


def test_a_special_value_may_be_written_on_purpose() -> None:
    point = load_profile("enovates-single").writable["set_current_limit"]
    check_range(point, Decimal("-0.001"))
    check_range(point, Decimal(6))
    for value in (Decimal(-1), Decimal("5.9"), Decimal(33)):
        with pytest.raises(ValueRefused, match="outside 6 to 32"):
            check_range(point, value)


def test_a_value_below_the_range_may_be_written_where_it_pauses() -> None:
    check_range(load_profile("daheimladen").writable["set_current_limit"], Decimal("0.1"))
    with pytest.raises(ValueRefused, match="outside"):
        check_range(load_profile("keba-p30").writable["set_current_limit"], Decimal("0.1"))


@pytest.mark.parametrize("amps", [Decimal(-1), Decimal("NaN"), Decimal("Infinity")])
def test_what_is_no_quantity_is_refused(amps: Decimal) -> None:
    with pytest.raises(ValueRefused, match="no limit"):
        sayable(_limit(BOX), amps)


@given(st.decimals(0, 100, places=4))
def test_a_limit_is_said_in_the_steps_of_the_device_and_never_above(amps: Decimal) -> None:
    point = _limit(BOX).model_copy(update={"step": Decimal(1)})
    said = sayable(point, amps)
    assert said <= amps and said == said.to_integral_value() and (said == 0 or said >= 6)
