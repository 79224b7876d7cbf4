"""The store as the rest of the daemon sees it: it awaits, threads do."""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Final, TypeVar

from baywarden.model.booking import Booking
from baywarden.model.command import Reply
from baywarden.model.event import ParkedEvent, StoredEvent, Stream, StreamHead
from baywarden.model.reading import EvseReading, MeterReading
from baywarden.model.session import Session
from baywarden.model.time import Now
from baywarden.ports.store import Batch, RecordPage, Saved, StoreDamaged, StoreError
from baywarden.store import parking, upkeep
from baywarden.store.backups import back_up
from baywarden.store.connect import at_the_rim, open_reader
from baywarden.store.files import Files, backup_at, lock, note_doubt
from baywarden.store.lane import Lane
from baywarden.store.numbering import Numbering, Render
from baywarden.store.reading import Reader
from baywarden.store.recovery import Found, Opening, find_ledger
from baywarden.store.telemetry import TelemetryFile
from baywarden.store.writing import Writer

_log: Final = logging.getLogger(__name__)

T = TypeVar("T")

MAX_BYTES: Final = 512 * 2**20
_LEDGER_SHARE: Final = 0.75
"""Of the most bytes; telemetry has the rest."""
_BACKUP_EVERY: Final = timedelta(hours=24)


def _utc() -> datetime:
    return datetime.now(UTC)


