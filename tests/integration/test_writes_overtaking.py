"""A cut goes out at the first moment the charger allows, never behind the hand's own raise that waits its turn."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

import pytest

from baywarden.devices import ModbusOutlet
from baywarden.services.hand import Hand
from baywarden_drivers import ValueRefused
from baywarden_drivers.values.value import Value
from support.clock import FakeClock
from support.quick_bay import bay, changed
from support.served_profile import Served

pytestmark = pytest.mark.modbus

PATIENCE_S: Final = 20
REST_S: Final = 3
"""Between two limits; a real one wants 5 s between any two writes."""
ARMED: Final[Mapping[str, Value]] = {"failsafe_current": 6, "failsafe_timeout": 30, "limit_feedback": 10}


def _told(site: Served) -> int:
    """The limit register, in mA."""
    return site.written("set_current_limit")


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.02)


async def test_a_cut_takes_the_turn_of_the_hands_own_raise() -> None:
    slow = changed("keba-p30", control={"readback": None})
    slow = slow.changed(
        write=tuple(
            one.model_copy(update={"min_interval_s": REST_S}) if one.name == "set_current_limit" else one
            for one in slow.write
        )
    )
    async with bay(slow, ARMED) as site:
        clock = FakeClock()
        outlet = ModbusOutlet(site.device, "b1", clock=clock, failsafe_ma=6_000, failsafe_timeout_s=30)
        hand = Hand(outlet, clock)
        hand.look(await outlet.poll())
        seen: list[int] = []
        watching = asyncio.create_task(_watch(site, seen))
        running = asyncio.create_task(hand.run())
        hand.want(8_000)
        await _until(lambda: hand.failsafe.is_armed and hand.held is not None and hand.held.confirmed)
        hand.want(16_000)
        await asyncio.sleep(0.1)
        hand.want(6_000)
        await _until(lambda: _told(site) == 6_000)
        await _until(lambda: hand.held is not None and hand.held.confirmed)
        held = hand.held
        assert held is not None and (held.allowed_ma, held.sent_ma) == (6_000, 6_000)
        assert 16_000 not in seen, "the raise was never sent"
        assert hand.trouble is None
        for task in (running, watching):
            task.cancel()
        await asyncio.gather(running, watching, return_exceptions=True)


async def _watch(site: Served, seen: list[int]) -> None:
    while True:
        if not seen or seen[-1] != _told(site):
            seen.append(_told(site))
        await asyncio.sleep(0.005)


async def test_of_limits_that_wait_for_their_turn_only_the_newest_is_sent() -> None:
    slow = changed("keba-p30", control={"readback": None}, protocol={"min_write_interval_ms": 500})
    async with bay(slow) as site:
        await site.device.set_current_limit(10)
        waiting = [asyncio.create_task(site.device.set_current_limit(amps)) for amps in (16, 12, 8)]
        newest = asyncio.create_task(site.device.set_current_limit(6))
        results = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), PATIENCE_S)
        assert all(isinstance(one, ValueRefused) and "a newer wish" in str(one) for one in results)
        assert await asyncio.wait_for(newest, PATIENCE_S) == 6
        assert [at for _, at in site.registers.writes()] == [5004, 5004]
        assert _told(site) == 6_000
