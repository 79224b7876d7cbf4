"""A ledger with damage in it: what is readable is saved, what is not is told, and the start goes on."""

import os
import random
import re
import sqlite3
import tracemalloc
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from baywarden.model.booking import BookingStatus
from baywarden.model.command import Reply, Result
from baywarden.model.event import Stream
from baywarden.model.reading import EvseReading
from baywarden.ports.store import Batch, StoreDamaged
from baywarden.store.codec import check_sum
from baywarden.store.connect import open_reader, open_writer, transaction
from baywarden.store.files import Files
from baywarden.store.salvage import salvage
from baywarden.store.schema import LEDGER, migrate
from baywarden.store.tables import BOOKINGS
from support.books import AT, booking, draft, now, open_books, session
from support.damaged_ledger import PAGE, a_used_ledger, kept_files, pages_of, zero_a_leaf


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


PARTIAL = {
    "a zeroed page of bookings": zero_a_leaf("bookings"),
    "a zeroed page of penalties": zero_a_leaf("penalties"),
    "a zeroed page of events": zero_a_leaf("events"),
    "a flipped bit in a penalty": flip_a_bit_of_a_penalty,
    "a lost schema number": lose_the_schema_number,
    "a schema number of no release": raise_the_schema_number,
    "the second half cut off": cut_in_half,
}


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


async def test_damaged_telemetry_is_set_aside_and_the_ledger_does_not_mind(tmp_path: Path) -> None:
    await a_used_ledger(tmp_path)
    Files(tmp_path).telemetry.write_bytes(b"garbage" * 1000)
    store = open_books(tmp_path)
    saved = await store.load()
    assert saved.epoch == 1
    assert "the telemetry could not be used" in saved.notes[0]
    await store.close()
    assert kept_files(tmp_path, "telemetry.damaged-*.db") == [b"garbage" * 1000]
