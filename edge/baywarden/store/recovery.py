"""What a start does before the ledger is used: check it, mend it, or begin anew; it always ends with one."""

import secrets
import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from baywarden.ports.store import StoreDamaged
from baywarden.store.backups import back_up, is_good
from baywarden.store.connect import open_reader, open_writer, transaction
from baywarden.store.files import (
    Files,
    backup_at,
    forget,
    move,
    read_epoch,
    set_aside,
    sync_path,
    write_epoch,
)
from baywarden.store.salvage import broken_sums, fill_in, salvage
from baywarden.store.schema import LEDGER, is_pending, migrate, version_of

_LEDGER_NAME: Final = "baywarden.ledger"
_DAMAGE: Final = (
    "SQLITE_CORRUPT",
    "SQLITE_NOTADB",
    "SQLITE_FORMAT",
    "SQLITE_ERROR",  # a table that is gone, a schema that cannot be read
    "SQLITE_IOERR_READ",
    "SQLITE_IOERR_SHORT_READ",
    "SQLITE_IOERR_CORRUPTFS",
    "SQLITE_IOERR_DATA",
)
"""All other troubles are the disk's or its rights', and setting the file aside would mend none of them."""


@dataclass(frozen=True, slots=True)
class Found:
    """The ledger as a start found or made it. `as_of` is set when it is only as new as a backup."""

    connection: sqlite3.Connection
    epoch: int
    epoch_tag: str
    notes: tuple[str, ...]
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """How to open the ledger of one site."""

    files: Files
    site_id: str
    max_bytes: int
    options: Mapping[str, str]
    utc: Callable[[], datetime]

    def connect(self, path: Path) -> sqlite3.Connection:
        """A writer of a ledger file."""
        return open_writer(path, synchronous="FULL", max_bytes=self.max_bytes, options=self.options)


def find_ledger(opening: Opening) -> Found:
    """Open the ledger, mended where needed. Raises StoreNewer, and StoreError when the disk refuses."""
    files, notes = opening.files, list[str]()
    as_of = None
    forget(files.part)
    _finish_replacement(opening)
    trouble = _trouble(opening)
    if trouble is not None:
        as_of = _rebuild(opening, trouble, notes)
    connection = opening.connect(files.ledger)
    try:
        if is_pending(connection, LEDGER):
            back_up(files, opening.utc(), opening.options, lambda: False)
            migrate(connection, _LEDGER_NAME, LEDGER)
        _move_to_site(opening, connection, notes)
        epoch, tag = connection.execute("SELECT epoch, epoch_tag FROM meta").fetchone()
    except BaseException:
        connection.close()
        raise
    if read_epoch(files.epoch) != epoch:
        write_epoch(files.epoch, max(epoch, read_epoch(files.epoch)), tag)
    return Found(connection, epoch, tag, tuple(notes), as_of)


def _finish_replacement(opening: Opening) -> None:
    """Complete what a power cut interrupted: a ledger that was rebuilt whole takes its place."""
    files = opening.files
    if files.ready.exists():
        set_aside(files.ledger, opening.utc())
        move(files.ready, files.ledger)


def _trouble(opening: Opening) -> str | None:
    """Why the ledger cannot be used as it is; None when it can. Raises StoreNewer."""
    ledger = opening.files.ledger
    if not ledger.exists():
        return "missing"
    if ledger.stat().st_size == 0:
        return "empty"
    try:
        # Not with a writer: closing one would copy the log into a file that may be damaged.
        with closing(open_reader(ledger, opening.options)) as connection:
            if version_of(connection) == 0:
                return "damaged (its schema number is lost)"
            is_pending(connection, LEDGER)
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                return f"damaged ({str(verdict).splitlines()[-1]})"
            if connection.execute("SELECT count(*) FROM meta").fetchone() != (1,):
                return "damaged (its first table is empty)"
            if broken_sums(connection):
                return "damaged (a check sum does not hold)"
    except StoreDamaged as error:
        return f"damaged ({error})"
    except sqlite3.DatabaseError as error:
        # Text that is no UTF-8 comes without a name.
        if not (getattr(error, "sqlite_errorname", None) or "SQLITE_CORRUPT").startswith(_DAMAGE):
            raise
        return f"damaged ({error})"
    return None


