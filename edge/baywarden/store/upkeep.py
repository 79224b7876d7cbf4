"""Keeps the ledger small: old answers, sent events and finished records go, in small steps."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from baywarden.model.event import Stream
from baywarden.store.codec import to_us
from baywarden.store.connect import PAGE_SIZE, transaction
from baywarden.store.writing import Writer

ANSWERS_KEPT: Final = timedelta(days=7)
HISTORY_KEPT: Final = timedelta(days=400)
"""Finished records: twelve months (UK smart charge point rules) and one to spare."""
ROWS_A_STEP: Final = 500
PAGES_A_STEP: Final = 64
STEPS_A_TURN: Final = 40
"""What one turn may do at most; the rest waits for the next, so that commits never wait long."""
_LOG_TOO_LARGE: Final = 4 * 2**20

# From the first to be given up when room is short to the last.
_DEAREST_LAST: Final = (
    Stream.METER,
    Stream.STATUS,
    Stream.AUDIT,
    Stream.NOTICE,
    Stream.BOOKING,
    Stream.SESSION,
    Stream.PENALTY,
)
_GIVEN_UP_UNSENT: Final = (Stream.METER, Stream.STATUS)
_CROWDED: Final = 0.6
"""Share of the most bytes from which on sent events go although they are young."""
_CRAMPED: Final = 0.8
"""And from which on even unsent meter and status events go: bookings and money need the room."""

Step = Callable[[], bool]
"""Does a little on the writer's thread; True while there is more to do."""


def steps(writer: Writer, at: datetime | None, *, keep_days: int, max_bytes: int) -> Iterator[Step]:
    """The chores in order; each is called until it is False. Without `at` nothing goes by age."""
    connection = writer.connection
    yield writer.write_freed
    if at is not None:
        answers, ring, history = (
            to_us(at - kept) for kept in (ANSWERS_KEPT, timedelta(days=keep_days), HISTORY_KEPT)
        )
        yield partial(_drop, connection, "commands", "at_us < ?", answers)
        for stream in Stream:
            yield partial(_drop_sent, writer, stream, ring)
        yield partial(_drop_history, connection, history)
    crowded, cramped = int(max_bytes * _CROWDED), int(max_bytes * _CRAMPED)
    for stream in _DEAREST_LAST:
        yield _while_over(crowded, connection, partial(_drop_sent, writer, stream, None))
    for stream in _GIVEN_UP_UNSENT:
        yield _while_over(cramped, connection, partial(_drop_unsent, writer, stream))
    yield partial(_vacuum, connection)


def checkpoint(connection: sqlite3.Connection, wal_bytes: int, *, is_full: bool) -> None:
    """Empty a large log into the database; when there is no room, a small one too: the disk gets it back."""
    if is_full or wal_bytes > _LOG_TOO_LARGE:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _while_over(limit_bytes: int, connection: sqlite3.Connection, step: Step) -> Step:
    """The step for as long as the ledger is larger than that."""
    return lambda: _used(connection) > limit_bytes and step()


def _used(connection: sqlite3.Connection) -> int:
    pages, free = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count")
    )
    return int(pages - free) * PAGE_SIZE


def _drop(connection: sqlite3.Connection, table: str, condition: str, *values: int) -> bool:
    with transaction(connection):
        gone = connection.execute(
            f"DELETE FROM {table} WHERE rowid IN"
            f" (SELECT rowid FROM {table} WHERE {condition} LIMIT {ROWS_A_STEP})",
            values,
        ).rowcount
    return gone == ROWS_A_STEP


def _drop_sent(writer: Writer, stream: Stream, older_than_us: int | None) -> bool:
    """Drop freed events of a stream, of any epoch, from the oldest on, so that no hole appears."""
    rows = writer.connection.execute(
        "SELECT e.rowid, e.at_us FROM events e JOIN streams s USING (stream, epoch)"
        " WHERE e.stream = ? AND e.seq <= s.acked_seq ORDER BY e.epoch, e.seq LIMIT ?",
        (stream.value, ROWS_A_STEP),
    ).fetchall()
    old: list[int] = []
    for rowid, at_us in rows:
        if older_than_us is not None and at_us >= older_than_us:
            break
        old.append(rowid)
    return _drop_events(writer, old)


def _drop_unsent(writer: Writer, stream: Stream) -> bool:
    rows = writer.connection.execute(
        "SELECT rowid FROM events WHERE stream = ? ORDER BY epoch, seq LIMIT ?", (stream.value, ROWS_A_STEP)
    ).fetchall()
    return _drop_events(writer, [row[0] for row in rows])


def _drop_events(writer: Writer, rowids: Sequence[int]) -> bool:
    if not rowids:
        return False
    writer.numbering.drop(rowids)
    return len(rowids) == ROWS_A_STEP


def _drop_history(connection: sqlite3.Connection, older_than_us: int) -> bool:
    """Finished records of long ago, unless events as old still wait to be sent."""
    waiting = connection.execute(
        "SELECT 1 FROM events e LEFT JOIN streams s USING (stream, epoch)"
        " WHERE e.seq > ifnull(s.acked_seq, 0) AND e.at_us < ? LIMIT 1",
        (older_than_us,),
    ).fetchone()
    if waiting is not None:
        return False
    finished = [
        _drop(connection, t, "live = 0 AND at_us < ?", older_than_us)
        for t in ("bookings", "sessions", "penalties")
    ]
    plain = [_drop(connection, t, "at_us < ?", older_than_us) for t in ("notices", "samples")]
    return any((*finished, *plain))


def _vacuum(connection: sqlite3.Connection) -> bool:
    free = int(connection.execute("PRAGMA freelist_count").fetchone()[0])
    if free <= PAGES_A_STEP * 4:  # a little slack is cheaper than giving back and asking again
        return False
    connection.execute(f"PRAGMA incremental_vacuum({PAGES_A_STEP})").fetchall()
    return True
