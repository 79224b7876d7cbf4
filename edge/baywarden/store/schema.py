"""The tables of ledger.db and telemetry.db, grown by named, small, transactional, additive migrations."""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from baywarden.ports.store import StoreDamaged, StoreNewer
from baywarden.store.connect import transaction

if TYPE_CHECKING:
    from sqlite_utils import Database

Statements = Sequence[str]
Migration = tuple[str, Statements]

# Every body carries its check sum. `live` marks what a start must load, `at_us` sorts pages and tells age.
_FIRST: Final[Statements] = (
    """CREATE TABLE meta (
         one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, epoch_tag TEXT NOT NULL,
         site_id TEXT NOT NULL, created_at TEXT NOT NULL) STRICT""",
    "CREATE TABLE evses (id TEXT PRIMARY KEY, body TEXT NOT NULL, crc INTEGER NOT NULL) STRICT",
    """CREATE TABLE bookings (
         id TEXT PRIMARY KEY, at_us INTEGER NOT NULL, live INTEGER NOT NULL, evse_id TEXT NOT NULL,
         status TEXT NOT NULL, token TEXT, session_id TEXT,
         body TEXT NOT NULL, crc INTEGER NOT NULL) STRICT""",
    """CREATE TABLE sessions (
         id TEXT PRIMARY KEY, at_us INTEGER NOT NULL, live INTEGER NOT NULL, evse_id TEXT NOT NULL,
         status TEXT NOT NULL, token TEXT, booking_id TEXT,
         body TEXT NOT NULL, crc INTEGER NOT NULL) STRICT""",
    """CREATE TABLE penalties (
         id TEXT PRIMARY KEY, at_us INTEGER NOT NULL, live INTEGER NOT NULL, evse_id TEXT NOT NULL,
         status TEXT NOT NULL, kind TEXT NOT NULL, token TEXT, booking_id TEXT, session_id TEXT,
         body TEXT NOT NULL, crc INTEGER NOT NULL) STRICT""",
    """CREATE TABLE notices (
         id TEXT PRIMARY KEY, at_us INTEGER NOT NULL, evse_id TEXT NOT NULL,
         kind TEXT NOT NULL, token TEXT, booking_id TEXT, session_id TEXT,
         body TEXT NOT NULL, crc INTEGER NOT NULL) STRICT""",
    """CREATE TABLE samples (
         id TEXT PRIMARY KEY, at_us INTEGER NOT NULL, evse_id TEXT NOT NULL,
         session_id TEXT NOT NULL, body TEXT NOT NULL, crc INTEGER NOT NULL) STRICT""",
    """CREATE TABLE commands (
         id TEXT PRIMARY KEY, at_us INTEGER NOT NULL, name TEXT NOT NULL, door TEXT NOT NULL,
         body TEXT NOT NULL, crc INTEGER NOT NULL) STRICT""",
    """CREATE TABLE events (
         stream TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, at_us INTEGER NOT NULL,
         body BLOB NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY (stream, epoch, seq)) STRICT""",
    # `last_seq` is at least how far the stream got: see numbering.py.
    """CREATE TABLE streams (
         stream TEXT NOT NULL, epoch INTEGER NOT NULL, last_seq INTEGER NOT NULL, acked_seq INTEGER NOT NULL,
         PRIMARY KEY (stream, epoch), CHECK (0 <= acked_seq AND acked_seq <= last_seq)) STRICT""",
    """CREATE TABLE anchor (
         one INTEGER PRIMARY KEY CHECK (one = 1), body TEXT NOT NULL, crc INTEGER NOT NULL) STRICT""",
    *(
        f"CREATE INDEX {t}_by_time ON {t} (at_us, id)"
        for t in ("bookings", "sessions", "penalties", "notices")
    ),
    *(f"CREATE INDEX {t}_live ON {t} (live) WHERE live = 1" for t in ("bookings", "sessions", "penalties")),
    "CREATE INDEX samples_by_session ON samples (session_id, at_us)",
    "CREATE INDEX samples_by_time ON samples (at_us, id)",
    "CREATE INDEX commands_by_time ON commands (at_us)",
    """CREATE TRIGGER penalties_final BEFORE UPDATE ON penalties WHEN OLD.status = 'FINAL'
       BEGIN SELECT RAISE(ABORT, 'a final penalty never changes'); END""",
)

