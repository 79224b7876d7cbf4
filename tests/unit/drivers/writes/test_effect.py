"""A charger that draws more than it was told, and a limit that somebody else has changed."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from baywarden_drivers import PointValue, Profile, Quality, load_profile
from baywarden_drivers.writes.amperes import Amperes
from baywarden_drivers.writes.effect import Effect
from baywarden_drivers.writes.rival import Rival

BOX = load_profile("heidelberg-energy-control")
KEBA = load_profile("keba-p30")
STATION = load_profile("alpitronic-hypercharger")
T0 = 1_000_000


def _values(at_ms: int, **numbers: float | None) -> Mapping[str, PointValue]:
    return {
        name: PointValue(None, Quality.MISSING, at_ms)
        if number is None
        else PointValue(Decimal(str(number)), Quality.GOOD, at_ms)
        for name, number in numbers.items()
    }


def _settle_ms(profile: Profile) -> int:
    assert profile.control is not None
    return profile.control.settle_s * 1000


# The effect.


def test_a_charger_that_goes_on_drawing_is_told_of_once_it_had_time_to_obey() -> None:
    effect, settle_ms = Effect(BOX), _settle_ms(BOX)
    effect.told(Decimal(16), T0)
    effect.told(Decimal(8), T0 + 5_000)
    late = T0 + 5_000 + settle_ms
    assert effect.fault(_values(late - 1, current_l1=15.9)) is None
    told = effect.fault(_values(late + 5_000, current_l1=3, current_l2=15.9, current_l3=None))
    assert told == f"draws 15.9 A although limited to 8 A since {(settle_ms + 5_000) // 1000} s"
    assert effect.fault(_values(late + 6_000, current_l1=8.1)) is None


@pytest.mark.parametrize(
    ("limit", "drawn", "is_fault"),
    [
        (0, 0.5, False),
        (0, 0.6, True),
        (6, 6.5, False),
        (6, 6.6, True),
        (32, 33.6, False),
        (32, 33.7, True),
    ],
)
def test_half_an_ampere_or_a_twentieth_is_no_fault(limit: int, drawn: float, is_fault: bool) -> None:
    effect = Effect(BOX)
    effect.told(Decimal(limit), T0)
    assert (effect.fault(_values(T0 + 600_000, current_l1=drawn)) is not None) == is_fault


def test_a_raise_counts_at_once_and_leaves_a_cut_before_it_its_time() -> None:
    effect = Effect(BOX)
    effect.told(Decimal(6), T0)
    effect.told(Decimal(10), T0 + 1)
    assert effect.fault(_values(T0 + 2, current_l1=16)) is None
    assert effect.fault(_values(T0 + _settle_ms(BOX) + 1, current_l1=16)) is not None


def test_the_same_limit_again_does_not_start_its_time_anew() -> None:
    effect = Effect(BOX)
    for second in range(60):
        effect.told(Decimal(6), T0 + 1000 * second)
    told = effect.fault(_values(T0 + 60_000, current_l1=16))
    assert told is not None and told.endswith("since 60 s")


def test_after_a_silence_it_gets_its_time_again() -> None:
    effect = Effect(BOX)
    effect.told(Decimal(6), T0)
    effect.unsettle(T0 + 600_000)
    assert effect.fault(_values(T0 + 600_001, current_l1=16)) is None
    assert effect.fault(_values(T0 + 600_000 + _settle_ms(BOX), current_l1=16)) is not None


def test_nothing_is_judged_before_a_limit_or_without_a_measured_current() -> None:
    effect = Effect(BOX)
    assert effect.fault(_values(T0, current_l1=16)) is None
    effect.told(Decimal(6), T0)
    assert effect.fault(_values(T0 + 600_000, current_l1=None, power=None)) is None


def test_without_currents_the_power_proves_what_flows_at_least() -> None:
    effect = Effect(STATION)
    effect.told(Decimal(100), T0)
    assert effect.fault(_values(T0 + 600_000, power=75_000)) is None, "at 253 V that is less than 100 A"
    told = effect.fault(_values(T0 + 600_000, power=90_000))
    assert told is not None and told.startswith("draws 118.6 A")


# Another controller.


def _rival(profile: Profile = BOX, limit: int = 10) -> Rival:
    rival = Rival(profile, Amperes(profile))
    rival.told(Decimal(limit), Decimal(limit), T0)
    return rival


def test_a_limit_that_nobody_here_wrote_is_told_and_counted() -> None:
    rival = _rival()
    assert rival.fault(_values(T0 + 1_000, limit_modbus=10), T0 + 1_000) is None
    told = rival.fault(_values(T0 + 2_000, limit_modbus=16), T0 + 2_000)
    assert told == "another controller has changed its limit once, last to 16 A where 10 A were written"
    assert rival.fault(_values(T0 + 3_000, limit_modbus=16), T0 + 3_000) == told, "it is one change"
    rival.told(Decimal(10), Decimal(10), T0 + 4_000)
    assert rival.fault(_values(T0 + 5_000, limit_modbus=10), T0 + 5_000) == told, "it is remembered"
    again = rival.fault(_values(T0 + 6_000, limit_modbus=6), T0 + 6_000)
    assert again is not None and "2 times, last to 6 A" in again and rival.count == 2
    assert rival.fault(_values(T0 + 7_000, limit_modbus=10), T0 + 2_000_000) is None, "but not for ever"


def test_what_was_read_before_or_while_we_wrote_proves_nothing() -> None:
    rival = _rival()
    assert rival.fault(_values(T0, limit_modbus=16), T0) is None
    rival.forget()
    assert rival.fault(_values(T0 + 1_000, limit_modbus=16), T0 + 1_000) is None


def test_the_fail_safe_is_no_other_controller() -> None:
    assert _rival().fault(_values(T0 + 1, limit_modbus=6, failsafe_current=6), T0 + 1) is None


def test_a_lower_limit_may_come_of_a_cable_where_the_read_point_is_another_register() -> None:
    assert _rival(KEBA).fault(_values(T0 + 1, limit_feedback=8), T0 + 1) is None
    assert _rival(KEBA).fault(_values(T0 + 1, limit_feedback=16), T0 + 1) is not None


def test_registers_of_another_grain_show_the_same_limit() -> None:
    assert _rival().fault(_values(T0 + 1, limit_modbus=10.04), T0 + 1) is None


def test_watts_that_are_shared_by_other_phases_now_are_no_other_controller() -> None:
    delta = load_profile("delta-ac-max")
    assert delta.control is not None
    phases = delta.read[0].model_copy(update={"name": "phases", "values": {}})
    delta = delta.changed(
        read=(*delta.read, phases),
        control=delta.control.model_copy(update={"phases_point": "phases", "power_phases": 3}),
    )
    amperes = Amperes(delta)
    rival = Rival(delta, amperes)
    rival.told(Decimal(10), Decimal(10), T0)
    assert rival.fault(_values(T0 + 1, limit_modbus_power=6_210), T0 + 1) is None
    amperes.look(_values(T0 + 2, phases=1))
    assert rival.fault(_values(T0 + 2, limit_modbus_power=6_210), T0 + 2) is None
    amperes.look(_values(T0 + 3, phases=3))
    assert rival.fault(_values(T0 + 3, limit_modbus_power=9_000), T0 + 3) is not None
