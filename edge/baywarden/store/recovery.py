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
from baywarden.store.backups import back_up, marked_at, unmark
from baywarden.store.checking import is_good, trouble
from baywarden.store.connect import UNREADABLE, open_reader, open_writer, transaction
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
from baywarden.store.salvage import fill_in, salvage
from baywarden.store.schema import LEDGER, is_pending, migrate

_LEDGER_NAME: Final = "baywarden.ledger"
_NO_ROOM: Final = ("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC", "SQLITE_IOERR_TRUNCATE")


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
    found = trouble(files, opening.options)
    if found is not None:
        as_of = _rebuild(opening, found, notes)
        files.doubt.unlink(missing_ok=True)
        sync_path(files.folder)
    connection = opening.connect(files.ledger)
    try:
        if is_pending(connection, LEDGER):
            back_up(files, opening.utc(), opening.options, lambda: False)
            migrate(connection, _LEDGER_NAME, LEDGER)
        as_of = _begin_anew(opening, connection, notes) or as_of
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


def _rebuild(opening: Opening, found: str, notes: list[str]) -> datetime | None:
    """Put a new ledger in place of a damaged or missing one, and say so; the backup's time if it is one."""
    files = opening.files
    newest = max([read_epoch(files.epoch), *(_epoch_in(path) for path in (files.ledger, *files.backups()))])
    is_first = newest == 0 and found == "missing"
    epoch, tag = newest + 1, secrets.token_hex(8)
    write_epoch(files.epoch, epoch, tag)
    origin, as_of = _build(opening, found, notes)
    aside = _put_in_place(opening, epoch, tag)
    if not is_first:
        kept = f"; the old file is kept as {aside.name}" if aside else ""
        notes.insert(0, f"the ledger was {found}: it {origin}{kept}")
        notes.append(f"the numbering of events begins anew in epoch {epoch}")
    return as_of


def _build(opening: Opening, found: str, notes: list[str]) -> tuple[str, datetime | None]:
    """Lay the best that is left into the part file: in words, and the backup's time if it is one."""
    if found not in ("missing", "empty"):
        mended = _from_damaged(opening, notes)
        if mended is not None:
            return mended, _as_of(opening.files.ledger, opening.options)
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
    except (*UNREADABLE, StoreDamaged) as error:
        # A disk without room for the new file is no reason to begin with an empty one.
        if (getattr(error, "sqlite_errorname", None) or "").startswith(_NO_ROOM):
            raise
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
    # Worthless until it is whole, and the whole file is synced then: no sync for each batch of rows.
    connection.execute("PRAGMA synchronous=OFF")
    migrate(connection, _LEDGER_NAME, LEDGER)
    return connection


def _epoch_in(path: Path) -> int:
    try:
        options = {} if path.stem == "ledger" else {"immutable": "1"}
        with closing(open_reader(path, options)) as connection:
            return int(connection.execute("SELECT max(epoch) FROM meta").fetchone()[0])
    except (*UNREADABLE, TypeError):
        return 0


def _as_of(path: Path, options: Mapping[str, str]) -> datetime | None:
    """When a damaged ledger was made if it is a backup; None also when that cannot be read."""
    try:
        with closing(open_reader(path, options)) as connection:
            return marked_at(connection)
    except (*UNREADABLE, TypeError, OverflowError):
        return None


def _begin_epoch(connection: sqlite3.Connection, epoch: int, tag: str, opening: Opening) -> None:
    with transaction(connection):
        unmark(connection)
        connection.execute(
            "INSERT INTO meta (one, epoch, epoch_tag, site_id, created_at) VALUES (1, ?, ?, ?, ?)"
            " ON CONFLICT (one) DO UPDATE SET epoch = excluded.epoch, epoch_tag = excluded.epoch_tag",
            (epoch, tag, opening.site_id, opening.utc().isoformat()),
        )


def _begin_anew(opening: Opening, connection: sqlite3.Connection, notes: list[str]) -> datetime | None:
    """Begin a new epoch in a backup put in place by hand (its next numbers were given once already) and in
    a ledger under another site's name (its events have another source there); the backup's time if it is one."""
    epoch, site_id = connection.execute("SELECT epoch, site_id FROM meta").fetchone()
    as_of, reasons = marked_at(connection), list[str]()
    if as_of is not None:
        reasons.append(f"the ledger is the backup of {as_of:%Y-%m-%d %H:%M} UTC, put in its place by hand")
    if site_id != opening.site_id:
        reasons.append(f"the ledger was kept for site {site_id} and now serves {opening.site_id}")
    if not reasons:
        return None
    epoch, tag = max(epoch, read_epoch(opening.files.epoch)) + 1, secrets.token_hex(8)
    write_epoch(opening.files.epoch, epoch, tag)
    _begin_epoch(connection, epoch, tag, opening)
    with transaction(connection):
        connection.execute("UPDATE meta SET site_id = ?", (opening.site_id,))
    notes.append(f"{'; '.join(reasons)}: the numbering of events begins anew in epoch {epoch}")
    return as_of
