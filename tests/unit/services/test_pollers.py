"""Pollers keep their grid and pin what they read."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from baywarden.model.reading import Contact, EvseReading, MeterReading
from baywarden.services.board import Board
from baywarden.services.pollers import (
    LEAST_APART_MS,
    TOGETHER,
    Grid,
    Poll,
    SharedSleep,
    offset_ms,
    poll_for_ever,
    poll_meter,
    poll_outlet,
)
from baywarden.services.progress import Progress
from support.clock import FakeClock
from support.fake_wire import FakeOutlet


class Device:
    """Notes when it was asked; an answer takes `takes_s`."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.asked_s: list[float] = []
        self.takes_s = 0.0
        self.contact = Contact.OK
        self._began_ms = clock.now().mono_ms

    async def poll(self) -> EvseReading:
        self.asked_s.append((self.clock.now().mono_ms - self._began_ms) / 1000)
        if self.takes_s:
            await self.clock.sleep_until(self.clock.now().mono_ms + round(self.takes_s * 1000))
        return EvseReading("b1", self.contact, "" if self.contact is Contact.OK else "no answer")


@pytest.fixture
def device(clock: FakeClock) -> Device:
    return Device(clock)


@asynccontextmanager
async def _polled(
    poll: Poll, clock: FakeClock, grid: Grid, monotonic: Callable[[], float] = lambda: 0.0
) -> AsyncIterator[Progress]:
    progress = Progress(monotonic)
    progress.expect("bay b1", 30)
    task = asyncio.create_task(poll_for_ever("bay b1", poll, grid, clock, progress))
    await clock.advance(0)
    yield progress
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_it_asks_at_once_and_then_on_the_grid(device: Device) -> None:
    async with _polled(device.poll, device.clock, Grid(5_000)):
        await device.clock.advance(15)
    assert device.asked_s == [0, 5, 10, 15]


async def test_a_slow_answer_does_not_shift_the_grid(device: Device) -> None:
    device.takes_s = 0.7
    async with _polled(device.poll, device.clock, Grid(1_000)):
        await device.clock.advance(60)
    assert device.asked_s == [float(second) for second in range(61)]


async def test_moments_that_were_missed_are_not_made_up_for(device: Device) -> None:
    device.takes_s = 2.5
    async with _polled(device.poll, device.clock, Grid(1_000)):
        await device.clock.advance(9.5)
    assert device.asked_s == [0, 3, 6, 9]


async def test_an_answer_that_takes_a_whole_period_leaves_the_next_moment_out(device: Device) -> None:
    device.takes_s = 1.0
    async with _polled(device.poll, device.clock, Grid(1_000)):
        await device.clock.advance(6)
    assert device.asked_s == [0, 2, 4, 6]


async def test_devices_ask_at_different_moments_but_each_at_once_in_the_beginning(device: Device) -> None:
    async with _polled(device.poll, device.clock, Grid(5_000, offset_ms=2_000)):
        await device.clock.advance(13)
    assert device.asked_s == [0, 2, 7, 12]


@pytest.mark.parametrize(
    ("due_ms", "now_ms", "next_ms"),
    [(10, 10, 15), (10, 14, 15), (10, 15, 20), (10, 62, 65), (10, 3, 10), (10, 5, 10)],
)
def test_the_next_moment_is_the_first_of_the_grid_after_now(due_ms: int, now_ms: int, next_ms: int) -> None:
    assert Grid(5).next_ms(due_ms, now_ms) == next_ms


@pytest.mark.parametrize(
    ("count", "every_ms", "moments"),
    [(1, 1_000, 1), (29, 1_000, 1), (30, 1_000, 2), (200, 1_000, 13), (500, 1_000, 20), (500, 10_000, 33)],
)
def test_devices_are_due_in_groups_evenly_over_the_period(count: int, every_ms: int, moments: int) -> None:
    offsets = [offset_ms(place, count, every_ms) for place in range(count)]
    together = [offsets.count(one) for one in sorted(set(offsets))]
    assert offsets == sorted(offsets) and offsets[0] == 0 and offsets[-1] < every_ms
    assert len(together) == moments and max(together) - min(together) <= 1
    assert min(together) >= min(count, TOGETHER)
    apart_ms = [later - sooner for sooner, later in pairwise(sorted(set(offsets)))]
    assert all(one >= LEAST_APART_MS for one in apart_ms)


