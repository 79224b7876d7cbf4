"""The keeper keeps the clocks, the readings of each minute and a tidy store, whatever the disk says."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from baywarden.model.reading import Contact, EvseReading, MeterReading
from baywarden.model.time import Now
from baywarden.ports.store import StoreError, StoreFull
from baywarden.services.board import Board
from baywarden.services.keeper import anchor_of, keep_anchor, keep_decisions, keep_telemetry, tend_store
from support.clock import FakeClock
from support.site_at_work import open_real_store, site_at_work, until


class FakeTelemetry:
    """A baywarden.ports.store.Telemetry and a store to be tended, with the fault built in."""

    def __init__(self) -> None:
        self.kept: list[tuple[Now, Sequence[EvseReading], Sequence[MeterReading]]] = []
        self.tended: list[Now] = []
        self.is_full = False

    async def keep(self, now: Now, evses: Sequence[EvseReading], meters: Sequence[MeterReading]) -> None:
        if self.is_full:
            raise StoreFull("the disk is full")
        self.kept.append((now, evses, meters))

    async def tend(self, now: Now) -> None:
        self.tended.append(now)
        if self.is_full:
            raise StoreError("the disk is full")


@pytest.fixture
def telemetry() -> FakeTelemetry:
    return FakeTelemetry()


@asynccontextmanager
async def _running(work: Coroutine[Any, Any, None], clock: FakeClock) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    await clock.advance(0)
    yield
    assert not task.done(), "the keeper has ended"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_clocks_are_kept_at_once_and_every_half_minute(tmp_path: Path, clock: FakeClock) -> None:
    async with site_at_work(tmp_path, clock) as work:
        ledger = work.ledger
        before = len(ledger.batches)
        async with _running(keep_anchor(work.brain, clock), clock):
            for count in (1, 2, 3):
                await until(lambda: not ledger.under_way)
                assert len(ledger.batches) == before + count
                assert (await work.store.load()).anchor == anchor_of(clock.now())
                await clock.advance(29)
                assert len(ledger.batches) == before + count
                await clock.advance(1)


async def test_a_full_store_does_not_end_the_keeping_of_the_clocks(tmp_path: Path, clock: FakeClock) -> None:
    async with site_at_work(tmp_path, clock) as work:
        work.ledger.is_full = True
        async with _running(keep_anchor(work.brain, clock), clock):
            await clock.advance(95)
            work.ledger.is_full = False
            before = len(work.ledger.batches)
            await clock.advance(30)
            await until(lambda: len(work.ledger.batches) == before + 1)


def test_an_anchor_says_whether_the_calendar_was_to_be_believed(clock: FakeClock) -> None:
    clock.trusted = False
    anchor = anchor_of(clock.now())
    assert (anchor.boot_id, anchor.mono_ms, anchor.trusted) == ("boot-1", 1_000_000, False)


async def test_one_reading_of_everything_is_kept_a_minute(clock: FakeClock, telemetry: FakeTelemetry) -> None:
    board = Board(["b1"], ["grid"])
    async with _running(keep_telemetry(telemetry, board, clock), clock):
        assert telemetry.kept == []
        board.pin_evse(EvseReading("b1", Contact.OK, power_w=7_200))
        await clock.advance(180)
    moments = [now.mono_ms for now, _, _ in telemetry.kept]
    assert moments == [1_060_000, 1_120_000, 1_180_000]
    _, evses, meters = telemetry.kept[0]
    assert [one.power_w for one in evses] == [7_200]
    assert [one.meter_id for one in meters] == ["grid"]


async def test_telemetry_that_is_refused_is_logged_once_for_each_time_of_trouble(
    clock: FakeClock, telemetry: FakeTelemetry, caplog: pytest.LogCaptureFixture
) -> None:
    async with _running(keep_telemetry(telemetry, Board(["b1"], []), clock), clock):
        for is_full in (True, False, True):
            telemetry.is_full = is_full
            await clock.advance(180)
    assert [one.getMessage() for one in caplog.records] == ["telemetry is not kept: the disk is full"] * 2
    assert len(telemetry.kept) == 3


async def test_the_store_is_tended_at_once_and_every_ten_minutes(
    clock: FakeClock, telemetry: FakeTelemetry, caplog: pytest.LogCaptureFixture
) -> None:
    telemetry.is_full = True
    async with _running(tend_store(telemetry, clock), clock):
        await clock.advance(1_200)
    assert [now.mono_ms for now in telemetry.tended] == [1_000_000, 1_600_000, 2_200_000]
    assert {(one.levelno, one.getMessage()) for one in caplog.records} == {
        (logging.WARNING, "the store could not be tended: the disk is full")
    }


async def test_a_real_store_takes_all_of_it(tmp_path: Path, clock: FakeClock) -> None:
    store = open_real_store(tmp_path, clock)
    board = Board(["b1"], [])
    board.pin_evse(EvseReading("b1", Contact.OK, read_mono_ms=1_000_000, power_w=7_200))
    await store.tend(clock.now())
    await store.keep(clock.now(), tuple(board.snapshot().evses.values()), ())
    at_ms = round(clock.now().at.timestamp() * 1000)
    await store.close()
    again = open_real_store(tmp_path, clock)
    kept = await again.readings("b1", from_ms=at_ms - 120_000, to_ms=at_ms + 120_000)
    await again.close()
    assert [row["power_w"] for row in kept] == [7_200]


async def test_what_devices_have_shown_is_kept_when_it_changes_and_tried_again_on_a_full_disk(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    memory, kept, is_full = {"outlet b1": "A"}, list[dict[str, str]](), False

    def write(what: dict[str, str]) -> None:
        if is_full:
            raise OSError("no space left")
        kept.append(dict(what))

    async with _running(keep_decisions(lambda: dict(memory), dict(memory), write, clock), clock):
        await clock.advance(300)
        assert kept == [], "the file holds it already"
        memory["outlet b1"], is_full = "B", True
        await clock.advance(31)
        await until(lambda: "not kept: no space left" in caplog.text)
        is_full = False
        await clock.advance(31)
        await until(lambda: kept == [{"outlet b1": "B"}])
        await clock.advance(300)
    assert kept == [{"outlet b1": "B"}]
    assert caplog.text.count("not kept") == 1
