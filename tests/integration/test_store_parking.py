"""Events that the broker refused for good: kept apart with their bytes, released by hand, never lost by the ring."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from baywarden.model.event import ParkedEvent, Stream
from baywarden.ports.store import Batch, StoreFull
from baywarden.store.files import Files
from baywarden.store.parking import MOST_PARKED
from support.books import AT, draft, head, now, open_books

DAY = timedelta(days=1)


async def test_a_parked_event_is_out_of_the_outbox_and_still_replayed(tmp_path: Path) -> None:
    store = open_books(tmp_path, utc=lambda: AT)
    await store.commit(Batch(drafts=(draft(),) * 3))
    poison = (await store.pending(Stream.BOOKING, 1, 1))[0]
    await store.park(poison, 0x99)
    assert [event.seq for event in await store.pending(Stream.BOOKING, 0, 9)] == [1, 3]
    assert [event.seq for event in await store.replay(Stream.BOOKING, 1, 1, 3, 9)] == [1, 2, 3]
    size = len(poison.payload)
    assert await store.parked(9) == ([ParkedEvent(Stream.BOOKING, 1, 2, 0x99, AT, size, False)], 1)
    await store.close()


async def test_a_parked_event_outlives_a_restart_and_the_ring(tmp_path: Path) -> None:
    store = open_books(tmp_path, keep_days=30, utc=lambda: AT)
    await store.commit(Batch(drafts=(draft(),) * 3))
    poison = (await store.pending(Stream.BOOKING, 1, 1))[0]
    await store.park(poison, 0x95)
    await store.freed(Stream.BOOKING, 3)
    await store.tend(now(AT + 31 * DAY))
    await store.close()
    store = open_books(tmp_path)
    assert (await head(store, Stream.BOOKING)).oldest_seq == 4
    assert (await store.parked(9))[1] == 1
    assert await store.release(Stream.BOOKING, 1, 2)
    assert await store.released(9) == [poison]
    await store.unpark(poison)
    assert await store.parked(9) == ([], 0)
    await store.close()


async def test_an_event_refused_once_more_is_not_released_any_more(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    await store.commit(Batch(drafts=(draft(),)))
    poison = (await store.pending(Stream.BOOKING, 0, 1))[0]
    await store.park(poison, 0x99)
    await store.release(Stream.BOOKING, 1, 1)
    await store.park(poison, 0x87)
    assert await store.released(9) == []
    assert [(one.code, one.is_released) for one in (await store.parked(9))[0]] == [(0x87, False)]
    await store.close()


async def test_what_is_not_parked_cannot_be_released(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    assert not await store.release(Stream.BOOKING, 1, 7)
    assert not await store.release(Stream.BOOKING, 1, 7, give_up=True)
    await store.close()


async def test_parking_has_an_end_and_refuses_what_does_not_fit(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    await store.commit(Batch(drafts=(draft(),) * 2))
    first, second = await store.pending(Stream.BOOKING, 0, 2)
    await store.park(first, 0x99)
    with closing(sqlite3.connect(Files(tmp_path).ledger)) as db, db:
        db.executemany(
            "INSERT INTO parked VALUES ('meter', 1, ?, 0, 153, 0, x'', 0)",
            [(n,) for n in range(1, MOST_PARKED)],
        )
    await store.park(first, 0x99)
    with pytest.raises(StoreFull, match="release some"):
        await store.park(second, 0x99)
    assert await store.release(Stream.METER, 1, 9, give_up=True)
    await store.park(second, 0x99)
    await store.close()


async def test_that_the_cloud_acknowledges_by_itself_outlives_a_restart_and_can_end(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    await store.set_cloud_acks(Stream.BOOKING, True)
    await store.set_cloud_acks(Stream.BOOKING, True)
    await store.close()
    store = open_books(tmp_path)
    assert (await head(store, Stream.BOOKING)).cloud_acks
    assert not (await head(store, Stream.METER)).cloud_acks
    await store.commit(Batch(drafts=(draft(),)))
    assert (await head(store, Stream.BOOKING)).cloud_acks
    await store.set_cloud_acks(Stream.BOOKING, False)
    assert not (await head(store, Stream.BOOKING)).cloud_acks
    await store.close()
