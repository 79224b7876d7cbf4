"""Pollers keep their grid and pin what they read."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from baywarden.model.reading import Contact, EvseReading, MeterReading
from baywarden.services.board import Board
from baywarden.services.pollers import Grid, Poll, poll_for_ever, poll_meter, poll_outlet
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
