"""Start-up writes, fail-safes and set points that run out, on a real server."""

import asyncio
from decimal import Decimal

import pytest

from baywarden_drivers import ValueRefused, load_profile
from baywarden_drivers.profile import parse_profile
from support.profile_text import text_of
from support.served_profile import served

pytestmark = pytest.mark.modbus


async def test_start_up_writes_follow_every_new_contact() -> None:
    async with served("heidelberg-energy-control") as bay:
        first = await bay.device.poll()
        assert bay.written("standby") == 4
        again = await bay.device.poll()
        assert again.contact == first.contact
        assert bay.registers.writes() == [(6, 258)]


async def test_start_up_writes_are_repeated_when_the_device_has_restarted() -> None:
    async with served("heidelberg-energy-control", {"energy_since_power_on": 900}) as bay:
        first = await bay.device.poll()
        bay.put(energy_since_power_on=0)
        second = await bay.device.poll()
        assert second.contact == first.contact + 1
        assert bay.registers.writes() == [(6, 258), (6, 258)]


async def test_a_fail_safe_is_written_and_read_back() -> None:
    async with served("heidelberg-energy-control") as bay:
        report = await bay.device.arm_failsafe(6, 30)
        assert report.armed
        assert (report.current_a, report.timeout_s) == (Decimal(6), Decimal(30))
        assert bay.written("failsafe_timeout") == 30_000
        assert bay.written("failsafe_current") == 60


async def test_a_time_out_is_never_shorter_than_the_charger_bears_nor_longer_than_it_takes() -> None:
    box = load_profile("heidelberg-energy-control")
    assert box.failsafe is not None
    narrow = box.failsafe.model_copy(update={"min_timeout_s": 20, "max_timeout_s": 60})
    async with served("", profile=box.changed(failsafe=narrow)) as bay:
        for wanted_s, written_s in ((5, 20), (30, 30), (90, 60)):
            await bay.device.arm_failsafe(6, wanted_s)
            assert bay.written("failsafe_timeout") == written_s * 1000


async def test_a_fail_safe_that_is_right_already_is_not_written_again() -> None:
    async with served("heidelberg-energy-control", {"failsafe_current": 6, "failsafe_timeout": 30}) as bay:
        assert (await bay.device.arm_failsafe(6, 30)).armed
        assert bay.registers.writes() == []


async def test_a_fail_safe_that_the_device_ignores_is_not_called_armed() -> None:
    async with served("phoenix-charx-sec", {"failsafe_timeout": 65535}) as bay:
        bay.registers.deaf |= {1306, 1307}
        report = await bay.device.arm_failsafe(6, 30)
        assert not report.armed
        assert "means off" in report.detail


async def test_a_fail_safe_of_0_is_refused_where_0_is_an_error_state() -> None:
    async with served("heidelberg-energy-control") as bay:
        with pytest.raises(ValueRefused, match="error state"):
            await bay.device.arm_failsafe(0, 30)


async def test_a_fail_safe_that_can_only_be_read_is_judged() -> None:
    async with served("alfen-eve", {"failsafe_current": 6, "setpoint_valid_time": 55}) as bay:
        await bay.device.set_current_limit(10)
        writes = bay.registers.writes()
        assert (await bay.device.arm_failsafe(6, 60)).armed
        bay.put(failsafe_current=16)
        report = await bay.device.arm_failsafe(6, 60)
        assert not report.armed
        assert "16 A" in report.detail
        assert bay.registers.writes() == writes


async def test_what_is_left_of_a_count_down_is_not_taken_for_the_time_out() -> None:
    async with served("alfen-eve", {"failsafe_current": 6, "setpoint_valid_time": 25}) as bay:
        report = await bay.device.arm_failsafe(6, 30)
        assert report.detail == "not armed: the time-out has not been seen after a set-point yet"
        bay.put(setpoint_valid_time=59)
        await bay.device.set_current_limit(10)
        await bay.device.poll()
        bay.put(setpoint_valid_time=25)
        report = await bay.device.arm_failsafe(6, 30)
        assert report.detail == "not armed: the time-out is 59 s, not 30 s or less", (
            "it is low for a moment only"
        )


async def test_a_count_down_that_does_not_run_is_never_armed() -> None:
    async with served("alfen-eve", {"failsafe_current": 6, "setpoint_valid_time": 0}) as bay:
        await bay.device.set_current_limit(10)
        report = await bay.device.arm_failsafe(6, 60)
        assert not report.armed and "setpoint_valid_time is 0 s: it does not run" in report.detail


async def test_a_time_out_of_0_that_nobody_has_explained_is_never_armed() -> None:
    names = ("bender-cc612", "webasto-next", "webasto-unite", "mennekes-amtron-4you")
    await asyncio.gather(*(_is_never_armed_at_0(name) for name in names))


async def _is_never_armed_at_0(name: str) -> None:
    async with served(name) as bay:
        bay.registers.deaf.add(bay.profile.writable["failsafe_timeout"].address)
        report = await bay.device.arm_failsafe(6, 30)
        assert not report.armed
        assert report.detail == "not armed: the time-out is 0 s, of which nobody has said what it means"


async def test_a_device_that_takes_no_time_out_so_short_is_judged_by_what_the_site_wants() -> None:
    async with served("webasto-next") as bay:
        report = await bay.device.arm_failsafe(6, 5)
        assert (bay.written("failsafe_timeout"), report.timeout_s) == (6, 6), "as near as it goes"
        assert report.detail == "not armed: the time-out is 6 s, not 5 s or less; it takes no less than 6 s"
        assert bay.device.failsafe_holds(await bay.device.poll()) is False
        assert (await bay.device.arm_failsafe(6, 6)).armed


async def test_a_set_point_that_runs_out_is_written_again_by_the_keep_alive() -> None:
    async with served("alfen-eve") as bay:
        await bay.device.keep_alive()
        assert bay.registers.writes() == []
        await bay.device.set_current_limit(10)
        await bay.device.keep_alive()
        assert len(bay.registers.writes()) == 1, "it has 25 s"
    text = text_of("alfen-eve").replace("refresh_s = 25", "refresh_s = 1")
    async with served("", profile=parse_profile(text, "made up", "alfen-quick")) as bay:
        await bay.device.set_current_limit(10)
        await asyncio.sleep(1.05)
        await bay.device.keep_alive()
        assert len(bay.registers.writes()) == 2
