"""A ledger that is lost: it comes back from a backup, in a new epoch, and no number is given twice."""

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from baywarden.model.booking import BookingStatus
from baywarden.model.event import Stream
from baywarden.ports.store import Batch
from baywarden.store.files import Files
from support.books import AT, booking, draft, now, open_books, session
from support.damaged_ledger import PAGE, a_used_ledger, kept_files, pages_of, zero_a_leaf


def spoil_the_header(ledger: Path) -> None:
    with ledger.open("r+b") as file:
        file.write(os.urandom(100))


def empty(ledger: Path) -> None:
    os.truncate(ledger, 0)


def remove(ledger: Path) -> None:
    ledger.unlink()


TOTAL = {"a spoilt header": spoil_the_header, "an empty file": empty, "a removed file": remove}


@pytest.mark.parametrize("damage", TOTAL)
async def test_a_lost_ledger_is_restored_from_the_newest_good_backup(tmp_path: Path, damage: str) -> None:
    await a_used_ledger(tmp_path, backup=True)
    worse = Files(tmp_path).backup_name(AT + timedelta(days=1))
    worse.write_bytes(b"not a backup at all")
    TOTAL[damage](Files(tmp_path).ledger)
    store = open_books(tmp_path)
    saved = await store.load()
    assert saved.epoch == 2
    assert saved.as_of == AT
    assert "restored from the backup of 2026-03-01 08:00 UTC" in saved.notes[0]
    assert saved.evses[0].session == session()
    await store.close()


@pytest.mark.parametrize("damage", TOTAL)
async def test_without_a_backup_the_ledger_begins_empty_in_a_new_epoch(tmp_path: Path, damage: str) -> None:
    await a_used_ledger(tmp_path)
    TOTAL[damage](Files(tmp_path).ledger)
    store = open_books(tmp_path)
    saved = await store.load()
    assert (saved.epoch, saved.evses, saved.as_of) == (2, (), None)
    assert "is new and empty" in saved.notes[0]
    assert "epoch 2" in saved.notes[-1]
    await store.close()


async def test_finished_records_that_are_lost_come_back_from_a_backup_but_no_stale_promise(
    tmp_path: Path,
) -> None:
    await a_used_ledger(tmp_path, backup=True)
    store = open_books(tmp_path)
    canceled = booking("b-live", status=BookingStatus.CANCELED)
    await store.commit(Batch(bookings=(canceled,)))
    await store.close()
    ledger = Files(tmp_path).ledger
    leaves = pages_of(ledger, "bookings")
    with ledger.open("r+b") as file:  # the last leaf holds the newest row, the one that was canceled since
        for page in leaves[-3:]:
            file.seek((page - 1) * PAGE)
            file.write(bytes(PAGE))
    store = open_books(tmp_path)
    assert "from a backup" in (await store.load()).notes[0]
    assert await store.booking("b-299") == booking("b-299", status=BookingStatus.FULFILLED)
    assert (await store.load()).evses[0].bookings == ()
    await store.close()


async def test_an_epoch_never_comes_twice_however_old_the_backup(tmp_path: Path) -> None:
    await a_used_ledger(tmp_path, backup=True)
    for epoch in (2, 3, 4):
        Files(tmp_path).ledger.unlink()
        store = open_books(tmp_path)
        saved = await store.load()
        assert (saved.epoch, saved.as_of) == (epoch, AT)
        await store.close()


async def test_a_log_without_its_ledger_is_never_played_into_a_new_one(tmp_path: Path) -> None:
    await a_used_ledger(tmp_path)
    files = Files(tmp_path)
    files.ledger.unlink()
    stray = files.ledger.with_name("ledger.db-wal")
    stray.write_bytes(b"old log")
    store = open_books(tmp_path)
    await store.commit(Batch(bookings=(booking(),)))
    await store.close()
    assert kept_files(tmp_path, "ledger.damaged-*.db-wal") == [b"old log"]


async def test_a_backup_put_in_place_by_hand_never_gives_a_number_twice(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    await store.commit(Batch(bookings=(booking(),), drafts=(draft(),)))
    await store.tend(now())
    await store.commit(Batch(drafts=(draft(subject="b-2"),)))
    tag = (await store.load()).epoch_tag
    await store.close()
    (backup,) = Files(tmp_path).backups()
    shutil.copy(backup, Files(tmp_path).ledger)
    store = open_books(tmp_path)
    saved = await store.load()
    assert (saved.epoch, saved.as_of) == (2, AT)
    assert saved.epoch_tag != tag
    assert saved.notes == (
        "the ledger is the backup of 2026-03-01 08:00 UTC, put in its place by hand: "
        "the numbering of events begins anew in epoch 2",
    )
    await store.commit(Batch(drafts=(draft(subject="b-3"),)))
    assert [(e.epoch, e.seq) for e in await store.pending(Stream.BOOKING, 0, 9)] == [(2, 1)]
    await store.close()
    store = open_books(tmp_path)
    saved = await store.load()
    assert (saved.epoch, saved.as_of, saved.notes) == (2, None, ())
    await store.close()


async def test_a_damaged_backup_put_in_place_by_hand_is_still_only_as_new_as_it_was_made(
    tmp_path: Path,
) -> None:
    await a_used_ledger(tmp_path, backup=True)
    (backup,) = Files(tmp_path).backups()
    shutil.copy(backup, Files(tmp_path).ledger)
    zero_a_leaf("events")(Files(tmp_path).ledger)
    store = open_books(tmp_path)
    saved = await store.load()
    assert (saved.epoch, saved.as_of) == (2, AT)
    await store.close()


async def test_a_backup_that_the_store_restores_itself_is_no_backup_any_more(tmp_path: Path) -> None:
    await a_used_ledger(tmp_path, backup=True)
    Files(tmp_path).ledger.unlink()
    for as_of in (AT, None):
        store = open_books(tmp_path)
        saved = await store.load()
        assert (saved.epoch, saved.as_of) == (2, as_of)
        await store.close()
