"""Limits in watts keep their amperes at the lowest voltage, and never say less than a car can use."""

from decimal import Decimal

import pytest

from baywarden_drivers import Profile, load_profile, profile_names
from baywarden_drivers.writes.amperes import Amperes
from support.quick_bay import bay

pytestmark = pytest.mark.modbus

IN_WATTS = tuple(
    name
    for name in profile_names()
    if (control := load_profile(name).control) and load_profile(name).writable[control.limit].unit == "W"
)
LOWEST_V = Decimal(207)
"""EN 50160: 10 % below 230 V."""


def _per_phase_a(profile: Profile, watts: Decimal, volts: Decimal) -> Decimal:
    assert profile.control is not None
    return watts / volts / (profile.control.power_phases or 1)


def test_three_chargers_are_limited_in_watts() -> None:
    assert IN_WATTS == ("alpitronic-hypercharger", "delta-ac-max", "sigenergy-evdc")


@pytest.mark.parametrize("name", IN_WATTS)
def test_at_the_lowest_voltage_no_phase_gets_more_than_was_allowed(name: str) -> None:
    profile = load_profile(name)
    assert profile.control is not None
    point = profile.writable[profile.control.limit]
    for amps in map(Decimal, (6, 7, 16, 32, 63)):
        watts = Amperes(profile).said(point, amps)
        assert _per_phase_a(profile, watts, LOWEST_V) <= amps, f"{amps} A are {watts} W"


@pytest.mark.parametrize("name", IN_WATTS)
def test_what_a_pause_leaves_is_reckoned_at_the_lowest_voltage(name: str) -> None:
    profile = load_profile(name)
    assert profile.control is not None
    left = [one.value for one in profile.control.pause if one.point == profile.control.limit]
    assert all(_per_phase_a(profile, one, LOWEST_V) <= profile.control.pause_leaves_a for one in left)


async def test_a_charger_in_watts_pauses_by_design_where_its_share_is_no_6_amperes_for_sure() -> None:
    async with bay("delta-ac-max", {"limit_modbus_power": 7_360}) as site:
        point = site.profile.writable["set_power_limit"]

        async def told(amps: int) -> tuple[Decimal, int]:
            shown_a = await site.device.set_current_limit(amps)
            return shown_a, site.registers.get(1, point.type, point.address + 1)

        assert await told(6) == (0, 0), "1242 W would be 5.4 A at 230 V, which no charger can signal"
        assert site.device.limit_shown(await site.device.poll()) == 0
        assert await told(6) == (0, 0), "and it stays so"
        shown_a, watts = await told(7)
        assert 1_380 <= watts <= 7 * LOWEST_V, "7 A are more than the 6 A at 230 V that it needs"
        assert shown_a == 7
