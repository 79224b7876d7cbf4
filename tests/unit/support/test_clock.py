"""The tests' own clock keeps the promises of the real one."""

import asyncio
from datetime import timedelta

from baywarden.model.time import ClockQuality
from baywarden.ports.clock import Clock
from support.clock import FakeClock


async def test_sleepers_wake_in_order_and_at_their_own_time(clock: FakeClock) -> None:
    seen: list[tuple[str, int]] = []
    port: Clock = clock

    async def sleeper(name: str, wait_ms: int) -> None:
        await port.sleep_until(clock.now().mono_ms + wait_ms)
        seen.append((name, clock.now().mono_ms))

    started_ms = clock.now().mono_ms
    async with asyncio.TaskGroup() as group:
        group.create_task(sleeper("late", 5000))
        group.create_task(sleeper("early", 2000))
        await asyncio.sleep(0)
        await clock.advance(10)
    assert seen == [("early", started_ms + 2000), ("late", started_ms + 5000)]


async def test_a_task_that_sleeps_again_is_woken_again_within_one_advance(clock: FakeClock) -> None:
    ticks: list[int] = []

    async def ticker() -> None:
        while True:
            await clock.sleep_until(clock.now().mono_ms + 1000)
            ticks.append(clock.now().mono_ms)

    task = asyncio.create_task(ticker())
    await asyncio.sleep(0)
    await clock.advance(3.5)
    task.cancel()
    assert len(ticks) == 3


async def test_a_cancelled_sleeper_does_not_stop_the_clock(clock: FakeClock) -> None:
    task = asyncio.create_task(clock.sleep_until(clock.now().mono_ms + 1000))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    before = clock.now()
    await clock.advance(2)
    assert clock.now().mono_ms - before.mono_ms == 2000


def test_a_step_of_the_calendar_leaves_durations_alone(clock: FakeClock) -> None:
    before = clock.now()
    clock.step_wall(-3600)
    assert clock.now().at == before.at - timedelta(hours=1)
    assert clock.now().mono_ms == before.mono_ms


def test_a_new_boot_begins_boottime_anew_under_a_new_name(clock: FakeClock) -> None:
    before = clock.now()
    clock.new_boot(off_s=60, uptime_s=5)
    after = clock.now()
    assert after.boot_id != before.boot_id
    assert after.mono_ms == 5000
    assert after.at - before.at == timedelta(seconds=65)


def test_trust_is_a_switch(clock: FakeClock) -> None:
    clock.trusted = False
    assert clock.now().quality is ClockQuality.UNKNOWN
    clock.trusted = True
    assert clock.now().trusted
