"""Backups of the running ledger, verified by opening them."""

import shutil
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

from baywarden.ports.store import StoreDamaged, StoreError, StoreFull
from baywarden.store.connect import address, at_the_rim, open_reader
from baywarden.store.files import KEPT_BACKUPS, Files, forget, move, sync_path

_PAGES_A_STEP: Final = 256
_REST_S: Final = 0.002
_ROOM_LEFT: Final = 16 * 2**20


def back_up(files: Files, at: datetime, options: Mapping[str, str], is_stopped: Callable[[], bool]) -> Path:
    """Copy the ledger as it is now, in small steps, on any thread. Raises StoreError, also when stopped."""
    target = files.backup_name(at)
    target.parent.mkdir(exist_ok=True)
    if shutil.disk_usage(files.folder).free < files.ledger.stat().st_size + _ROOM_LEFT:
        raise StoreFull("there is no room for a backup")
    part = target.with_suffix(".part")
    try:
        with at_the_rim():
            _copy(files.ledger, part, options, is_stopped)
        if not is_good(part):
            raise StoreDamaged("the backup did not pass its check: the ledger itself may be damaged")
        sync_path(part)
        move(part, target)
    finally:
        forget(part)
    for old in files.backups()[KEPT_BACKUPS:]:
        old.unlink()
    return target


def is_good(path: Path) -> bool:
    """Whether a copied ledger that nobody writes passes its check."""
    try:
        with closing(sqlite3.connect(address(path, "ro", {"immutable": "1"}), uri=True)) as copy:
            return bool(copy.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)) and bool(
                copy.execute("SELECT count(*) FROM meta").fetchone() == (1,)
            )
    except sqlite3.Error:
        return False


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
