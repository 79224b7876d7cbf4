"""The fail-safe is set, judged, and fed in the way of each charger."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from support.quick_bay import bay, changed, mirror, written

pytestmark = pytest.mark.modbus


async def test_a_fail_safe_in_watts_is_set_switched_on_and_read_back() -> None:
    async with bay("delta-ac-max") as site:
        report = await site.device.arm_failsafe(6, 30)
        assert (report.armed, report.detail) == (True, "falls to 6 A within 30 s of silence")
        order = [at for _, at in site.registers.writes()]
        points = site.profile.writable
        assert order == [
            points[name].address for name in ("failsafe_power", "failsafe_timeout", "failsafe_enable")
        ], "it is switched on last"
        await site.device.arm_failsafe(6, 30)
        assert len(site.registers.writes()) == 3, "it was right already, and lies in flash"


async def test_a_fail_safe_that_cannot_be_trusted_is_not_armed() -> None:
    await asyncio.gather(_stays_switched_off(), _means_none(), _has_one_for_a_single_phase())


async def _stays_switched_off() -> None:
    async with bay("delta-ac-max") as site:
        site.registers.deaf.add(site.profile.writable["failsafe_enable"].address)
        report = await site.device.arm_failsafe(6, 30)
        assert report.detail == "not armed: failsafe_enable is 0, not 1"


async def _means_none() -> None:
    async with bay("abb-terra-ac") as site:
        site.registers.deaf.add(site.profile.writable["failsafe_current"].address)
        site.put(failsafe_current=255)
        report = await site.device.arm_failsafe(6, 30)
        assert not report.armed and "is 255, which means: none is set" in report.detail


async def _has_one_for_a_single_phase() -> None:
    async with bay("schneider-evlink-pro-ac") as site:
        report = await site.device.arm_failsafe(6, 30)
        assert site.written("failsafe_current") == site.written("failsafe_current_1p") == 6
        assert report.detail == "not armed: the time-out cannot be read back"


async def test_a_fail_safe_of_0_is_said_as_the_device_says_it() -> None:
    async with bay("mennekes-amtron-compact-2") as site:
        mirror(site, "failsafe_current", "failsafe_current")
        report = await site.device.arm_failsafe(0, 30)
        assert site.written("failsafe_current") == 1, "0 would switch it off"
        assert (report.armed, report.current_a, report.timeout_s) == (True, 0, 10)


async def test_a_setting_that_older_devices_lack_leaves_the_rest_to_be_judged() -> None:
    async with bay("mennekes-amtron-compact-2") as site:
        point = site.profile.writable["failsafe_current"]
        del site.registers.cells[site.profile.default_unit][point.type, point.address]
        report = await site.device.arm_failsafe(6, 30)
        assert not report.armed and report.detail.startswith("not armed: the fail-safe current")


HEARTBEATS: Final = {
    "kathrein-kwb": "set_current_limit",
    "weidmueller-ac-smart": "failsafe_timeout",
    "schneider-evlink-pro-ac": "lifebit",
    "webasto-unite": "lifebit",
    "mennekes-amtron-compact-2": "heartbeat",
}
"""What each kind of supervision wants to be written."""


async def test_every_kind_of_supervision_is_fed_by_decisions_and_in_time() -> None:
    await _all(_is_fed, *HEARTBEATS)


async def _is_fed(name: str) -> None:
    profile = changed(name, failsafe={"heartbeat_period_s": 1})
    async with bay(profile) as site:
        await site.device.poll()
        before, began = written(site, HEARTBEATS[name]), time.monotonic()
        await site.device.set_current_limit(10)
        fed = written(site, HEARTBEATS[name])
        assert fed == before + 1, f"{name}: a limit comes of a decision"
        await site.device.keep_alive()
        assert written(site, HEARTBEATS[name]) == fed or _was_slow(began), f"{name}: no more than it needs"
        fed = written(site, HEARTBEATS[name])
        await asyncio.sleep(1.05)
        assert written(site, HEARTBEATS[name]) == fed, f"{name}: and not without a decision"
        await site.device.keep_alive()
        assert written(site, HEARTBEATS[name]) == fed + 1, name


async def test_a_short_time_out_is_fed_at_the_profiles_share_of_it() -> None:
    async with bay("webasto-unite") as site:
        began = time.monotonic()
        await site.device.arm_failsafe(6, 4)
        await site.device.keep_alive()
        await site.device.keep_alive()
        fed = written(site, "lifebit")
        assert fed == 1 or _was_slow(began)
        await asyncio.sleep(1.05)
        await site.device.keep_alive()
        assert written(site, "lifebit") == fed + 1


def _was_slow(began: float) -> bool:
    """Whether the machine stood still for so long that feeding again was right."""
    return time.monotonic() - began > 0.9


async def test_where_any_request_feeds_it_nothing_is_written() -> None:
    async with bay("keba-p30") as site:
        await site.device.keep_alive()
        assert site.registers.writes() == []


async def test_a_heartbeat_that_fails_does_not_hold_up_a_cut() -> None:
    async with bay("webasto-unite") as site:
        site.registers.refuse[site.profile.writable["lifebit"].address] = 4
        assert await site.device.set_current_limit(6) == 6
        site.registers.refuse.clear()
        await site.device.keep_alive()
        assert written(site, "lifebit") == 2, "and it is tried again at once"


async def _all(prove: Callable[[str], Awaitable[None]], *names: str) -> None:
    """Side by side, because each waits for a clock."""
    await asyncio.gather(*(prove(name) for name in names))
