"""telemetry.db: a reading a minute of everything, in batches; a power cut may cost the last batch."""

import logging
import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from baywarden.model.reading import Contact, EvseReading, MeterReading
from baywarden.model.time import Now
from baywarden.ports.store import StoreDamaged, StoreError, StoreNewer
from baywarden.store.connect import at_the_rim, open_writer, transaction, translated
from baywarden.store.files import Files, set_aside
from baywarden.store.lane import Lane
from baywarden.store.schema import TELEMETRY, migrate

_log: Final = logging.getLogger(__name__)

KEPT: Final = timedelta(days=30)
BATCH_MS: Final = 60_000
_ROWS_A_STEP: Final = 2000
_THINNED_AT: Final = 0.8
_ROOM_WANTED: Final = 32 * 2**20
"""With less free on the disk telemetry gives way: the ledger needs it."""

_LARGEST: Final = 2**63 - 1
"""What SQLite can hold; a float register with a wild bit gives far more."""

Row = tuple[str, int, str, str, int | None, int | None, int | None, int | None, int | None, int | None]


class TelemetryFile:
    """Buffers readings and writes them once a minute on a thread of its own."""

    def __init__(self, files: Files, max_bytes: int, utc: Callable[[], datetime]) -> None:
        self._files = files
        self._max_bytes = max_bytes
        self._lane = Lane("baywarden-telemetry")
        self._rows: dict[tuple[str, int], Row] = {}
        self._first_mono_ms: int | None = None
        self.lost_rows = 0
        self.notes: list[str] = []
        self._connection: sqlite3.Connection | None = None
        self._lane.run_and_wait(lambda: self._begin(utc()))

    async def keep(self, now: Now, evses: Sequence[EvseReading], meters: Sequence[MeterReading]) -> None:
        """Buffer the readings; the newest of a minute wins. Raises StoreError when a batch is lost."""
        at_ms = int(now.at.timestamp()) // 60 * 60_000
        for row in (
            *(_row("evse", e.evse_id, at_ms, e) for e in evses),
            *(_row("meter", m.meter_id, at_ms, m) for m in meters),
        ):
            self._rows[row[0], at_ms] = row
        if self._first_mono_ms is None:
            self._first_mono_ms = now.mono_ms
        if now.mono_ms - self._first_mono_ms >= BATCH_MS:
            await self.flush()

    async def flush(self) -> None:
        """Write what is buffered. What cannot be written is lost, and counted. Raises StoreError."""
        rows, self._rows, self._first_mono_ms = list(self._rows.values()), {}, None
        if rows:
            try:
                await self._lane.run(lambda: self._write(rows))
            except Exception as error:
                self.lost_rows += len(rows)
                if isinstance(error, StoreError):
                    raise
                raise StoreError(f"the readings could not be written: {error!r}") from error

    async def readings(
        self, device_id: str, from_ms: int, to_ms: int, limit: int
    ) -> Sequence[Mapping[str, Any]]:
        """What was written of a device from `from_ms` up to before `to_ms` (UTC), oldest first."""
        return await self._lane.run(lambda: self._read(device_id, from_ms, to_ms, limit))

    async def tend(self, now: Now) -> None:
        """Drop what is old, and the oldest when room is short. Its troubles never stop the ledger's upkeep."""
        cutoff_ms = int((now.at - KEPT).timestamp() * 1000) if now.trusted else 0
        try:
            await self.flush()
            while await self._lane.run(lambda: self._prune(cutoff_ms)):
                pass
        except StoreError as error:
            _log.warning("the telemetry could not be tended: %s", error)

    async def close(self) -> None:
        """Write what is buffered and end the thread, whatever becomes of the last readings."""
        try:
            await self.flush()
        except StoreError as error:
            _log.warning("the last readings are not kept: %s", error)
        try:
            await self._lane.run(self._end)
        finally:
            self._lane.stop()

    def _begin(self, at: datetime) -> None:
        """Open the file, or a new one beside a damaged one; a disk that refuses does not stop the start."""
        try:
            self._connection = self._connect()
        except (sqlite3.DatabaseError, StoreError) as error:
            trouble = translated(error) if isinstance(error, sqlite3.Error) else error
            if not isinstance(trouble, StoreDamaged | StoreNewer):
                self.notes.append(f"the telemetry cannot be opened yet: {trouble}")
                return
            aside = set_aside(self._files.telemetry, at)
            kept = f"; the old file is kept as {aside.name}" if aside else ""
            self.notes.append(f"the telemetry could not be used ({error}) and begins anew{kept}")
            self._connection = self._connect()

    def _end(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        connection = open_writer(self._files.telemetry, synchronous="NORMAL", max_bytes=self._max_bytes)
        try:
            migrate(connection, "baywarden.telemetry", TELEMETRY)
            connection.execute("SELECT * FROM readings LIMIT 1").fetchall()
        except BaseException:
            connection.close()
            raise
        return connection

    def _write(self, rows: Sequence[Row]) -> None:
        with at_the_rim(), transaction(self._opened()):
            self._opened().executemany(
                "INSERT OR REPLACE INTO readings (device_id, at_ms, kind, contact, power_w, energy_wh,"
                " l1_ma, l2_ma, l3_ma, limit_ma) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def _read(self, device_id: str, from_ms: int, to_ms: int, limit: int) -> Sequence[Mapping[str, Any]]:
        with at_the_rim():
            cursor = self._opened().execute(
                "SELECT * FROM readings WHERE device_id = ? AND at_ms >= ? AND at_ms < ?"
                " ORDER BY at_ms LIMIT ?",
                (device_id, from_ms, to_ms, limit),
            )
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _prune(self, cutoff_ms: int) -> bool:
        with at_the_rim():
            short = self._is_short()
            oldest = "SELECT device_id, at_ms FROM readings{} ORDER BY at_ms LIMIT ?"
            condition = "" if short else f" WHERE at_ms < {cutoff_ms}"
            with transaction(self._opened()):
                gone = (
                    self._opened()
                    .execute(
                        f"DELETE FROM readings WHERE (device_id, at_ms) IN ({oldest.format(condition)})",
                        (_ROWS_A_STEP,),
                    )
                    .rowcount
                )
            self._opened().execute("PRAGMA incremental_vacuum(256)").fetchall()
            if short:  # give the pages back to the disk at once
                self._opened().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return bool(gone == _ROWS_A_STEP)

    def _is_short(self) -> bool:
        pages, free = (
            self._opened().execute(f"PRAGMA {n}").fetchone()[0] for n in ("page_count", "freelist_count")
        )
        if (pages - free) * 4096 > self._max_bytes * _THINNED_AT:
            return True
        return shutil.disk_usage(self._files.folder).free < _ROOM_WANTED


def _row(kind: str, device_id: str, at_ms: int, reading: EvseReading | MeterReading) -> Row:
    # A device that is not heard has no values: what it said last would look fresh.
    if reading.contact is not Contact.OK:
        return (device_id, at_ms, kind, reading.contact.value, None, None, None, None, None, None)
    limit_ma = reading.limit_ma if isinstance(reading, EvseReading) else None
    return (
        device_id,
        at_ms,
        kind,
        reading.contact.value,
        _kept(reading.power_w),
        _kept(reading.energy_wh),
        *(_kept(current_ma) for current_ma in reading.current_ma),
        _kept(limit_ma),
    )


def _kept(value: float | None) -> int | None:
    """The value if it can be written; one that cannot is unknown. (NaN compares as False.)"""
    return int(value) if value is not None and -_LARGEST <= value <= _LARGEST else None
