"""The brain decides, keeps and only then tells."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from baywarden.model.booking import BookingStatus
from baywarden.model.command import CancelBooking, FindSlots, PutBooking, Reason, Result
from baywarden.model.event import Stream
from baywarden.model.session import SessionStatus
from baywarden.model.site import Anchor
from baywarden.model.step import BookingChanged, Effect
from baywarden.ports.store import StoreDamaged
from baywarden.services.keeper import anchor_of
from support.clock import FakeClock
from support.site_at_work import SiteAtWork, in_minutes, site_at_work


@pytest.fixture
async def work(tmp_path: Path, clock: FakeClock) -> AsyncIterator[SiteAtWork]:
    async with site_at_work(tmp_path, clock) as work:
        yield work


def _bookings(work: SiteAtWork, evse_id: str = "b1") -> list[str]:
    return [booking.id for booking in work.brain.state.evses[evse_id].bookings]


# Kept before told


async def test_what_is_told_is_on_the_disk_already(work: SiteAtWork, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    def look(effects: tuple[Effect, ...]) -> None:
        with sqlite3.connect(f"file:{tmp_path}/ledger.db?mode=ro", uri=True) as other:
            counts = [
                other.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for table in ("bookings", "commands")
            ]
        other.close()
        if any(isinstance(effect, BookingChanged) for effect in effects):
            seen.append((counts[0], counts[1]))

    work.brain.tell(look)
    await work.book("b-1")
    await work.book("b-2", "b2")
    assert seen == [(1, 1), (2, 2)]


async def test_state_events_and_answer_are_one_transaction(work: SiteAtWork) -> None:
    reply = await work.book("b-1", command_id="c-1")
    batch = work.ledger.batches[-1]
    assert [booking.id for booking in batch.bookings] == ["b-1"]
    assert Stream.BOOKING in [draft.stream for draft in batch.drafts]
    assert batch.answered is not None and batch.answered[0].id == "c-1" and batch.answered[1] == reply
    assert [evse.evse_id for evse in batch.evses] == ["b1"], "an outlet that has not changed is not written"


async def test_a_commit_that_is_cut_off_under_way_is_written_and_noted_once(work: SiteAtWork) -> None:
    asking = asyncio.create_task(work.book("b-1"))
    while not work.ledger.under_way:  # the store's own thread sets it
        await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait((asking,))
    assert asking.cancelled()
    await work.brain.keep(anchor_of(work.clock.now()))
    assert sum(len(batch.bookings) for batch in work.ledger.batches) == 1
    assert _bookings(work) == ["b-1"]


async def test_a_cycle_in_which_nothing_happens_writes_nothing(work: SiteAtWork) -> None:
    await work.cycles(3)
    before = work.ledger.tries
    await work.cycles(5)
    assert work.ledger.tries == before


async def test_what_changed_without_a_word_is_kept_with_the_next_look_at_the_clocks(work: SiteAtWork) -> None:
    await work.cycles(3)
    work.outlets["b1"].set(failsafe_armed=True)
    before = work.ledger.tries
    await work.cycles(2)
    assert work.ledger.tries == before
    await work.brain.keep(Anchor("boot", 1, work.clock.now().at, trusted=True))
    assert {evse.evse_id: evse.armed_ma for evse in (await work.store.load()).evses}["b1"] == 6_000
    await work.brain.keep(Anchor("boot", 2, work.clock.now().at, trusted=True))
    assert work.ledger.batches[-1].evses == (), "what is kept is not written again"


async def test_a_session_goes_on_after_a_restart(tmp_path: Path, clock: FakeClock) -> None:
    async with site_at_work(tmp_path, clock) as work:
        await work.cycles(2)
        work.plug("b1")
        await work.cycles(3)
        before = work.session("b1")
    async with site_at_work(tmp_path, clock) as work:
        work.plug("b1")
        await work.cycles(3)
        after = work.session("b1")
    assert before is not None and after is not None
    assert (after.id, after.started_at, after.status) == (before.id, before.started_at, SessionStatus.ACTIVE)


# A store that refuses


async def test_a_refused_command_is_told_so_and_changes_nothing(work: SiteAtWork) -> None:
    await work.cycles(2)
    before, told = work.brain.state, list(work.told)
    work.ledger.is_full = True
    reply = await work.book("b-1")
    assert (reply.result, reply.reason) == (Result.REJECTED, Reason.STORE_FULL)
    assert work.brain.state is before
    assert work.told == told
    assert await work.store.booking("b-1") is None
    assert work.brain.store_refuses == "the disk is full"


async def test_a_command_that_was_refused_for_want_of_room_may_be_repeated(work: SiteAtWork) -> None:
    work.ledger.is_full = True
    await work.book("b-1", command_id="c-1")
    work.ledger.is_full = False
    reply = await work.book("b-1", command_id="c-1")
    assert reply.result is Result.ACCEPTED
    assert _bookings(work) == ["b-1"]
    assert work.brain.store_refuses is None


async def test_with_a_full_store_cars_are_charged_all_the_same(work: SiteAtWork) -> None:
    await work.cycles(2)
    work.ledger.is_full = True
    told = list(work.told)
    work.plug("b1")
    await work.cycles(15)
    assert work.session("b1") is not None
    assert work.outlets["b1"].limits_ma[-1] == 16_000
    work.unplug("b1")
    await work.cycles(15)
    assert work.outlets["b1"].limits_ma[-1] == 0
    assert work.told == told, "nobody was told of what is not kept"


async def test_what_happened_while_the_store_refused_is_kept_when_it_takes_writes_again(
    work: SiteAtWork,
) -> None:
    await work.cycles(2)
    work.ledger.is_full = True
    work.plug("b1")
    await work.cycles(5)
    saved = await work.store.load()
    assert all(evse.session is None for evse in saved.evses)
    work.ledger.is_full = False
    await work.cycle()
    session = work.session("b1")
    assert session is not None
    assert await work.store.session(session.id) == session
    assert work.brain.store_refuses is None


async def test_a_refusal_and_its_end_are_each_logged_once(
    work: SiteAtWork, caplog: pytest.LogCaptureFixture
) -> None:
    await work.cycles(2)
    work.ledger.is_full = True
    work.plug("b1")
    await work.cycles(5)
    work.ledger.is_full = False
    await work.cycles(5)
    assert [(one.levelno, one.getMessage()) for one in caplog.records] == [
        (
            logging.ERROR,
            "the store refuses writes, new bookings are refused and control goes on: the disk is full",
        ),
        (logging.WARNING, "the store takes writes again"),
    ]


async def test_a_look_at_the_clocks_that_could_be_kept_ends_the_refusal(work: SiteAtWork) -> None:
    anchor = Anchor("boot-1", 1_000, work.clock.now().at, True)
    work.ledger.is_full = True
    await work.brain.keep(anchor)
    assert work.brain.store_refuses is not None
    work.ledger.is_full = False
    await work.brain.keep(anchor)
    assert work.brain.store_refuses is None
    assert (await work.store.load()).anchor == anchor


async def test_a_store_that_is_damaged_ends_the_daemon(work: SiteAtWork) -> None:
    work.ledger.is_damaged = True
    with pytest.raises(StoreDamaged):
        await work.cycle()


# Commands


async def test_a_repeated_command_gets_its_first_answer(work: SiteAtWork) -> None:
    first = await work.book("b-1", command_id="c-1")
    await work.ask(CancelBooking("b-1"))
    events = (await work.store.heads(), work.brain.state)
    assert await work.book("b-1", command_id="c-1") == first
    assert (await work.store.heads(), work.brain.state) == events


async def test_a_repeated_command_gets_its_first_answer_after_a_restart_too(
    tmp_path: Path, clock: FakeClock
) -> None:
    async with site_at_work(tmp_path, clock) as work:
        accepted = await work.book("b-1", command_id="c-1")
        refused = await work.book("b-2", command_id="c-2")
    async with site_at_work(tmp_path, clock) as work:
        assert await work.book("b-1", command_id="c-1") == accepted
        assert await work.book("b-2", command_id="c-2") == refused
        assert refused.reason is Reason.SLOT_TAKEN
        assert _bookings(work) == ["b-1"]


async def test_an_expired_command_changes_nothing(work: SiteAtWork) -> None:
    before, tries = work.brain.state, work.ledger.tries
    reply = await work.book("b-1", expires_at=work.clock.now().at)
    assert (reply.result, reply.reason) == (Result.REJECTED, Reason.COMMAND_EXPIRED)
    assert (work.brain.state, work.ledger.tries) == (before, tries)


async def test_an_expired_command_that_was_answered_in_time_gets_that_answer(work: SiteAtWork) -> None:
    expires_at = work.clock.now().at + timedelta(minutes=1)
    first = await work.book("b-1", command_id="c-1", expires_at=expires_at)
    await work.clock.advance(120)
    again = await work.book("b-1", command_id="c-1", expires_at=expires_at)
    assert again == first and first.result is Result.ACCEPTED


async def test_a_clock_that_is_not_trusted_judges_no_expiry(work: SiteAtWork) -> None:
    await work.book("b-1")
    work.clock.trusted = False
    reply = await work.ask(CancelBooking("b-1"), expires_at=work.clock.now().at - timedelta(days=1))
    assert reply.reason is not Reason.COMMAND_EXPIRED


async def test_of_two_commands_at_once_only_one_gets_the_slot(work: SiteAtWork) -> None:
    replies = await asyncio.gather(work.book("b-1"), work.book("b-2"))
    assert sorted(reply.result.value for reply in replies) == ["ACCEPTED", "REJECTED"]
    assert len(_bookings(work)) == 1


async def test_a_search_is_answered_while_the_store_refuses_and_is_not_kept(work: SiteAtWork) -> None:
    work.ledger.is_full = True
    clock = work.clock
    reply = await work.ask(FindSlots(in_minutes(clock, 0), in_minutes(clock, 240), 3_600), "c-1")
    assert reply.result is Result.ACCEPTED and reply.data["slots"]
    assert await work.store.answer("c-1") is None


async def test_a_booking_that_ended_before_the_restart_cannot_be_made_again(
    tmp_path: Path, clock: FakeClock
) -> None:
    async with site_at_work(tmp_path, clock) as work:
        await work.book("b-1")
        await work.ask(CancelBooking("b-1"))
    async with site_at_work(tmp_path, clock) as work:
        reply = await work.book("b-1")
        assert reply.reason is Reason.FINAL_STATE
        kept = await work.store.booking("b-1")
    assert kept is not None and kept.status is BookingStatus.CANCELED


async def test_a_booking_survives_the_restart_and_still_takes_its_slot(
    tmp_path: Path, clock: FakeClock
) -> None:
    async with site_at_work(tmp_path, clock) as work:
        await work.book("b-1")
    async with site_at_work(tmp_path, clock) as work:
        assert _bookings(work) == ["b-1"]
        start_at = in_minutes(clock, 90)
        wish = PutBooking("b-2", start_at, start_at + timedelta(hours=1), "T-2", "b1")
        assert (await work.ask(wish)).reason is Reason.SLOT_TAKEN
