"""The numbers of the outgoing events: given without gaps, freed when the cloud has them.

An event's own row says that its number was given. A line of `streams` is written only when numbers are freed or
events are dropped, so a plain commit writes no page for it: the last number is the larger of what both say.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from baywarden.model.event import EventDraft, Stream, StreamHead
from baywarden.store.codec import check_sum, to_us
from baywarden.store.connect import transaction

_log: Final = logging.getLogger(__name__)

Render = Callable[[EventDraft, int, int, datetime], bytes]
"""(draft, epoch, seq, recorded_at) -> bytes to send; called on the writer's thread inside the transaction."""

FREED_AT_ONCE: Final = 200
"""Freed numbers ride on the next commit; this many get one of their own. Losing them only sends again."""

_HEAD: Final = """
    SELECT (SELECT last_seq FROM streams WHERE stream = ?1 AND epoch = ?2),
           (SELECT acked_seq FROM streams WHERE stream = ?1 AND epoch = ?2),
           (SELECT min(seq) FROM events WHERE stream = ?1 AND epoch = ?2),
           (SELECT max(seq) FROM events WHERE stream = ?1 AND epoch = ?2)"""
_GIVE: Final = "INSERT INTO events (stream, epoch, seq, at_us, body, crc) VALUES (?, ?, ?, ?, ?, ?)"
_LINE: Final = """
    INSERT INTO streams (stream, epoch, last_seq, acked_seq) VALUES (?, ?, ?, ?)
    ON CONFLICT (stream, epoch) DO UPDATE SET
      last_seq = max(last_seq, excluded.last_seq), acked_seq = max(acked_seq, excluded.acked_seq)"""


class Numbering:
    """The streams of one epoch."""

    def __init__(self, connection: sqlite3.Connection, epoch: int, render: Render) -> None:
        self.epoch = epoch
        self.heads = {stream: StreamHead(stream, epoch, 0, 0, 1) for stream in Stream}
        """Always the committed truth; any thread may read it."""
        self._connection = connection
        self._render = render
        self._lock = threading.Lock()
        self._unwritten: dict[Stream, int] = {}
        self._unwritten_count = 0
        self.reread()

    def reread(self) -> None:
        """Read where each stream stands."""
        by_cloud = {name for (name,) in self._connection.execute("SELECT stream FROM cloud_acks")}
        for stream in Stream:
            row = self._connection.execute(_HEAD, (stream.value, self.epoch)).fetchone()
            known, acked, oldest, newest = row
            last = max(known or 0, newest or 0)
            with self._lock:
                freed = max(acked or 0, self._unwritten.get(stream, 0))
                self.heads[stream] = StreamHead(
                    stream, self.epoch, last, freed, oldest or last + 1, stream.value in by_cloud
                )

    def give(self, drafts: Sequence[EventDraft], recorded_at: datetime, given: dict[Stream, int]) -> None:
        """Number, render and insert; `given` collects the last numbers until they are committed."""
        at_us, rows = to_us(recorded_at), []
        for draft in drafts:
            stream = draft.stream
            seq = given.get(stream, self.heads[stream].last_seq) + 1
            body = self._render(draft, self.epoch, seq, recorded_at)
            rows.append((stream.value, self.epoch, seq, at_us, body, check_sum(body)))
            given[stream] = seq
        self._connection.executemany(_GIVE, rows)

    def committed(self, given: dict[Stream, int]) -> None:
        """The transaction in which these numbers were given is durable."""
        with self._lock:
            for stream, seq in given.items():
                self.heads[stream] = replace(self.heads[stream], last_seq=seq)

    def freed(self, stream: Stream, seq: int) -> bool:
        """Remember, on any thread, that all up to `seq` has arrived; whether enough is remembered to write it."""
        with self._lock:
            head = self.heads[stream]
            last = head.last_seq
            if seq > last:
                _log.error("%s %d cannot have arrived, the last is %d: ignored", stream.value, seq, last)
            if not head.acked_seq < seq <= last:
                return False
            self._unwritten_count += seq - head.acked_seq
            self._unwritten[stream] = seq
            self.heads[stream] = replace(head, acked_seq=seq)
            return self._unwritten_count >= FREED_AT_ONCE

    def unwritten(self) -> dict[Stream, int]:
        """What is remembered and not written yet."""
        with self._lock:
            return dict(self._unwritten)

    def write(self, freed: dict[Stream, int]) -> None:
        """Write freed numbers, in a transaction of the caller's."""
        for stream, seq in freed.items():
            last = max(seq, self.heads[stream].last_seq)
            self._connection.execute(_LINE, (stream.value, self.epoch, last, seq))

    def written(self, freed: dict[Stream, int]) -> None:
        """That transaction is durable."""
        with self._lock:
            self._unwritten = {s: seq for s, seq in self._unwritten.items() if seq != freed.get(s)}
            self._unwritten_count = 0

    def freed_before(self, stream: Stream, epoch: int, seq: int) -> None:
        """All up to `seq` of an earlier epoch has arrived; written at once, they are few."""
        with transaction(self._connection):
            self._connection.execute(_LINE, (stream.value, epoch, seq, seq))

    def set_cloud_acks(self, stream: Stream, does: bool) -> None:
        """Whether the cloud itself acknowledges the stream; written at once, it changes once in years."""
        sql = (
            "INSERT OR IGNORE INTO cloud_acks VALUES (?)"
            if does
            else "DELETE FROM cloud_acks WHERE stream = ?"
        )
        with transaction(self._connection):
            self._connection.execute(sql, (stream.value,))
        with self._lock:
            self.heads[stream] = replace(self.heads[stream], cloud_acks=does)

    def drop(self, rowids: Sequence[int]) -> None:
        """Delete events, the numbers of which stay given."""
        with transaction(self._connection):
            for stream, head in self.heads.items():
                if head.last_seq:
                    self._connection.execute(_LINE, (stream.value, self.epoch, head.last_seq, 0))
            self._connection.executemany("DELETE FROM events WHERE rowid = ?", [(rowid,) for rowid in rowids])
        self.reread()
