"""What is read: the live state at a start, answers, pages, events; all in short transactions."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from baywarden.model.booking import Booking
from baywarden.model.command import Reply
from baywarden.model.event import StoredEvent, Stream, StreamHead
from baywarden.model.evse import Availability, EvseState, EvseStatus
from baywarden.model.overstay import Penalty
from baywarden.model.session import Session
from baywarden.model.site import Anchor
from baywarden.model.token import TokenList
from baywarden.ports.store import RecordPage, StoreDamaged
from baywarden.store.codec import check_sum
from baywarden.store.tables import BOOKINGS, EVSES, PAGED, PENALTIES, SESSIONS, Table, intact
from baywarden.store.tokens import read_list

T = TypeVar("T")

MOST_ROWS: Final = 500
"""The longest page; a long read would stop the log from shrinking."""
_SNAPSHOT: Final[Mapping[str, Table[Any]]] = {t.name: t for t in (BOOKINGS, SESSIONS, PENALTIES)}


class Reader:
    """Asks a connection that cannot write."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def evses(self) -> tuple[tuple[EvseState, ...], Anchor | None, list[str]]:
        """The outlets as last committed, the clocks' anchor, and a sentence for each row left out."""
        notes: list[str] = []
        bare = {evse.evse_id: evse for evse in self._rows(EVSES, "", notes)}
        live = " WHERE live = 1 ORDER BY at_us, id"
        bookings: dict[str, list[Booking]] = {}
        for booking in self._rows(BOOKINGS, live, notes):
            bookings.setdefault(booking.evse_id, []).append(booking)
        sessions = {session.evse_id: session for session in self._rows(SESSIONS, live, notes)}
        penalties = {penalty.session_id: penalty for penalty in self._rows(PENALTIES, live, notes)}
        ids = sorted({*bare, *bookings, *sessions})
        found = tuple(_whole(i, bare.get(i), bookings.get(i, ()), sessions.get(i), penalties) for i in ids)
        return found, self._anchor(notes), notes

    def tokens(self) -> tuple[TokenList, list[str]]:
        """The list of tokens as last committed, and a sentence when it is not whole."""
        notes: list[str] = []
        return read_list(self.connection, notes), notes

    def answer(self, command_id: str) -> Reply | None:
        """The first answer to the command."""
        return self._one(Reply, "SELECT body, crc FROM commands WHERE id = ?", command_id)

    def booking(self, booking_id: str) -> Booking | None:
        """The booking, finished or not."""
        return self._one(Booking, "SELECT body, crc FROM bookings WHERE id = ?", booking_id)

    def session(self, session_id: str) -> Session | None:
        """The session, finished or not."""
        return self._one(Session, "SELECT body, crc FROM sessions WHERE id = ?", session_id)

    def events(self, stream: Stream, epoch: int, first: int, last: int, limit: int) -> Sequence[StoredEvent]:
        """Stored events with `first` <= seq <= `last`, in order. Raises StoreDamaged."""
        rows = self.connection.execute(
            "SELECT seq, body, crc FROM events WHERE stream = ? AND epoch = ? AND seq BETWEEN ? AND ?"
            " ORDER BY seq LIMIT ?",
            (stream.value, epoch, first, last, max(0, limit)),
        ).fetchall()
        return [_event(stream, epoch, *row) for row in rows]

    def waiting(self, head: StreamHead, after: int, limit: int) -> Sequence[StoredEvent]:
        """Stored events with a number above `after` that are not parked, in order. Raises StoreDamaged."""
        rows = self.connection.execute(
            "SELECT seq, body, crc FROM events e WHERE stream = ?1 AND epoch = ?2 AND seq > ?3 AND seq <= ?4"
            " AND NOT EXISTS (SELECT 1 FROM parked p WHERE p.stream = ?1 AND p.epoch = ?2 AND p.seq = e.seq)"
            " ORDER BY seq LIMIT ?5",
            (head.stream.value, head.epoch, after, head.last_seq, max(0, limit)),
        ).fetchall()
        return [_event(head.stream, head.epoch, *row) for row in rows]

    def leftovers(self, epoch: int, limit: int) -> Sequence[StoredEvent]:
        """Events of epochs before `epoch` that were not freed."""
        rows = self.connection.execute(
            "SELECT e.stream, e.epoch, e.seq, e.body, e.crc FROM events e"
            " LEFT JOIN streams s USING (stream, epoch)"
            " WHERE e.epoch < ? AND e.seq > ifnull(s.acked_seq, 0) AND NOT EXISTS (SELECT 1 FROM parked p"
            " WHERE p.stream = e.stream AND p.epoch = e.epoch AND p.seq = e.seq)"
            " ORDER BY e.epoch, e.stream, e.seq LIMIT ?",
            (epoch, max(0, limit)),
        ).fetchall()
        return [_event(Stream(name), *rest) for name, *rest in rows]

    def page(
        self, what: str, after: str | None, limit: int, where: Mapping[str, str]
    ) -> tuple[Sequence[Mapping[str, Any]], str | None]:
        """A page, newest first, and the cursor of the next one. Raises ValueError for a wrong question."""
        table = PAGED.get(what)
        if table is None:
            raise ValueError(f"there is no history of {what!r}: ask for {', '.join(PAGED)}")
        if unknown := set(where) - set(table.columns):
            raise ValueError(
                f"{what} are not found by {', '.join(sorted(unknown))}: use {', '.join(table.columns)}"
            )
        conditions = [f"{column} = ?" for column in where]
        values: list[str | int] = list(where.values())
        if after is not None:
            conditions.append("(at_us, id) < (?, ?)")
            values += _cursor(after)
        limit = min(max(1, limit), MOST_ROWS)
        sql = f"SELECT at_us, id, body, crc FROM {table.name}"
        sql += f" WHERE {' AND '.join(conditions)}" if conditions else ""
        sql += " ORDER BY at_us DESC, id DESC LIMIT ?"
        rows = self.connection.execute(sql, (*values, limit + 1)).fetchall()
        more = f"{rows[limit - 1][0]}/{rows[limit - 1][1]}" if len(rows) > limit else None
        return [_shown(key, body, crc) for _, key, body, crc in rows[:limit]], more

    def records(self, what: str, after: str, limit: int, live_only: bool) -> RecordPage:
        """Whole records by id. Raises KeyError for a table that has no such page."""
        table = _SNAPSHOT[what]
        live = " AND live = 1" if live_only else ""
        rows = self.connection.execute(
            f"SELECT id, body, crc FROM {table.name} WHERE id > ?{live} ORDER BY id LIMIT ?",
            (after, limit + 1),
        ).fetchall()
        found, damaged = [], []
        for key, body, crc in rows[:limit]:
            try:
                found.append(table.record(body, crc))
            except StoreDamaged:
                damaged.append(key)
        return RecordPage(tuple(found), tuple(damaged), rows[limit - 1][0] if len(rows) > limit else None)

    def _rows(self, table: Table[T], rest: str, notes: list[str]) -> Iterable[T]:
        for key, body, crc in self.connection.execute(
            f"SELECT id, body, crc FROM {table.name}{rest}"
        ).fetchall():
            try:
                yield table.record(body, crc)
            except StoreDamaged as error:
                notes.append(f"{table.name}: {key} was left out: {error}")

    def _anchor(self, notes: list[str]) -> Anchor | None:
        try:
            row = self.connection.execute("SELECT body, crc FROM anchor").fetchone()
            return None if row is None else intact(Anchor, *row)
        except StoreDamaged as error:
            notes.append(f"the last look at the clocks was left out: {error}")
            return None

    def _one(self, model: type[T], sql: str, key: str) -> T | None:
        row = self.connection.execute(sql, (key,)).fetchone()
        return None if row is None else intact(model, *row)


