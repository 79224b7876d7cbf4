"""The store under kill -9, and beside a second daemon or a newer release: what was acknowledged is kept."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from baywarden.ports.store import Batch, StoreError, StoreNewer
from baywarden.store.files import Files
from support import killed_store
from support.books import draft, now, open_books, session
from support.damaged_ledger import a_used_ledger, kept_files


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


async def test_a_backup_under_way_does_not_hold_up_a_stop(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    for _ in range(20):
        await store.commit(Batch(drafts=(draft(subject="x" * 3000),) * 100))
    tending = asyncio.ensure_future(store.tend(now()))
    while not kept_files(tmp_path / "backups", "*.part"):  # a thread has begun its file
        await asyncio.sleep(0)
    await asyncio.wait_for(store.close(), 10)
    with pytest.raises(StoreError, match="left unfinished"):
        await tending
    assert kept_files(tmp_path / "backups", "*") == []


async def test_a_cut_between_the_two_renames_of_a_rescue_is_completed_at_the_next_start(
    tmp_path: Path,
) -> None:
    await a_used_ledger(tmp_path)
    files = Files(tmp_path)
    files.ledger.rename(files.ready)
    store = open_books(tmp_path)
    assert (await store.load()).evses[0].session == session()
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
