"""Requests for bookings: each reason by name, and changes that lose nothing."""

from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest

from baywarden.model.booking import (
    BookingPhase,
    BookingStatus,
    BookingTerms,
    CanceledReason,
    Canceler,
    LateCancel,
)
from baywarden.model.command import Door, PutBooking, Reason, Reply, Result, StopSession
from baywarden.model.local_hours import LocalWindow, Weekday
from baywarden.model.overstay import PenaltyKind, PenaltyStatus
from baywarden.model.reading import Contact, Pilot
from baywarden.model.session import StopReason
from baywarden.model.site import SiteRules
from scenarios.day import Day, a_site


def a_day(*evse_ids: str, limit_ma: int = 1_000_000, **terms: Any) -> Day:
    day = Day(a_site(*evse_ids, terms=BookingTerms(**terms), limit_ma=limit_ma))
    day.tick()
    return day


def refused(reply: Reply) -> Reason | None:
    assert reply.result is Result.REJECTED
    assert reply.detail
    return reply.reason


def test_a_booking_that_fits_is_reserved_and_told() -> None:
    day = a_day()
    reply = day.book("k1", "10:00", "11:00", power_w=7_000)
    assert (reply.result, reply.rev) == (Result.ACCEPTED, 1)
    assert reply.data == {
        "booking_id": "k1",
        "evse_id": "b1",
        "start_at": "2026-06-15T10:00:00Z",
        "end_at": "2026-06-15T11:00:00Z",
        "status": "RESERVED",
    }
    booking = day.booking("k1")
    assert (booking.status, booking.phase) == (BookingStatus.RESERVED, BookingPhase.SCHEDULED)
    assert day.state.places["k1"] == "b1"


@pytest.mark.parametrize(
    ("start", "end", "terms", "reason"),
    [
        ("8:00", "9:30", {}, Reason.IN_PAST),
        ("33:00", "34:00", {"horizon_s": 86_400 - 1}, Reason.TOO_FAR),
        ("10:00", "10:10", {}, Reason.TOO_SHORT),
        ("10:00", "12:01", {"max_duration_s": 7200}, Reason.TOO_LONG),
        ("10:05", "11:00", {"increment_s": 900}, Reason.NOT_ON_INCREMENT),
        ("10:00", "11:05", {"increment_s": 900}, Reason.NOT_ON_INCREMENT),
        ("11:00", "10:00", {}, Reason.INVALID),
    ],
)
def test_what_the_terms_forbid_is_refused_by_name(
    start: str, end: str, terms: dict[str, int], reason: Reason
) -> None:
    day = a_day(**terms)
    assert refused(day.book("k1", start, end)) is reason
    assert not day.state.places


def test_what_makes_no_sense_is_invalid() -> None:
    day = a_day()
    naive = PutBooking("k1", day.at("10:00").replace(tzinfo=None), day.at("11:00"), "T1")
    assert refused(day.ask(naive)) is Reason.INVALID
    assert refused(day.book("", "10:00", "11:00")) is Reason.INVALID
    assert refused(day.book("k1", "10:00", "11:00", token="")) is Reason.INVALID
    assert refused(day.book("k1", "10:00", "11:00", power_w=-1)) is Reason.INVALID


def test_an_outlet_that_does_not_exist_is_unknown() -> None:
    assert refused(a_day().book("k1", "10:00", "11:00", "b9")) is Reason.EVSE_UNKNOWN


def test_a_taken_slot_is_refused_but_neighbours_fit() -> None:
    day = a_day()
    day.book("k1", "10:00", "11:00")
    assert refused(day.book("k2", "10:30", "11:30", token="T2")) is Reason.SLOT_TAKEN
    assert day.book("k3", "11:00", "12:00", token="T3").result is Result.ACCEPTED
    assert day.book("k4", "9:30", "10:00", token="T4").result is Result.ACCEPTED


