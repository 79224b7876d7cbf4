"""Who may charge where: open outlets, tokens and groups, bookings only; what those without a right are told."""

from dataclasses import replace
from typing import Any

import pytest

from baywarden.model.access import AccessMode, AccessRules, Right
from baywarden.model.booking import BookingStatus, BookingTerms
from baywarden.model.command import (
    AuthorizeSession,
    Door,
    PutTokens,
    Reason,
    RemoveTokens,
    Reply,
    Result,
)
from baywarden.model.notice import NoticeKind
from baywarden.model.reading import Pilot
from baywarden.model.session import SessionStatus
from baywarden.model.site import SiteRules
from baywarden.model.step import AccessDecided
from baywarden.model.token import Token, Whitelist
from baywarden.policy.access import REASONS
from baywarden.policy.withheld import FOR_ACCESS, FOR_THE_HOLD, WHY
from scenarios.day import HOUR, MINUTE, Day, a_site

HELD_EARLY = BookingTerms(early_start_s=15 * MINUTE)
CARD = "04A1B2C3D4E5F6"


def a_day(mode: AccessMode, *evse_ids: str, terms: BookingTerms = HELD_EARLY, **more: Any) -> Day:
    """A site whose outlets all have this access; its list holds one good card."""
    rules = a_site(*evse_ids, terms=terms)
    day = Day(_with(rules, AccessRules(mode, **more)))
    day.tick()
    put(day, Token(CARD, group_id="fleet"))
    return day


def _with(rules: SiteRules, access: AccessRules) -> SiteRules:
    return replace(rules, evses={key: replace(evse, access=access) for key, evse in rules.evses.items()})


def put(day: Day, *tokens: Token) -> Reply:
    """The cloud sends tokens."""
    return day.ask(PutTokens(tokens))


def authorize(day: Day, evse_id: str = "b1", door: Door = Door.CLOUD, **by: str) -> Reply:
    """Somebody asks for power."""
    return day.ask(AuthorizeSession(evse_id, **by), door)


# Without a right


def test_an_open_outlet_charges_whoever_comes() -> None:
    day = a_day(AccessMode.OPEN)
    day.charge()
    assert (day.session().right, day.session().withheld) == (Right.OPEN, None)


@pytest.mark.parametrize(
    ("shown", "listed", "withheld"),
    [
        (None, None, "authorization_required"),
        ("STRANGER", None, "token_unknown"),
        ("C2", Token("C2", valid=False), "token_blocked"),
        ("C2", Token("C2", group_id="others"), "token_not_allowed"),
        ("C2", Token("C2", group_id="fleet", whitelist=Whitelist.NEVER), "token_needs_cloud"),
    ],
)
def test_a_car_without_a_right_gets_nothing_and_is_told_why(
    shown: str | None, listed: Token | None, withheld: str
) -> None:
    day = a_day(AccessMode.TOKEN, token_groups=frozenset({"fleet"}))
    if listed is not None:
        put(day, listed)
    day.plug(id_tag=shown)
    session = day.session()
    assert (session.withheld, session.right) == (withheld, None)
    assert day.seen() == ("occupied", "withheld")
    assert day.evse().status.detail == WHY[withheld]
    day.run(HOUR)
    told = [(n.token, n.session_id, n.text) for n in day.notices(NoticeKind.ACCESS_REFUSED)]
    text = f"Bay b1 gives no power: {WHY[withheld]}."
    assert told == ([] if shown is None else [(shown, session.id, text)]), "once, to whoever is known"


def test_every_reason_for_no_power_has_its_words() -> None:
    assert set(WHY) == FOR_ACCESS | FOR_THE_HOLD == set(REASONS)


def test_where_only_bookings_count_a_known_card_is_no_right() -> None:
    day = a_day(AccessMode.BOOKING)
    day.plug(id_tag=CARD)
    assert day.session().withheld == "booking_required"
    assert authorize(day, token=CARD).reason is Reason.BOOKING_REQUIRED


# With a right


@pytest.mark.parametrize("shown", [CARD, CARD.lower()])
def test_a_known_card_charges_without_any_cloud_and_its_group_goes_with_the_session(shown: str) -> None:
    day = a_day(AccessMode.TOKEN, token_groups=frozenset({"fleet"}))
    day.clock.trusted = False
    day.charge(id_tag=shown)
    session = day.session()
    assert (session.right, session.withheld, session.token_group) == (Right.TOKEN, None, "fleet")


