"""Events that wait for the cloud: in order, byte for byte, and freed when they were taken."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from baywarden.model.event import Stream, StreamHead
from baywarden.ports.store import Batch
from baywarden.store.files import Files
from support.books import AT, draft, head, now, open_books

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def test_events_wait_in_order_and_are_replayed_byte_for_byte(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    for n in range(5):
        await store.commit(Batch(drafts=(draft(subject=f"b-{n}"), draft(Stream.STATUS))))
    first = await store.pending(Stream.BOOKING, 0, 3)
    assert [event.payload for event in first] == [
        f"booking 1-{n + 1} booking.changed.v1 b-{n}".encode() for n in range(3)
    ]
    assert [event.seq for event in await store.pending(Stream.BOOKING, 3, 100)] == [4, 5]
    assert await store.pending(Stream.BOOKING, 5, 100) == ()
    await store.freed(Stream.BOOKING, 3)
    assert await store.replay(Stream.BOOKING, 1, 1, 3, 100) == first
    assert await store.replay(Stream.BOOKING, 7, 1, 3, 100) == []
    assert await head(store, Stream.BOOKING) == StreamHead(Stream.BOOKING, 1, 5, 3, 1)
    assert await head(store, Stream.AUDIT) == StreamHead(Stream.AUDIT, 1, 0, 0, 1)
    await store.close()


async def test_freed_numbers_outlive_a_clean_stop_and_impossible_ones_are_ignored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = open_books(tmp_path)
    await store.commit(Batch(drafts=(draft(),) * 5))
    await store.freed(Stream.BOOKING, 4)
    await store.freed(Stream.BOOKING, 2)
    await store.freed(Stream.BOOKING, 99)
    assert "cannot have arrived" in caplog.text
    assert (await head(store, Stream.BOOKING)).acked_seq == 4
    await store.close()
    store = open_books(tmp_path)
    assert (await head(store, Stream.BOOKING)).acked_seq == 4
    await store.close()


async def test_many_freed_numbers_are_written_without_waiting_for_a_commit(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    await store.commit(Batch(drafts=(draft(),) * 400))
    written: list[int] = []
    for seq in range(1, 401):
        await store.freed(Stream.BOOKING, seq)
        with closing(sqlite3.connect(Files(tmp_path).ledger)) as db:
            written += [row[0] for row in db.execute("SELECT acked_seq FROM streams")]
    assert sorted(set(written)) == [200, 400]
    await store.close()


async def test_the_ring_keeps_young_and_unsent_events(tmp_path: Path) -> None:
    moment = AT
    store = open_books(tmp_path, keep_days=30, utc=lambda: moment)
    await store.commit(Batch(drafts=(draft(),) * 4))
    moment = AT + 20 * DAY
    await store.commit(Batch(drafts=(draft(),) * 4))
    await store.freed(Stream.BOOKING, 3)
    await store.tend(now(AT + 31 * DAY))
    assert (await head(store, Stream.BOOKING)).oldest_seq == 4
    await store.freed(Stream.BOOKING, 8)
    await store.tend(now(AT + 31 * DAY))
    assert (await head(store, Stream.BOOKING)).oldest_seq == 5
    await store.tend(now(AT + 60 * DAY))
    assert await head(store, Stream.BOOKING) == StreamHead(Stream.BOOKING, 1, 8, 8, 9)
    await store.commit(Batch(drafts=(draft(),)))
    assert [event.seq for event in await store.pending(Stream.BOOKING, 8, 9)] == [9]
    await store.close()