def _rebuild(opening: Opening, trouble: str, notes: list[str]) -> datetime | None:
    """Put a new ledger in place of a damaged or missing one, and say so; the backup's time if it is one."""
    files = opening.files
    newest = max([read_epoch(files.epoch), *(_epoch_in(path) for path in (files.ledger, *files.backups()))])
    is_first = newest == 0 and trouble == "missing"
    epoch, tag = newest + 1, secrets.token_hex(8)
    write_epoch(files.epoch, epoch, tag)
    origin, as_of = _build(opening, trouble, notes)
    aside = _put_in_place(opening, epoch, tag)
    if not is_first:
        kept = f"; the old file is kept as {aside.name}" if aside else ""
        notes.insert(0, f"the ledger was {trouble}: it {origin}{kept}")
        notes.append(f"the numbering of events begins anew in epoch {epoch}")
    return as_of


def _build(opening: Opening, trouble: str, notes: list[str]) -> tuple[str, datetime | None]:
    """Lay the best that is left into the part file: in words, and the backup's time if it is one."""
    if trouble not in ("missing", "empty"):
        mended = _from_damaged(opening, notes)
        if mended is not None:
            return mended, None
    as_of = _from_backup(opening)
    if as_of is None:
        return "is new and empty", None
    return f"was restored from the backup of {as_of:%Y-%m-%d %H:%M} UTC", as_of


def _put_in_place(opening: Opening, epoch: int, tag: str) -> Path | None:
    """Begin the epoch in the part file and let it take the ledger's place; the name of what it replaced."""
    files = opening.files
    with closing(opening.connect(files.part)) as connection:
        migrate(connection, _LEDGER_NAME, LEDGER)
        _begin_epoch(connection, epoch, tag, opening)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    sync_path(files.part)
    move(files.part, files.ready)
    aside = set_aside(files.ledger, opening.utc())
    move(files.ready, files.ledger)
    return aside


def _from_damaged(opening: Opening, notes: list[str]) -> str | None:
    """Build the new ledger from what is readable of the old one; None when nothing is."""
    files = opening.files
    losses: list[str] = []
    try:
        with (
            closing(open_reader(files.ledger, opening.options)) as damaged,
            closing(_fresh(opening)) as fresh,
        ):
            copied, losses = salvage(damaged, fresh)
            if not copied:
                return None
            filled = 0
            for path in _good_backups(files):
                with closing(open_reader(path, {"immutable": "1"})) as backup:
                    filled = fill_in(backup, fresh)
                break
    except (sqlite3.DatabaseError, StoreDamaged):
        return None
    notes += losses
    return f"was mended with {copied} rows that could be read" + (
        f" and {filled} from a backup" if filled else ""
    )


def _from_backup(opening: Opening) -> datetime | None:
    """Take the newest good backup, if there is one, as the new ledger."""
    files = opening.files
    forget(files.part)
    for path in _good_backups(files):
        shutil.copyfile(path, files.part)
        return backup_at(path)
    return None


def _good_backups(files: Files) -> Sequence[Path]:
    return [path for path in files.backups() if is_good(path)]


def _fresh(opening: Opening) -> sqlite3.Connection:
    forget(opening.files.part)
    connection = opening.connect(opening.files.part)
    migrate(connection, _LEDGER_NAME, LEDGER)
    return connection


def _epoch_in(path: Path) -> int:
    try:
        options = {} if path.stem == "ledger" else {"immutable": "1"}
        with closing(open_reader(path, options)) as connection:
            return int(connection.execute("SELECT max(epoch) FROM meta").fetchone()[0])
    except (sqlite3.Error, TypeError):
        return 0


def _begin_epoch(connection: sqlite3.Connection, epoch: int, tag: str, opening: Opening) -> None:
    with transaction(connection):
        connection.execute(
            "INSERT INTO meta (one, epoch, epoch_tag, site_id, created_at) VALUES (1, ?, ?, ?, ?)"
            " ON CONFLICT (one) DO UPDATE SET epoch = excluded.epoch, epoch_tag = excluded.epoch_tag",
            (epoch, tag, opening.site_id, opening.utc().isoformat()),
        )


def _move_to_site(opening: Opening, connection: sqlite3.Connection, notes: list[str]) -> None:
    """A ledger under another site's name begins a new epoch: its events have another source there."""
    epoch, site_id = connection.execute("SELECT epoch, site_id FROM meta").fetchone()
    if site_id == opening.site_id:
        return
    epoch, tag = max(epoch, read_epoch(opening.files.epoch)) + 1, secrets.token_hex(8)
    write_epoch(opening.files.epoch, epoch, tag)
    _begin_epoch(connection, epoch, tag, opening)
    with transaction(connection):
        connection.execute("UPDATE meta SET site_id = ?", (opening.site_id,))
    notes.append(
        f"the ledger was kept for site {site_id} and now serves {opening.site_id}: "
        f"the numbering of events begins anew in epoch {epoch}"
    )
