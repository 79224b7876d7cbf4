"""Settings that hold, migrations that are whole or not at all, names that tell the time."""

import errno
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from baywarden.ports.store import StoreDamaged, StoreError, StoreFull, StoreNewer
from baywarden.store.connect import at_the_rim, open_reader, open_writer, transaction, translated
from baywarden.store.files import (
    Files,
    backup_at,
    note_doubt,
    read_doubt,
    read_epoch,
    set_aside,
    write_epoch,
)
from baywarden.store.schema import LEDGER, TELEMETRY, migrate, version_of

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_writer(tmp_path / "l.db", synchronous="FULL", max_bytes=2**24)) as connection:
        yield connection


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("page_size", 4096),
        ("auto_vacuum", 2),
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("trusted_schema", 0),
        ("busy_timeout", 5000),
        ("temp_store", 2),
        ("cache_size", -1024),
        ("wal_autocheckpoint", 500),
        ("journal_size_limit", 4_194_304),
        ("max_page_count", 4096),
    ],
)
def test_a_writer_has_every_setting(ledger: sqlite3.Connection, pragma: str, value: object) -> None:
    assert ledger.execute(f"PRAGMA {pragma}").fetchone() == (value,)


def test_a_setting_that_did_not_take_is_an_error(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("PRAGMA page_size = 1024")
        other.execute("CREATE TABLE t (x)")
    with pytest.raises(StoreError, match="page_size=1024 where 4096 was set"):
        open_writer(tmp_path / "other.db", synchronous="FULL", max_bytes=2**24)


def test_a_reader_cannot_write(ledger: sqlite3.Connection, tmp_path: Path) -> None:
    migrate(ledger, "ledger", LEDGER)
    with (
        closing(open_reader(tmp_path / "l.db")) as reader,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        reader.execute("DELETE FROM bookings")


def test_a_path_with_odd_characters_is_one_file(tmp_path: Path) -> None:
    odd = tmp_path / "50% of? this#.db"
    open_writer(odd, synchronous="FULL", max_bytes=2**24).close()
    assert odd.exists()


def test_a_transaction_that_fails_leaves_nothing(ledger: sqlite3.Connection) -> None:
    ledger.execute("CREATE TABLE t (x)")
    with pytest.raises(KeyError), transaction(ledger):
        ledger.execute("INSERT INTO t VALUES (1)")
        raise KeyError
    assert ledger.execute("SELECT count(*) FROM t").fetchone() == (0,)
    assert not ledger.in_transaction


@pytest.mark.parametrize(("name", "migrations"), [("ledger", LEDGER), ("telemetry", TELEMETRY)])
def test_all_tables_are_strict_and_a_second_run_changes_nothing(
    ledger: sqlite3.Connection, name: str, migrations: tuple[tuple[str, tuple[str, ...]], ...]
) -> None:
    migrate(ledger, name, migrations)
    before = ledger.execute("SELECT * FROM sqlite_master").fetchall()
    migrate(ledger, name, migrations)
    assert ledger.execute("SELECT * FROM sqlite_master").fetchall() == before
    strict = {
        row[1]: row[5]
        for row in ledger.execute("PRAGMA table_list")
        if not row[1].startswith(("sqlite_", "_"))
    }
    assert strict
    assert all(strict.values()), strict


def laid_out(connection: sqlite3.Connection) -> tuple[object, ...]:
    """Everything that makes a file the one it is, but for moments."""
    schema = connection.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name <> 'stranger'"
    )
    known = connection.execute("SELECT id, migration_set, name FROM _sqlite_migrations")
    at = connection.execute("SELECT applied_at FROM _sqlite_migrations").fetchall()
    return schema.fetchall(), known.fetchall(), version_of(connection), [len(one) for (one,) in at]


@pytest.mark.parametrize(("name", "migrations"), [("ledger", LEDGER), ("telemetry", TELEMETRY)])
def test_a_new_file_is_just_what_sqlite_utils_would_make_of_it(
    ledger: sqlite3.Connection,
    tmp_path: Path,
    name: str,
    migrations: tuple[tuple[str, tuple[str, ...]], ...],
) -> None:
    migrations = (*migrations, ("0002_later", ("CREATE TABLE later (x INTEGER) STRICT",)))
    migrate(ledger, name, migrations)
    with closing(open_writer(tmp_path / "u.db", synchronous="FULL", max_bytes=2**24)) as other:
        other.execute("CREATE TABLE stranger (x)")  # a file with something in it is left to sqlite-utils
        migrate(other, name, migrations)
        assert laid_out(ledger) == laid_out(other)


def test_a_first_start_needs_no_migration_library(tmp_path: Path) -> None:
    code = (
        "import sys, sqlite3; from baywarden.store.schema import LEDGER, migrate\n"
        "migrate(sqlite3.connect(sys.argv[1], isolation_level=None), 'ledger', LEDGER)\n"
        "print('sqlite_utils' in sys.modules, 'click' in sys.modules)"
    )
    argv = [sys.executable, "-c", code, str(tmp_path / "first.db")]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["False", "False"]


def test_a_migration_that_fails_leaves_the_schema_before_it(ledger: sqlite3.Connection) -> None:
    first = ("0001_first", ("CREATE TABLE a (x INTEGER) STRICT",))
    second = ("0002_second", ("CREATE TABLE b (x INTEGER) STRICT", "INSERT INTO nowhere VALUES (1)"))
    with pytest.raises(sqlite3.OperationalError):
        migrate(ledger, "ledger", (first, second))
    assert version_of(ledger) == 1
    names = {row[0] for row in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert "a" in names
    assert "b" not in names
    migrate(ledger, "ledger", (first, ("0002_second", ("CREATE TABLE b (x INTEGER) STRICT",))))
    assert version_of(ledger) == 2


def test_a_newer_schema_is_refused_with_a_plain_sentence(ledger: sqlite3.Connection) -> None:
    migrate(ledger, "ledger", (*LEDGER, ("0099_later", ())))
    known = len(LEDGER)
    with pytest.raises(
        StoreNewer,
        match=rf"newer release \(schema {known + 1}, known here: {known}\): install that release again",
    ):
        migrate(ledger, "ledger", LEDGER)


def test_a_final_penalty_cannot_be_changed_even_by_hand(ledger: sqlite3.Connection) -> None:
    migrate(ledger, "ledger", LEDGER)
    ledger.execute(
        "INSERT INTO penalties (id, at_us, live, evse_id, status, kind, body, crc)"
        " VALUES ('p', 0, 0, 'bay', 'FINAL', 'NO_SHOW', '{}', 0)"
    )
    with pytest.raises(sqlite3.IntegrityError, match="a final penalty never changes"):
        ledger.execute("UPDATE penalties SET body = '[]'")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("SQLITE_FULL", StoreFull),
        ("SQLITE_IOERR_WRITE", StoreFull),
        ("SQLITE_READONLY_DBMOVED", StoreFull),
        ("SQLITE_BUSY", StoreFull),
        ("SQLITE_CORRUPT_INDEX", StoreDamaged),
        ("SQLITE_NOTADB", StoreDamaged),
        ("SQLITE_MISUSE", StoreError),
        ("", StoreError),
    ],
)
def test_each_of_sqlites_errors_becomes_one_of_ours(name: str, kind: type[StoreError]) -> None:
    error = sqlite3.OperationalError("some words")
    error.sqlite_errorname = name
    assert type(translated(error)) is kind


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, StoreFull),
        (errno.EDQUOT, StoreFull),
        (errno.EACCES, StoreError),
        (errno.EIO, StoreError),
    ],
)
def test_each_refusal_of_the_file_system_becomes_one_of_ours(number: int, kind: type[StoreError]) -> None:
    with pytest.raises(StoreError) as caught, at_the_rim():
        raise OSError(number, "some words")
    assert type(caught.value) is kind


