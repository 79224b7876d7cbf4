"""What a device has shown is remembered over a restart: of that device only, and until it shows otherwise."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from baywarden_drivers import Device, LinkPool, TcpEndpoint, encode, open_device
from baywarden_drivers.doubts.decision import Remembered
from baywarden_drivers.doubts.learning import Learning
from baywarden_drivers.mono import mono_ms
from baywarden_drivers.profile import Profile, parse_profile
from baywarden_drivers.values.value import PointValue, Quality
from support.modbus_peer import Registers, tcp_server

pytestmark = pytest.mark.modbus

HEAD = """
schema = 1
vendor = "ACME"
model = "M1"
kind = "meter"
confidence = "medium"
summary = "Made up."
sources = ["made up"]
[transport.tcp]
[[read]]
name = "power"
type = "input"
address = 10
dtype = "u16"
unit = "W"
poll = "hot"
[[read]]
name = "energy_total"
type = "input"
address = 30
count = 2
dtype = "u32"
unit = "Wh"
scale = 100
poll = "hot"
[[read]]
name = "limit_modbus"
type = "holding"
address = 60
dtype = "u16"
unit = "A"
[[write]]
name = "set_current_limit"
type = "holding"
address = 60
dtype = "u16"
unit = "A"
min = 6
[[doubt]]
name = "energy_scale"
text = "Two programs disagree."
decide = "energy_by_power"
points = ["energy_total"]
choice = [{ name = "hundreds", scale = 100 }, { name = "tens", scale = 10 }]
[[doubt]]
name = "limit_scale"
text = "Two programs disagree."
decide = "plausible"
points = ["limit_modbus", "set_current_limit"]
check = [{ point = "limit_modbus", min = 6, max = 32 }]
choice = [{ name = "whole", scale = 1 }, { name = "tenths", scale = 0.1 }]
"""
SERIAL = """
[[read]]
name = "serial"
type = "input"
address = 40
count = 4
dtype = "string"
poll = "once"
"""
WITH_SERIAL = parse_profile(HEAD + SERIAL, "acme.toml", "acme")
WITHOUT = parse_profile(HEAD, "acme.toml", "acme")
TENS = Remembered("acme", "energy_scale", "tens", "there flowed 50 Wh", "serial A17")
TENTHS = Remembered("acme", "limit_scale", "tenths", "limit_modbus reads 16 A", "serial A17")


def registers_of(profile: Profile, *, serial: str = "A17", limit: int) -> Registers:
    """The registers of the made-up device."""
    registers = Registers(1)
    registers.set(1, "input", 10, 6000)
    registers.set(1, "input", 30, 0, 7000)
    registers.set(1, "holding", 60, limit)
    if "serial" in profile.readable:
        registers.set(1, "input", 40, *encode(profile.readable["serial"], serial))
    return registers


@asynccontextmanager
async def met(
    profile: Profile, remembered: Sequence[Remembered], *, serial: str = "A17", limit: int = 0
) -> AsyncIterator[tuple[Device, Registers]]:
    """A device that was polled once, after a restart with this memory."""
    registers = registers_of(profile, serial=serial, limit=limit)
    async with tcp_server(registers) as port, LinkPool() as pool:
        device = open_device(pool, TcpEndpoint("127.0.0.1", port), profile)
        device.recall([_placed(one, port) for one in remembered])
        await device.poll()
        yield device, registers


def _placed(one: Remembered, port: int) -> Remembered:
    return Remembered(one.profile, one.doubt, one.choice, one.why, one.who.replace("PORT", str(port)))


def scale(device: Device, name: str) -> Decimal:
    """The scale in use."""
    return device.profile.readable[name].scale


async def test_what_the_same_device_has_shown_is_used_at_once_and_told_as_such() -> None:
    async with met(WITH_SERIAL, [TENS, TENTHS]) as (device, _):
        assert scale(device, "energy_total") == 10
        assert scale(device, "limit_modbus") == Decimal("0.1"), (
            "a pause had left 0 there, which proves nothing"
        )
        assert [str(one) for one in device.decisions] == [
            "energy scale: tens, because there flowed 50 Wh (seen in an earlier run, not yet in this one)",
            "limit scale: tenths, because limit_modbus reads 16 A (seen in an earlier run, not yet in this one)",
        ]
        assert set(device.memory) == {TENS, TENTHS}


async def test_of_another_device_nothing_is_believed() -> None:
    async with met(WITH_SERIAL, [TENS, TENTHS], serial="B99") as (device, _):
        assert scale(device, "energy_total") == 100
        assert scale(device, "limit_modbus") == 1
        assert device.memory == ()


async def test_what_speaks_against_a_remembered_limit_counts_more() -> None:
    async with met(WITH_SERIAL, [TENTHS], limit=16) as (device, _):
        assert scale(device, "limit_modbus") == 1
        assert device.memory == ()


async def test_without_a_serial_number_the_place_is_the_device_but_never_for_a_limit() -> None:
    here = "127.0.0.1:PORT, unit 1, connector 1"
    kept = [Remembered(one.profile, one.doubt, one.choice, one.why, here) for one in (TENS, TENTHS)]
    async with met(WITHOUT, kept) as (device, _):
        assert scale(device, "energy_total") == 10
        assert scale(device, "limit_modbus") == 1


async def test_what_was_seen_in_this_run_is_kept_for_the_next() -> None:
    async with met(WITH_SERIAL, [], limit=160) as (device, _):
        (kept,) = device.memory
        assert (kept.doubt, kept.choice, kept.who) == ("limit_scale", "tenths", "serial A17")
        assert "limit_modbus reads 16.0 A" in kept.why


async def test_a_device_that_was_not_met_keeps_its_memory() -> None:
    async with LinkPool() as pool:
        device = open_device(pool, TcpEndpoint("127.0.0.1", 9), WITH_SERIAL)
        device.recall([TENS])
        assert device.memory == (TENS,)


@asynccontextmanager
async def learning(
    remembered: Sequence[Remembered], *, limit: int
) -> AsyncIterator[tuple[Learning, Registers]]:
    """What is learned of a device with a serial number, at its first contact."""
    registers = registers_of(WITH_SERIAL, limit=limit)
    async with tcp_server(registers) as port, LinkPool() as pool:
        found = Learning(WITH_SERIAL, pool.link(TcpEndpoint("127.0.0.1", port)), 1)
        found.remembered = remembered
        await found.at_contact()
        yield found, registers


async def test_a_remembered_energy_scale_is_held_against_the_power_again() -> None:
    async with learning([TENS], limit=0) as (found, registers):
        assert found.profile.readable["energy_total"].scale == 10
        now_ms, told = mono_ms(), list[str]()
        for place in range(20):
            now_ms += 30_000
            if place == 2:
                registers.set(1, "input", 30, 0, 7005)  # 500 Wh in hundreds
            told += await found.slowly({"power": PointValue(6000, Quality.GOOD, now_ms)}) or []
        assert found.profile.readable["energy_total"].scale == 100
        assert "until now tens was used, so these values change at once: energy_total" in told[0]
        assert [one.choice for one in found.memory] == ["hundreds"]


async def test_another_device_at_the_same_place_begins_anew() -> None:
    async with learning([], limit=160) as (found, registers):
        assert found.profile.writable["set_current_limit"].scale == Decimal("0.1")
        registers.set(1, "input", 40, *encode(WITH_SERIAL.readable["serial"], "B99"))
        registers.set(1, "holding", 60, 0)
        assert await found.at_contact() == ["another device answers here: serial B99, not serial A17"]
        assert found.profile.writable["set_current_limit"].scale == 1
        assert found.memory == ()
