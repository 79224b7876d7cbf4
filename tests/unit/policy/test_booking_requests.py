"""Requests for bookings: what is promised, what is refused, and by which name."""

from dataclasses import replace
from datetime import time, timedelta

import pytest

from baywarden.model.booking import BookingPhase, BookingStatus, CanceledReason
from baywarden.model.command import PutBooking, Reason, Result
from baywarden.model.local_hours import LocalWindow, Weekday
from baywarden.model.reading import Contact, Pilot
from baywarden.model.session import StopReason
from baywarden.model.site import SiteRules
from scenarios.day import Day, a_site
from support.booking_day import a_day, refused


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
