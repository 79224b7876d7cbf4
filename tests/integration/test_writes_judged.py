"""A write is judged by what the charger does, and by who else writes there."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal

import pytest

from baywarden.devices import ModbusOutlet
from baywarden_drivers import NoAnswer
from baywarden_drivers.values.value import Value
from support.clock import FakeClock
from support.quick_bay import bay, changed, written
from support.served_profile import Served

pytestmark = pytest.mark.modbus


async def test_a_charger_that_does_not_obey_is_told_in_its_reading() -> None:
    profile = changed("heidelberg-energy-control", control={"settle_s": 1})
    values: Mapping[str, Value] = {"status": 7, "current_l1": Decimal("15.9"), "energy_total": 5}
    async with bay(profile, values) as site:
        outlet = ModbusOutlet(site.device, "b1", clock=FakeClock(), failsafe_ma=6_000, failsafe_timeout_s=30)
        assert (await outlet.poll()).contact_reason == ""
        await outlet.set_limit(8_000)
        await asyncio.sleep(1.1)
        reading = await outlet.poll()
        assert reading.contact_reason.startswith("draws 15.9 A although limited to 8 A since ")
        assert reading.current_ma[0] == 15_900, "the truth is told all the same"
        site.put(current_l1=Decimal("8.0"))
        assert (await outlet.poll()).contact_reason == ""


async def test_a_second_controller_is_told_in_the_reading() -> None:
    async with bay("heidelberg-energy-control", {"status": 7, "energy_total": 5_000}) as site:
        outlet = ModbusOutlet(site.device, "b1", clock=FakeClock(), failsafe_ma=6_000, failsafe_timeout_s=30)
        await outlet.poll()
        await outlet.set_limit(8_000)
        await _a_moment_later(site)
        assert (await outlet.poll()).contact_reason == ""
        site.put(limit_modbus=16)
        await _a_moment_later(site)
        reading = await outlet.poll()
        assert reading.limit_ma == 16_000
        assert "another controller has changed its limit once, last to 16 A" in reading.contact_reason


async def _a_moment_later(site: Served) -> None:
    """Its limit is read again, at a later millisecond."""
    await asyncio.sleep(0.01)
    await site.device.read("limit_modbus")


async def test_our_own_hand_at_the_register_is_no_second_controller() -> None:
    async with bay("heidelberg-energy-control", {"status": 7, "energy_total": 5_000}) as site:
        await site.device.poll()
        await site.device.set_current_limit(8)
        await site.device.write("set_current_limit", 12)
        await _a_moment_later(site)
        assert (await site.device.poll()).faults == ()


async def test_a_limit_that_cannot_be_read_back_is_written_anew_after_a_silence() -> None:
    async with bay("webasto-next", falls_silent=True) as site:
        await site.device.poll()
        await site.device.set_current_limit(8)
        await site.device.keep_alive()
        assert written(site, "set_current_limit") == 1
        site.registers.silent.add(site.profile.default_unit)
        with pytest.raises(NoAnswer):
            await site.device.poll()
        site.registers.silent.clear()
        await site.device.poll()
        await site.device.keep_alive()
        assert written(site, "set_current_limit") == 2
