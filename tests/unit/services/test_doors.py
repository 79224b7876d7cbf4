"""Both doors: what is asked is answered, what is wrong is refused with its place."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from baywarden.control.wire import ControlRequest
from baywarden.model.command import Command, Door, FindSlots, Reason
from baywarden.model.event import Stream
from baywarden.services.absent import AbsentBooks
from baywarden.services.doors import Doors
from support.clock import FakeClock
from support.site_at_work import SiteAtWork, in_minutes, site_at_work


@dataclass
class Desk:
    """The doors of a site and a technician who asks."""

    work: SiteAtWork
    doors: Doors
    asked: int = 0

    async def ask(self, name: str, request_id: str | None = None, **params: Any) -> Mapping[str, Any]:
        """The answer as it goes over the wire."""
        self.asked += 1
        reply = await self.doors.local(ControlRequest(request_id or f"r-{self.asked}", name, params))
        plain: Mapping[str, Any] = json.loads(json.dumps(reply, allow_nan=False))
        assert set(plain) == {"id", "result", "reason", "detail", "rev", "data"}
        return plain

    async def book(self, booking_id: str, evse_id: str = "b1", minutes: int = 60) -> Mapping[str, Any]:
        """An hour, as the technician books it."""
        return await self.ask(
            "booking.put",
            booking_id=booking_id,
            evse_id=evse_id,
            token=f"T-{booking_id}",
            start_at=_text(in_minutes(self.work.clock, minutes)),
            end_at=_text(in_minutes(self.work.clock, minutes + 60)),
        )


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


@pytest.fixture
async def desk(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Desk]:
    async with site_at_work(tmp_path, clock) as work:
        await work.cycles(2)
        yield Desk(
            work, Doors(work.brain, work.steward, work.board, work.store, clock=clock, version="1.2.3")
        )


# Commands


async def test_the_technician_books_and_cancels(desk: Desk) -> None:
    booked = await desk.book("b-1")
    assert (booked["result"], booked["rev"], booked["data"]["evse_id"]) == ("ACCEPTED", 1, "b1")
    canceled = await desk.ask("booking.cancel", booking_id="b-1")
    assert canceled["result"] == "ACCEPTED"
    kept = await desk.work.store.booking("b-1")
    assert kept is not None and kept.canceled_by is not None and kept.canceled_by.value == "LOCAL"


async def test_a_command_of_the_cloud_is_decided_by_the_same_brain(desk: Desk) -> None:
    await desk.book("b-1")
    clock = desk.work.clock
    search = FindSlots(in_minutes(clock, 60), in_minutes(clock, 120), 3_600, evse_id="b1")
    reply = await desk.doors.cloud(Command("c-1", "booking.find", search, Door.CLOUD))
    assert list(reply.data["slots"]) == []


@pytest.mark.parametrize(
    ("params", "place"),
    [
        (
            {"booking_id": "b-1", "end_at": "2026-06-15T11:00:00Z", "token": "T"},
            "params.start_at: is required",
        ),
        (
            {"booking_id": "b-1", "start_at": "tomorrow", "end_at": "2026-06-15T11:00:00Z", "token": "T"},
            "params.start_at: must be a time with its UTC offset",
        ),
        (
            {
                "booking_id": "b-1",
                "start_at": "2026-06-15T12:00:00Z",
                "end_at": "2026-06-15T11:00:00Z",
                "token": "T",
            },
            "end_at must be later than start_at",
        ),
        ({"bookign_id": "b-1"}, "params.bookign_id: is not known; known are booking_id"),
    ],
)
async def test_wrong_params_of_a_command_are_refused_with_their_place(
    desk: Desk, params: dict[str, Any], place: str
) -> None:
    reply = await desk.ask("booking.put", "r-7", **params)
    assert (reply["id"], reply["result"], reply["reason"]) == ("r-7", "REJECTED", "INVALID")
    assert place in reply["detail"]


async def test_an_unknown_name_is_refused_with_the_known_ones(desk: Desk) -> None:
    reply = await desk.ask("booking.make")
    assert reply["reason"] == "NOT_SUPPORTED"
    assert "booking.put" in reply["detail"]


async def test_a_repeated_request_gets_its_first_answer(desk: Desk) -> None:
    first = await desk.ask("booking.cancel", "r-1", booking_id="b-1")
    await desk.book("b-1")
    assert first["reason"] == "UNKNOWN_RESERVATION"
    assert await desk.ask("booking.cancel", "r-1", booking_id="b-1") == first


async def test_with_a_full_store_a_booking_is_refused_and_questions_are_answered(desk: Desk) -> None:
    desk.work.ledger.is_full = True
    assert (await desk.book("b-1"))["reason"] == Reason.STORE_FULL.value
    status = await desk.ask("status")
    assert status["data"]["store"]["refuses"] == "the disk is full"


# Status


async def test_status_tells_of_everything_there_is(desk: Desk) -> None:
    status = (await desk.ask("status"))["data"]
    assert status["site_id"] == "harbour" and status["version"] == "1.2.3" and status["epoch"] == 1
    assert [one["evse_id"] for one in status["evses"]] == ["b1", "b2"]
    assert [one["circuit_id"] for one in status["circuits"]] == ["main"]
    assert status["clock"] == {"at": "2026-06-15T09:00:02Z", "quality": "S"}
    assert status["broker"] == {"connected": False, "reason": "no [cloud] is configured"}
    assert {one["stream"] for one in status["streams"]} >= {"status", "booking"}
    assert status["store"]["refuses"] is None


async def test_status_takes_no_params(desk: Desk) -> None:
    reply = await desk.ask("status", verbose=True)
    assert (reply["reason"], reply["detail"]) == ("INVALID", "verbose: is not known; known are: none")


# Lists


async def test_a_list_pages_through_everything_once(desk: Desk) -> None:
    for number in range(7):
        assert (await desk.book(f"b-{number}", minutes=60 + 90 * number))["result"] == "ACCEPTED"
    seen: list[str] = []
    after = None
    for _ in range(3):
        page = (await desk.ask("bookings.list", limit=3, after=after))["data"]
        seen += [item["id"] for item in page["items"]]
        after = page["next"]
    assert after is None
    assert sorted(seen) == [f"b-{number}" for number in range(7)]


async def test_a_list_shows_only_what_was_asked_for(desk: Desk) -> None:
    await desk.book("b-1", "b1")
    await desk.book("b-2", "b2")
    page = (await desk.ask("bookings.list", where={"evse_id": "b2"}))["data"]
    assert [item["id"] for item in page["items"]] == ["b-2"]


async def test_sessions_and_notices_are_listed_too(desk: Desk) -> None:
    desk.work.plug("b1")
    await desk.work.cycles(3)
    sessions = (await desk.ask("sessions.list"))["data"]["items"]
    assert [one["evse_id"] for one in sessions] == ["b1"]
    notices = (await desk.ask("notices.list"))["data"]["items"]
    assert {one["evse_id"] for one in notices} <= {"b1"}
    assert (await desk.ask("penalties.list"))["data"] == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("params", "place"),
    [
        ({"limit": 0}, "limit: must be a whole number from 1 to 500"),
        ({"limit": 501}, "limit:"),
        ({"limit": "10"}, "limit:"),
        ({"limit": True}, "limit:"),
        ({"after": 3}, "after: must be the `next` of the page before"),
        ({"after": "yesterday"}, "is not the cursor of a page"),
        ({"after": f"{10**30}/b-1"}, "is not the cursor of a page"),
        ({"where": ["b1"]}, "where: must be an object"),
        ({"where": {"evse_id": 1}}, "where: must be an object"),
        ({"where": {"colour": "red"}}, "are not found by colour: use"),
        ({"order": "asc"}, "order: is not known; known are: after, limit, where"),
    ],
)
async def test_wrong_params_of_a_list_are_refused_with_their_place(
    desk: Desk, params: dict[str, Any], place: str
) -> None:
    reply = await desk.ask("bookings.list", **params)
    assert (reply["result"], reply["reason"]) == ("REJECTED", "INVALID")
    assert place in reply["detail"]


# Events


async def test_events_are_shown_as_they_were_sent(desk: Desk) -> None:
    await desk.book("b-1")
    reply = await desk.ask("events.list", stream="booking", epoch=1, from_seq=1, to_seq=10)
    (event,) = reply["data"]["events"]
    assert event["seq"] == 1
    assert event["payload"]["type"] == "io.baywarden.booking.changed.v1"
    assert event["payload"]["data"]["booking_id"] == "b-1"


@pytest.mark.parametrize(
    ("params", "place"),
    [
        ({"stream": "bookings"}, "stream: one of status, session, meter, booking"),
        ({"epoch": -1}, "epoch: must be a whole number"),
        ({"from_seq": None}, "from_seq: must be a whole number"),
        ({"to_seq": "9"}, "to_seq: must be a whole number"),
        ({"to_seq": 10**30}, "to_seq: must be a whole number"),
        ({"limit": 1_000}, "limit:"),
        ({"since": 1}, "since: is not known"),
    ],
)
async def test_wrong_params_of_events_are_refused_with_their_place(
    desk: Desk, params: dict[str, Any], place: str
) -> None:
    asked: dict[str, Any] = {"stream": "booking", "epoch": 1, "from_seq": 1, "to_seq": 10}
    reply = await desk.ask("events.list", **(asked | params))
    assert (reply["result"], reply["reason"]) == ("REJECTED", "INVALID")
    assert place in reply["detail"]


async def park_a_booking(desk: Desk) -> None:
    """The broker has refused the first event of a booking for good."""
    assert (await desk.book("b-1"))["result"] == "ACCEPTED"
    store = desk.work.store
    await store.park((await store.pending(Stream.BOOKING, 0, 1))[0], 0x99)


async def test_a_parked_event_is_seen_and_released_by_the_technician(desk: Desk) -> None:
    changes: list[bool] = []
    desk.doors.parked_changed = lambda: changes.append(True)
    await park_a_booking(desk)
    for shown in ((await desk.ask("status"))["data"]["parked"], (await desk.ask("parked.list"))["data"]):
        assert shown["count"] == 1
        first = shown["items"][0]
        assert (first["stream"], first["epoch"], first["seq"], first["code"]) == ("booking", 1, 1, "0x99")
        assert first["is_released"] is False
    reply = await desk.ask("parked.release", stream="booking", epoch=1, seq=1)
    assert reply["data"] == {"stream": "booking", "epoch": 1, "seq": 1, "given_up": False}
    assert changes == [True]
    assert len(await desk.work.store.released(9)) == 1


async def test_a_parked_event_can_be_given_up(desk: Desk) -> None:
    await park_a_booking(desk)
    assert (await desk.ask("parked.release", stream="booking", epoch=1, seq=1, give_up=True))[
        "result"
    ] == "ACCEPTED"
    assert (await desk.ask("parked.list"))["data"] == {"count": 0, "items": []}


@pytest.mark.parametrize(
    ("params", "place"),
    [
        ({"seq": 2}, "seq: booking 1-2 is not parked"),
        ({"stream": "money"}, "stream: one of"),
        ({"epoch": "1"}, "epoch: must be a whole number"),
        ({"give_up": "yes"}, "give_up: must be"),
        ({"all": True}, "all: is not known"),
    ],
)
async def test_a_wrong_release_is_refused_with_its_place(
    desk: Desk, params: dict[str, Any], place: str
) -> None:
    await park_a_booking(desk)
    asked: dict[str, Any] = {"stream": "booking", "epoch": 1, "seq": 1}
    reply = await desk.ask("parked.release", **(asked | params))
    assert (reply["result"], reply["reason"]) == ("REJECTED", "INVALID")
    assert place in reply["detail"]
    assert await desk.work.store.released(9) == []


async def test_without_a_ledger_a_list_fails_rather_than_being_empty(desk: Desk) -> None:
    work = desk.work
    books = AbsentBooks("the disk is gone")
    doors = Doors(work.brain, work.steward, work.board, books, clock=work.clock, version="1.2.3")
    for name, params in (
        ("bookings.list", {}),
        ("events.list", {"stream": "booking", "epoch": 1, "from_seq": 1, "to_seq": 2}),
    ):
        reply = await doors.local(ControlRequest("r-1", name, params))
        assert (reply["result"], reply["detail"]) == ("FAILED", "the disk is gone")
