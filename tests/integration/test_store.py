"""The store on real files, as the services use it."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baywarden.model.booking import Booking, BookingStatus
from baywarden.model.command import CancelBooking, Command, Door, Reply, Result
from baywarden.model.event import Stream, StreamHead
from baywarden.model.overstay import PenaltyStatus
from baywarden.model.reading import Contact, EvseReading, MeterReading
from baywarden.model.session import MeterContext, MeterSample, Session, SessionStatus
from baywarden.model.site import Anchor
from baywarden.ports.store import (
    Batch,
    Ledger,
    Leftovers,
    Outbox,
    StoreError,
    StoreRefused,
    Telemetry,
    Upkeep,
)
from baywarden.store import Store
from baywarden.store.files import Files, backup_at
from support.books import AT, booking, draft, evse, notice, now, open_books, penalty, session
from support.made_up import made_up

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def head(store: Store, stream: Stream) -> StreamHead:
    return next(head for head in await store.heads() if head.stream is stream)


async def test_a_start_finds_outlets_with_their_live_bookings_session_and_penalty(tmp_path: Path) -> None:
    late, early = booking("b-2", start_at=AT + 2 * HOUR, end_at=AT + 3 * HOUR), booking("b-1")
    anchor = Anchor("boot-1", 5_000, AT, trusted=True)
    saved_bay = evse(wake_at=AT + HOUR, raised=frozenset({"b-1/HOLD_BEGINS"}))
    store = open_books(tmp_path)
    await store.commit(
        Batch(
            evses=(replace(saved_bay, bookings=(early,)), evse("bay-2")),
            bookings=(late, early, booking("b-0", status=BookingStatus.CANCELED)),
            sessions=(
                session(),
                session("s-0", status=SessionStatus.COMPLETED),
                session("s-2", evse_id="bay-2"),
            ),
            penalties=(penalty(), penalty("p-0", status=PenaltyStatus.FINAL)),
            anchor=anchor,
        )
    )
    await store.close()
    store = open_books(tmp_path)
    saved = await store.load()
    await store.close()
    assert saved.evses == (
        replace(saved_bay, bookings=(early, late), session=session(), penalty=penalty()),
        evse("bay-2", session=session("s-2", evse_id="bay-2")),
    )
    assert (saved.anchor, saved.epoch, saved.notes, saved.as_of) == (anchor, 1, (), None)
    assert len(saved.epoch_tag) == 16


async def test_a_store_is_all_that_the_services_ask_for(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    as_ledger: Ledger = store
    as_outbox: Outbox = store
    as_telemetry: Telemetry = store
    as_leftovers: Leftovers = store
    as_upkeep: Upkeep = store
    assert as_ledger is as_outbox is as_telemetry is as_leftovers is as_upkeep
    await store.close()


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(records=st.lists(st.tuples(made_up(Booking), made_up(Session)), min_size=1, max_size=3))
def test_any_booking_and_session_comes_back_equal(
    tmp_path_factory: pytest.TempPathFactory, records: list[tuple[Booking, Session]]
) -> None:
    async def there_and_back() -> None:
        store = open_books(tmp_path_factory.mktemp("books"))
        for kept, running in records:
            await store.commit(Batch(bookings=(kept,), sessions=(running,)))
            assert await store.booking(kept.id) == kept
            assert await store.session(running.id) == running
        await store.close()

    asyncio.run(there_and_back())


async def test_state_and_events_are_written_together_or_not_at_all(tmp_path: Path) -> None:
    def render(draft: object, epoch: int, seq: int, recorded_at: datetime) -> bytes:
        if seq == 3:
            raise RuntimeError("cannot be rendered")
        return b"event"

    store = open_books(tmp_path, render=render)
    with pytest.raises(RuntimeError, match="cannot be rendered"):
        await store.commit(Batch(bookings=(booking(),), drafts=(draft(), draft(), draft())))
    assert await store.booking("b-1") is None
    assert (await head(store, Stream.BOOKING)).last_seq == 0
    await store.commit(Batch(bookings=(booking(),), drafts=(draft(), draft())))
    assert await store.booking("b-1") == booking()
    assert (await head(store, Stream.BOOKING)).last_seq == 2
    await store.close()


async def test_commits_that_wait_together_fail_alone(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    final = penalty(status=PenaltyStatus.FINAL)
    await store.commit(Batch(penalties=(final,)))
    good = [Batch(bookings=(booking(f"b-{n}"),), drafts=(draft(),)) for n in range(10)]
    bad = Batch(penalties=(replace(final, amount_minor=1),), drafts=(draft(),))
    outcomes = await asyncio.gather(
        *(store.commit(b) for b in [*good[:5], bad, *good[5:]]), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [type(None)] * 5 + [StoreRefused] + [type(None)] * 5
    assert (await head(store, Stream.BOOKING)).last_seq == 10
    assert len((await store.history("bookings"))[0]) == 10
    await store.close()


async def test_a_final_penalty_may_be_said_again_but_never_changed(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    final = penalty(status=PenaltyStatus.FINAL, amount_minor=500, rev=2)
    await store.commit(Batch(penalties=(penalty(),)))
    await store.commit(Batch(penalties=(final,)))
    await store.commit(Batch(penalties=(final,)))
    with pytest.raises(StoreRefused, match="a final penalty never changes: nothing of the batch was written"):
        await store.commit(Batch(bookings=(booking(),), penalties=(replace(final, amount_minor=499),)))
    assert await store.booking("b-1") is None
    (page,), _ = await store.history("penalties")
    assert page["amount_minor"] == 500
    await store.close()


async def test_a_notice_is_kept_and_told_once_for_all_time(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    first, told = notice(), draft(Stream.NOTICE, key=notice().key)
    await store.commit(Batch(notices=(first,), drafts=(told,)))
    await store.close()
    store = open_books(tmp_path)
    other = notice("b-9/HOLD_BEGINS")
    await store.commit(
        Batch(
            notices=(replace(first, text="said again"), other),
            drafts=(told, draft(Stream.NOTICE, key=other.key), draft()),
        )
    )
    assert (await head(store, Stream.NOTICE)).last_seq == 2
    assert (await head(store, Stream.BOOKING)).last_seq == 1
    pages, _ = await store.history("notices")
    assert {page["key"]: page["text"] for page in pages} == {first.key: first.text, other.key: other.text}
    await store.close()


async def test_a_command_has_one_answer_for_seven_days(tmp_path: Path) -> None:
    moment = AT
    store = open_books(tmp_path, utc=lambda: moment)
    command = Command("c-1", "booking.cancel", CancelBooking("b-1"), Door.CLOUD)
    reply = Reply("c-1", Result.ACCEPTED, rev=3, data=MappingProxyType({"slots": [1, 2]}))
    assert await store.answer("c-1") is None
    await store.commit(Batch(answered=(command, reply)))
    await store.commit(Batch(answered=(command, Reply("c-1", Result.FAILED))))
    assert await store.answer("c-1") == replace(reply, data={"slots": [1, 2]})
    await store.tend(now(AT + 7 * DAY - HOUR))
    assert await store.answer("c-1") is not None
    await store.tend(now(AT + 8 * DAY, trusted=False))
    assert await store.answer("c-1") is not None, "a clock in doubt must not make anything old"
    await store.tend(now(AT + 8 * DAY))
    assert await store.answer("c-1") is None
    await store.close()


async def test_events_wait_in_order_and_are_replayed_byte_for_byte(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    for n in range(5):
        await store.commit(Batch(drafts=(draft(subject=f"b-{n}"), draft(Stream.STATUS))))
    first = await store.pending(Stream.BOOKING, 0, 3)
    assert [event.payload for event in first] == [
        f"booking 1-{n + 1} booking.changed.v1 b-{n}".encode() for n in range(3)
    ]
    assert [event.seq for event in await store.pending(Stream.BOOKING, 3, 100)] == [4, 5]
    assert await store.pending(Stream.BOOKING, 5, 100) == ()
    await store.freed(Stream.BOOKING, 3)
    assert await store.replay(Stream.BOOKING, 1, 1, 3, 100) == first
    assert await store.replay(Stream.BOOKING, 7, 1, 3, 100) == []
    assert await head(store, Stream.BOOKING) == StreamHead(Stream.BOOKING, 1, 5, 3, 1)
    assert await head(store, Stream.AUDIT) == StreamHead(Stream.AUDIT, 1, 0, 0, 1)
    await store.close()


async def test_freed_numbers_outlive_a_clean_stop_and_impossible_ones_are_ignored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = open_books(tmp_path)
    await store.commit(Batch(drafts=(draft(),) * 5))
    await store.freed(Stream.BOOKING, 4)
    await store.freed(Stream.BOOKING, 2)
    await store.freed(Stream.BOOKING, 99)
    assert "cannot have arrived" in caplog.text
    assert (await head(store, Stream.BOOKING)).acked_seq == 4
    await store.close()
    store = open_books(tmp_path)
    assert (await head(store, Stream.BOOKING)).acked_seq == 4
    await store.close()


async def test_many_freed_numbers_are_written_without_waiting_for_a_commit(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    await store.commit(Batch(drafts=(draft(),) * 400))
    written: list[int] = []
    for seq in range(1, 401):
        await store.freed(Stream.BOOKING, seq)
        with closing(sqlite3.connect(Files(tmp_path).ledger)) as db:
            written += [row[0] for row in db.execute("SELECT acked_seq FROM streams")]
    assert sorted(set(written)) == [200, 400]
    await store.close()


async def test_the_ring_keeps_young_and_unsent_events(tmp_path: Path) -> None:
    moment = AT
    store = open_books(tmp_path, keep_days=30, utc=lambda: moment)
    await store.commit(Batch(drafts=(draft(),) * 4))
    moment = AT + 20 * DAY
    await store.commit(Batch(drafts=(draft(),) * 4))
    await store.freed(Stream.BOOKING, 3)
    await store.tend(now(AT + 31 * DAY))
    assert (await head(store, Stream.BOOKING)).oldest_seq == 4
    await store.freed(Stream.BOOKING, 8)
    await store.tend(now(AT + 31 * DAY))
    assert (await head(store, Stream.BOOKING)).oldest_seq == 5
    await store.tend(now(AT + 60 * DAY))
    assert await head(store, Stream.BOOKING) == StreamHead(Stream.BOOKING, 1, 8, 8, 9)
    await store.commit(Batch(drafts=(draft(),)))
    assert [event.seq for event in await store.pending(Stream.BOOKING, 8, 9)] == [9]
    await store.close()


async def test_finished_records_go_after_four_hundred_days_and_living_ones_stay(tmp_path: Path) -> None:
    store = open_books(tmp_path, utc=lambda: AT)
    await store.commit(
        Batch(
            bookings=(booking("done", status=BookingStatus.FULFILLED), booking("live")),
            sessions=(session(),),
            drafts=(draft(),),
        )
    )
    await store.tend(now(AT + 401 * DAY))
    assert await store.booking("done") is not None, "its event was not sent yet"
    await store.freed(Stream.BOOKING, 1)
    await store.tend(now(AT + 401 * DAY))
    assert await store.booking("done") is None
    assert await store.booking("live") is not None
    assert await store.session("s-1") is not None
    await store.close()


async def test_history_comes_newest_first_in_pages_without_holes_or_doubles(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    made = [booking(f"b-{n:02}", start_at=AT + (n // 3) * HOUR, evse_id=f"bay-{n % 2}") for n in range(25)]
    await store.commit(Batch(bookings=tuple(made)))
    seen: list[str] = []
    after: str | None = None
    while True:
        page, after = await store.history("bookings", after=after, limit=7)
        seen += [row["id"] for row in page]
        if after is None:
            break
    assert seen == [b.id for b in sorted(made, key=lambda b: (b.start_at, b.id), reverse=True)]
    page, after = await store.history("bookings", where={"evse_id": "bay-1", "status": "RESERVED"}, limit=25)
    assert ({row["evse_id"] for row in page}, len(page), after) == ({"bay-1"}, 12, None)
    await store.close()


@pytest.mark.parametrize(
    ("what", "where", "after", "words"),
    [
        ("secrets", {}, None, "ask for bookings, sessions, penalties, notices, samples"),
        ("bookings", {"body": "x"}, None, "bookings are not found by body: use id"),
        ("bookings", {}, "yesterday", "is not the cursor of a page"),
    ],
)
async def test_a_wrong_question_is_answered_with_the_right_ones(
    tmp_path: Path, what: str, where: dict[str, str], after: str | None, words: str
) -> None:
    store = open_books(tmp_path)
    with pytest.raises(ValueError, match=words):
        await store.history(what, where=where, after=after)
    await store.close()


async def test_samples_of_a_session_are_kept_once(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    sample = MeterSample("s-1", "bay-1", AT, MeterContext.TRANSACTION_BEGIN, 1_000, 0, None)
    await store.commit(Batch(samples=(sample, sample, replace(sample, at=AT + HOUR, energy_wh=7))))
    page, _ = await store.history("samples", where={"session_id": "s-1"})
    assert [row["energy_wh"] for row in page] == [7, 0]
    await store.close()


async def test_a_bad_row_is_left_out_of_a_start_and_shown_as_damaged(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    await store.commit(Batch(bookings=(booking("good"), booking("bad"))))
    with closing(sqlite3.connect(Files(tmp_path).ledger)) as db:  # nobody else does this to a running store
        db.execute("UPDATE bookings SET body = replace(body, 'TOKEN-1', 'TOKEN-2') WHERE id = 'bad'")
        db.commit()
    saved = await store.load()
    assert [b.id for b in saved.evses[0].bookings] == ["good"]
    assert "bookings: bad was left out" in saved.notes[0]
    page, _ = await store.history("bookings")
    assert [row.get("damaged", False) for row in page] == [False, True]
    await store.close()


async def test_a_backup_is_made_each_night_checked_and_three_are_kept(tmp_path: Path) -> None:
    store = open_books(tmp_path, utc=lambda: AT)
    for night in range(5):
        await store.commit(Batch(bookings=(booking(f"b-{night}"),)))
        await store.tend(now(AT + night * DAY))
        await store.tend(now(AT + night * DAY + HOUR))
    backups = Files(tmp_path).backups()
    assert [backup_at(path) for path in backups] == [AT + night * DAY for night in (4, 3, 2)]
    with closing(sqlite3.connect(f"file:{backups[0]}?immutable=1", uri=True)) as db:
        assert db.execute("SELECT count(*) FROM bookings").fetchone() == (5,)
    assert store.stats()["backup_at"] == "2026-03-05T08:00:00Z"
    await store.close()


async def test_what_else_lies_among_the_backups_is_neither_taken_for_one_nor_removed(tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    (folder / "ledger-20260301T080000Z.db").mkdir(parents=True)
    names = (
        "ledger-before-update.db",
        "ledger-2026031T80000Z.db",
        "ledger-99999999T999999Z.db",
        "ledger-a.part",
    )
    for name in names:
        (folder / name).write_text("mine")
    store = open_books(tmp_path, utc=lambda: AT)
    assert store.stats()["backup_at"] is None
    await store.commit(Batch(bookings=(booking(),)))
    for night in range(1, 6):
        await store.tend(now(AT + night * DAY))
    assert store.stats()["backup_at"] == "2026-03-06T08:00:00Z"
    await store.close()
    Files(tmp_path).ledger.unlink()
    store = open_books(tmp_path, utc=lambda: AT)
    assert (await store.load()).as_of == AT + 5 * DAY
    assert await store.booking("b-1") == booking()
    await store.close()
    assert [(folder / name).read_text() for name in names] == ["mine"] * 4
    assert len(list(folder.iterdir())) == 5 + 3


async def test_a_backup_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    store = open_books(tmp_path, utc=lambda: AT)
    (tmp_path / "backups").mkdir()
    for tail in ("", "-wal", "-shm", "-journal"):
        (tmp_path / "backups" / f"ledger-20260228T080000Z.part{tail}").write_text("half")
    await store.tend(now())
    assert [path.name for path in (tmp_path / "backups").iterdir()] == ["ledger-20260301T080000Z.db"]
    await store.close()


async def test_upkeep_that_the_file_system_refuses_is_an_error_of_the_store(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    (tmp_path / "backups").write_text("not a folder")
    with pytest.raises(StoreError, match="the store's files cannot be used"):
        await store.tend(now())
    await store.close()


async def test_a_command_is_not_kept_waiting_by_pages_of_history(tmp_path: Path) -> None:
    gate = threading.Event()

    class SlowQuestion(dict[str, str]):
        """Asking it takes until the gate opens: like a search through years of bookings."""

        def __iter__(self) -> Iterator[str]:
            gate.wait(60)
            return super().__iter__()

    store = open_books(tmp_path)
    await store.commit(Batch(bookings=(booking(),), sessions=(session(),)))
    pages = asyncio.ensure_future(store.history("bookings", where=SlowQuestion(token="TOKEN-1")))
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        assert await store.answer("c-1") is None
        assert await store.booking("b-1") == booking()
        assert await store.session("s-1") == session()
    assert not pages.done()
    gate.set()
    assert len((await pages)[0]) == 1
    await store.close()


async def test_commits_pass_while_a_backup_is_made(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    for _ in range(20):
        await store.commit(Batch(drafts=(draft(subject="x" * 3000),) * 50))
    made = asyncio.ensure_future(store.tend(now()))
    during = 0
    while not made.done():
        during += 1
        await store.commit(Batch(bookings=(booking(rev=during),)))
    await made
    assert during > 3
    assert len(Files(tmp_path).backups()) == 1
    await store.close()


async def test_a_ledger_that_moves_to_another_site_begins_a_new_epoch(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    await store.commit(Batch(drafts=(draft(),)))
    await store.close()
    store = open_books(tmp_path, site_id="south")
    saved = await store.load()
    assert saved.epoch == 2
    assert saved.notes == (
        "the ledger was kept for site north and now serves south: the numbering of events begins anew in epoch 2",
    )
    assert [event.seq for event in await store.leftovers(10)] == [1]
    await store.close()


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


async def test_the_log_is_short_after_tending_and_gone_after_closing(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    await store.commit(Batch(drafts=(draft(subject="x" * 3000),) * 3000))
    assert store.stats()["wal_bytes"] > 4 * 2**20
    await store.tend(now())
    assert store.stats()["wal_bytes"] < 2**20
    await store.close()
    assert not Files(tmp_path).ledger.with_name("ledger.db-wal").exists()


async def test_a_closed_store_refuses_and_may_be_closed_again(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    await asyncio.gather(store.close(), store.close())
    with pytest.raises(StoreError, match="the store is closed"):
        await store.commit(Batch())


async def test_a_folder_that_cannot_be_used_is_said_plainly(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(StoreError, match="cannot be used"):
        open_books(blocked / "store")
