"""What a device says is held against what can be, and against what it said before."""

from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baywarden_drivers import PointValue, Quality, load_profile
from baywarden_drivers.values.quality import Watch
from baywarden_drivers.values.value import Value
from support.watched import Watched, watched

BOX = "heidelberg-energy-control"
"""16 A, whole volts, tenths of amperes."""
METER = "eastron-sdm630"
"""Floats throughout."""
CHARGING: Mapping[str, Value] = {
    "current_l1": Decimal("15.9"),
    "current_l2": Decimal("15.8"),
    "current_l3": Decimal("15.8"),
    "voltage_l1": 231,
    "voltage_l2": 230,
    "voltage_l3": 229,
    "power": 10_900,
    "energy_total": 123_456,
}
LOADED: Mapping[str, Value] = {
    **{f"current_l{phase}": Decimal("20.5") for phase in (1, 2, 3)},
    **{f"voltage_l{phase}": Decimal("229.75") for phase in (1, 2, 3)},
    **{f"power_l{phase}": 4_700 for phase in (1, 2, 3)},
    "power": 14_100,
    "frequency": 50,
    "energy_total": 5_000_000,
}


def box() -> Watched:
    """A charging box that was seen to be well."""
    found = watched(BOX)
    assert found.poll(**CHARGING) == []
    return found


# What cannot be.


@pytest.mark.parametrize(
    ("name", "number", "text"),
    [
        ("voltage_l1", 2_310, "voltage_l1: 2310 V cannot be: 0 to 500 V could"),
        ("voltage_l1", -1, "voltage_l1: -1 V cannot be: 0 to 500 V could"),
        ("current_l2", Decimal("24.1"), "current_l2: 24.1 A cannot be: -24.0 to 24.0 A could"),
        ("current_l2", Decimal("-24.1"), "current_l2: -24.1 A cannot be: -24.0 to 24.0 A could"),
        ("power", 60_000, "power: 60000 W cannot be: -21600.0 to 21600.0 W could"),
    ],
)
def test_nonsense_has_no_value_but_a_reason_that_is_told(name: str, number: Value, text: str) -> None:
    found = box()
    assert found.poll(**{name: number}) == [text]
    assert (found.seen[name].value, found.seen[name].quality) == (None, Quality.INVALID)
    assert found.seen[name].reason == text.removeprefix(f"{name}: ")
    assert found.seen["energy_total"].value == 123_456, "the others are as good as before"
    assert found.poll(**CHARGING) == []


def test_a_charger_that_takes_half_more_than_it_may_is_believed() -> None:
    found = box()
    found.poll(current_l1=Decimal("23.9"))
    assert found.seen["current_l1"].value == Decimal("23.9"), "what endangers a fuse must not be hidden"


def test_a_frequency_is_about_50_or_60_hz_or_not_there_at_all() -> None:
    found = watched(METER)
    assert found.poll(**{**LOADED, "frequency": Decimal("59.9")}) == []
    assert found.poll(frequency=0) == []
    assert found.poll(frequency=Decimal("512.5")) == ["frequency: 512.5 Hz cannot be: 40 to 70 Hz could"]


def test_what_is_not_available_stays_so_without_a_word() -> None:
    found = box()
    assert found.poll(power=None, energy_total=None) == []
    assert found.seen["power"].quality is Quality.NOT_AVAILABLE


def test_a_value_that_was_not_read_again_keeps_its_verdict() -> None:
    found = box()
    assert len(found.poll(voltage_l1=2_310)) == 1
    assert len(found.poll_others("voltage_l1")) == 1
    assert found.seen["voltage_l1"].quality is Quality.INVALID


# Jumps.


@pytest.mark.parametrize("volts", [0, 150, 400])
def test_a_voltage_that_jumps_is_believed_once_it_stays(volts: int) -> None:
    found = box()
    for _ in range(2):
        assert found.poll(voltage_l1=volts) == [f"voltage_l1: jumped from 231 to {volts} V"]
        assert found.seen["voltage_l1"].quality is Quality.SUSPECT
    assert found.poll(voltage_l1=volts) == []
    assert found.seen["voltage_l1"].value == volts


