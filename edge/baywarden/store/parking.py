"""Events that the broker refused for good, kept with their bytes until somebody releases them."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from baywarden.model.event import ParkedEvent, StoredEvent, Stream
from baywarden.ports.store import StoreDamaged, StoreFull
from baywarden.store.codec import check_sum, from_us, to_us
from baywarden.store.connect import transaction

MOST_PARKED: Final = 5_000
"""A broker that refuses so many refuses everything: what comes then waits in the outbox."""
_PARK: Final = """
    INSERT INTO parked (stream, epoch, seq, at_us, code, released, body, crc) VALUES (?, ?, ?, ?, ?, 0, ?, ?)
    ON CONFLICT (stream, epoch, seq) DO UPDATE SET code = excluded.code, released = 0"""
_IS: Final = "stream = ? AND epoch = ? AND seq = ?"


def park(connection: sqlite3.Connection, event: StoredEvent, code: int, at: datetime) -> None:
    """Keep it; one that is parked already is not released any more. Raises StoreFull."""
    key = (event.stream.value, event.epoch, event.seq)
    with transaction(connection):
        is_new = connection.execute(f"SELECT 1 FROM parked WHERE {_IS}", key).fetchone() is None
        if is_new and _count(connection) >= MOST_PARKED:
            raise StoreFull(f"{MOST_PARKED} events are parked: release some")
        connection.execute(_PARK, (*key, to_us(at), code, event.payload, check_sum(event.payload)))


def release(connection: sqlite3.Connection, stream: Stream, epoch: int, seq: int, *, give_up: bool) -> bool:
    """Mark it to be sent again, or forget it; False when it is not parked."""
    what = "DELETE FROM parked" if give_up else "UPDATE parked SET released = 1"
    with transaction(connection):
        return connection.execute(f"{what} WHERE {_IS}", (stream.value, epoch, seq)).rowcount > 0


def parked(connection: sqlite3.Connection, limit: int) -> tuple[Sequence[ParkedEvent], int]:
    """Some of them without their bytes, oldest first, and how many there are."""
    rows = connection.execute(
        "SELECT stream, epoch, seq, code, at_us, length(body), released FROM parked"
        " ORDER BY at_us, epoch, stream, seq LIMIT ?",
        (max(0, limit),),
    ).fetchall()
    found = [
        ParkedEvent(Stream(name), epoch, seq, code, from_us(at_us), size, bool(is_released))
        for name, epoch, seq, code, at_us, size, is_released in rows
    ]
    return found, _count(connection)


def released(connection: sqlite3.Connection, limit: int) -> Sequence[StoredEvent]:
    """Those to be sent again, oldest first. Raises StoreDamaged."""
    rows = connection.execute(
        "SELECT stream, epoch, seq, body, crc FROM parked WHERE released = 1"
        " ORDER BY at_us, epoch, stream, seq LIMIT ?",
        (max(0, limit),),
    ).fetchall()
    for name, epoch, seq, body, crc in rows:
        if check_sum(body) != crc:
            raise StoreDamaged(
                f"the parked event {epoch}-{seq} of {name} does not have its check sum any more"
            )
    return [StoredEvent(Stream(name), epoch, seq, body) for name, epoch, seq, body, _ in rows]


def _count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM parked").fetchone()[0])