def _whole(
    evse_id: str,
    evse: EvseState | None,
    bookings: Sequence[Booking],
    session: Session | None,
    penalties: Mapping[str | None, Penalty],
) -> EvseState:
    if evse is None:  # its row is lost, its promises are not
        known_at = session.started_at if session is not None else bookings[0].changed_at
        status = EvseStatus(evse_id, Availability.UNKNOWN, "not_polled", known_at, "its last status is lost")
        evse = EvseState(evse_id, status)
    penalty = penalties.get(session.id) if session is not None else None
    return replace(evse, bookings=tuple(bookings), session=session, penalty=penalty)


def _event(stream: Stream, epoch: int, seq: int, body: bytes, crc: int) -> StoredEvent:
    if check_sum(body) != crc:
        raise StoreDamaged(f"event {epoch}-{seq} of {stream.value} does not have its check sum any more")
    return StoredEvent(stream, epoch, seq, body)


def _shown(key: str, body: str, crc: int) -> Mapping[str, Any]:
    if check_sum(body.encode()) != crc:
        return {"id": key, "damaged": True}
    shown: dict[str, Any] = json.loads(body)
    return shown


def _cursor(after: str) -> tuple[int, str]:
    at_us, _, key = after.partition("/")
    try:
        return int(at_us), key
    except ValueError:
        raise ValueError(f"{after!r} is not the cursor of a page") from None
