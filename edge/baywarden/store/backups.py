"""Backups of the running ledger, verified by opening them, and marked as what they are."""

import shutil
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

from baywarden.ports.store import StoreDamaged, StoreError, StoreFull
from baywarden.store.checking import is_good
from baywarden.store.codec import from_us, to_us
from baywarden.store.connect import at_the_rim, open_reader, transaction
from baywarden.store.files import KEPT_BACKUPS, Files, forget, move, sync_path

_PAGES_A_STEP: Final = 256
_REST_S: Final = 0.002
_ROOM_LEFT: Final = 16 * 2**20


def back_up(files: Files, at: datetime, options: Mapping[str, str], is_stopped: Callable[[], bool]) -> Path:
    """Copy the ledger as it is now, in small steps, on any thread. Raises StoreError, also when stopped."""
    with at_the_rim():
        for left in files.unfinished_backups():  # of a run that was killed
            left.unlink(missing_ok=True)
        target = files.backup_name(at)
        target.parent.mkdir(exist_ok=True)
        if shutil.disk_usage(files.folder).free < files.ledger.stat().st_size + _ROOM_LEFT:
            raise StoreFull("there is no room for a backup")
        part = target.with_suffix(".part")
        try:
            _copy(files.ledger, part, options, is_stopped)
            _mark(part, at)
            if not is_good(part):
                raise StoreDamaged("the backup did not pass its check: the ledger itself may be damaged")
            sync_path(part)
            move(part, target)
        finally:
            forget(part)
        for old in files.backups()[KEPT_BACKUPS:]:
            old.unlink(missing_ok=True)
    return target


def marked_at(connection: sqlite3.Connection) -> datetime | None:
    """When the ledger was made, if it is a backup that was put in the ledger's place; else None."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'backup_of'").fetchone() is None:
        return None
    row = connection.execute("SELECT min(at_us) FROM backup_of").fetchone()
    return from_us(row[0] or 0)


def unmark(connection: sqlite3.Connection) -> None:
    """Make it a ledger again, in the transaction that begins its new epoch."""
    connection.execute("DROP TABLE IF EXISTS backup_of")


def _mark(part: Path, at: datetime) -> None:
    """Numbers were given after a backup, so that one found as the ledger must not give them again."""
    with closing(sqlite3.connect(part, isolation_level=None)) as copy, transaction(copy):
        # Part of no schema: only backups have it. One of a ledger that is itself a backup keeps the older time.
        copy.execute("CREATE TABLE IF NOT EXISTS backup_of (at_us INTEGER NOT NULL) STRICT")
        copy.execute("INSERT INTO backup_of VALUES (?)", (to_us(at),))


def _copy(ledger: Path, target: Path, options: Mapping[str, str], is_stopped: Callable[[], bool]) -> None:
    def rest(*_: int) -> None:
        if is_stopped():
            raise StoreError("the backup was left unfinished: the store is closing")
        time.sleep(_REST_S)

    forget(target)
    with closing(open_reader(ledger, options)) as source, closing(sqlite3.connect(target)) as copy:
        # One snapshot for all steps: without it each commit in between would begin the copy anew.
        source.execute("BEGIN")
        source.execute("SELECT epoch FROM meta").fetchall()
        source.backup(copy, pages=_PAGES_A_STEP, progress=rest)
        source.execute("COMMIT")
