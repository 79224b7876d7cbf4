"""The store on a full disk: batches are refused whole, nothing is taken for damage, and with room again it goes on."""

import random
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from baywarden.model.event import Stream
from baywarden.ports.store import Batch, StoreFull
from baywarden.store.files import Files
from support.books import booking, draft, now, open_books, session
from support.damaged_ledger import PAGE, a_used_ledger, kept_files, zero_a_leaf


async def test_a_full_ledger_refuses_whole_batches_and_recovers_when_sent_events_go(tmp_path: Path) -> None:
    store = open_books(tmp_path, max_bytes=2 * 2**20)
    fat = "x" * 3000
    written = 0
    with pytest.raises(StoreFull, match="no room"):
        while True:
            batch = Batch(bookings=(booking(rev=written + 1),), drafts=(draft(Stream.SESSION, fat),) * 4)
            await store.commit(batch)
            written += 1
    assert store.stats()["full"]
    kept = await store.booking("b-1")
    assert kept is not None
    assert kept.rev == written
    head = next(head for head in await store.heads() if head.stream is Stream.SESSION)
    assert head.last_seq == written * 4
    await store.freed(Stream.SESSION, head.last_seq)
    await store.tend(now(trusted=False))
    await store.commit(Batch(bookings=(booking(rev=written + 1),), drafts=(draft(Stream.SESSION, fat),)))
    assert not store.stats()["full"]
    head = next(head for head in await store.heads() if head.stream is Stream.SESSION)
    assert head.last_seq == written * 4 + 1
    assert 1 < head.oldest_seq <= head.last_seq
    await store.close()


async def test_a_cramped_ledger_gives_up_unsent_meter_events_but_never_bookings(tmp_path: Path) -> None:
    store = open_books(tmp_path, max_bytes=2 * 2**20)
    fat = "x" * 3000
    with pytest.raises(StoreFull):
        while True:
            await store.commit(Batch(drafts=(draft(Stream.METER, fat), draft(Stream.BOOKING, fat))))
    await store.tend(now(trusted=False))
    oldest = {head.stream: head.oldest_seq for head in await store.heads()}
    assert oldest[Stream.METER] > 1
    assert oldest[Stream.BOOKING] == 1
    await store.commit(Batch(drafts=(draft(Stream.BOOKING, fat),)))
    await store.close()


@contextmanager
def no_file_grows_beyond(limit: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_disk_that_takes_no_more_bytes_is_survived_at_any_size(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    dice = random.Random(3)
    kept = refusals = 0
    for _ in range(40):
        with no_file_grows_beyond(int(store.stats()["wal_bytes"]) + dice.randrange(0, 6 * PAGE)):
            try:
                for _ in range(3):
                    await store.commit(Batch(bookings=(booking(rev=kept + 1),), drafts=(draft(),)))
                    kept += 1
            except StoreFull:
                refusals += 1
        await store.commit(Batch(bookings=(booking(rev=kept + 1),), drafts=(draft(),)))
        kept += 1
    found = await store.booking("b-1")
    assert found is not None
    assert found.rev == kept
    assert len(await store.pending(Stream.BOOKING, 0, 10_000)) == kept
    assert refusals > 10
    await store.close()


async def test_a_full_disk_at_the_start_is_an_error_and_never_taken_for_damage(tmp_path: Path) -> None:
    before = await a_used_ledger(tmp_path)
    with no_file_grows_beyond(1000), pytest.raises(StoreFull):
        open_books(tmp_path)
    assert Files(tmp_path).ledger.read_bytes() == before
    assert kept_files(tmp_path, "*damaged*") == []
    store = open_books(tmp_path)
    assert (await store.load()).epoch == 1
    await store.close()


async def test_a_disk_too_full_for_mending_is_an_error_and_no_reason_to_begin_empty(tmp_path: Path) -> None:
    await a_used_ledger(tmp_path)
    zero_a_leaf("bookings")(Files(tmp_path).ledger)
    damaged = Files(tmp_path).ledger.read_bytes()
    with no_file_grows_beyond(len(damaged) // 2), pytest.raises(StoreFull):
        open_books(tmp_path)
    assert Files(tmp_path).ledger.read_bytes() == damaged
    store = open_books(tmp_path)
    assert (await store.load()).evses[0].session == session()
    await store.close()
