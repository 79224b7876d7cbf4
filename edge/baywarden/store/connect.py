"""Connections to SQLite with every setting made in the order that counts, and read back."""

import errno
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote, urlencode

from baywarden.ports.store import StoreDamaged, StoreError, StoreFull

PAGE_SIZE: Final = 4096
# SQLite would keep 2 MB for each of the four connections as the files grow; the kernel has the pages anyhow.
_WRITER_CACHE_KIB: Final = 1024
_READER_CACHE_KIB: Final = 512
Sync = Literal["FULL", "NORMAL"]

_SYNC: Final[Mapping[str, int]] = {"NORMAL": 1, "FULL": 2}

# Nothing was written and it may be tried again: no room, a sulking disk, a file held by another program.
_REFUSALS: Final = (
    "SQLITE_FULL",
    "SQLITE_IOERR",
    "SQLITE_READONLY",
    "SQLITE_CANTOPEN",
    "SQLITE_BUSY",
    "SQLITE_NOMEM",
)
UNREADABLE: Final = (sqlite3.Error, UnicodeError)
"""What reading a damaged file may raise: Python cannot even decode the message that quotes a spoilt name."""
_DAMAGES: Final = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR_SHORT_READ", "SQLITE_IOERR_CORRUPTFS")


def address(path: Path, mode: Literal["rw", "rwc", "ro"], options: Mapping[str, str]) -> str:
    """The URI of a database file."""
    return f"file:{quote(str(path.absolute()))}?{urlencode({'mode': mode, **options})}"


def open_writer(
    path: Path, *, synchronous: Sync, max_bytes: int, options: Mapping[str, str] | None = None
) -> sqlite3.Connection:
    """The one writing connection; made if missing. Raises sqlite3.Error; StoreError if a pragma fails."""
    connection = sqlite3.connect(
        address(path, "rwc", options or {}), uri=True, isolation_level=None, cached_statements=256
    )
    try:
        _settle(connection, synchronous, max(max_bytes // PAGE_SIZE, 16))
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path, options: Mapping[str, str] | None = None) -> sqlite3.Connection:
    """A connection that cannot write. A forgotten read of it would stop the log from shrinking."""
    connection = sqlite3.connect(
        address(path, "ro", options or {}), uri=True, isolation_level=None, cached_statements=64
    )
    connection.execute("PRAGMA query_only=ON")
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA busy_timeout=5000")
    connection.execute("PRAGMA mmap_size=0")
    connection.execute(f"PRAGMA cache_size=-{_READER_CACHE_KIB}")
    return connection


def _settle(connection: sqlite3.Connection, synchronous: Sync, max_pages: int) -> None:
    # page_size and auto_vacuum are silently ignored once the journal is a WAL, so they come first.
    wanted: tuple[tuple[str, str, int | str], ...] = (
        ("page_size", str(PAGE_SIZE), PAGE_SIZE),
        ("auto_vacuum", "INCREMENTAL", 2),
        ("journal_mode", "WAL", "wal"),
        ("synchronous", synchronous, _SYNC[synchronous]),
        ("foreign_keys", "ON", 1),
        ("trusted_schema", "OFF", 0),
        ("busy_timeout", "5000", 5000),
        ("temp_store", "MEMORY", 2),
        ("mmap_size", "0", 0),
        ("cache_size", f"-{_WRITER_CACHE_KIB}", -_WRITER_CACHE_KIB),
        ("wal_autocheckpoint", "500", 500),
        ("journal_size_limit", "4194304", 4_194_304),
    )
    for name, value, _ in wanted:
        connection.execute(f"PRAGMA {name}={value}").fetchall()
    connection.execute(f"PRAGMA max_page_count={max_pages}").fetchall()
    for name, _, expected in wanted:
        row = connection.execute(f"PRAGMA {name}").fetchone()
        # Some settings have nothing to read back when the library was built without them.
        if row is not None and row[0] != expected:
            raise StoreError(
                f"SQLite {sqlite3.sqlite_version} keeps {name}={row[0]} where {expected} was set"
            )


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """BEGIN IMMEDIATE ... COMMIT; whatever goes wrong, COMMIT itself too, rolls all of it back."""
    if connection.in_transaction:  # a rollback that the disk refused the last time
        connection.execute("ROLLBACK")
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


def translated(error: sqlite3.Error) -> StoreError:
    """The store's own error for one of SQLite's, with a plain sentence."""
    name = getattr(error, "sqlite_errorname", None) or ""
    if name.startswith(_DAMAGES):
        return StoreDamaged(f"the database file is damaged ({error}); it is mended at the next start")
    if name == "SQLITE_FULL":
        return StoreFull("there is no room left for the database")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreFull("another program holds the database file")
    if name.startswith(_REFUSALS):
        return StoreFull(f"the disk refuses writes ({name})")
    return StoreError(f"the database failed: {error}")


def refused(error: OSError) -> StoreError:
    """The store's own error for a refusal of the file system, with a plain sentence."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull("there is no room left on the disk")
    return StoreError(f"the store's files cannot be used: {error}")


@contextmanager
def at_the_rim() -> Iterator[None]:
    """Turns the errors of SQLite and of the file system into the store's."""
    try:
        yield
    except sqlite3.Error as error:
        raise translated(error) from error
    except OSError as error:
        raise refused(error) from error