def test_a_card_shown_after_the_plug_starts_the_session() -> None:
    day = a_day(AccessMode.TOKEN)
    day.plug()
    day.run(MINUTE)
    day.plug(id_tag=CARD)
    assert (day.session().right, day.session().token) == (Right.TOKEN, CARD)


def test_the_right_card_counts_although_a_wrong_one_was_shown_before() -> None:
    day = a_day(AccessMode.TOKEN)
    day.plug(id_tag="WRONG")
    assert day.session().withheld == "token_unknown"
    day.plug(id_tag=CARD)
    assert (day.session().withheld, day.session().token) == (None, CARD)


def test_a_second_card_takes_no_session_over() -> None:
    day = a_day(AccessMode.TOKEN)
    day.charge(id_tag=CARD)
    put(day, Token("OTHER"))
    day.charge(id_tag="OTHER")
    assert day.session().token == CARD


def test_a_card_that_comes_by_the_cloud_while_the_car_waits_starts_it() -> None:
    day = a_day(AccessMode.TOKEN)
    day.plug(id_tag="NEW")
    put(day, Token("NEW", group_id="guests"))
    day.tick()
    session = day.session()
    assert (session.right, session.withheld) == (Right.TOKEN, None)


def test_a_revoked_card_stops_no_running_session_but_begins_no_new_one() -> None:
    day = a_day(AccessMode.TOKEN)
    day.charge(id_tag=CARD)
    day.ask(RemoveTokens((CARD,)))
    day.run(HOUR)
    assert (day.session().right, day.session().withheld) == (Right.TOKEN, None)
    day.leave()
    day.plug(id_tag=CARD)
    assert day.session().withheld == "token_unknown"


def test_a_card_left_in_the_register_by_the_car_before_is_not_the_next_ones() -> None:
    day = a_day(AccessMode.TOKEN)
    day.charge(id_tag=CARD)
    day.run(HOUR)
    day.bays["b1"].pilot, day.bays["b1"].power_w = Pilot.A, 0
    day.tick()
    day.run(MINUTE)
    day.plug(id_tag=CARD)
    assert (day.session().token, day.session().withheld) == (None, "authorization_required")
    day.plug(id_tag=None)
    day.plug(id_tag=CARD)
    assert day.session().right is Right.TOKEN


def test_a_right_outlives_a_restart_and_so_does_the_list() -> None:
    day = a_day(AccessMode.TOKEN)
    day.charge(id_tag=CARD)
    day.restart(off_s=20)
    put(day, Token(CARD, valid=False))
    day.tick()
    assert (day.session().right, day.session().withheld) == (Right.TOKEN, None)
    assert day.state.tokens.find(CARD) == Token(CARD, valid=False)


def test_a_session_of_before_rights_were_written_down_goes_on() -> None:
    day = a_day(AccessMode.TOKEN)
    day.charge(id_tag=CARD)
    old = replace(day.session(), right=None)
    day.state = replace(day.state, evses={"b1": replace(day.evse(), session=old)})
    put(day, Token(CARD, valid=False))
    day.run(MINUTE)
    assert (day.session().right, day.session().withheld) == (Right.OPEN, None)


# A card before the plug


def test_a_card_shown_before_the_plug_counts_for_its_time() -> None:
    day = a_day(AccessMode.TOKEN, connect_timeout_s=60)
    day.bays["b1"].id_tag = CARD
    day.tick()
    day.bays["b1"].id_tag = None
    day.run(30)
    day.plug()
    assert (day.session().right, day.session().token) == (Right.TOKEN, CARD)


def test_a_card_shown_too_long_before_the_plug_is_forgotten_and_its_holder_told() -> None:
    day = a_day(AccessMode.TOKEN, connect_timeout_s=60)
    day.bays["b1"].id_tag = CARD
    day.tick()
    day.bays["b1"].id_tag = None
    day.run(2 * MINUTE)
    (notice,) = day.notices(NoticeKind.NO_TRANSACTION)
    assert notice.token == CARD
    day.plug()
    assert day.session().withheld == "authorization_required"


