"""Writes that can be trusted: sparing, in order, read back, judged by their effect, and fed to the fail-safe."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Final

import pytest

from baywarden.devices import ModbusOutlet
from baywarden_drivers import NoAnswer, NotApplied, Profile, ValueRefused, load_profile
from baywarden_drivers.values.value import Value
from support.clock import FakeClock
from support.served_profile import Served, served

pytestmark = pytest.mark.modbus

PATIENCE_S: Final = 10


def changed(
    name: str,
    *,
    control: Mapping[str, object] | None = None,
    failsafe: Mapping[str, object] | None = None,
    protocol: Mapping[str, object] | None = None,
) -> Profile:
    """A bundled profile with other habits, so that nobody has to wait for the real ones."""
    profile = load_profile(name)
    assert profile.control is not None
    quick = {"readback_timeout_ms": 300, "readback_delay_ms": 0, **(control or {})}
    profile = profile.changed(
        control=profile.control.model_copy(update=quick),
        protocol=profile.protocol.model_copy(
            update={"min_write_interval_ms": 0, "min_read_interval_ms": 0, **(protocol or {})}
        ),
    )
    if failsafe and profile.failsafe is not None:
        profile = profile.changed(failsafe=profile.failsafe.model_copy(update=dict(failsafe)))
    return profile


@asynccontextmanager
async def bay(
    profile: Profile | str, values: Mapping[str, Value | None] | None = None, **more: bool
) -> AsyncIterator[Served]:
    """The device on a server of its own."""
    profile = changed(profile) if isinstance(profile, str) else profile
    async with served("", values, profile=profile, **more) as one:
        yield one


def written(site: Served, name: str) -> int:
    """How often the point was written."""
    address = site.profile.writable[name].address
    return sum(at == address for _, at in site.registers.writes())


# Stored settings.


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
        with pytest.raises(ValueRefused, match="wears its memory"):
            await site.device.set_current_limit(10)
        assert site.registers.writes() == []


# The order of writes.


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


# Pauses.


async def test_a_pause_is_the_limit_in_force_whatever_the_limit_register_says() -> None:
    async with bay("mennekes-amtron-compact-2") as site:
        await site.device.set_current_limit(10)
        await site.device.poll()
        assert site.device.limit_shown(await _slow_polls(site)) == 10
        assert await site.device.set_current_limit(0) == 0
        assert site.device.limit_shown(await _slow_polls(site)) == 0
        site.put(release=1)
        assert site.device.limit_shown(await _slow_polls(site)) == 10, "somebody has released it"


async def _slow_polls(site: Served) -> Mapping[str, object]:
    control = site.profile.control
    assert control is not None
    for name in {one.point for one in control.paused_when} | {control.readback}:
        await site.device.read(name)
    return await site.device.poll()  # type: ignore[return-value] # a Poll is a mapping of values


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
        _mirror(site, "set_power_limit", "limit_modbus_power")
        assert await site.device.set_current_limit(0) == profile.control.pause_leaves_a > 0


# Limits in watts.


def _mirror(site: Served, write: str, read: str) -> None:
    """A device whose read register is another one than the written."""
    target, source = site.profile.readable[read], site.profile.writable[write]
    if target.type == source.type:
        site.registers.mirrors[source.address] = target.address


async def test_a_limit_in_watts_goes_out_for_three_phases_and_comes_back_in_amperes() -> None:
    async with bay(changed("delta-ac-max", control={"readback": None, "power_phases": 3})) as site:
        assert await site.device.set_current_limit(Decimal("8.5")) == Decimal("8.5")
        point = site.profile.writable["set_power_limit"]
        assert site.registers.get(1, point.type, point.address + 1) == 5_865


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
        assert site.registers.get(1, point.type, point.address + 1) == 6_900
        site.put(phases=1)
        await site.device.read("phases")
        await site.device.poll()
        await site.device.keep_alive()
        assert site.registers.get(1, point.type, point.address + 1) == 2_300


# The effect, and others who write.


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
    async with bay("heidelberg-energy-control", {"status": 7}) as site:
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
    async with bay("heidelberg-energy-control", {"status": 7}) as site:
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


# Fail-safes.


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
        assert report.detail == "not armed: the time-out cannot be read"


async def test_a_fail_safe_of_0_is_said_as_the_device_says_it() -> None:
    async with bay("mennekes-amtron-compact-2") as site:
        _mirror(site, "failsafe_current", "failsafe_current")
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
