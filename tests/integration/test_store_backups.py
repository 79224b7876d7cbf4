"""The backups that the store makes each night."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from baywarden.ports.store import Batch, StoreError
from baywarden.store.files import Files, backup_at
from support.books import AT, booking, draft, now, open_books

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def test_a_backup_is_made_each_night_checked_and_three_are_kept(tmp_path: Path) -> None:
    store = open_books(tmp_path, utc=lambda: AT)
    for night in range(5):
        await store.commit(Batch(bookings=(booking(f"b-{night}"),)))
        await store.tend(now(AT + night * DAY))
        await store.tend(now(AT + night * DAY + HOUR))
    backups = Files(tmp_path).backups()
    assert [backup_at(path) for path in backups] == [AT + night * DAY for night in (4, 3, 2)]
    with closing(sqlite3.connect(f"file:{backups[0]}?immutable=1", uri=True)) as db:
        assert db.execute("SELECT count(*) FROM bookings").fetchone() == (5,)
    assert store.stats()["backup_at"] == "2026-03-05T08:00:00Z"
    await store.close()


async def test_what_else_lies_among_the_backups_is_neither_taken_for_one_nor_removed(tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    (folder / "ledger-20260301T080000Z.db").mkdir(parents=True)
    names = (
        "ledger-before-update.db",
        "ledger-2026031T80000Z.db",
        "ledger-99999999T999999Z.db",
        "ledger-a.part",
    )
    for name in names:
        (folder / name).write_text("mine")
    store = open_books(tmp_path, utc=lambda: AT)
    assert store.stats()["backup_at"] is None
    await store.commit(Batch(bookings=(booking(),)))
    for night in range(1, 6):
        await store.tend(now(AT + night * DAY))
    assert store.stats()["backup_at"] == "2026-03-06T08:00:00Z"
    await store.close()
    Files(tmp_path).ledger.unlink()
    store = open_books(tmp_path, utc=lambda: AT)
    assert (await store.load()).as_of == AT + 5 * DAY
    assert await store.booking("b-1") == booking()
    await store.close()
    assert [(folder / name).read_text() for name in names] == ["mine"] * 4
    assert len(list(folder.iterdir())) == 5 + 3


async def test_a_backup_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    store = open_books(tmp_path, utc=lambda: AT)
    (tmp_path / "backups").mkdir()
    for tail in ("", "-wal", "-shm", "-journal"):
        (tmp_path / "backups" / f"ledger-20260228T080000Z.part{tail}").write_text("half")
    await store.tend(now())
    assert [path.name for path in (tmp_path / "backups").iterdir()] == ["ledger-20260301T080000Z.db"]
    await store.close()


async def test_upkeep_that_the_file_system_refuses_is_an_error_of_the_store(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    (tmp_path / "backups").write_text("not a folder")
    with pytest.raises(StoreError, match="the store's files cannot be used"):
        await store.tend(now())
    await store.close()


async def test_commits_pass_while_a_backup_is_made(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    for _ in range(20):
        await store.commit(Batch(drafts=(draft(subject="x" * 3000),) * 50))
    made = asyncio.ensure_future(store.tend(now()))
    during = 0
    while not made.done():
        during += 1
        await store.commit(Batch(bookings=(booking(rev=during),)))
    await made
    assert during > 3
    assert len(Files(tmp_path).backups()) == 1
    await store.close()