def test_a_holder_who_shows_the_card_and_does_not_plug_in_keeps_the_hold_and_is_told() -> None:
    day = a_day(AccessMode.TOKEN, connect_timeout_s=60)
    day.book("k", "9:10", "10:10", token=CARD)
    day.run_to("9:00")
    day.bays["b1"].id_tag = CARD
    day.tick()
    day.bays["b1"].id_tag = None
    day.run(2 * MINUTE)
    (notice,) = day.notices(NoticeKind.NO_TRANSACTION)
    assert (notice.booking_id, day.booking("k").status) == ("k", BookingStatus.RESERVED)


# From the app


def test_the_cloud_lets_a_car_charge_whose_token_the_site_does_not_know() -> None:
    day = a_day(AccessMode.TOKEN)
    day.plug()
    reply = authorize(day, token="APP-USER-1")
    assert (reply.result, reply.data["session_id"]) == (Result.ACCEPTED, day.session().id)
    session = day.session()
    assert (session.right, session.token, session.withheld) == (Right.CLOUD, "APP-USER-1", None)
    day.run(MINUTE)
    assert day.session().withheld is None


def test_on_site_only_known_tokens_can_be_named() -> None:
    day = a_day(AccessMode.TOKEN)
    day.plug()
    assert authorize(day, door=Door.LOCAL, token="APP-USER-1").reason is Reason.UNKNOWN_TOKEN
    assert authorize(day, door=Door.LOCAL, token=CARD).result is Result.ACCEPTED


def test_a_token_of_the_app_counts_for_the_car_that_comes_soon() -> None:
    day = a_day(AccessMode.TOKEN, connect_timeout_s=60)
    reply = authorize(day, token="APP-USER-1")
    assert reply.data["plug_in_until_at"] == "2026-06-15T09:01:00Z"
    day.run(30)
    day.plug()
    assert (day.session().right, day.session().token) == (Right.CLOUD, "APP-USER-1")


def test_a_car_that_charges_on_one_token_is_not_given_another() -> None:
    day = a_day(AccessMode.TOKEN)
    day.charge(id_tag=CARD)
    assert authorize(day, token="APP-USER-1").reason is Reason.EVSE_OCCUPIED
    assert authorize(day, token=CARD).result is Result.ACCEPTED


def test_a_stopped_car_is_not_started_again() -> None:
    day = a_day(AccessMode.TOKEN)
    day.charge(id_tag=CARD)
    day.stop(day.session().id)
    assert authorize(day, token=CARD).reason is Reason.FINAL_STATE


def test_what_was_asked_and_answered_is_kept_for_the_audit() -> None:
    day = a_day(AccessMode.TOKEN)
    day.plug()
    authorize(day, door=Door.LOCAL, token="APP-USER-1")
    authorize(day, token="APP-USER-1")
    found = [e.decision for e in day.effects if isinstance(e, AccessDecided)]
    assert [(d.door, d.reason) for d in found] == [("local", "UNKNOWN_TOKEN"), ("cloud", None)]


def test_no_outlet_and_no_token_are_answered() -> None:
    day = a_day(AccessMode.TOKEN)
    assert authorize(day, "b9", token=CARD).reason is Reason.EVSE_UNKNOWN
    assert authorize(day).reason is Reason.INVALID


# Holds


@pytest.mark.parametrize("mode", list(AccessMode))
def test_a_booking_is_a_right_from_its_hold_on(mode: AccessMode) -> None:
    day = a_day(mode)
    day.book("k", "9:10", "10:10", token="MINE")
    day.run_to("9:05")
    day.charge(id_tag="MINE")
    session = day.session()
    assert day.booking("k").status is BookingStatus.FULFILLED
    assert (session.right, session.withheld, session.booking_id) == (Right.BOOKING, None, "k")


def test_a_card_of_the_bookings_group_is_a_right_to_its_hold() -> None:
    day = a_day(AccessMode.BOOKING)
    put(day, Token("COLLEAGUE", group_id="fleet"))
    day.book("k", "9:10", "10:10", token=CARD)
    day.run_to("9:05")
    day.charge(id_tag="COLLEAGUE")
    session = day.session()
    assert day.booking("k").status is BookingStatus.FULFILLED
    assert (session.token, session.token_group) == ("COLLEAGUE", "fleet")


