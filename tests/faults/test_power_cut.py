"""What the disk holds after the power went: every acknowledged commit, whole, once."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from baywarden.model.event import Stream
from baywarden.ports.store import Batch
from baywarden.store.connect import Sync, open_writer, transaction
from baywarden.store.numbering import Numbering
from baywarden.store.schema import LEDGER, migrate
from baywarden.store.writing import Writer
from support import powercut
from support.books import AT, booking, draft, render

pytestmark = pytest.mark.skipif(powercut.unavailable() is not None, reason=str(powercut.unavailable()))

COMMITS, CUTS = 150, 300


@pytest.fixture(scope="module")
def disk() -> powercut.FragileDisk:
    return powercut.FragileDisk("fragile")


def a_day_of_work(disk: powercut.FragileDisk, folder: Path, synchronous: Sync) -> dict[str, bytes]:
    """Commits with a mark after each, check-points in between; the files as they were before."""
    ledger = folder / "ledger.db"
    connection = open_writer(ledger, synchronous=synchronous, max_bytes=2**26, options={"vfs": disk.name})
    with closing(connection):
        migrate(connection, "ledger", LEDGER)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        connection.execute("PRAGMA wal_autocheckpoint=24").fetchall()
        writer = Writer(connection, Numbering(connection, 1, render), lambda: AT)
        before = {str(path): path.read_bytes() for path in (ledger, folder / "ledger.db-wal")}
        disk.log.clear()
        disk.recording = True
        for number in range(1, COMMITS + 1):
            batch = Batch(bookings=(booking(rev=number),), drafts=(draft(), draft(Stream.STATUS)))
            assert writer.commit_all([batch]) == [None]
            disk.mark(number)
            if number % 60 == 0:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        disk.recording = False
    return before


def find(ledger: Path) -> tuple[int, int, int]:
    """The booking's revision, the last number given, the number of events: all equal if nothing is torn."""
    with closing(sqlite3.connect(ledger)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        row = db.execute("SELECT body ->> 'rev' FROM bookings").fetchone()
        count, top = db.execute("SELECT count(*), max(seq) FROM events WHERE stream = 'booking'").fetchone()
    return (row[0] if row else 0), top or 0, count


def from_then_on(writes: int) -> Callable[[powercut.Op], bool]:
    """Refuses everything after so many writes."""
    left = iter(range(writes, -1, -1))
    return lambda _: next(left, 0) == 0


def lost_by_cuts(disk: powercut.FragileDisk, tmp_path: Path, synchronous: Sync, seed: int = 7) -> int:
    """How many of the cuts lost a commit that was acknowledged."""
    work = tmp_path / "work"
    work.mkdir()
    before = a_day_of_work(disk, work, synchronous)
    lost = 0
    for number, (acknowledged, image) in enumerate(powercut.images(disk.log, before, CUTS, seed)):
        after = tmp_path / f"cut-{number}"
        after.mkdir()
        powercut.lay_out(image, work, after)
        revision, last, count = find(after / "ledger.db")
        assert revision == last == count, "the state and its events are not of one transaction"
        lost += revision < max(acknowledged, default=0)
    return lost


def test_a_power_cut_loses_no_acknowledged_commit_and_tears_none(
    disk: powercut.FragileDisk, tmp_path: Path
) -> None:
    assert lost_by_cuts(disk, tmp_path, "FULL") == 0


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(34))
def test_ten_thousand_power_cuts_lose_no_acknowledged_commit(
    disk: powercut.FragileDisk, tmp_path: Path, seed: int
) -> None:
    assert lost_by_cuts(disk, tmp_path, "FULL", seed) == 0


def test_the_same_cuts_do_find_losses_where_commits_are_not_synced(
    disk: powercut.FragileDisk, tmp_path: Path
) -> None:
    assert lost_by_cuts(disk, tmp_path, "NORMAL") > CUTS // 10


def test_a_disk_that_refuses_at_any_moment_loses_nothing_and_recovers(
    disk: powercut.FragileDisk, tmp_path: Path
) -> None:
    with closing(
        open_writer(tmp_path / "l.db", synchronous="FULL", max_bytes=2**26, options={"vfs": disk.name})
    ) as connection:
        migrate(connection, "ledger", LEDGER)
        connection.execute("PRAGMA wal_autocheckpoint=24").fetchall()
        writer = Writer(connection, Numbering(connection, 1, render), lambda: AT)
        kept = 0
        for moment in range(120):
            disk.refuse = from_then_on(moment % 13)
            outcome = writer.commit_all([Batch(bookings=(booking(rev=kept + 1),), drafts=(draft(),))])
            disk.refuse = lambda op: False
            kept += outcome == [None]
            assert find(tmp_path / "l.db")[0] == kept
            assert writer.commit_all([Batch(bookings=(booking(rev=kept + 1),), drafts=(draft(),))]) == [None]
            kept += 1
        assert kept < 240, "nothing was ever refused"
        with transaction(connection):
            pass
        assert find(tmp_path / "l.db") == (kept, kept, kept)