def test_the_buffer_keeps_neighbours_apart() -> None:
    day = a_day(buffer_s=600)
    day.book("k1", "10:00", "11:00")
    assert refused(day.book("k2", "11:09", "12:00", token="T2")) is Reason.SLOT_TAKEN
    assert refused(day.book("k3", "9:20", "9:51", token="T3")) is Reason.SLOT_TAKEN
    assert day.book("k4", "11:10", "12:00", token="T4").result is Result.ACCEPTED


def test_a_token_holds_one_outlet_at_a_time() -> None:
    day = a_day("b1", "b2")
    day.book("k1", "10:00", "11:00", "b1", token="Card-7")
    assert refused(day.book("k2", "10:30", "11:30", "b2", token="CARD-7")) is Reason.TOKEN_OVERLAP
    assert day.book("k3", "11:00", "12:00", "b2", token="CARD-7").result is Result.ACCEPTED


def test_the_terms_may_allow_a_token_several_outlets() -> None:
    day = a_day("b1", "b2", overlapping_per_token=True)
    day.book("k1", "10:00", "11:00", "b1")
    assert day.book("k2", "10:00", "11:00", "b2").result is Result.ACCEPTED


def test_power_is_promised_only_as_far_as_the_fuse_goes() -> None:
    day = a_day("b1", "b2", limit_ma=20_000)
    assert day.book("k1", "10:00", "11:00", "b1", power_w=9_000).result is Result.ACCEPTED
    assert refused(day.book("k2", "10:00", "11:00", "b2", token="T2", power_w=9_000)) is Reason.NO_CAPACITY
    assert day.book("k3", "11:00", "12:00", "b2", token="T3", power_w=9_000).result is Result.ACCEPTED


def test_a_booking_without_a_wish_for_power_still_needs_the_least_current() -> None:
    day = a_day("b1", "b2", limit_ma=18_000)
    day.book("k1", "10:00", "11:00", "b1", power_w=11_000)
    assert refused(day.book("k2", "10:00", "11:00", "b2", token="T2")) is Reason.NO_CAPACITY


def test_what_was_promised_to_a_running_session_still_counts() -> None:
    day = a_day("b1", "b2", limit_ma=20_000)
    day.book("k1", "9:01", "12:00", "b1", power_w=9_000)
    day.run_to("9:01")
    day.charge("b1")
    assert day.booking("k1").status is BookingStatus.FULFILLED
    assert refused(day.book("k2", "10:00", "11:00", "b2", token="T2", power_w=9_000)) is Reason.NO_CAPACITY
    assert refused(day.book("k3", "11:00", "12:30", "b1", token="T3")) is Reason.SLOT_TAKEN


def test_an_outlet_out_of_service_takes_no_bookings_for_the_next_hours() -> None:
    day = a_day()
    day.bays["b1"].pilot = Pilot.F
    day.tick()
    assert refused(day.book("k1", "10:00", "11:00")) is Reason.EVSE_INOPERATIVE
    assert day.book("k2", "16:00", "17:00").result is Result.ACCEPTED


def test_nothing_is_promised_at_once_on_an_outlet_that_is_not_known() -> None:
    day = Day(a_site())
    day.bays["b1"].contact = Contact.NEVER
    day.tick()
    assert refused(day.book("k1", "9:00", "10:00")) is Reason.EVSE_INOPERATIVE
    assert day.book("k2", "10:00", "11:00").result is Result.ACCEPTED


def test_an_occupied_outlet_cannot_be_booked_at_once_but_for_later() -> None:
    day = a_day()
    day.charge(id_tag="T9")
    assert refused(day.book("k1", "9:00", "10:00")) is Reason.EVSE_OCCUPIED
    assert day.book("k2", "9:30", "10:00", token="T2").result is Result.ACCEPTED


def test_who_is_already_there_may_book_the_outlet_at_once() -> None:
    day = a_day()
    day.charge(id_tag="T9")
    assert day.book("k1", "9:00", "10:00", token="T9").result is Result.ACCEPTED
    day.tick()
    assert day.booking("k1").status is BookingStatus.FULFILLED
    assert day.session().booking_end_at == day.at("10:00")