@pytest.mark.parametrize("mode", list(AccessMode))
def test_another_known_card_at_a_held_outlet_is_refused(mode: AccessMode) -> None:
    day = a_day(mode)
    put(day, Token("OTHER", group_id="guests"))
    day.book("k", "9:10", "10:10", token=CARD)
    day.run_to("9:05")
    day.charge(id_tag="OTHER")
    assert day.session().withheld == "reserved_for_another"
    assert authorize(day, token="OTHER").reason is Reason.EVSE_RESERVED


def test_a_blocked_card_does_not_get_what_was_booked_with_it() -> None:
    day = a_day(AccessMode.TOKEN)
    day.book("k", "9:10", "10:10", token=CARD)
    put(day, Token(CARD, valid=False))
    day.run_to("9:05")
    day.charge(id_tag=CARD)
    assert day.booking("k").status is BookingStatus.RESERVED
    assert day.session().withheld == "reserved_for_another"


def test_a_car_that_waits_for_its_right_does_not_get_it_within_anothers_hold() -> None:
    day = a_day(AccessMode.TOKEN)
    put(day, Token("OTHER"))
    day.book("k", "9:30", "10:30", token=CARD)
    day.plug()
    day.run_to("9:20")
    day.plug(id_tag="OTHER")
    assert day.session().withheld == "reserved_for_another"
    day.cancel("k")
    day.tick()
    assert (day.session().right, day.session().withheld) == (Right.TOKEN, None)


def test_the_holder_who_came_before_the_hold_is_let_in_when_it_begins() -> None:
    day = a_day(AccessMode.BOOKING)
    day.book("k", "9:30", "10:30", token="MINE")
    day.plug(id_tag="MINE")
    assert day.session().withheld == "booking_required"
    day.run_to("9:16")
    assert (day.session().right, day.session().withheld) == (Right.BOOKING, None)


def test_the_app_opens_the_held_outlet_for_its_holder() -> None:
    day = a_day(AccessMode.TOKEN)
    day.book("k", "9:10", "10:10", token="MINE")
    day.run_to("9:05")
    day.plug()
    assert day.session().withheld == "token_required"
    reply = authorize(day, token="MINE")
    assert (reply.data["booking_id"], reply.data["stay_until_at"]) == ("k", "2026-06-15T10:10:00Z")
    day.tick()
    assert (day.session().booking_id, day.session().withheld) == ("k", None)
    assert day.booking("k").status is BookingStatus.FULFILLED


def test_a_car_that_stands_there_without_a_right_since_long_before_does_not_pass_for_the_holder() -> None:
    day = a_day(AccessMode.TOKEN, "b1", "b2")
    day.plug("b1")
    day.book("k", "9:45", "10:45", token=CARD)
    day.run_to("9:46")
    assert day.booking("k").evse_id == "b2", "moved to a free outlet"


def test_an_outlet_that_is_out_of_order_or_unheard_takes_no_token() -> None:
    day = a_day(AccessMode.TOKEN)
    day.bays["b1"].pilot = Pilot.F
    day.tick()
    assert authorize(day, token=CARD).reason is Reason.EVSE_INOPERATIVE


# Walk-ins


def test_a_car_without_a_booking_is_told_at_its_start_until_when_it_may_stay() -> None:
    day = a_day(AccessMode.TOKEN)
    day.book("k", "11:00", "12:00", token="T9")
    day.charge(id_tag=CARD)
    (notice,) = day.notices(NoticeKind.STAY_LIMITED)
    assert day.session().booking_end_at == day.at("10:45")
    assert notice.text == "Bay b1 is booked: you may stay until 12:45."
    assert (notice.session_id, notice.token, notice.at) == (day.session().id, CARD, day.at("9:00"))
    day.run(HOUR)
    assert len(day.notices(NoticeKind.STAY_LIMITED)) == 1
    day.cancel("k")
    day.book("k2", "13:00", "14:00", token="T9")
    day.run(MINUTE)
    assert [n.text for n in day.notices(NoticeKind.STAY_LIMITED)[1:]] == [
        "Bay b1 is booked: you may stay until 14:45."
    ]


def test_a_car_that_would_have_to_leave_too_soon_gets_nothing_until_the_booking_is_gone() -> None:
    day = a_day(AccessMode.OPEN, min_stay_s=30 * MINUTE)
    day.book("k", "9:30", "10:30", token="T9")
    day.charge()
    assert day.session().withheld == "reserved_soon"
    assert day.notices(NoticeKind.STAY_LIMITED) == []
    day.cancel("k")
    day.tick()
    assert (day.session().right, day.session().withheld) == (Right.OPEN, None)


