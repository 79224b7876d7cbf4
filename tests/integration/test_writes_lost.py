"""Limits that a charger has forgotten, or never took: unknown until they are read back, and said anew by a decision."""

import asyncio
from collections.abc import Mapping
from typing import Final

import pytest

from baywarden_drivers import DriverError, NoAnswer, NotApplied, Profile
from baywarden_drivers.values.value import Value
from support.quick_bay import bay, changed, written
from support.served_profile import Served

pytestmark = pytest.mark.modbus

MENNEKES: Final = "mennekes-amtron-compact-2"
AWAKE: Final[Mapping[str, Value]] = {"voltage_l1": 230, "release": 1, "evse_state": 5}
"""What shows the order of its words."""
NEW_CONTACT: Final = ("amperfied-connect", "schneider-evlink-pro-ac", "keba-p30", "daheimladen")


async def _gone_for_a_moment(site: Served) -> None:
    site.registers.silent.add(site.profile.default_unit)
    with pytest.raises(NoAnswer):
        await site.device.poll()
    site.registers.silent.clear()


def _point(site: Served, name: str) -> int:
    return site.profile.writable[name].address


# A read-back that is no limit.


@pytest.mark.parametrize("name", [MENNEKES, "daheimladen"])
async def test_a_0_that_lifts_the_limit_is_never_believed_as_0_amperes(name: str) -> None:
    async with bay(_hasty(name), AWAKE if name == MENNEKES else None) as site:
        await site.device.poll()
        assert await site.device.set_current_limit(10) == 10
        site.put(limit_modbus=0)
        address = _point(site, "set_current_limit")
        site.registers.deaf |= {address, address + 1}
        assert site.device.limit_shown(await site.device.poll()) is None, "nothing limits it"
        with pytest.raises(NotApplied, match="which is no limit"):
            await site.device.set_current_limit(8)


def _hasty(name: str, *, heartbeat_period_s: float = 5) -> Profile:
    """One that takes a new limit at any time."""
    profile = changed(name, failsafe={"heartbeat_period_s": heartbeat_period_s})
    return profile.changed(write=tuple(one.model_copy(update={"min_interval_s": 0}) for one in profile.write))


# After a new contact.


@pytest.mark.parametrize("name", NEW_CONTACT)
async def test_after_a_silence_a_limit_that_cannot_be_read_back_is_unknown_and_said_anew(name: str) -> None:
    quick = changed(name, protocol={"min_poll_interval_ms": 0})
    async with bay(quick, falls_silent=True) as site:
        control = site.profile.control
        assert control is not None and control.readback is not None
        readback = site.profile.readable[control.readback]
        site.put(**{readback.name: 10})
        await site.device.poll()
        await site.device.set_current_limit(10)
        assert site.device.limit_shown(await site.device.poll()) == 10
        await _gone_for_a_moment(site)
        if readback.nan:
            site.put(**{readback.name: None})
        else:
            site.registers.refuse[readback.address] = 2
        assert site.device.limit_shown(await site.device.poll()) is None
        before = written(site, control.limit)
        site.registers.refuse.clear()
        site.put(**{readback.name: 10})
        await site.device.keep_alive()
        assert written(site, control.limit) == before + 1
        assert site.device.limit_shown(await site.device.poll()) == 10


async def test_after_a_silence_a_limit_that_is_read_back_is_not_written_again() -> None:
    async with bay("heidelberg-energy-control", falls_silent=True) as site:
        await site.device.poll()
        await site.device.set_current_limit(8)
        await _gone_for_a_moment(site)
        assert site.device.limit_shown(await site.device.poll()) == 8
        await site.device.keep_alive()
        assert written(site, "set_current_limit") == 1
        await _gone_for_a_moment(site)
        site.put(limit_modbus=16)
        assert site.device.limit_shown(await site.device.poll()) == 16, "it has restarted with another one"
        await site.device.keep_alive()
        assert written(site, "set_current_limit") == 2
        assert site.device.limit_shown(await site.device.poll()) == 8


