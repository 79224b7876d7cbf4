"""A cloud fetches everything in pages, while the site goes on: no record is missing and none is older than said."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from baywarden.model.booking import BookingStatus
from baywarden.model.command import Door, Reason, Result
from baywarden.model.evse import Availability, EvseStatus
from baywarden.model.site import EvseRules
from baywarden.ports.store import Batch
from baywarden.store import Store
from baywarden.store.files import Files
from baywarden.sync.commands import encode_reply, read_snapshot
from baywarden.sync.drafts import payload_of
from baywarden.sync.errors import CommandRefused
from baywarden.sync.site_payloads import evse_payload, policy_payloads
from baywarden.sync.snapshots import PAGE_BYTES, SiteFacts, Snapshots
from support.books import AT, booking, draft, now, open_books, penalty, session

POLICY = session().policy


def facts() -> SiteFacts:
    assert POLICY is not None
    rules = [EvseRules(f"bay-{n}", f"Bay {n}", "main", overstay=POLICY) for n in range(3)]
    status = EvseStatus("bay-0", Availability.AVAILABLE, "free", AT)
    newer = replace(POLICY, version=2)
    return SiteFacts(
        [evse_payload(one, replace(status, evse_id=one.id)) for one in rules],
        policy_payloads([POLICY, newer, POLICY]),
    )


class Cloud:
    """Asks a store for snapshots."""

    def __init__(self, store: Store) -> None:
        self._snapshots = Snapshots(store, store, facts=facts, epoch_tag=lambda: store.stats()["epoch_tag"])
        self.longest = 0

    async def page(self, what: str, **params: Any) -> dict[str, Any]:
        body = {"id": "s-1", "expires_at": "2026-03-01T09:00:00Z", "params": {"what": what, **params}}
        order = read_snapshot(json.dumps(body).encode(), door=Door.CLOUD, now=now())
        reply = await self._snapshots.page(order)
        assert reply.result is Result.ACCEPTED
        payload = encode_reply(reply)
        self.longest = max(self.longest, len(payload))
        data: dict[str, Any] = json.loads(payload)["data"]
        return data

    async def pages(self, what: str, **params: Any) -> list[dict[str, Any]]:
        found = [await self.page(what, **params)]
        while found[-1]["next"] is not None:
            found.append(await self.page(what, cursor=found[-1]["next"], **params))
        return found


def items(pages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for page in pages for item in page["items"]]


async def fill(store: Store, count: int) -> None:
    for n in range(count):
        one = booking(f"b-{n:04d}", start_at=AT + timedelta(hours=n), end_at=AT + timedelta(hours=n + 1))
        await store.commit(Batch(bookings=(one,), drafts=(draft(),)))


async def test_each_record_comes_once_just_as_its_event_tells_it(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    await fill(store, 25)
    await store.commit(Batch(sessions=(session(),), penalties=(penalty(),)))
    cloud = Cloud(store)
    pages = await cloud.pages("bookings", limit=10)
    assert [len(page["items"]) for page in pages] == [10, 10, 5]
    assert {(page["epoch"], page["as_of_seq"]) for page in pages} == {(1, 25)}
    assert {page["epoch_tag"] for page in pages} == {store.stats()["epoch_tag"]}
    first = await store.booking("b-0000")
    assert first is not None
    assert items(pages)[0] == json.loads(payload_of(first).model_dump_json())
    assert [item["booking_id"] for item in items(pages)] == [f"b-{n:04d}" for n in range(25)]
    assert [item["session_id"] for item in items(await cloud.pages("sessions"))] == ["s-1"]
    assert [item["amount"] for item in items(await cloud.pages("penalties"))] == ["2.50"]
    await store.close()


async def test_what_changes_between_two_pages_is_neither_missed_nor_older_than_its_event(
    tmp_path: Path,
) -> None:
    """A booking that moves in time, one that is new, and one that ends, each before and after the cursor."""
    store = open_books(tmp_path)
    await fill(store, 20)
    cloud = Cloud(store)
    first = await cloud.page("bookings", limit=10)
    changed = [
        booking(key, rev=2, start_at=AT + timedelta(days=30), end_at=AT + timedelta(days=31), status=status)
        for key, status in (("b-0003", BookingStatus.CANCELED), ("b-0015", BookingStatus.RESERVED))
    ]
    await store.commit(Batch(bookings=(*changed, booking("a-new"), booking("z-new")), drafts=(draft(),) * 4))
    pages = [first, await cloud.page("bookings", limit=10, cursor=first["next"])]
    pages.append(await cloud.page("bookings", limit=10, cursor=pages[-1]["next"]))
    assert pages[-1]["next"] is None
    found = {item["booking_id"]: item["rev"] for item in items(pages)}
    assert len(found) == len(items(pages)) == 21
    assert (found["b-0003"], found["b-0015"], found["z-new"]) == (1, 2, 1)
    # What a page before the change could not show lies after its number.
    assert {page["as_of_seq"] for page in pages} == {20}
    later = await store.replay((await store.heads())[3].stream, 1, 21, 99, 99)
    assert len(later) == 4
    await store.close()


async def test_only_the_living_can_be_asked_for(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    await fill(store, 3)
    await store.commit(Batch(bookings=(booking("b-0001", status=BookingStatus.CANCELED, rev=2),)))
    found = items(await Cloud(store).pages("bookings", live_only=True))
    assert [item["booking_id"] for item in found] == ["b-0000", "b-0002"]
    await store.close()


async def test_no_page_is_larger_than_a_small_broker_takes(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    line = penalty().breakdown[0]
    for n in range(30):
        owed = penalty(f"p-{n:02d}", session_id=f"s-{n}", breakdown=(line,) * 100)
        await store.commit(Batch(penalties=(owed,)))
    await store.commit(Batch(penalties=(penalty("p-15x", session_id="s-x", breakdown=(line,) * 2000),)))
    cloud = Cloud(store)
    pages = await cloud.pages("penalties", limit=200)
    assert len(pages) > 3
    assert cloud.longest < PAGE_BYTES + 1024
    assert [item["penalty_id"] for item in items(pages)] == [f"p-{n:02d}" for n in range(30)]
    assert [one for page in pages for one in page["left_out"]] == [{"id": "p-15x", "reason": "TOO_LARGE"}]
    await store.close()


async def test_a_record_that_is_spoilt_is_named_once_and_the_others_come(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    await fill(store, 9)
    with closing(sqlite3.connect(Files(tmp_path).ledger)) as db, db:
        db.execute("UPDATE bookings SET crc = crc + 1 WHERE id = 'b-0004'")
    pages = await Cloud(store).pages("bookings", limit=3)
    assert len(items(pages)) == 8
    assert [one for page in pages for one in page["left_out"]] == [{"id": "b-0004", "reason": "DAMAGED"}]
    await store.close()


async def test_a_cursor_of_an_epoch_that_is_over_is_refused(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    await fill(store, 5)
    cursor = (await Cloud(store).page("bookings", limit=2))["next"]
    await store.close()
    Files(tmp_path).ledger.unlink()
    store = open_books(tmp_path)
    with pytest.raises(CommandRefused, match="epoch 2 has begun") as refused:
        await Cloud(store).page("bookings", limit=2, cursor=cursor)
    assert refused.value.reason is Reason.STALE_REVISION
    await store.close()


async def test_outlets_and_policies_are_told_as_they_are_configured(tmp_path: Path) -> None:
    store = open_books(tmp_path)
    cloud = Cloud(store)
    evses = items(await cloud.pages("evses", limit=2))
    assert [(one["evse_id"], one["label"], one["policy_id"]) for one in evses] == [
        ("bay-0", "Bay 0", "std"),
        ("bay-1", "Bay 1", "std"),
        ("bay-2", "Bay 2", "std"),
    ]
    pages = await cloud.pages("policies", limit=1)
    assert [(one["policy_id"], one["version"], one["rate_per_min"]) for one in items(pages)] == [
        ("std", 1, "0.10"),
        ("std", 2, "0.10"),
    ]
    assert [page["as_of_seq"] for page in pages] == [None, None]
    await store.close()


@pytest.mark.parametrize(
    "params",
    [
        {"what": "tokens"},
        {"what": "bookings", "limit": 0},
        {"what": "bookings", "limit": 201},
        {"what": "bookings", "cursor": ""},
        {"what": "bookings", "cursor": "nonsense"},
        {"what": "bookings", "cursor": "1/x/y"},
        {"what": "bookings", "cursor": "1/1/" + "x" * 200},
        {"what": "bookings", "everything": True},
    ],
)
async def test_a_wrong_question_is_refused(tmp_path: Path, params: dict[str, Any]) -> None:
    store = open_books(tmp_path)
    with pytest.raises(CommandRefused) as refused:
        await Cloud(store).page(**params)
    assert refused.value.reason is Reason.INVALID
    await store.close()