def test_the_least_stay_is_not_asked_of_the_next_holder_himself() -> None:
    day = a_day(AccessMode.TOKEN, min_stay_s=30 * MINUTE)
    day.book("k", "9:30", "10:30", token=CARD)
    day.charge(id_tag=CARD)
    assert day.session().right is Right.TOKEN
    day.run_to("9:20")
    assert day.session().booking_id == "k"


def test_the_app_cannot_begin_what_would_have_to_end_too_soon() -> None:
    day = a_day(AccessMode.TOKEN, min_stay_s=30 * MINUTE)
    day.book("k", "9:30", "10:30", token=CARD)
    assert authorize(day, token="APP-USER-1").reason is Reason.EVSE_RESERVED
    assert authorize(day, token=CARD).result is Result.ACCEPTED
    day.plug()
    assert day.session().right is Right.TOKEN


# Codes


def a_held_bay(mode: AccessMode = AccessMode.TOKEN) -> Day:
    """Booked from 9:10 with the code 4711, and within its hold."""
    day = a_day(mode, "b1", "b2")
    day.book("k", "9:10", "10:10", token="MINE", code="4711")
    day.run_to("9:05")
    return day


@pytest.mark.parametrize("mode", list(AccessMode))
def test_the_code_of_a_booking_typed_on_site_is_as_good_as_its_token(mode: AccessMode) -> None:
    day = a_held_bay(mode)
    reply = authorize(day, door=Door.LOCAL, code="4711")
    assert (reply.result, reply.data["booking_id"]) == (Result.ACCEPTED, "k")
    day.charge()
    session = day.session()
    assert (session.booking_id, session.right, session.token) == ("k", Right.BOOKING, "MINE")


def test_a_code_before_its_hold_or_at_another_outlet_is_wrong() -> None:
    day = a_day(AccessMode.TOKEN, "b1", "b2")
    day.book("k", "10:10", "11:10", token="MINE", code="4711")
    assert authorize(day, door=Door.LOCAL, code="4711").reason is Reason.WRONG_CODE
    day.run_to("10:05")
    assert authorize(day, "b2", Door.LOCAL, code="4711").reason is Reason.WRONG_CODE
    assert authorize(day, door=Door.LOCAL, code="4711").result is Result.ACCEPTED


def test_codes_cannot_be_guessed_by_trying() -> None:
    day = a_held_bay()
    for place in range(5):
        assert authorize(day, door=Door.LOCAL, code=f"000{place}").reason is Reason.WRONG_CODE
    reply = authorize(day, door=Door.LOCAL, code="4711")
    assert (reply.reason, reply.detail) == (
        Reason.TOO_MANY_TRIES,
        "too many wrong codes: try again in 60 s",
    )
    assert authorize(day, "b2", Door.LOCAL, code="4711").reason is Reason.WRONG_CODE, "counted by outlet"
    day.run(MINUTE)
    assert authorize(day, door=Door.LOCAL, code="0009").reason is Reason.WRONG_CODE
    day.run(MINUTE)
    assert authorize(day, door=Door.LOCAL, code="4711").reason is Reason.TOO_MANY_TRIES, "ever longer"
    day.run(MINUTE)
    assert authorize(day, door=Door.LOCAL, code="4711").result is Result.ACCEPTED
    assert authorize(day, door=Door.LOCAL, code="0001").reason is Reason.WRONG_CODE, "it begins anew"


def test_a_changed_booking_keeps_its_code_unless_a_new_one_is_given() -> None:
    day = a_day(AccessMode.TOKEN)
    day.book("k", "10:10", "11:10", code="4711")
    day.book("k", "10:20", "11:10")
    assert day.booking("k").code == "4711"
    day.book("k", "10:20", "11:10", code="0815")
    assert day.booking("k").code == "0815"


def test_a_session_without_a_right_ends_as_any_other() -> None:
    day = a_day(AccessMode.TOKEN)
    day.plug()
    day.run(MINUTE)
    day.leave()
    assert day.sessions()[-1].status is SessionStatus.COMPLETED
