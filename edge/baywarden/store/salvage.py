"""Copies what can still be read out of a damaged ledger, around the places that cannot."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, Final

from baywarden.ports.store import StoreDamaged
from baywarden.store.codec import check_sum, decode
from baywarden.store.connect import UNREADABLE, transaction
from baywarden.store.tables import CHECKED, EVSES, PAGED, Table

TABLES: Final = (*CHECKED, "streams", "cloud_acks")
ROWS_AT_ONCE: Final = 1000
"""Held in memory at a time: the unit allows the daemon 192 MiB, a ledger may have twice that."""
_RECORDS: Final[Mapping[str, Table[Any]]] = {EVSES.name: EVSES, **PAGED}
_REPLACED: Final = frozenset(name for name, table in _RECORDS.items() if not table.once)
_FARTHEST: Final = 2**24
_FINEST: Final = 4096
"""A lost stretch is halved until pieces are this fraction of the whole table, or one row."""

FINISHED: Final = {
    "bookings": "live = 0",
    "sessions": "live = 0",
    "penalties": "live = 0",
    "notices": "1",
    "samples": "1",
    "commands": "1",
    "events": "1",
    "streams": "1",
}
"""What may be filled in from an older backup: records that do not change any more. An older version of a
living one (a booking that was canceled since, say) would make somebody pay for it."""


def salvage(damaged: sqlite3.Connection, fresh: sqlite3.Connection) -> tuple[int, list[str]]:
    """Copy every readable row whose check sum holds; how many, and a sentence for each incomplete table."""
    copied, notes = 0, []
    for table in TABLES:
        columns = _shared_columns(damaged, fresh, table)
        if columns is None:
            notes.append(f"the table {table} could not be read")
            continue
        if table in _REPLACED:
            columns = ("rowid", *columns)
        readable = _Rows(damaged, table, columns)
        saved, spoilt, inserted = _copy(fresh, table, columns, readable)
        copied += inserted
        if readable.lost or spoilt:
            notes.append(f"parts of the table {table} could not be read; {saved} rows of it were saved")
    return copied, notes


def fill_in(backup: sqlite3.Connection, fresh: sqlite3.Connection) -> int:
    """Add from a backup the finished records that are missing; how many."""
    filled = 0
    for table, condition in FINISHED.items():
        columns = _shared_columns(backup, fresh, table)
        if columns is not None:
            rows = backup.execute(f"SELECT {', '.join(columns)} FROM {table} WHERE {condition}")
            filled += _copy(fresh, table, columns, rows)[2]
    return filled


def broken_sums(connection: sqlite3.Connection) -> bool:
    """Whether a live record, a penalty or an unsent event lost its check sum (quick_check misses that)."""
    waiting = (
        "events e LEFT JOIN streams s USING (stream, epoch) WHERE e.seq > ifnull(s.acked_seq, 0)",
        *(f"{table} e WHERE live = 1" for table in ("bookings", "sessions", "penalties")),
        *(f"{table} e" for table in ("evses", "anchor")),
        # Money is asked about longest, and its records are few.
        "penalties e WHERE live = 0",
    )
    for rows in waiting:
        for body, crc in connection.execute(f"SELECT e.body, e.crc FROM {rows}"):
            if check_sum(_bytes(body)) != crc:
                return True
    return False


def _shared_columns(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> Sequence[str] | None:
    try:
        there = {row[1] for row in old.execute(f"PRAGMA table_info({table})")}
    except UNREADABLE:
        return None
    here = [row[1] for row in new.execute(f"PRAGMA table_info({table})")]
    return [column for column in here if column in there] if there else None


class _Rows:
    """The readable rows of one table; `lost` when some are not."""

    def __init__(self, damaged: sqlite3.Connection, table: str, columns: Sequence[str]) -> None:
        self._damaged = damaged
        self._table = table
        self._sql = (
            f"SELECT rowid, {', '.join(columns)} FROM {table} NOT INDEXED"
            " WHERE rowid > ? AND rowid <= ? ORDER BY rowid"
        )
        self.lost = False

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        highest = self._highest()
        yield from self._between(-1, highest, max(2, highest // _FINEST))

    def _between(self, low: int, high: int, finest: int) -> Iterator[tuple[Any, ...]]:
        """Rows with `low` < rowid <= `high`: up, then down, until it fails; then both halves between."""
        try:
            for rowid, *row in self._damaged.execute(self._sql, (low, high)):
                low = rowid
                yield tuple(row)
            return
        except UNREADABLE:
            self.lost = True
        with suppress(*UNREADABLE):
            for rowid, *row in self._damaged.execute(f"{self._sql} DESC", (low, high)):
                high = rowid - 1
                yield tuple(row)
        if high - low >= finest:
            middle = (low + high) // 2
            yield from self._between(low, middle, finest)
            yield from self._between(middle, high, finest)

    def _highest(self) -> int:
        try:
            return int(self._damaged.execute(f"SELECT max(rowid) FROM {self._table}").fetchone()[0] or 0)
        except UNREADABLE:
            self.lost = True  # the right edge cannot be read
        top = 1
        while top < _FARTHEST and not self._is_past_the_end(top):
            top *= 2
        return top

    def _is_past_the_end(self, rowid: int) -> bool:
        sql = f"SELECT min(rowid) FROM {self._table} WHERE rowid > ?"
        try:
            return bool(self._damaged.execute(sql, (rowid,)).fetchone()[0] is None)
        except UNREADABLE:
            return False


def _copy(
    fresh: sqlite3.Connection, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]
) -> tuple[int, int, int]:
    """Copy the rows whose check sum holds: how many those are, how many others, how many are new in `fresh`."""
    left, saved, spoilt, before = iter(rows), 0, 0, fresh.total_changes
    sql = _insertion(table, columns)
    while batch := list(islice(left, ROWS_AT_ONCE)):
        intact = [row for row in batch if _is_intact(table, columns, row)]
        saved, spoilt = saved + len(intact), spoilt + len(batch) - len(intact)
        with transaction(fresh):
            for row in intact:
                # A row of the damaged file may hold anything, so one that the tables refuse is left out.
                with suppress(sqlite3.IntegrityError):
                    fresh.execute(sql, _as_its_body_says(table, columns, row))
    return saved, spoilt, fresh.total_changes - before


def _insertion(table: str, columns: Sequence[str]) -> str:
    sql = f" INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
    if columns[0] != "rowid":
        return f"INSERT OR IGNORE{sql}"
    # A damaged index lets a record be written as a second row: the younger one, with the higher rowid, counts.
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns)
    return f"INSERT{sql} ON CONFLICT (id) DO UPDATE SET {changed} WHERE excluded.rowid > {table}.rowid"


def _is_intact(table: str, columns: Sequence[str], row: Sequence[Any]) -> bool:
    if table not in CHECKED:
        return True
    named = dict(zip(columns, row, strict=True))
    try:
        return bool(check_sum(_bytes(named["body"])) == named["crc"])
    except (TypeError, KeyError, UnicodeError):
        return False


def _as_its_body_says(table: str, columns: Sequence[str], row: tuple[Any, ...]) -> tuple[Any, ...]:
    """The row with its searched columns made anew: they have no check sum, the body has."""
    found = _RECORDS.get(table)
    if found is None:
        return row
    named = dict(zip(columns, row, strict=True))
    try:
        record = decode(found.model, named["body"])
    except StoreDamaged:  # of a release with another model
        return row
    named.update((name, value(record)) for name, value in found.columns.items() if name in named)
    return tuple(named.values())


def _bytes(body: str | bytes) -> bytes:
    return body.encode() if isinstance(body, str) else body
