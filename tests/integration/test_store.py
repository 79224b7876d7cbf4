"""The store on real files, as the services use it: what was committed is there again."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baywarden.model.booking import Booking, BookingStatus
from baywarden.model.command import CancelBooking, Command, Door, Reply, Result
from baywarden.model.event import Stream
from baywarden.model.overstay import PenaltyStatus
from baywarden.model.session import Session, SessionStatus
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
from baywarden.store.files import Files
from support.books import AT, booking, draft, evse, head, notice, now, open_books, penalty, session
from support.made_up import made_up

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


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