def test_any_outlet_means_the_first_of_the_configuration_that_fits() -> None:
    day = a_day("b2", "b1", "b3")
    found = [day.book(f"k{n}", "10:00", "11:00", None, token=f"T{n}").data.get("evse_id") for n in range(4)]
    assert found == ["b2", "b1", "b3", None]


def test_of_several_refusals_the_one_that_came_furthest_is_told() -> None:
    day = a_day("b1", "b2", limit_ma=20_000)
    day.book("k1", "10:00", "11:00", "b1", power_w=9_000)
    reply = day.book("k2", "10:00", "11:00", None, token="T2", power_w=9_000)
    assert reply.reason is Reason.NO_CAPACITY


def test_an_untrusted_clock_makes_no_bookings_and_changes_none() -> None:
    day = a_day()
    day.book("k1", "10:00", "11:00")
    day.clock.trusted = False
    assert refused(day.book("k2", "12:00", "13:00", token="T2")) is Reason.CLOCK_NOT_TRUSTED
    assert refused(day.book("k1", "10:30", "11:30")) is Reason.CLOCK_NOT_TRUSTED
    assert refused(day.find("10:00", "12:00", 1800)) is Reason.CLOCK_NOT_TRUSTED
    assert day.cancel("k1").result is Result.ACCEPTED


def test_a_command_that_comes_too_late_is_not_acted_on() -> None:
    day = a_day()
    wish = PutBooking("k1", day.at("10:00"), day.at("11:00"), "T1", "b1")
    assert refused(day.ask(wish, expires_at=day.at("9:00"))) is Reason.COMMAND_EXPIRED
    assert day.ask(wish, expires_at=day.at("9:01")).result is Result.ACCEPTED


def test_the_same_wish_again_is_accepted_and_changes_nothing() -> None:
    day = a_day()
    day.book("k1", "10:00", "11:00")
    state, told = day.state, len(day.effects)
    for evse_id in ("b1", None):
        reply = day.book("k1", "10:00", "11:00", evse_id)
        assert (reply.result, reply.rev) == (Result.ACCEPTED, 1)
    assert day.state is state
    assert len(day.effects) == told


def test_a_change_swaps_the_booking_and_raises_its_revision() -> None:
    day = a_day("b1", "b2")
    day.book("k1", "10:00", "11:00", "b1")
    reply = day.book("k1", "12:00", "13:00", "b2", expected_rev=1)
    assert (reply.result, reply.rev) == (Result.ACCEPTED, 2)
    assert day.state.places["k1"] == "b2"
    assert day.evse("b1").bookings == ()
    assert [b.start_at for b in day.evse("b2").bookings] == [day.at("12:00")]
    assert day.book("k2", "10:00", "11:00", "b1", token="T2").result is Result.ACCEPTED


def test_a_change_may_overlap_what_it_replaces() -> None:
    day = a_day()
    day.book("k1", "10:00", "11:00")
    assert day.book("k1", "10:30", "11:30").rev == 2


def test_a_change_without_an_outlet_stays_where_it_is_if_that_fits() -> None:
    day = a_day("b1", "b2")
    day.book("k1", "10:00", "11:00", "b2")
    assert day.book("k1", "12:00", "13:00", None).data["evse_id"] == "b2"


def test_a_refused_change_leaves_the_booking_as_it_was() -> None:
    day = a_day()
    day.book("k1", "10:00", "11:00")
    day.book("k2", "12:00", "13:00", token="T2")
    before = day.state
    reply = day.book("k1", "12:30", "13:30")
    assert (refused(reply), reply.rev) == (Reason.SLOT_TAKEN, 1)
    assert day.state is before


def test_changes_keep_to_the_terms_and_the_revision() -> None:
    day = a_day(change_until_s=1800)
    day.book("k1", "10:00", "11:00")
    assert refused(day.book("k1", "12:00", "13:00", expected_rev=7)) is Reason.STALE_REVISION
    day.run_to("9:31")
    assert refused(day.book("k1", "12:00", "13:00")) is Reason.CHANGE_TOO_LATE
    day = a_day(change_allowed=False)
    day.book("k1", "10:00", "11:00")
    assert refused(day.book("k1", "12:00", "13:00")) is Reason.CHANGE_NOT_ALLOWED


