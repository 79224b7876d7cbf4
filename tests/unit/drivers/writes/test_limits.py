"""Limits written to a real server: rounded down, read back, never above, and a pause as the device means it."""

import re
from decimal import Decimal

import pytest

from baywarden_drivers import NotApplied, Profile, ValueRefused
from baywarden_drivers.profile import parse_profile
from support.profile_text import text_of
from support.served_profile import served

pytestmark = pytest.mark.modbus


def patched(name: str, control: str, zero: str = "pause") -> Profile:
    """A bundled profile with another [control] part and another meaning of a limit of 0."""
    text = re.sub(r"\[control\]\n(?:.+\n)*", f"[control]\n{control}\n", text_of(name))
    return parse_profile(text.replace('zero = "pause"', f'zero = "{zero}"'), "made up", "patched")


async def test_a_limit_is_rounded_down_and_read_back() -> None:
    async with served("heidelberg-energy-control") as bay:
        assert await bay.device.set_current_limit(10.59) == Decimal("10.5")
        assert bay.written("set_current_limit") == 105


async def test_a_limit_below_the_minimum_pauses() -> None:
    async with served("heidelberg-energy-control") as bay:
        assert await bay.device.set_current_limit(5.9) == 0
        assert bay.written("set_current_limit") == 0


async def test_a_limit_above_the_maximum_is_the_maximum() -> None:
    async with served("heidelberg-energy-control") as bay:
        assert await bay.device.set_current_limit(40) == 16


async def test_a_limit_that_does_not_read_back_is_an_error() -> None:
    profile = patched("heidelberg-energy-control", 'readback = "limit_modbus"\nreadback_timeout_ms = 100')
    async with served("", profile=profile) as bay:
        bay.registers.deaf.add(261)
        bay.put(limit_modbus=16)
        with pytest.raises(NotApplied, match="limit_modbus shows 16"):
            await bay.device.set_current_limit(10)


async def test_a_lower_limit_in_force_is_told_where_others_may_limit_too() -> None:
    profile = patched("heidelberg-energy-control", 'readback = "limit_modbus"\nreadback_may_be_lower = true')
    async with served("", profile=profile) as bay:
        bay.registers.deaf.add(261)
        bay.put(limit_modbus=8)
        assert await bay.device.set_current_limit(10) == 8


async def test_a_lower_limit_that_stays_is_the_limit_in_force() -> None:
    profile = patched("heidelberg-energy-control", 'readback = "limit_modbus"\nreadback_timeout_ms = 100')
    async with served("", profile=profile) as bay:
        bay.registers.deaf.add(261)
        bay.put(limit_modbus=8)
        assert await bay.device.set_current_limit(10) == 8


async def test_a_float_limit_goes_out_in_one_request_with_function_16() -> None:
    async with served("alfen-eve") as bay:
        assert await bay.device.set_current_limit(13) == 13
        assert bay.registers.writes() == [(16, 1210)]


async def test_a_charger_is_paused_by_other_means_where_0_is_no_pause() -> None:
    control = (
        'pause = [{ point = "remote_lock", value = 0 }]\nresume = [{ point = "remote_lock", value = 1 }]'
    )
    profile = patched("heidelberg-energy-control", control, zero="no limit")
    async with served("", profile=profile) as bay:
        bay.registers.set(1, "holding", 259, 1)
        assert await bay.device.set_current_limit(0) == 0
        assert bay.written("remote_lock") == 0
        assert await bay.device.set_current_limit(10) == 10
        assert bay.written("remote_lock") == 1


async def test_a_charger_that_takes_0_for_no_limit_is_never_told_0() -> None:
    profile = patched("heidelberg-energy-control", "", zero="no limit")
    async with served("", profile=profile) as bay:
        with pytest.raises(ValueRefused, match="no limit"):
            await bay.device.set_current_limit(0)
        assert bay.registers.writes() == []


async def test_values_outside_the_range_are_refused_before_anything_is_sent() -> None:
    async with served("heidelberg-energy-control") as bay:
        for point, value in (
            ("failsafe_current", 5),
            ("standby", 3),
            ("set_current_limit", 17),
            ("nothing", 1),
        ):
            with pytest.raises(ValueRefused):
                await bay.device.write(point, value)
        assert bay.registers.requests == []
