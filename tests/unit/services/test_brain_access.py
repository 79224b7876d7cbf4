"""Rights and tokens through the brain and a real store: kept before told, there again after a start, logged nowhere."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from baywarden.control.wire import ControlRequest
from baywarden.model.access import AccessMode, AccessRules, Right
from baywarden.model.command import AuthorizeSession, PutTokens, Reason, Result, SyncTokens
from baywarden.model.event import Stream
from baywarden.model.site import SiteRules
from baywarden.model.token import Token
from baywarden.services.doors import Doors
from support.clock import FakeClock
from support.site_at_work import SiteAtWork, in_minutes, rules_of, site_at_work

CARD = "04A1B2C3D4E5F6"


def rules() -> SiteRules:
    """Two outlets that ask for a token."""
    plain = rules_of("b1", "b2")
    access = AccessRules(AccessMode.TOKEN)
    return replace(plain, evses={key: replace(evse, access=access) for key, evse in plain.evses.items()})


async def told(work: SiteAtWork) -> str:
    """Every event that was ever told, as one text."""
    found = ""
    for head in await work.store.heads():
        for event in await work.store.pending(head.stream, 0, 1000):
            found += f"{event.stream.value} {event.payload.decode()}\n"
    return found


async def test_tokens_are_there_again_after_a_start_and_work_without_the_cloud(
    tmp_path: Path, clock: FakeClock
) -> None:
    async with site_at_work(tmp_path, clock, rules()) as work:
        assert (await work.ask(SyncTokens(3, (Token(CARD, group_id="fleet"),)))).rev == 3
    async with site_at_work(tmp_path, clock, rules()) as work:
        assert work.brain.state.tokens.revision == 3
        await work.cycles(2)
        work.outlets["b1"].set(id_tag=CARD)
        work.plug("b1")
        await work.cycles(2)
        session = work.session("b1")
        assert session is not None
        assert (session.right, session.token_group) == (Right.TOKEN, "fleet")


async def test_a_car_without_a_right_is_told_0_a_and_gets_current_with_its_right(
    tmp_path: Path, clock: FakeClock
) -> None:
    async with site_at_work(tmp_path, clock, rules()) as work:
        work.plug("b1")
        await work.cycles(20)
        assert work.steward.allocations["b1"].limit_ma == 0
        assert "authorization_required" in work.steward.allocations["b1"].why
        await work.ask(AuthorizeSession("b1", "APP-USER-1"))
        await work.cycles(40)
        assert work.steward.allocations["b1"].limit_ma == 16_000


async def test_a_right_given_before_the_plug_outlives_a_restart(tmp_path: Path, clock: FakeClock) -> None:
    async with site_at_work(tmp_path, clock, rules()) as work:
        await work.cycles(2)
        assert (await work.ask(AuthorizeSession("b1", "APP-USER-1"))).result is Result.ACCEPTED
    async with site_at_work(tmp_path, clock, rules()) as work:
        work.plug("b1")
        await work.cycles(2)
        session = work.session("b1")
        assert session is not None and (session.right, session.token) == (Right.CLOUD, "APP-USER-1")


async def test_a_repeated_question_gets_its_first_answer(tmp_path: Path, clock: FakeClock) -> None:
    async with site_at_work(tmp_path, clock, rules()) as work:
        await work.cycles(2)
        wish = AuthorizeSession("b1", code="0000")
        first = [await work.ask(wish, "c-1") for _ in range(9)]
        assert {reply.reason for reply in first} == {Reason.WRONG_CODE}, "one try, however often it is sent"


async def test_what_is_not_kept_is_not_accepted(tmp_path: Path, clock: FakeClock) -> None:
    async with site_at_work(tmp_path, clock, rules()) as work:
        work.ledger.is_full = True
        assert (await work.ask(PutTokens((Token(CARD),)))).reason is Reason.STORE_FULL
        assert work.brain.state.tokens.find(CARD) is None


async def test_neither_logs_nor_status_nor_audit_show_a_token_or_a_code(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with site_at_work(tmp_path, clock, rules()) as work:
        await work.cycles(2)
        await work.ask(PutTokens((Token(CARD),)))
        start_at = in_minutes(clock, 60)
        doors = Doors(work.brain, work.steward, work.board, work.store, clock=clock, version="1")
        put = {
            "booking_id": "k",
            "evse_id": "b2",
            "token": "SECRET-HOLDER-9",
            "code": "47114711",
            "start_at": start_at.isoformat(),
            "end_at": in_minutes(clock, 120).isoformat(),
        }
        assert (await doors.local(ControlRequest("r-1", "booking.put", put)))["result"] == "ACCEPTED"
        asked = {"evse_id": "b1", "token": CARD}
        granted = await doors.local(ControlRequest("r-2", "session.authorize", asked))
        assert granted["result"] == "ACCEPTED"
        await doors.local(ControlRequest("r-3", "session.authorize", {"evse_id": "b1", "code": "98765432"}))
        work.plug("b1")
        await work.cycles(2)
        status = await doors.local(ControlRequest("r-4", "status", {}))
        tokens = await doors.local(ControlRequest("r-5", "tokens.list", {}))
        bookings = await doors.local(ControlRequest("r-6", "bookings.list", {}))
        events = await told(work)
    assert tokens["data"]["items"][0]["token_end"] == "E5F6"
    shown = f"{status} {tokens} {caplog.text}"
    for secret in (CARD, "SECRET-HOLDER-9", "47114711", "98765432"):
        assert secret not in shown
    for secret in ("47114711", "98765432"):
        assert secret not in events and secret not in str(bookings)
    audit = [line for line in events.splitlines() if line.startswith(Stream.AUDIT.value)]
    assert len(audit) == 3 and not any(CARD in line for line in audit)