def test_a_revision_of_nothing_is_an_unknown_reservation() -> None:
    day = a_day()
    assert refused(day.book("k1", "10:00", "11:00", expected_rev=3)) is Reason.UNKNOWN_RESERVATION
    assert refused(day.cancel("k1")) is Reason.UNKNOWN_RESERVATION


def test_a_cancellation_frees_the_slot() -> None:
    day = a_day()
    day.book("k1", "10:00", "11:00")
    assert day.cancel("k1", reason="TRAFFIC").rev == 2
    booking = day.booking("k1")
    assert (booking.status, booking.canceled_reason) == (BookingStatus.CANCELED, CanceledReason.TRAFFIC)
    assert (booking.canceled_by, booking.phase) == (Canceler.CLOUD, None)
    assert "k1" not in day.state.places
    assert day.book("k2", "10:00", "11:00").result is Result.ACCEPTED


def test_cancellations_keep_to_the_terms_except_for_the_sites_own_reasons() -> None:
    day = a_day(cancel_until_s=3600)
    day.book("k1", "9:30", "10:30")
    reply = day.cancel("k1")
    assert (refused(reply), reply.rev) == (Reason.CANCEL_TOO_LATE, 1)
    assert refused(day.cancel("k1", expected_rev=9)) is Reason.STALE_REVISION
    assert day.cancel("k1", Door.LOCAL, reason="BLOCKED").result is Result.ACCEPTED
    assert day.booking("k1").canceled_by is Canceler.LOCAL


def test_a_reason_that_nobody_knows_is_kept_as_unknown() -> None:
    day = a_day()
    day.book("k1", "10:00", "11:00")
    day.cancel("k1", reason="MOON")
    assert day.booking("k1").canceled_reason is CanceledReason.UNKNOWN


def test_a_booking_that_has_ended_is_final() -> None:
    day = a_day()
    day.book("k1", "10:00", "11:00")
    day.cancel("k1")
    reply = day.book("k1", "12:00", "13:00")
    assert (refused(reply), reply.rev) == (Reason.FINAL_STATE, 2)
    assert refused(day.cancel("k1")) is Reason.FINAL_STATE


def test_stop_gives_the_car_no_power_until_it_leaves() -> None:
    day = a_day()
    day.charge()
    session_id = day.session().id
    assert day.stop(session_id).result is Result.ACCEPTED
    assert day.session().withheld == "stopped_remote"
    assert day.stop(session_id, Door.LOCAL).result is Result.ACCEPTED, "again is no error"
    assert day.session().withheld == "stopped_remote"
    day.bays["b1"].power_w = 0
    day.tick()
    assert day.seen() == ("occupied", "withheld")
    day.leave()
    stop_reason = day.sessions()[-1].stop_reason
    assert stop_reason is not None
    assert stop_reason.value == "Remote"


def test_a_session_that_is_not_open_cannot_be_stopped() -> None:
    assert refused(a_day().ask(StopSession("b1-nothing"))) is Reason.UNKNOWN_SESSION


def test_an_outlet_that_is_taken_out_of_the_site_gives_up_its_bookings_and_leaves_the_others_alone() -> None:
    day = a_day("b1", "b2")
    day.book("k1", "10:00", "11:00", "b1")
    day.book("k2", "10:00", "11:00", "b2", token="T2")
    day.charge("b1")
    other = day.evse("b2")
    day.rules = _without(day.rules, "b1")
    del day.bays["b1"]
    day.tick()
    assert day.booking("k1").canceled_reason is CanceledReason.BLOCKED
    (session,) = day.sessions()
    assert (session.ended_at, session.stop_reason) == (day.at("9:00"), StopReason.OTHER)
    assert set(day.state.evses) == {"b2"}
    assert set(day.state.places) == {"k2"}
    assert day.evse("b2").bookings is other.bookings


def _without(rules: SiteRules, evse_id: str) -> SiteRules:
    return replace(rules, evses={key: evse for key, evse in rules.evses.items() if key != evse_id})