def open_store(
    folder: Path,
    *,
    render: Render,
    site_id: str,
    max_bytes: int = MAX_BYTES,
    keep_days: int = 30,
    utc: Callable[[], datetime] = _utc,
    uri_options: Mapping[str, str] | None = None,
) -> "Store":
    """Open, check and, where needed, mend or make the databases in `folder`; blocks for that long.

    `max_bytes` bounds both files together, `keep_days` is how long sent events stay for replay, `utc` gives
    the time of records, `uri_options` go into the ledger's SQLite address (a test's vfs). Raises StoreNewer,
    or StoreError when the folder is unusable or another daemon has it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        held = lock(folder)
    except OSError as error:
        raise StoreError(f"the store's folder {folder} cannot be used: {error}") from error
    files, ledger_bytes = Files(folder), int(max_bytes * _LEDGER_SHARE)
    opening = Opening(files, site_id, ledger_bytes, dict(uri_options or {}), utc)
    try:
        return Store(opening, held, render, keep_days=keep_days, telemetry_bytes=max_bytes - ledger_bytes)
    except BaseException:
        held.close()
        raise


class Store:
    """Ledger, Outbox and Telemetry of `ports.store`. Made by `open_store`."""

    def __init__(
        self, opening: Opening, held: IO[bytes], render: Render, *, keep_days: int, telemetry_bytes: int
    ) -> None:
        self._opening = opening
        self._held = held
        self._keep_days = keep_days
        self._lanes: list[Lane] = []
        self._closing: asyncio.Task[None] | None = None
        self._stopping = threading.Event()
        self._backup: asyncio.Future[Path] | None = None
        try:
            self._writing = self._lane("baywarden-writer")
            self._found = self._writing.run_and_wait(lambda: _find(opening))
            self._writer = self._writing.run_and_wait(lambda: _writer(self._found, render, opening))
            self._numbering = self._writer.numbering
            self._writing.commits_by(self._writer.commit_all)
            self._reading = self._lane("baywarden-reader")
            self._reader = self._reading.run_and_wait(lambda: _reader(opening))
            # What a command asks for has a thread of its own: it must not wait behind long pages of history.
            self._knowing = self._lane("baywarden-knower")
            self._knower = self._knowing.run_and_wait(lambda: _reader(opening))
            self._telemetry = TelemetryFile(opening.files, telemetry_bytes, opening.utc)
        except BaseException as error:
            for lane in self._lanes:
                lane.stop()
            if isinstance(error, sqlite3.Error | OSError):
                raise StoreError(f"the store in {opening.files.folder} cannot be opened: {error}") from error
            raise

    def _lane(self, name: str) -> Lane:
        lane = Lane(name)
        self._lanes.append(lane)
        return lane

    async def load(self) -> Saved:
        """What the last run left, with what the start found unusual."""
        evses, anchor, left_out = await self._read(self._reader.evses)
        tokens, not_whole = await self._read(self._reader.tokens)
        notes = (*self._found.notes, *self._telemetry.notes, *left_out, *not_whole)
        found = self._found
        return Saved(evses, anchor, found.epoch, notes, found.epoch_tag, found.as_of, tokens)

    async def commit(self, batch: Batch) -> None:
        """Write all of it durably. Raises StoreFull or StoreRefused, and then nothing was written."""
        await self._writing.commit(batch)

    async def answer(self, command_id: str) -> Reply | None:
        """The first answer to the command, for at least seven days."""
        return await self._know(lambda: self._knower.answer(command_id))

    async def booking(self, booking_id: str) -> Booking | None:
        """The booking, finished or not."""
        return await self._know(lambda: self._knower.booking(booking_id))

    async def session(self, session_id: str) -> Session | None:
        """The session, finished or not."""
        return await self._know(lambda: self._knower.session(session_id))

    async def history(
        self, what: str, *, after: str | None = None, limit: int = 100, where: Mapping[str, str] | None = None
    ) -> tuple[Sequence[Mapping[str, Any]], str | None]:
        """A page, newest first, and the cursor of the next one. Raises ValueError for a wrong question."""
        return await self._read(lambda: self._reader.page(what, after, limit, where or {}))

    async def records(self, what: str, after: str, limit: int, *, live_only: bool = False) -> RecordPage:
        """Whole bookings, sessions or penalties in the order of their ids."""
        return await self._read(lambda: self._reader.records(what, after, limit, live_only))

    async def heads(self) -> tuple[StreamHead, ...]:
        """Every stream of the present epoch."""
        return tuple(self._numbering.heads.values())

    async def pending(self, stream: Stream, after_seq: int, limit: int) -> Sequence[StoredEvent]:
        """Events of the stream with a larger number, in order, without those that are parked."""
        head = self._numbering.heads[stream]
        if after_seq >= head.last_seq:
            return ()
        return await self._read(lambda: self._reader.waiting(head, after_seq, limit))

    async def replay(
        self, stream: Stream, epoch: int, from_seq: int, to_seq: int, limit: int
    ) -> Sequence[StoredEvent]:
        """Events as they were first sent, byte for byte; those that left the ring are missing."""
        return await self._read(lambda: self._reader.events(stream, epoch, from_seq, to_seq, limit))

    async def freed(self, stream: Stream, seq: int) -> None:
        """All events of the stream up to `seq` have reached the cloud; they stay for replay."""
        if self._numbering.freed(stream, seq):
            await self._writing.run(self._writer.write_freed)

    async def set_cloud_acks(self, stream: Stream, does: bool) -> None:
        """Whether the cloud itself says what it has stored of the stream."""
        await self._write(lambda: self._numbering.set_cloud_acks(stream, does))

    async def park(self, event: StoredEvent, code: int) -> None:
        """Keep an event that the broker refused for good. Raises StoreFull."""
        writer, at = self._writer, self._opening.utc()
        await self._write(lambda: parking.park(writer.connection, event, code, at))

    async def parked(self, limit: int) -> tuple[Sequence[ParkedEvent], int]:
        """Some of those that are parked, oldest first, and how many there are."""
        return await self._know(lambda: parking.parked(self._knower.connection, limit))

    async def release(self, stream: Stream, epoch: int, seq: int, *, give_up: bool = False) -> bool:
        """Let a parked event be sent again, or never; False when it is not parked."""
        writer = self._writer
        return await self._write(
            lambda: parking.release(writer.connection, stream, epoch, seq, give_up=give_up)
        )

    async def released(self, limit: int) -> Sequence[StoredEvent]:
        """Parked events that are to be sent again."""
        return await self._read(lambda: parking.released(self._reader.connection, limit))

    async def unpark(self, event: StoredEvent) -> None:
        """The broker has taken a parked event after all."""
        await self.release(event.stream, event.epoch, event.seq, give_up=True)

    async def leftovers(self, limit: int) -> Sequence[StoredEvent]:
        """Events of earlier epochs that the cloud has not got."""
        return await self._read(lambda: self._reader.leftovers(self._found.epoch, limit))

    async def freed_leftover(self, event: StoredEvent) -> None:
        """The leftovers of that stream and epoch up to this one have reached the cloud."""
        await self._write(lambda: self._numbering.freed_before(event.stream, event.epoch, event.seq))

    async def keep(self, now: Now, evses: Sequence[EvseReading], meters: Sequence[MeterReading]) -> None:
        """Keep one reading a minute of each. Raises StoreError when a batch could not be written."""
        await self._telemetry.keep(now, evses, meters)

    async def readings(
        self, device_id: str, *, from_ms: int, to_ms: int, limit: int = 1440
    ) -> Sequence[Mapping[str, Any]]:
        """Kept readings of an outlet or meter, oldest first; times are milliseconds of UTC."""
        return await self._telemetry.readings(device_id, from_ms, to_ms, limit)

    async def tend(self, now: Now) -> None:
        """Prune, vacuum, check-point and back up, in steps that let commits pass. Raises StoreError only."""
        await self._telemetry.tend(now)
        writer = self._writer
        await self._write(
            lambda: upkeep.checkpoint(writer.connection, self._wal_bytes(), is_full=writer.full)
        )
        at = now.at if now.trusted else None
        for step in upkeep.steps(
            self._writer, at, keep_days=self._keep_days, max_bytes=self._opening.max_bytes
        ):
            for _ in range(upkeep.STEPS_A_TURN):
                if not await self._write(step):
                    break
        if at is not None and self._backup_is_due(at):
            await self._back_up(at)

    async def _back_up(self, at: datetime) -> None:
        opening, is_stopped = self._opening, self._stopping.is_set
        self._backup = asyncio.ensure_future(
            asyncio.to_thread(back_up, opening.files, at, opening.options, is_stopped)
        )
        await asyncio.shield(self._backup)

    def stats(self) -> Mapping[str, Any]:
        """Sizes in bytes, SQLite's version, the last trouble: plain JSON for `status`."""
        files = self._opening.files
        newest = next(iter(files.backups()), None)
        return {
            "epoch": self._found.epoch,
            "epoch_tag": self._found.epoch_tag,
            "ledger_bytes": _size(files.ledger),
            "wal_bytes": self._wal_bytes(),
            "telemetry_bytes": _size(files.telemetry),
            "telemetry_lost_rows": self._telemetry.lost_rows,
            "backup_at": backup_at(newest).isoformat().replace("+00:00", "Z") if newest else None,
            "sqlite": sqlite3.sqlite_version,
            "full": self._writer.full,
            "last_error": self._writer.last_error or None,
        }

    async def close(self) -> None:
        """Finish what was asked, empty the log into the database and end the threads."""
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        self._stopping.set()
        async with AsyncExitStack() as last_first:  # each is done, whatever another raises
            last_first.callback(self._held.close)
            for lane in self._lanes:
                last_first.callback(lane.stop)
            last_first.push_async_callback(self._writing.run, self._finish)
            last_first.push_async_callback(self._reading.run, self._reader.connection.close)
            last_first.push_async_callback(self._knowing.run, self._knower.connection.close)
            last_first.push_async_callback(self._telemetry.close)
            if self._backup is not None:
                with suppress(StoreError):
                    await self._backup

    def _finish(self) -> None:
        try:
            self._writer.write_freed()
            with suppress(sqlite3.Error):  # a full disk: the log stays and is read at the next start
                self._writer.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            self._writer.connection.close()

    async def _read(self, work: Callable[[], T]) -> T:
        return await self._reading.run(lambda: _rimmed(work))

    async def _know(self, work: Callable[[], T]) -> T:
        return await self._knowing.run(lambda: _rimmed(work))

    async def _write(self, work: Callable[[], T]) -> T:
        return await self._writing.run(lambda: self._writer.perform(work))

    def _backup_is_due(self, at: datetime) -> bool:
        with at_the_rim():
            newest = next(iter(self._opening.files.backups()), None)
        return newest is None or not timedelta(0) <= at - backup_at(newest) < _BACKUP_EVERY

    def _wal_bytes(self) -> int:
        ledger = self._opening.files.ledger
        return _size(ledger.with_name(ledger.name + "-wal"))


def _find(opening: Opening) -> Found:
    with at_the_rim():
        return find_ledger(opening)


def _writer(found: Found, render: Render, opening: Opening) -> Writer:
    with at_the_rim():
        numbering = Numbering(found.connection, found.epoch, render)
        return Writer(found.connection, numbering, opening.utc, lambda damage: _doubt(opening.files, damage))


def _reader(opening: Opening) -> Reader:
    return Reader(open_reader(opening.files.ledger, opening.options))


def _doubt(files: Files, damage: StoreDamaged) -> None:
    """See to it that the next start mends the ledger even if its check finds nothing wrong."""
    try:
        note_doubt(files.doubt, str(damage))
    except OSError as error:
        _log.error("the ledger is damaged, and the next start cannot be told: %s", error)


def _rimmed(work: Callable[[], T]) -> T:
    with at_the_rim():
        return work()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
