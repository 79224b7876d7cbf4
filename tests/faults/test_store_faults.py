"""The ledger under kill -9, a full disk and damaged files: it says what happened and goes on."""

import asyncio
import json
import os
import random
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from baywarden.model.booking import BookingStatus
from baywarden.model.command import CancelBooking, Command, Door, Reply, Result
from baywarden.model.event import Stream
from baywarden.model.overstay import PenaltyStatus
from baywarden.model.reading import EvseReading
from baywarden.ports.store import Batch, StoreDamaged, StoreError, StoreFull, StoreNewer
from baywarden.store.codec import check_sum
from baywarden.store.connect import open_reader, open_writer, transaction
from baywarden.store.files import Files
from baywarden.store.salvage import salvage
from baywarden.store.schema import LEDGER, migrate
from baywarden.store.tables import BOOKINGS
from support import killed_store
from support.books import AT, booking, draft, evse, now, open_books, penalty, session

PAGE = 4096


def kept_files(folder: Path, pattern: str) -> list[bytes]:
    return [path.read_bytes() for path in folder.glob(pattern)]


def killed(folder: Path, rounds: int) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, killed_store.__file__, str(folder), str(rounds), "11"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_a_killed_daemon_has_kept_all_that_it_acknowledged(tmp_path: Path) -> None:
    found = killed(tmp_path, rounds=40)
    assert found["wrong"] == []
    assert isinstance(found["acknowledged"], int)
    assert found["acknowledged"] > 100, "it was killed before it did anything"


@pytest.mark.campaign
def test_a_daemon_killed_a_thousand_times_has_kept_all_that_it_acknowledged(tmp_path: Path) -> None:
    assert killed(tmp_path, rounds=1000)["wrong"] == []


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


async def a_used_ledger(folder: Path, *, backup: bool = False, rows: int = 300) -> bytes:
    """Bookings, a live session, final penalties, a reply, some events freed; the bytes of the closed file."""
    store = open_books(folder)
    live = (booking("b-live", start_at=AT + timedelta(days=1), end_at=AT + timedelta(days=1, hours=1)),)
    done = tuple(booking(f"b-{n}", status=BookingStatus.FULFILLED) for n in range(rows))
    final = tuple(penalty(f"p-{n}", status=PenaltyStatus.FINAL) for n in range(rows))
    await store.commit(
        Batch(
            evses=(evse(),),
            bookings=done + live,
            sessions=(session(),),
            penalties=(*final, penalty("p-live")),
            drafts=tuple(draft(subject=f"b-{n}") for n in range(rows)),
            answered=(
                Command("c-1", "booking.cancel", CancelBooking("b-1"), Door.CLOUD),
                Reply("c-1", Result.ACCEPTED),
            ),
        )
    )
    await store.freed(Stream.BOOKING, rows - 10)
    if backup:
        await store.tend(now())
    await store.close()
    return Files(folder).ledger.read_bytes()


def pages_of(ledger: Path, table: str) -> list[int]:
    """Leaf pages of a table, by looking for its rows: page numbers from 1."""
    with closing(sqlite3.connect(ledger)) as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    data = ledger.read_bytes()
    found, todo = [], [root]
    while todo:
        page = todo.pop()
        head = (page - 1) * PAGE
        if data[head] == 0x0D:
            found.append(page)
        elif data[head] == 0x05:
            count = int.from_bytes(data[head + 3 : head + 5])
            cells = (int.from_bytes(data[head + 12 + 2 * i :][:2]) for i in range(count))
            todo += [int.from_bytes(data[head + cell :][:4]) for cell in cells]
            todo.append(int.from_bytes(data[head + 8 : head + 12]))
    return sorted(found)


