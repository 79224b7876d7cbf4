"""What the store tells of the past, in pages, and when it lets go of it."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from baywarden.model.booking import BookingStatus
from baywarden.model.event import Stream
from baywarden.model.session import MeterContext, MeterSample
from baywarden.ports.store import Batch
from support.books import AT, booking, draft, now, open_books, session

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


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
