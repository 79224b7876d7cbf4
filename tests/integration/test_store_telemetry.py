"""Readings that are kept, each minute, apart from the ledger."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from baywarden.model.reading import Contact, EvseReading, MeterReading
from baywarden.ports.store import Batch, StoreError
from baywarden.store.files import Files
from support.books import AT, booking, now, open_books


async def test_one_reading_a_minute_is_kept_and_a_silent_device_has_no_values(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    heard = EvseReading("bay-1", Contact.OK, power_w=7_000, current_ma=(10_000, None, 0), limit_ma=16_000)
    for second in range(0, 200, 20):
        moment = now(AT + timedelta(seconds=second))
        silent = MeterReading("grid", Contact.SILENT, power_w=5)
        await store.keep(moment, [replace(heard, power_w=7_000 + second)], [silent])
    await store.tend(now(AT + timedelta(seconds=200)))
    start = int(AT.timestamp() * 1000)
    rows = await store.readings("bay-1", from_ms=start, to_ms=start + 3_600_000)
    assert [(row["at_ms"] - start, row["power_w"]) for row in rows] == [
        (0, 7_040), (60_000, 7_100), (120_000, 7_160), (180_000, 7_180),
    ]  # fmt: skip
    assert (rows[0]["l1_ma"], rows[0]["l2_ma"], rows[0]["l3_ma"]) == (10_000, None, 0)
    (grid, *_) = await store.readings("grid", from_ms=start, to_ms=start + 60_000)
    assert (grid["contact"], grid["power_w"]) == ("silent", None)
    await store.close()


async def test_a_wild_value_is_unknown_and_costs_no_other_reading(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    wild = [cast("int", value) for value in (10**30, -(10**30), 2**63, 1e30, float("inf"), float("nan"))]
    bad = [
        MeterReading(f"bad-{n}", Contact.OK, power_w=w, energy_wh=w, current_ma=(w, 1, None))
        for n, w in enumerate(wild)
    ]
    for reading in bad:
        await store.keep(now(), [], [reading, MeterReading("good", Contact.OK, power_w=5)])
        await store.tend(now(AT + timedelta(seconds=1)))
        (row,) = await store.readings("good", from_ms=0, to_ms=2**60)
        assert row["power_w"] == 5
        (row,) = await store.readings(reading.meter_id, from_ms=0, to_ms=2**60)
        assert [row[n] for n in ("power_w", "energy_wh", "l1_ma", "l2_ma", "l3_ma")] == [None] * 3 + [1, None]
    assert store.stats()["telemetry_lost_rows"] == 0
    await store.close()


async def test_readings_that_cannot_be_written_are_counted_and_do_not_hinder_the_close(
    tmp_path: Path,
) -> None:
    store = open_books(tmp_path)
    unfit = MeterReading("\ud800", Contact.OK, power_w=5)  # half a character: no text that SQLite could take
    await store.keep(now(), [], [unfit])
    with pytest.raises(StoreError, match="the readings could not be written"):
        await store.keep(now(AT + timedelta(minutes=2)), [], [unfit])
    assert store.stats()["telemetry_lost_rows"] == 2
    await store.keep(now(AT + timedelta(minutes=3)), [], [unfit])
    await store.commit(Batch(bookings=(booking(),)))
    await store.close()
    assert store.stats()["telemetry_lost_rows"] == 3
    assert not Files(tmp_path).ledger.with_name("ledger.db-wal").exists()
    again = open_books(tmp_path)
    await again.close()