async def test_grids_of_one_origin_keep_step_whenever_they_began(device: Device) -> None:
    began_ms = device.clock.now().mono_ms
    await device.clock.advance(3)
    late = poll_for_ever(
        "bay b1", device.poll, Grid(5_000), device.clock, Progress(lambda: 0.0), origin_ms=began_ms
    )
    task = asyncio.create_task(late)
    await device.clock.advance(0)
    await device.clock.advance(10)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert device.asked_s == [3, 5, 10]


async def test_sleepers_until_one_moment_wake_together_in_the_order_in_which_they_came(
    clock: FakeClock,
) -> None:
    shared, due_ms, woken = SharedSleep(clock), clock.now().mono_ms + 1_000, list[int]()

    async def sleeper(number: int) -> None:
        await shared.sleep_until(due_ms)
        woken.append(number)

    async with asyncio.TaskGroup() as sleepers:
        for number in (2, 0, 1):
            sleepers.create_task(sleeper(number))
        await clock.advance(0)
        await clock.advance(0.999)
        assert not woken
        await clock.advance(0.001)
    assert woken == [2, 0, 1]


async def test_when_the_one_who_keeps_the_watch_is_cancelled_the_others_sleep_on_and_wake_in_time(
    clock: FakeClock,
) -> None:
    shared, due_ms = SharedSleep(clock), clock.now().mono_ms + 1_000
    first, second, third = (asyncio.create_task(shared.sleep_until(due_ms)) for _ in range(3))
    await clock.advance(0)
    await clock.advance(0.5)
    first.cancel()
    await clock.advance(0.4)
    assert first.done() and not second.done() and not third.done()
    await clock.advance(0.1)
    async with asyncio.timeout(10):
        await asyncio.gather(second, third)


async def test_a_moment_that_is_over_is_not_waited_for(clock: FakeClock) -> None:
    async with asyncio.timeout(10):
        await SharedSleep(clock).sleep_until(clock.now().mono_ms)


async def test_a_loss_and_the_recovery_are_each_logged_once(
    device: Device, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with _polled(device.poll, device.clock, Grid(1_000)):
        await device.clock.advance(5)
        device.contact = Contact.SILENT
        await device.clock.advance(5)
        device.contact = Contact.OK
        await device.clock.advance(5)
    assert [(one.levelno, one.getMessage()) for one in caplog.records] == [
        (logging.WARNING, "bay b1: silent: no answer"),
        (logging.INFO, "bay b1 answers again"),
    ]


async def test_a_device_that_never_answered_is_logged_too(
    device: Device, caplog: pytest.LogCaptureFixture
) -> None:
    device.contact = Contact.LINK_DOWN
    async with _polled(device.poll, device.clock, Grid(1_000)):
        await device.clock.advance(5)
    assert [one.getMessage() for one in caplog.records] == ["bay b1: link_down: no answer"]


async def test_each_answer_is_progress_and_a_hang_is_none(device: Device) -> None:
    async with _polled(
        device.poll, device.clock, Grid(5_000), lambda: device.clock.now().mono_ms / 1000
    ) as progress:
        await device.clock.advance(100)
        assert progress.late() == ()
        device.takes_s = 1_000
        await device.clock.advance(100)
        assert progress.late() == ("bay b1",)


async def test_what_was_read_is_pinned(clock: FakeClock) -> None:
    outlet, board = FakeOutlet("b1", clock), Board(["b1"], [])
    outlet.set(power_w=7_200)
    await poll_outlet(outlet, board)()
    assert board.snapshot().evses["b1"].power_w == 7_200


async def test_a_failed_poll_is_pinned_with_its_old_values(clock: FakeClock) -> None:
    outlet, board = FakeOutlet("b1", clock), Board(["b1"], [])
    await poll_outlet(outlet, board)()
    await clock.advance(30)
    outlet.contact = Contact.GARBLED
    await poll_outlet(outlet, board)()
    reading = board.snapshot().evses["b1"]
    assert (reading.contact, reading.read_mono_ms, reading.energy_wh) == (Contact.GARBLED, 1_000_000, 1_000)


async def test_what_a_meter_said_is_pinned() -> None:
    class Grids:
        meter_id = "grid"

        async def poll(self) -> MeterReading:
            return MeterReading("grid", Contact.OK, power_w=-500)

    board = Board([], ["grid"])
    await poll_meter(Grids(), board)()
    assert board.snapshot().meters["grid"].power_w == -500