def test_a_dead_phase_may_come_alive_at_once() -> None:
    found = watched(BOX)
    assert found.poll(**{**CHARGING, "voltage_l3": 0}) == []
    assert found.poll(**CHARGING) == []


# Counters.


def test_a_counter_that_falls_is_not_believed_until_it_goes_on_from_there() -> None:
    found = box()
    for second in range(10):
        assert found.poll(energy_total=50 + second) == [f"energy_total: fell from 123456 to {50 + second} Wh"]
        assert found.seen["energy_total"].quality is Quality.SUSPECT
    told = found.poll(energy_total=60)
    assert told == ["energy_total starts anew at 60 Wh after 123456 Wh: reset or replaced"]
    assert found.seen["energy_total"].value == 60
    assert found.poll(after_s=800, energy_total=70) == told
    assert found.poll(after_s=200, energy_total=80) == []


def test_one_odd_reading_of_a_counter_is_left_out_and_forgotten() -> None:
    found = box()
    assert found.poll(energy_total=12) != []
    assert found.poll(energy_total=123_460) == []
    assert found.seen["energy_total"].value == 123_460


def test_a_counter_that_shows_0_while_its_device_starts_is_waited_for() -> None:
    found = box()
    for _ in range(30):
        assert found.poll(energy_total=0) == ["energy_total: fell from 123456 to 0 Wh"]
    assert found.poll(energy_total=123_460) == []


def test_a_counter_that_shows_0_at_first_is_waited_for_and_nothing_is_billed_from_there() -> None:
    found = watched(BOX)
    for _ in range(20):
        assert found.poll(**{**CHARGING, "energy_total": 0}) == [
            "energy_total: shows 0 Wh at first: believed once it stays there for 60 s"
        ]
        assert found.seen["energy_total"].value is None
    assert found.poll(energy_total=80_000_000) == []
    assert found.seen["energy_total"].value == 80_000_000


def test_a_counter_that_stays_at_0_for_a_minute_is_new_and_may_not_leap_from_there() -> None:
    found = watched(BOX)
    for _ in range(61):
        found.poll(**{**CHARGING, "energy_total": 0})
    assert found.seen["energy_total"].value == 0
    assert found.poll(energy_total=4) == []
    for _ in range(10):
        assert found.poll(energy_total=800_000) == ["energy_total: leapt from 4 to 800000 Wh"]
    assert found.poll() == ["energy_total starts anew at 800000 Wh after 4 Wh: reset or replaced"]
    assert found.seen["energy_total"].value == 800_000


def test_a_counter_that_is_added_up_here_begins_at_0_and_is_believed_at_once() -> None:
    found = watched("abb-terra-ac")
    assert found.poll(energy_total=0) == []
    assert found.seen["energy_total"].value == 0


def test_a_counter_that_rises_faster_than_power_can_flow_is_not_believed() -> None:
    found = box()
    found.poll(energy_total=123_460)
    assert found.poll(energy_total=133_460) == ["energy_total: leapt from 123460 to 133460 Wh"]


def test_a_counter_that_steps_only_when_the_session_ends_is_believed() -> None:
    found = box()
    assert found.poll(energy_total=123_460) == []
    for _ in range(180):
        assert (
            found.poll(after_s=60, energy_total=123_460, power=0, current_l1=0, current_l2=0, current_l3=0)
            == []
        )
    assert found.poll(energy_total=155_000) == []


@given(st.integers(1, 10**12), st.floats(0.0, 0.99))
def test_no_fall_of_a_counter_is_taken_at_once(before_wh: int, share: float) -> None:
    found = watched(BOX)
    found.poll(energy_total=before_wh)
    after_wh = int(before_wh * share)
    found.poll(energy_total=after_wh)
    shown = found.seen["energy_total"].value
    assert shown is None or after_wh >= before_wh - 1


# Power against currents.