# One that has not come whole has `coming` 1.
_TOKENS: Final[Statements] = (
    """CREATE TABLE tokens (
         id TEXT NOT NULL, coming INTEGER NOT NULL CHECK (coming IN (0, 1)), body TEXT NOT NULL,
         crc INTEGER NOT NULL, PRIMARY KEY (id, coming)) STRICT""",
    """CREATE TABLE token_head (
         one INTEGER PRIMARY KEY CHECK (one = 1), body TEXT NOT NULL, crc INTEGER NOT NULL) STRICT""",
)

# A parked event is kept with its bytes: the ring may drop its row of `events`.
_OUTBOX: Final[Statements] = (
    """CREATE TABLE parked (
         stream TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, at_us INTEGER NOT NULL,
         code INTEGER NOT NULL, released INTEGER NOT NULL CHECK (released IN (0, 1)),
         body BLOB NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY (stream, epoch, seq)) STRICT""",
    "CREATE TABLE cloud_acks (stream TEXT PRIMARY KEY) STRICT",
)

LEDGER: Final[Sequence[Migration]] = (
    ("0001_first", _FIRST),
    ("0002_tokens", _TOKENS),
    ("0003_outbox", _OUTBOX),
)

TELEMETRY: Final[Sequence[Migration]] = (
    (
        "0001_first",
        (
            """CREATE TABLE readings (
                 device_id TEXT NOT NULL, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, contact TEXT NOT NULL,
                 power_w INTEGER, energy_wh INTEGER, l1_ma INTEGER, l2_ma INTEGER, l3_ma INTEGER,
                 limit_ma INTEGER, PRIMARY KEY (device_id, at_ms)) STRICT, WITHOUT ROWID""",
            "CREATE INDEX readings_by_time ON readings (at_ms)",
        ),
    ),
)

_LIST: Final[Statements] = (
    'CREATE TABLE "_sqlite_migrations" (\n   "id" INTEGER PRIMARY KEY,\n   "migration_set" TEXT,\n   "name" TEXT,\n'
    '   "applied_at" TEXT\n)',
    'CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"\n'
    '    ON "_sqlite_migrations" ("migration_set", "name")',
)
"""Where sqlite-utils keeps which migrations a file has seen, in its own words."""


def version_of(connection: sqlite3.Connection) -> int:
    """How many migrations the file has seen."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def is_pending(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> bool:
    """Whether the file is older than this release. Raises StoreNewer when it is newer."""
    version = version_of(connection)
    if version <= len(migrations):
        return version < len(migrations)
    applied = {row[0] for row in connection.execute("SELECT name FROM _sqlite_migrations")}
    if applied <= {name for name, _ in migrations}:
        raise StoreDamaged(f"its schema number {version} does not fit its list of migrations")
    raise StoreNewer(
        f"the database was written by a newer release (schema {version}, known here: {len(migrations)}): "
        "install that release again, or restore a backup made before it"
    )


def migrate(connection: sqlite3.Connection, name: str, migrations: Sequence[Migration]) -> None:
    """Bring the file up to this release. Raises StoreNewer, or StoreDamaged if its own list does not fit."""
    if not is_pending(connection, migrations):
        return
    if _is_blank(connection):
        _lay_out(connection, name, migrations)
        return
    from sqlite_utils import Database, Migrations  # noqa: PLC0415 (0.1 s, and 4 MB until the daemon ends)

    known = Migrations(name)
    for number, (title, statements) in enumerate(migrations, start=1):
        known(name=title)(_step(statements, number))
    database = Database(connection)
    known.apply(database)
    if version_of(connection) != len(migrations):
        raise StoreDamaged("the database's list of migrations does not fit its schema number")


def _is_blank(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None


def _lay_out(connection: sqlite3.Connection, name: str, migrations: Sequence[Migration]) -> None:
    """Make a new file just as sqlite-utils would, which takes it from here on; each migration whole or not at all."""
    for number, (title, statements) in enumerate(migrations, start=1):
        with transaction(connection):
            for statement in (*(_LIST if number == 1 else ()), *statements):
                connection.execute(statement)
            connection.execute(
                "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES (?, ?, ?)",
                (name, title, str(datetime.now(UTC))),
            )
            connection.execute(f"PRAGMA user_version={number}")


def _step(statements: Statements, number: int) -> Callable[["Database"], None]:
    def apply(database: "Database", /) -> None:
        for statement in statements:
            database.execute(statement)
        database.execute(f"PRAGMA user_version={number}")

    return apply
