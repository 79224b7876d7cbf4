"""The writer: batches become transactions, all of one or nothing. Lives on the writer's thread."""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from baywarden.model.command import Command, Reply
from baywarden.model.event import Stream
from baywarden.model.site import Anchor
from baywarden.ports.store import Batch, StoreDamaged, StoreError, StoreFull, StoreRefused
from baywarden.store.codec import check_sum, encode, to_us
from baywarden.store.connect import at_the_rim, transaction, translated
from baywarden.store.numbering import Numbering
from baywarden.store.tables import BOOKINGS, EVSES, NOTICES, PENALTIES, SAMPLES, SESSIONS, Table, bare
from baywarden.store.tokens import write_change

T = TypeVar("T")

_ANSWER: Final = """
    INSERT INTO commands (id, at_us, name, door, body, crc) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"""
_ANCHOR: Final = """
    INSERT INTO anchor (one, body, crc) VALUES (1, ?, ?)
    ON CONFLICT (one) DO UPDATE SET body = excluded.body, crc = excluded.crc"""


class Writer:
    """Owns the one connection that writes."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        numbering: Numbering,
        utc: Callable[[], datetime],
        doubt: Callable[[StoreDamaged], None] = lambda damage: None,
    ) -> None:
        self.connection = connection
        self.numbering = numbering
        self.last_error = ""
        self.full = False
        self._utc = utc
        self._doubt = doubt

    def commit_all(self, batches: Sequence[Batch]) -> Sequence[Exception | None]:
        """One transaction for all; if that fails, one for each, so that everybody learns his own outcome."""
        try:
            self._transact(batches)
        except Exception as error:  # noqa: BLE001 (each belongs to a caller)
            if len(batches) > 1:
                return [self.commit_all([batch])[0] for batch in batches]
            return [self._noted(error)]
        self.full, self.last_error = False, ""
        return [None] * len(batches)

    def perform(self, work: Callable[[], T]) -> T:
        """Do `work` on the connection. Raises StoreError."""
        try:
            with at_the_rim():
                return work()
        except StoreDamaged as damage:
            self._doubt(damage)
            raise

    def write_freed(self) -> bool:
        """Write the freed numbers; False: all is done. A refusing disk only costs sending again."""
        if self.numbering.unwritten():
            try:
                self._transact(())
            except sqlite3.Error as error:
                self._noted(error)
        return False

    def _transact(self, batches: Sequence[Batch]) -> None:
        given: dict[Stream, int] = {}
        freed = self.numbering.unwritten()
        with transaction(self.connection):
            for batch in batches:
                self._write(batch, given)
            self.numbering.write(freed)
        self.numbering.committed(given)
        self.numbering.written(freed)

    def _write(self, batch: Batch, given: dict[Stream, int]) -> None:
        drafts = batch.drafts
        if batch.notices:
            known = self._known_notices(batch)
            drafts = tuple(
                d for d in drafts if d.stream is not Stream.NOTICE or d.data.get("key") not in known
            )
        self._put(EVSES, [bare(evse) for evse in batch.evses])
        self._put(BOOKINGS, batch.bookings)
        self._put(SESSIONS, batch.sessions)
        self._put(PENALTIES, batch.penalties)
        self._put(NOTICES, batch.notices)
        self._put(SAMPLES, batch.samples)
        for change in batch.token_changes:
            write_change(self.connection, change)
        if drafts:
            self.numbering.give(drafts, self._utc(), given)
        if batch.answered is not None:
            self._put_answer(*batch.answered)
        if batch.anchor is not None:
            self._put_anchor(batch.anchor)

    def _put(self, table: Table[Any], records: Sequence[Any]) -> None:
        for record in records:
            self.connection.execute(table.upsert, table.row(record))

    def _put_answer(self, command: Command, reply: Reply) -> None:
        body, at_us = encode(reply), to_us(self._utc())
        row = (command.id, at_us, command.name, command.door.value, body.decode(), check_sum(body))
        self.connection.execute(_ANSWER, row)

    def _put_anchor(self, anchor: Anchor) -> None:
        body = encode(anchor)
        self.connection.execute(_ANCHOR, (body.decode(), check_sum(body)))

    def _known_notices(self, batch: Batch) -> set[str]:
        """Keys that were raised before: neither notice nor event is written again."""
        found = (
            self.connection.execute("SELECT id FROM notices WHERE id = ?", (notice.key,)).fetchone()
            for notice in batch.notices
        )
        return {row[0] for row in found if row is not None}

    def _noted(self, error: Exception) -> Exception:
        if isinstance(error, sqlite3.IntegrityError):
            return StoreRefused(f"{error}: nothing of the batch was written")
        if not isinstance(error, sqlite3.Error):
            return error
        translation: StoreError = translated(error)
        translation.__cause__ = error
        self.full, self.last_error = isinstance(translation, StoreFull), str(translation)
        if isinstance(translation, StoreDamaged):
            self._doubt(translation)
        return translation