def test_power_that_its_currents_cannot_carry_is_disputed_after_half_a_minute() -> None:
    found = box()
    idle: Mapping[str, Value] = {"current_l1": 0, "current_l2": 0, "current_l3": 0, "power": 11_000}
    for second in range(30):
        assert found.poll(**idle, energy_total=123_456 + second) == []
    [sentence] = found.poll(**idle, energy_total=123_500)
    assert sentence.startswith("power: 11000 W is more than its currents carry")
    assert found.seen["power"].quality is Quality.SUSPECT
    assert found.poll(**{**CHARGING, "energy_total": 123_501}) == []


def test_a_load_step_between_two_reads_is_no_dispute() -> None:
    found = watched(METER)
    for second in range(200):
        is_up = second // 5 % 2
        changed: Mapping[str, Value] = {"power": 14_100 + second if is_up else 200 + second}
        assert found.poll(**{**LOADED, **changed, "current_l1": 20, "current_l2": 0, "current_l3": 0}) == []


# Values that stand still.


def test_a_meter_that_stands_still_under_load_is_frozen_until_it_moves() -> None:
    found = watched(METER)
    for _ in range(60):
        assert found.poll(**LOADED) == []
    [sentence] = found.poll(**LOADED)
    assert sentence == "nothing measured has moved for 60 s although 14100 W flow"
    for name in ("current_l1", "power", "energy_total"):
        assert (found.seen[name].value, found.seen[name].quality) == (None, Quality.FROZEN), name
    assert found.poll(**{**LOADED, "current_l1": Decimal("20.51")}) == []
    assert found.seen["power"].value == 14_100


def test_a_device_that_is_seldom_read_is_not_frozen_after_a_few_looks() -> None:
    found = watched(METER)
    for _ in range(10):
        assert found.poll(after_s=120, **LOADED) == []
    assert found.poll(after_s=120, **LOADED) == [
        "nothing measured has moved for 1200 s although 14100 W flow"
    ]


def test_what_feeds_back_into_the_mains_is_power_that_flows() -> None:
    found = watched(METER)
    for _ in range(61):
        found.poll(**{**LOADED, "power": -14_100})
    assert found.poll(**{**LOADED, "power": -14_100}) != []


def test_an_idle_device_may_stand_still_for_ever() -> None:
    found = watched(BOX)
    idle: Mapping[str, Value] = {**CHARGING, "power": 0, "current_l1": 0, "current_l2": 0, "current_l3": 0}
    for _ in range(100):
        assert found.poll(after_s=3600, **idle) == []


def test_a_coarse_charger_has_until_its_counter_should_have_stepped_thrice() -> None:
    found = box()
    for _ in range(299):
        assert found.poll(**CHARGING) == []
    assert found.poll(**{**CHARGING, "power": 700}) == []
    for _ in range(1500):
        assert found.poll(**{**CHARGING, "power": 700}) == [], "0.1 kWh takes nine minutes then"
    assert found.poll(after_s=100, **{**CHARGING, "power": 700}) != []


def test_a_device_that_rests_long_teaches_how_long_it_rests() -> None:
    found = watched(METER)
    for round_ in range(6):
        for second in range(50):
            assert found.poll(**{**LOADED, "current_l1": 20 + round_ % 2}) == [], (round_, second)
    for _ in range(140):
        assert found.poll(**{**LOADED, "current_l1": 19}) == [], "three times its longest rest is waited for"


# The whole.


@pytest.mark.parametrize("name", [BOX, METER, "keba-p30", "alfen-eve", "abb-b23"])
def test_nothing_at_all_is_no_fault(name: str) -> None:
    profile = load_profile(name)
    missing = {one.name: PointValue(None, Quality.MISSING, 0, "not read yet") for one in profile.read}
    assert Watch(profile).judge(missing, 0) == (missing, [])


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(LOADED)),
    st.one_of(st.integers(-(2**63), 2**63), st.decimals(allow_nan=False, allow_infinity=False)),
)
def test_no_number_whatever_breaks_the_watch(name: str, number: Value) -> None:
    found = watched(METER)
    found.poll(**LOADED)
    found.poll(**{name: number})
    point = found.seen[name]
    assert (point.value is None) == (point.quality is not Quality.GOOD)
    assert point.value == number or point.reason