def test_a_booking_from_now_may_have_been_on_its_way_for_a_moment() -> None:
    day = a_day()
    start = day.at("9:00") - timedelta(seconds=30)
    assert day.ask(PutBooking("k1", start, day.at("10:00"), "T1", "b1")).result is Result.ACCEPTED


WEEKDAYS_BY_DAY = LocalWindow(
    time(8), time(20), frozenset({Weekday.MON, Weekday.TUE, Weekday.WED, Weekday.THU, Weekday.FRI})
)
"""In Berlin; the days begin on Monday, 15 June 2026, two hours ahead of UTC."""


@pytest.mark.parametrize(
    ("start", "end", "is_open"),
    [
        ("10:00", "18:00", True),
        ("17:00", "18:01", False),
        ("29:00", "30:30", False),
        ("30:00", "31:00", True),
        (f"{5 * 24 + 10}:00", f"{5 * 24 + 11}:00", False),
    ],
)
def test_bookings_lie_within_the_opening_hours_on_the_wall_of_the_site(
    start: str, end: str, *, is_open: bool
) -> None:
    day = a_day(opening=(WEEKDAYS_BY_DAY,))
    reply = day.book("k1", start, end)
    assert (reply.result is Result.ACCEPTED) is is_open
    if not is_open:
        assert refused(reply) is Reason.OUTSIDE_CALENDAR


def test_what_is_found_lies_within_the_opening_hours() -> None:
    day = a_day(opening=(WEEKDAYS_BY_DAY,))
    found = day.find("17:30", "48:00", 3600).data["slots"]
    assert found[0]["start_at"] == "2026-06-16T06:00:00Z"
    friday_evening = day.find(f"{4 * 24 + 18}:00", f"{8 * 24}:00", 3600).data["slots"]
    assert friday_evening[0]["start_at"] == "2026-06-22T06:00:00Z"


LATE_COSTS = {"cancel_until_s": 3600, "late_cancel": LateCancel.ACCEPT_WITH_FEE, "late_cancel_fee_minor": 300}


def late_fees(day: Day) -> list[tuple[str, int]]:
    fees = [p for p in day.penalties() if p.kind is PenaltyKind.LATE_CANCEL]
    assert all(p.status is PenaltyStatus.FINAL for p in fees)
    return [(p.booking_id or "", p.amount_minor) for p in fees]


def test_a_late_cancellation_frees_the_slot_and_costs_the_fee() -> None:
    day = a_day(**LATE_COSTS)
    day.book("k1", "10:30", "11:30")
    day.run_to("9:31")
    assert day.cancel("k1").result is Result.ACCEPTED
    assert day.booking("k1").status is BookingStatus.CANCELED
    assert late_fees(day) == [("k1", 300)]
    (fee,) = day.penalties()
    assert (fee.from_at, fee.to_at) == (day.at("9:30"), day.at("9:31"))
    assert day.book("k2", "10:30", "11:30", token="T2").result is Result.ACCEPTED


def test_a_cancellation_in_time_or_because_of_the_site_costs_nothing() -> None:
    day = a_day(**LATE_COSTS)
    day.book("k1", "10:30", "11:30")
    day.run_to("9:29")
    day.cancel("k1")
    day.book("k2", "10:30", "11:30")
    day.run_to("10:10")
    day.cancel("k2", reason="BROKEN_CHARGER")
    day.book("k3", "10:30", "11:30")
    day.bays["b1"].contact = Contact.SILENT
    day.run_to("10:20")
    assert day.cancel("k3").result is Result.ACCEPTED
    assert late_fees(day) == []


def test_the_fee_for_cancelling_late_is_the_one_of_the_day_on_which_it_was_booked() -> None:
    day = a_day(**LATE_COSTS)
    day.book("k1", "10:30", "11:30")
    dearer = replace(day.rules.evses["b1"].terms, late_cancel_fee_minor=900)
    day.rules = replace(day.rules, evses={"b1": replace(day.rules.evses["b1"], terms=dearer)})
    day.run_to("10:00")
    day.cancel("k1")
    assert late_fees(day) == [("k1", 300)]