def zero_a_leaf(table: str) -> Callable[[Path], None]:
    def damage(ledger: Path) -> None:
        page = pages_of(ledger, table)[len(pages_of(ledger, table)) // 2]
        with ledger.open("r+b") as file:
            file.seek((page - 1) * PAGE)
            file.write(bytes(PAGE))

    return damage


def flip_a_bit_of_a_penalty(ledger: Path) -> None:
    data = bytearray(ledger.read_bytes())
    data[data.index(b'"amount_minor":250') + len(b'"amount_minor":')] ^= 1
    ledger.write_bytes(data)


def lose_the_schema_number(ledger: Path) -> None:
    with closing(sqlite3.connect(ledger)) as db:
        db.execute("PRAGMA user_version = 0")


def raise_the_schema_number(ledger: Path) -> None:
    with closing(sqlite3.connect(ledger)) as db:
        db.execute("PRAGMA user_version = 77")


def cut_in_half(ledger: Path) -> None:
    os.truncate(ledger, ledger.stat().st_size // 2 // PAGE * PAGE)


def spoil_the_header(ledger: Path) -> None:
    with ledger.open("r+b") as file:
        file.write(os.urandom(100))


def empty(ledger: Path) -> None:
    os.truncate(ledger, 0)


def remove(ledger: Path) -> None:
    ledger.unlink()


PARTIAL = {
    "a zeroed page of bookings": zero_a_leaf("bookings"),
    "a zeroed page of penalties": zero_a_leaf("penalties"),
    "a zeroed page of events": zero_a_leaf("events"),
    "a flipped bit in a penalty": flip_a_bit_of_a_penalty,
    "a lost schema number": lose_the_schema_number,
    "a schema number of no release": raise_the_schema_number,
    "the second half cut off": cut_in_half,
}
TOTAL = {"a spoilt header": spoil_the_header, "an empty file": empty, "a removed file": remove}


@pytest.mark.parametrize("damage", PARTIAL)
async def test_a_partly_damaged_ledger_is_set_aside_and_what_is_readable_is_saved(
    tmp_path: Path, damage: str
) -> None:
    await a_used_ledger(tmp_path)
    ledger = Files(tmp_path).ledger
    PARTIAL[damage](ledger)
    damaged = ledger.read_bytes()

    store = open_books(tmp_path)
    saved = await store.load()
    assert saved.epoch == 2
    assert "damaged" in saved.notes[0]
    assert "epoch 2" in saved.notes[-1]
    assert kept_files(tmp_path, "ledger.damaged-*.db") == [damaged]
    counts = {"bookings": 0, "penalties": 0}
    for what in counts:
        after: str | None = None
        while True:
            rows, after = await store.history(what, after=after)
            counts[what] += len(rows)
            if after is None:
                break
    if damage != "the second half cut off":
        assert sum(counts.values()) >= 602 - 15
        assert await store.answer("c-1") == Reply("c-1", Result.ACCEPTED)
        (bay,) = saved.evses
        assert bay.session == session()
        assert [b.id for b in bay.bookings] == ["b-live"]
    await store.commit(Batch(drafts=(draft(),)))
    assert [(e.epoch, e.seq) for e in await store.pending(Stream.BOOKING, 0, 10)] == [(2, 1)]
    await store.close()
    again = open_books(tmp_path)
    assert (await again.load()).notes == ()
    await again.close()


def flip_a_bit_of_an_index(ledger: Path, index: str, word: bytes) -> None:
    """One bit of the last letter of `word`, in the page that is the whole index."""
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (index,)).fetchone()
    data = bytearray(ledger.read_bytes())
    at = data.index(word, (root - 1) * PAGE, root * PAGE)
    data[at + len(word) - 1] ^= 0x40
    with ledger.open("r+b") as file:
        file.seek((root - 1) * PAGE)
        file.write(data[(root - 1) * PAGE : root * PAGE])


INDICES = {
    "sqlite_autoindex_bookings_1": b"b-live",
    "bookings_by_time": b"b-live",
    "sqlite_autoindex_commands_1": b"c-1",
    "sqlite_autoindex_events_1": b"booking",
}


@pytest.mark.parametrize("index", INDICES)
async def test_one_flipped_bit_in_an_index_is_mended_at_the_start(tmp_path: Path, index: str) -> None:
    await a_used_ledger(tmp_path, rows=20)
    flip_a_bit_of_an_index(Files(tmp_path).ledger, index, INDICES[index])
    store = open_books(tmp_path)
    saved = await store.load()
    assert "the ledger was damaged" in saved.notes[0]
    assert "was mended with" in saved.notes[0]
    assert await store.answer("c-1") == Reply("c-1", Result.ACCEPTED)
    assert len(await store.leftovers(100)) == 10
    await store.commit(Batch(bookings=(booking("b-live", status=BookingStatus.CANCELED),)))
    await store.close()
    store = open_books(tmp_path)
    saved = await store.load()
    assert (saved.notes, saved.evses[0].bookings) == ((), ())
    await store.close()


async def test_of_a_record_that_a_damaged_index_doubled_the_younger_one_counts(tmp_path: Path) -> None:
    await a_used_ledger(tmp_path, rows=20)
    ledger = Files(tmp_path).ledger
    flip_a_bit_of_an_index(ledger, "sqlite_autoindex_bookings_1", b"b-live")
    canceled = BOOKINGS.row(booking("b-live", rev=2, status=BookingStatus.CANCELED))
    with closing(sqlite3.connect(ledger)) as db:
        db.execute(BOOKINGS.upsert, canceled)
        db.commit()
        assert db.execute("SELECT count(*) FROM bookings NOT INDEXED WHERE id = 'b-live'").fetchone() == (2,)
    store = open_books(tmp_path)
    assert (await store.load()).evses[0].bookings == ()
    assert await store.booking("b-live") == booking("b-live", rev=2, status=BookingStatus.CANCELED)
    await store.close()


async def test_a_flipped_bit_in_the_name_of_a_row_is_mended_from_its_body(tmp_path: Path) -> None:
    await a_used_ledger(tmp_path, rows=20)
    ledger = Files(tmp_path).ledger
    data = bytearray(ledger.read_bytes())
    # In its row a start's eight bytes stand between the names, in an index nothing does.
    row = re.search(b"b-live.{8}bay-1", data, re.DOTALL)
    assert row is not None
    data[row.start() + 5] ^= 0x40
    ledger.write_bytes(data)
    store = open_books(tmp_path)
    await store.commit(Batch(bookings=(booking("b-live", status=BookingStatus.CANCELED),)))
    await store.close()
    store = open_books(tmp_path)
    assert (await store.load()).evses[0].bookings == ()
    await store.close()


async def test_a_ledger_that_failed_at_work_is_mended_although_it_looks_sound(tmp_path: Path) -> None:
    sound = await a_used_ledger(tmp_path, rows=20)
    ledger = Files(tmp_path).ledger
    store = open_books(tmp_path)
    flip_a_bit_of_an_index(ledger, "bookings_by_time", b"b-live")
    with pytest.raises(StoreDamaged, match="it is mended at the next start"):
        await store.commit(Batch(bookings=(booking("b-live", rev=2),)))
    await store.close()
    ledger.write_bytes(sound)  # the card reads right again
    store = open_books(tmp_path)
    saved = await store.load()
    assert "it failed at work: the database file is damaged" in saved.notes[0]
    await store.commit(Batch(bookings=(booking("b-live", rev=2),)))
    await store.close()
    store = open_books(tmp_path)
    saved = await store.load()
    assert (saved.epoch, saved.notes) == (2, ())
    await store.close()


async def test_upkeep_that_meets_damage_has_the_ledger_mended_too(tmp_path: Path) -> None:
    sound = await a_used_ledger(tmp_path, rows=20)
    ledger = Files(tmp_path).ledger
    store = open_books(tmp_path)
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'commands_by_time'").fetchone()
    with ledger.open("r+b") as file:
        file.seek((root - 1) * PAGE)
        file.write(bytes(PAGE))
    with pytest.raises(StoreDamaged):
        await store.tend(now(AT + timedelta(days=9)))
    await store.close()
    ledger.write_bytes(sound)
    store = open_books(tmp_path)
    assert "it failed at work" in (await store.load()).notes[0]
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


def test_mending_holds_a_small_part_of_a_large_ledger_in_memory(tmp_path: Path) -> None:
    row_bytes, rows = 2000, 8000
    body = b"x" * row_bytes
    with closing(open_writer(tmp_path / "old.db", synchronous="NORMAL", max_bytes=2**27)) as old:
        migrate(old, "ledger", LEDGER)
        with transaction(old):
            old.executemany(
                "INSERT INTO events VALUES ('meter', 1, ?, 0, ?, ?)",
                ((n, body, check_sum(body)) for n in range(rows)),
            )
    with (
        closing(open_reader(tmp_path / "old.db")) as damaged,
        closing(open_writer(tmp_path / "new.db", synchronous="NORMAL", max_bytes=2**27)) as fresh,
    ):
        migrate(fresh, "ledger", LEDGER)
        tracemalloc.start()
        copied, notes = salvage(damaged, fresh)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (copied, notes) == (rows, [])
    assert peak < row_bytes * rows / 3


async def test_unsent_events_of_a_damaged_ledger_are_left_over_for_sending(tmp_path: Path) -> None:
    await a_used_ledger(tmp_path)
    zero_a_leaf("bookings")(Files(tmp_path).ledger)
    store = open_books(tmp_path)
    left = await store.leftovers(100)
    assert [(event.epoch, event.seq) for event in left] == [(1, seq) for seq in range(291, 301)]
    await store.freed_leftover(left[4])
    assert [event.seq for event in await store.leftovers(100)] == [296, 297, 298, 299, 300]
    await store.close()


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


async def test_rows_between_two_damaged_places_are_saved(tmp_path: Path) -> None:
    await a_used_ledger(tmp_path)
    ledger = Files(tmp_path).ledger
    leaves = pages_of(ledger, "penalties")
    with ledger.open("r+b") as file:
        for page in (leaves[3], leaves[len(leaves) // 2], leaves[-4]):
            file.seek((page - 1) * PAGE)
            file.write(bytes(PAGE))
    store = open_books(tmp_path)
    found, _ = await store.history("penalties", limit=500)
    assert 301 - 3 * 8 <= len(found) < 301
    await store.close()


async def test_an_epoch_never_comes_twice_however_old_the_backup(tmp_path: Path) -> None:
    await a_used_ledger(tmp_path, backup=True)
    for epoch in (2, 3, 4):
        Files(tmp_path).ledger.unlink()
        store = open_books(tmp_path)
        saved = await store.load()
        assert (saved.epoch, saved.as_of) == (epoch, AT)
        await store.close()


async def test_a_backup_under_way_does_not_hold_up_a_stop(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    for _ in range(20):
        await store.commit(Batch(drafts=(draft(subject="x" * 3000),) * 100))
    tending = asyncio.ensure_future(store.tend(now()))
    while not kept_files(tmp_path / "backups", "*.part"):  # noqa: ASYNC110 (a thread has begun its file)
        await asyncio.sleep(0)
    await asyncio.wait_for(store.close(), 10)
    with pytest.raises(StoreError, match="left unfinished"):
        await tending
    assert kept_files(tmp_path / "backups", "*") == []


async def test_telemetry_that_cannot_be_opened_does_not_stop_the_start(tmp_path: Path) -> None:
    Files(tmp_path).telemetry.mkdir()
    store = open_books(tmp_path)
    assert "telemetry cannot be opened yet" in (await store.load()).notes[0]
    await store.commit(Batch(bookings=(booking(),)))
    await store.keep(now(), [EvseReading("bay-1")], [])
    await store.tend(now())
    assert store.stats()["telemetry_lost_rows"] == 1
    Files(tmp_path).telemetry.rmdir()
    await store.keep(now(), [EvseReading("bay-1")], [])
    await store.tend(now())
    assert len(await store.readings("bay-1", from_ms=0, to_ms=2**50)) == 1
    await store.close()


async def test_random_damage_never_stops_a_start_and_never_passes_for_truth(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    good = await a_used_ledger(whole, rows=60)
    dice = random.Random(5)
    for number in range(25):
        folder = tmp_path / str(number)
        folder.mkdir()
        data = bytearray(good)
        for _ in range(dice.randrange(1, 4)):
            start = dice.randrange(len(data))
            data[start : start + dice.choice((1, 64, PAGE))] = os.urandom(1)
        Files(folder).ledger.write_bytes(data)
        store = open_books(folder)
        saved = await store.load()
        for bay in saved.evses:
            assert bay.session in (None, session())
        assert all(p["amount_minor"] == 250 for p in (await store.history("penalties"))[0])
        await store.commit(Batch(bookings=(booking("after"),), drafts=(draft(),)))
        await store.close()


async def test_a_cut_between_the_two_renames_of_a_rescue_is_completed_at_the_next_start(
    tmp_path: Path,
) -> None:
    await a_used_ledger(tmp_path)
    files = Files(tmp_path)
    files.ledger.rename(files.ready)
    store = open_books(tmp_path)
    assert (await store.load()).evses[0].session == session()
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


async def test_a_ledger_of_a_newer_release_is_refused_untouched(tmp_path: Path) -> None:
    await a_used_ledger(tmp_path)
    ledger = Files(tmp_path).ledger
    with closing(sqlite3.connect(ledger)) as db:
        db.execute("PRAGMA user_version = 99")
        db.execute("INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('x', '0099_later')")
        db.commit()
    before = ledger.read_bytes()
    with pytest.raises(StoreNewer, match="newer release"):
        open_books(tmp_path)
    assert ledger.read_bytes() == before
    assert kept_files(tmp_path, "*damaged*") == []


async def test_a_second_daemon_is_kept_out(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    with pytest.raises(StoreError, match="another daemon"):
        await asyncio.to_thread(open_books, tmp_path)
    await store.close()
    again = open_books(tmp_path)
    await again.close()


async def test_damaged_telemetry_is_set_aside_and_the_ledger_does_not_mind(tmp_path: Path) -> None:
    await a_used_ledger(tmp_path)
    Files(tmp_path).telemetry.write_bytes(b"garbage" * 1000)
    store = open_books(tmp_path)
    saved = await store.load()
    assert saved.epoch == 1
    assert "the telemetry could not be used" in saved.notes[0]
    await store.close()
    assert kept_files(tmp_path, "telemetry.damaged-*.db") == [b"garbage" * 1000]
