"""The heart beats on its grid, and earlier when something is due."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from baywarden.model.command import PutBooking
from baywarden.model.evse import Availability
from baywarden.model.reading import Contact, EvseReading, Snapshot
from baywarden.ports.store import StoreDamaged
from baywarden.services.heart import Heart
from baywarden.services.progress import Progress
from support.clock import FakeClock, settle
from support.site_at_work import SiteAtWork, in_minutes, site_at_work, until


class Beating:
    """A site whose heart beats; `beats_s` are the moments of its beats, in seconds from the first."""

    def __init__(self, work: SiteAtWork, cycle_ms: int) -> None:
        self.work = work
        self.clock = work.clock
        self.beats_s: list[float] = []
        self.snapshots: list[Snapshot] = []
        self.progress = Progress(lambda: self.clock.now().mono_ms / 1000)
        self.heart = Heart(
            work.brain, work.steward, work.board, clock=work.clock, cycle_ms=cycle_ms, progress=self.progress
        )
        self.heart.after_cycle = self._note
        self._began_ms = self.clock.now().mono_ms
        self.task = asyncio.create_task(self.heart.run())

    async def calm(self) -> None:
        """Return when the heart rests: what it has to keep is kept by a thread, in real time."""
        await settle()
        while self.work.ledger.under_way:
            await asyncio.sleep(0.001)
            await settle()

    async def wait(self, seconds: float, step_s: float = 1.0) -> None:
        """Let time pass in steps, with every bay polled before each."""
        end_ms = self.clock.now().mono_ms + round(seconds * 1000)
        while self.clock.now().mono_ms < end_ms:
            await self.work.poll()
            await self.clock.advance(step_s)
            await self.calm()

    def _note(self, snapshot: Snapshot) -> None:
        self.beats_s.append((self.clock.now().mono_ms - self._began_ms) / 1000)
        self.snapshots.append(snapshot)


@pytest.fixture
async def work(tmp_path: Path, clock: FakeClock) -> AsyncIterator[SiteAtWork]:
    async with site_at_work(tmp_path, clock) as work:
        yield work


@pytest.fixture
async def beating(work: SiteAtWork) -> AsyncIterator[Beating]:
    """A cycle of a second; every bay was polled once."""
    await work.poll()
    async for one in _beating(work, 1_000):
        yield one


@pytest.fixture
async def slow(work: SiteAtWork) -> AsyncIterator[Beating]:
    """A cycle of a minute."""
    await work.poll()
    async for one in _beating(work, 60_000):
        yield one


async def _beating(work: SiteAtWork, cycle_ms: int) -> AsyncIterator[Beating]:
    beating = Beating(work, cycle_ms)
    await beating.calm()
    yield beating
    beating.task.cancel()
    await asyncio.gather(beating.task, return_exceptions=True)


async def _book_in(work: SiteAtWork, seconds: float) -> None:
    start_at = in_minutes(work.clock, seconds / 60)
    await work.ask(PutBooking("b-1", start_at, start_at + timedelta(hours=1), "T-1", "b1"))


def _availability(work: SiteAtWork) -> Availability:
    return work.brain.state.evses["b1"].status.availability


async def test_it_beats_once_a_cycle_without_drift(beating: Beating) -> None:
    await beating.wait(10)
    assert beating.beats_s == [float(second) for second in range(11)]
    assert beating.heart.cycles == 11


async def test_beats_that_were_missed_are_not_made_up_for(beating: Beating) -> None:
    beating.clock.leap(7.3)
    await beating.clock.advance(0)
    await beating.calm()
    await beating.clock.advance(2)
    await beating.calm()
    assert beating.beats_s == [0, 7.3, 8, 9]


async def test_what_falls_due_before_the_next_cycle_is_judged_in_its_moment(slow: Beating) -> None:
    await _book_in(slow.work, 80.4)
    await slow.wait(80)
    assert 60 in slow.beats_s and slow.beats_s[-1] <= 80
    assert _availability(slow.work) is Availability.AVAILABLE
    await slow.clock.advance(0.4)
    await slow.calm()
    assert slow.beats_s[-1] == 80.4
    assert _availability(slow.work) is Availability.RESERVED


async def test_an_early_beat_does_not_put_off_the_next_cycle(slow: Beating) -> None:
    await _book_in(slow.work, 80)
    await slow.wait(200, 5)
    assert 80 in slow.beats_s
    assert {0, 60, 120, 180} <= set(slow.beats_s)


async def test_a_clock_that_is_not_trusted_wakes_nobody(slow: Beating) -> None:
    await _book_in(slow.work, 80.4)
    slow.clock.trusted = False
    await slow.wait(200, 5)
    assert slow.beats_s == [0, 60, 120, 180]


async def test_with_a_store_that_refuses_it_beats_as_always(beating: Beating) -> None:
    beating.work.ledger.is_full = True
    beating.work.plug("b1")
    await beating.wait(10)
    assert beating.heart.cycles == 11
    assert beating.work.steward.allocations["b1"].limit_ma > 0


async def test_the_site_is_ready_only_when_every_bay_was_tried(work: SiteAtWork) -> None:
    async for beating in _beating(work, 1_000):
        await beating.clock.advance(3)
        await beating.calm()
        work.board.pin_evse(EvseReading("b1", Contact.OK))
        await beating.clock.advance(3)
        await beating.calm()
        assert not beating.heart.ready.is_set()
        work.board.pin_evse(EvseReading("b2", Contact.SILENT, "no answer"))
        await until(beating.heart.ready.is_set)
        assert beating.clock.now().mono_ms - 1_000_000 == 6_000, "it did not wait for the next cycle"


async def test_no_limit_is_written_before_every_bay_was_tried(work: SiteAtWork) -> None:
    async for beating in _beating(work, 1_000):
        work.board.pin_evse(await work.outlets["b1"].poll())
        await beating.clock.advance(3)
        await beating.calm()
        assert work.outlets["b1"].done == []
        work.board.pin_evse(EvseReading("b2", Contact.SILENT, "no answer"))
        await until(lambda: work.outlets["b1"].limits_ma == [0])


async def test_ready_means_that_a_whole_cycle_has_judged_every_bay(work: SiteAtWork) -> None:
    async for beating in _beating(work, 60_000):
        await work.poll()
        await until(beating.heart.ready.is_set)
        assert all(one.contact is Contact.OK for one in beating.snapshots[-1].evses.values())


async def test_a_step_of_the_wall_clock_is_logged_once(
    beating: Beating, caplog: pytest.LogCaptureFixture
) -> None:
    await beating.wait(3)
    beating.clock.step_wall(3_600)
    await beating.wait(5)
    steps = [one for one in caplog.records if "wall clock" in one.getMessage()]
    assert [(one.levelno, one.getMessage()) for one in steps] == [
        (logging.WARNING, "the wall clock was set by +3600.0 s: calendar timers are judged anew")
    ]


async def test_a_wall_clock_that_is_slewed_is_no_step(
    beating: Beating, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(10):
        beating.clock.step_wall(-1.5)
        await beating.wait(1)
    assert "wall clock" not in caplog.text


async def test_it_shows_its_progress_with_each_beat(beating: Beating) -> None:
    beating.progress.expect("heart", 1.5)
    await beating.wait(5)
    assert beating.progress.late() == ()
    beating.task.cancel()
    await beating.clock.advance(5)
    assert beating.progress.late() == ("heart",)


async def test_each_cycle_hands_on_what_it_has_seen(beating: Beating) -> None:
    beating.work.outlets["b1"].set(power_w=1_234)
    await beating.wait(1)
    assert beating.snapshots[0].evses["b1"].power_w == 0
    assert beating.snapshots[-1].evses["b1"].power_w == 1_234


async def test_a_failure_ends_it_loudly(beating: Beating) -> None:
    beating.work.ledger.is_damaged = True
    beating.work.plug("b1")
    await beating.wait(2)
    assert isinstance(beating.task.exception(), StoreDamaged)
