"""Whether a ledger file may be used as it is: its pages, its indices, its check sums."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from baywarden.ports.store import StoreDamaged
from baywarden.store.connect import UNREADABLE, address, open_reader
from baywarden.store.files import Files, read_doubt
from baywarden.store.salvage import broken_sums
from baywarden.store.schema import LEDGER, is_pending, version_of

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


def trouble(files: Files, options: Mapping[str, str]) -> str | None:
    """Why the ledger cannot be used as it is; None when it can. Raises StoreNewer, sqlite3.Error."""
    if not files.ledger.exists():
        return "missing"
    if files.ledger.stat().st_size == 0:
        return "empty"
    try:
        # Not with a writer: closing one would copy the log into a file that may be damaged.
        with closing(open_reader(files.ledger, options)) as connection:
            why = _damage(connection, read_doubt(files.doubt))
    except StoreDamaged as error:
        why = str(error)
    except UNREADABLE as error:
        # Text that is no UTF-8 comes without a name.
        if not (getattr(error, "sqlite_errorname", None) or "SQLITE_CORRUPT").startswith(_DAMAGE):
            raise
        why = str(error)
    return None if why is None else f"damaged ({why})"


def is_good(path: Path) -> bool:
    """Whether a copied ledger that nobody writes passes its check."""
    try:
        with closing(sqlite3.connect(address(path, "ro", {"immutable": "1"}), uri=True)) as copy:
            return _fault(copy) is None
    except UNREADABLE:
        return False


def _damage(connection: sqlite3.Connection, doubt: str | None) -> str | None:
    if version_of(connection) == 0:
        return "its schema number is lost"
    is_pending(connection, LEDGER)
    if doubt is not None:
        return f"it failed at work: {doubt}"
    return _fault(connection) or ("a check sum does not hold" if broken_sums(connection) else None)


def _fault(connection: sqlite3.Connection) -> str | None:
    # quick_check does not look whether index and table agree: one flipped bit in an index made every commit
    # fail, or hid a row so that a canceled booking came back. 300 MiB with 385,000 rows: 0.68 s instead of 0.31 s.
    verdict = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if verdict != "ok":
        return str(verdict).splitlines()[-1]
    if connection.execute("SELECT count(*) FROM meta").fetchone() != (1,):
        return "its first table is empty"
    return None