def test_a_doubt_is_read_back_and_an_empty_one_is_a_doubt_too(tmp_path: Path) -> None:
    path = Files(tmp_path).doubt
    assert read_doubt(path) is None
    note_doubt(path, "a page is damaged")
    assert read_doubt(path) == "a page is damaged"
    path.write_bytes(b"")
    assert read_doubt(path) is not None


def test_a_file_set_aside_never_overwrites_an_older_one(tmp_path: Path) -> None:
    kept = []
    for number in range(3):
        (tmp_path / "ledger.db").write_text(str(number))
        (tmp_path / "ledger.db-wal").write_text(f"log {number}")
        kept.append(set_aside(tmp_path / "ledger.db", AT))
    assert [path.name for path in kept if path] == [
        "ledger.damaged-20260301T080000Z.db",
        "ledger.damaged-20260301T080000Z-1.db",
        "ledger.damaged-20260301T080000Z-2.db",
    ]
    assert (tmp_path / "ledger.damaged-20260301T080000Z-1.db-wal").read_text() == "log 1"
    assert set_aside(tmp_path / "ledger.db", AT) is None


def test_a_backups_name_tells_when_it_was_made() -> None:
    assert backup_at(Files(Path("x")).backup_name(AT)) == AT


def test_the_epoch_outlives_the_ledger_and_garbage_is_no_epoch(tmp_path: Path) -> None:
    path = tmp_path / "epoch"
    assert read_epoch(path) == 0
    write_epoch(path, 7, "aa")
    assert read_epoch(path) == 7
    path.write_text("[]")
    assert read_epoch(path) == 0