async def test_a_pause_read_before_a_silence_is_no_pause_after_it() -> None:
    async with bay("go-e-charger", {"limit_modbus": 10, "voltage_l1": 230}, falls_silent=True) as site:
        await site.device.poll()
        await site.device.set_current_limit(10)
        await site.device.set_current_limit(0)
        assert site.device.limit_shown(await site.device.poll()) == 0
        await _gone_for_a_moment(site)
        site.registers.refuse[site.profile.readable["force_state"].address] = 4
        assert site.device.limit_shown(await site.device.poll()) == 10, "what its limit register says"


async def test_a_write_without_an_answer_leaves_the_limit_unknown() -> None:
    async with bay("webasto-next", falls_silent=True) as site:
        await site.device.poll()
        await site.device.set_current_limit(8)
        assert site.device.limit_shown(await site.device.poll()) == 8
        site.registers.silent.add(site.profile.default_unit)
        with pytest.raises(NoAnswer):
            await site.device.set_current_limit(16)
        site.registers.silent.clear()
        assert site.device.limit_shown(await site.device.poll()) is None


# Recovery.


async def test_a_charger_in_its_error_of_silence_is_not_released_without_a_decision() -> None:
    async with bay(MENNEKES, AWAKE) as site:
        site.put(evse_state=6, error_code=200)
        for _ in range(60):
            await site.device.poll()
        assert site.registers.writes() == [], "nobody has decided anything"
        await site.device.keep_alive()
        assert {at for _, at in site.registers.writes()} <= {_point(site, "heartbeat")}, (
            "no limit was ever wished"
        )


async def test_a_charger_in_its_error_of_silence_gets_the_last_wish_anew_with_a_sign_of_life() -> None:
    async with bay(_hasty(MENNEKES, heartbeat_period_s=0.001), AWAKE) as site:
        await site.device.poll()
        await site.device.set_current_limit(10)
        site.put(evse_state=6, error_code=200)
        done = len(site.registers.writes())
        await site.device.poll()
        assert len(site.registers.writes()) == done
        await site.device.keep_alive()
        order = [at for _, at in site.registers.writes()][done:]
        points = ("heartbeat", "set_current_limit", "release")
        assert order[:3] == [_point(site, name) for name in points]
        assert site.written("release") == 1
        done = len(site.registers.writes())
        await site.device.poll()
        await site.device.keep_alive()
        assert {at for _, at in site.registers.writes()[done:]} <= {_point(site, "heartbeat")}, (
            "once a minute"
        )


async def test_a_pause_stays_one_while_the_charger_recovers() -> None:
    async with bay(MENNEKES, AWAKE) as site:
        await site.device.poll()
        await site.device.set_current_limit(10)
        await site.device.set_current_limit(0)
        site.put(evse_state=6, error_code=200)
        for _ in range(10):
            await site.device.poll()
            await site.device.keep_alive()
        assert site.written("release") == 0
        assert written(site, "release") == 3, "released once, paused, and paused again"


# Signs of life that cannot be given.


async def test_a_sign_of_life_that_the_device_cannot_mean_does_not_hold_up_a_cut() -> None:
    odd = changed("webasto-unite", failsafe={"heartbeat_value": 5})
    async with bay(odd) as site:
        assert await site.device.set_current_limit(6) == 6
        with pytest.raises(DriverError, match="5 has no meaning"):
            await site.device.keep_alive()


async def test_a_rival_is_seen_again_after_a_pause_that_needs_no_resume() -> None:
    async with bay("daheimladen") as site:
        await site.device.poll()
        await site.device.set_current_limit(0)
        await site.device.set_current_limit(10)
        await asyncio.sleep(0.01)
        site.put(limit_modbus=32)
        faults = (await site.device.poll()).faults
        assert any("another controller has changed its limit" in fault for fault in faults), faults
