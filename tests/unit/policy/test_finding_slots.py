"""Free windows."""

from typing import Any

import pytest

from baywarden.model.booking import BookingTerms
from baywarden.model.command import Reason, Result
from baywarden.model.reading import Pilot
from scenarios.day import HOUR, Day, a_site


def a_day(*evse_ids: str, limit_ma: int = 1_000_000, **terms: Any) -> Day:
    day = Day(a_site(*evse_ids, terms=BookingTerms(**terms), limit_ma=limit_ma))
    day.tick()
    return day


def starts(day: Day, *args: Any, **fields: Any) -> list[tuple[str, str]]:
    data = day.find(*args, **fields).data
    return [(slot["evse_id"], slot["start_at"][11:16]) for slot in data["slots"]]


def test_windows_come_earliest_first_and_then_in_the_order_of_the_configuration() -> None:
    day = a_day("b2", "b1")
    assert starts(day, "10:00", "12:00", HOUR) == [
        ("b2", "10:00"),
        ("b1", "10:00"),
        ("b2", "11:00"),
        ("b1", "11:00"),
    ]


def test_windows_lie_around_what_is_booked_with_its_buffer() -> None:
    day = a_day(buffer_s=600)
    day.book("k1", "10:30", "11:30")
    assert starts(day, "9:00", "14:00", HOUR) == [("b1", "09:00"), ("b1", "11:40"), ("b1", "12:50")]


def test_windows_lie_on_the_increment() -> None:
    day = a_day(increment_s=900)
    assert starts(day, "9:05", "11:00", HOUR) == [("b1", "09:15")]


def test_the_past_is_not_offered() -> None:
    assert starts(a_day(), "7:00", "10:00", HOUR) == [("b1", "09:00")]


def test_a_page_says_where_the_next_one_begins() -> None:
    day = a_day()
    data = day.find("10:00", "20:00", HOUR, limit=2).data
    assert (len(data["slots"]), data["next_at"]) == (2, "2026-06-15T12:00:00Z")
    assert day.find("10:00", "12:00", HOUR).data["next_at"] is None


def test_when_nothing_is_free_the_first_later_start_is_told() -> None:
    day = a_day()
    day.book("k1", "9:00", "12:30")
    data = day.find("10:00", "12:00", HOUR).data
    assert (data["slots"], data["next_at"]) == ([], "2026-06-15T12:30:00Z")


def test_a_window_tells_the_power_that_is_left() -> None:
    day = a_day("b1", "b2", limit_ma=20_000)
    day.book("k1", "10:00", "11:00", "b1", power_w=6_900)
    (slot,) = day.find("10:00", "11:00", HOUR, evse_id="b2").data["slots"]
    assert slot["power_w"] == 6_900


def test_windows_wait_for_the_power_that_is_asked_for() -> None:
    day = a_day("b1", "b2", limit_ma=20_000)
    day.book("k1", "10:00", "11:00", "b1", power_w=6_900)
    assert starts(day, "10:00", "13:00", HOUR, evse_id="b2", power_w=11_000) == [
        ("b2", "11:00"),
        ("b2", "12:00"),
    ]


def test_an_outlet_out_of_service_is_offered_only_for_later() -> None:
    day = a_day()
    day.bays["b1"].pilot = Pilot.F
    day.tick()
    assert starts(day, "9:00", "14:00", HOUR) == [("b1", "13:00")]


def test_nothing_is_offered_that_the_terms_forbid() -> None:
    day = a_day(max_duration_s=1800)
    data = day.find("9:00", "14:00", HOUR).data
    assert (data["slots"], data["next_at"]) == ([], None)


def test_questions_that_make_no_sense_are_refused() -> None:
    day = a_day()
    assert day.find("10:00", "9:00", HOUR).reason is Reason.INVALID
    assert day.find("10:00", "12:00", 0).reason is Reason.INVALID
    assert day.find("10:00", "12:00", HOUR, limit=0).reason is Reason.INVALID
    assert day.find("10:00", "12:00", HOUR, evse_id="b9").reason is Reason.EVSE_UNKNOWN


@pytest.mark.parametrize("power_w", [0, 7_000])
def test_what_is_offered_can_be_booked_with_the_power_that_was_told(power_w: int) -> None:
    day = a_day("b1", "b2", limit_ma=20_000)
    day.book("k1", "10:00", "11:30", "b1", power_w=6_900)
    for n, slot in enumerate(day.find("9:00", "12:00", HOUR, power_w=power_w).data["slots"]):
        other = Day(day.rules)
        other.tick()
        other.book("k1", "10:00", "11:30", "b1", power_w=6_900)
        reply = other.book(
            f"n{n}",
            slot["start_at"][11:16],
            slot["end_at"][11:16],
            slot["evse_id"],
            token="T2",
            power_w=slot["power_w"],
        )
        assert reply.result is Result.ACCEPTED, reply
