"""Writes that can be trusted: sparing, in order, and read back."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import pytest

from baywarden_drivers import NotApplied, PointValue, ValueRefused, load_profile
from support.quick_bay import bay, changed, mirror, written
from support.served_profile import Served

pytestmark = pytest.mark.modbus
PATIENCE_S: Final = 10


async def test_what_lies_in_flash_is_written_only_when_it_differs() -> None:
    async with bay("delta-ac-max") as site:
        await site.device.write("failsafe_timeout", 30)
        await site.device.write("failsafe_timeout", 30)
        assert written(site, "failsafe_timeout") == 1
        await site.device.write("failsafe_timeout", 31)
        assert written(site, "failsafe_timeout") == 2


async def test_what_lies_in_flash_is_written_so_often_a_day_and_no_more() -> None:
    async with bay("keba-p30") as site:
        for _ in range(12):
            await site.device.write("failsafe_persist", 1)
        with pytest.raises(ValueRefused, match="to spare the device's memory"):
            await site.device.write("failsafe_persist", 1)
        assert written(site, "failsafe_persist") == 12
        await site.device.write("failsafe_current", 6)
        assert written(site, "failsafe_current") == 1, "what is volatile has no such budget"


async def test_a_limit_that_lies_in_flash_is_no_limit_for_a_loop() -> None:
    stored = changed("go-e-charger", control={"limit": "set_current_limit_stored"})
    async with bay(stored) as site:
        site.put(voltage_l1=230)
        with pytest.raises(ValueRefused, match="wears its memory"):
            await site.device.set_current_limit(10)
        assert site.registers.writes() == []


async def test_a_newer_limit_takes_the_place_of_one_that_waits_for_the_devices_pause() -> None:
    slow = changed("heidelberg-energy-control", protocol={"min_write_interval_ms": 60_000})
    async with bay(slow) as site:
        await site.device.set_current_limit(16)
        waiting = asyncio.create_task(site.device.set_current_limit(10))
        await asyncio.sleep(0.05)
        newer = asyncio.create_task(site.device.set_current_limit(8))
        with pytest.raises(ValueRefused, match="a newer wish took its place"):
            await asyncio.wait_for(waiting, PATIENCE_S)
        newer.cancel()
        assert written(site, "set_current_limit") == 1, "the older one was never sent"


async def test_a_pause_overtakes_a_raise_that_waits() -> None:
    async with bay("mennekes-amtron-compact-2") as site:
        await site.device.set_current_limit(7)
        waiting = asyncio.create_task(site.device.set_current_limit(16))
        await asyncio.sleep(0.05)
        assert await asyncio.wait_for(site.device.set_current_limit(0), 4) == 0, (
            "its pause of 5 s is not waited for"
        )
        with pytest.raises(ValueRefused):
            await waiting
        assert site.written("release") == 0


async def test_a_charger_is_released_only_under_its_new_limit() -> None:
    profile = changed("mennekes-amtron-compact-2", control={"resume_delay_ms": 50})
    async with bay(profile) as site:
        await site.device.set_current_limit(10)
        points = site.profile.writable
        order = [at for _, at in site.registers.writes()]
        assert order == [points[name].address for name in ("heartbeat", "set_current_limit", "release")]


async def test_a_pause_is_the_limit_in_force_whatever_the_limit_register_says() -> None:
    async with bay("mennekes-amtron-compact-2") as site:
        site.put(voltage_l1=230)
        await site.device.set_current_limit(10)
        await site.device.poll()
        assert site.device.limit_shown(await _slow_polls(site)) == 10
        assert await site.device.set_current_limit(0) == 0
        assert site.device.limit_shown(await _slow_polls(site)) == 0
        site.put(release=1)
        assert site.device.limit_shown(await _slow_polls(site)) == 10, "somebody has released it"


async def _slow_polls(site: Served) -> Mapping[str, PointValue]:
    control = site.profile.control
    assert control is not None and control.readback is not None
    for name in {one.point for one in control.paused_when} | {control.readback}:
        await site.device.read(name)
    return await site.device.poll()


async def test_a_pause_that_does_not_come_to_be_is_an_error() -> None:
    async with bay("mennekes-amtron-compact-2") as site:
        await site.device.set_current_limit(10)
        site.registers.deaf.add(site.profile.writable["release"].address)
        with pytest.raises(NotApplied, match="a pause was written, but release shows 1"):
            await site.device.set_current_limit(0)


async def test_a_pause_below_the_smallest_limit_is_never_told_as_0() -> None:
    async with bay("daheimladen") as site:
        await site.device.set_current_limit(10)
        assert await site.device.set_current_limit(0) == 0
        assert site.written("set_current_limit") == 1, "0 would start it after a restart"


async def test_what_a_pause_leaves_is_told() -> None:
    profile = load_profile("alpitronic-hypercharger")
    assert profile.control is not None
    async with bay("alpitronic-hypercharger") as site:
        mirror(site, "set_power_limit", "limit_modbus_power")
        assert await site.device.set_current_limit(0) == profile.control.pause_leaves_a > 0


async def test_a_limit_in_watts_goes_out_for_three_phases_and_comes_back_in_amperes() -> None:
    async with bay(changed("delta-ac-max", control={"readback": None, "power_phases": 3})) as site:
        assert await site.device.set_current_limit(Decimal("8.5")) == Decimal("8.5")
        point = site.profile.writable["set_power_limit"]
        assert site.registers.get(1, point.type, point.address + 1) == 5_278


async def test_a_limit_in_watts_is_said_anew_when_fewer_phases_share_it() -> None:
    profile = changed("delta-ac-max", control={"readback": None, "power_phases": 3})
    phases = profile.read[0].model_copy(update={"name": "phases", "values": {}, "nan": (), "mask": None})
    profile = profile.changed(read=(*profile.read, phases))
    assert profile.control is not None
    profile = profile.changed(control=profile.control.model_copy(update={"phases_point": "phases"}))
    async with bay(profile, {"phases": 3}) as site:
        point = site.profile.writable["set_power_limit"]
        await site.device.poll()
        await site.device.read("phases")
        await site.device.poll()
        await site.device.set_current_limit(10)
        assert site.registers.get(1, point.type, point.address + 1) == 6_210
        site.put(phases=1)
        await site.device.read("phases")
        await site.device.poll()
        await site.device.keep_alive()
        assert site.registers.get(1, point.type, point.address + 1) == 2_070
