"""Bookings by group, type and energy, and what happens when their outlet cannot serve them."""

from dataclasses import replace
from typing import Any

from baywarden.model.booking import BookingPhase, BookingStatus, BookingTerms
from baywarden.model.command import Reason, Result
from baywarden.model.notice import NoticeKind
from baywarden.model.reading import Contact, Pilot
from scenarios.day import Day, a_site

CCS = "IEC_62196_T2_COMBO"


def a_yard(**terms: Any) -> Day:
    """b1 and b2 stand in the north with type 2, b3 in the south with type 2, b4 in the north with CCS."""
    rules = a_site("b1", "b2", "b3", "b4", terms=BookingTerms(early_start_s=600, **terms))
    groups = {"b1": "north", "b2": "north", "b3": "south", "b4": "north"}
    evses = {
        key: replace(
            outlet,
            groups=frozenset({groups[key]}),
            connector_type=CCS if key == "b4" else outlet.connector_type,
        )
        for key, outlet in rules.evses.items()
    }
    day = Day(replace(rules, evses=evses))
    day.tick()
    return day


def place(day: Day, booking_id: str) -> str:
    return day.state.places[booking_id]


def test_a_booking_for_a_group_and_a_type_gets_an_outlet_of_that_kind() -> None:
    day = a_yard()
    assert day.book("k1", "10:00", "11:00", None, "T1", group="south").data["evse_id"] == "b3"
    assert day.book("k2", "10:00", "11:00", None, "T2", connector_type=CCS).data["evse_id"] == "b4"
    full = day.book("k3", "10:00", "11:00", None, "T3", group="south")
    assert (full.result, full.reason) == (Result.REJECTED, Reason.SLOT_TAKEN)
    none = day.book("k4", "10:00", "11:00", None, "T4", group="south", connector_type=CCS)
    assert none.reason is Reason.EVSE_UNKNOWN
    assert none.detail == f"there is no outlet with group south and connector type {CCS}"


def test_what_is_found_for_a_group_and_an_energy_can_be_booked() -> None:
    day = a_yard()
    found = day.find("10:00", "12:00", 3600, group="north", energy_wh=5_000).data["slots"]
    assert {slot["evse_id"] for slot in found} == {"b1", "b2", "b4"}
    assert all(slot["power_w"] >= 5_000 for slot in found)
    assert day.find("10:00", "12:00", 3600, energy_wh=12_000).data["slots"] == []
    day.book("k1", "10:00", "11:00", None, "T1", group="north", energy_wh=5_000)
    assert day.booking("k1").power_w == 5_000
    again = day.book("k1", "10:00", "11:00", None, "T1", group="north", energy_wh=5_000)
    assert (again.result, again.rev) == (Result.ACCEPTED, 1)


def test_both_drivers_are_told_when_a_booking_has_to_move() -> None:
    day = a_yard()
    day.book("k1", "10:00", "11:00", "b1", token="T1")
    day.run_to("9:20")
    day.charge("b1", id_tag="T9")
    day.run_to("10:00")
    day.run(5)
    assert place(day, "k1") == "b2"
    (moved,) = day.notices(NoticeKind.BOOKING_MOVED)
    assert (moved.token, moved.evse_id) == ("T1", "b2")
    assert moved.text == "Your booking from 12:00 is at Bay b2 now: Bay b1 cannot serve you."
    (asked,) = day.notices(NoticeKind.BAY_NEEDED)
    assert (asked.token, asked.evse_id) == ("T9", "b1")
    assert day.booking("k1").phase is BookingPhase.HOLDING
    assert day.seen("b2")[0] == "reserved"


def test_a_substitute_is_of_the_same_type_and_of_the_group_that_was_asked_for() -> None:
    day = a_yard()
    day.book("k1", "10:00", "11:00", None, "T1", group="north", connector_type="IEC_62196_T2")
    assert place(day, "k1") == "b1"
    day.charge("b2", id_tag="T8")
    day.bays["b1"].pilot = Pilot.F
    day.run_to("9:55")
    assert place(day, "k1") == "b1", "b3 is in the south, b4 has another plug, b2 is in use"
    day.leave("b2")
    day.run(10)
    assert place(day, "k1") == "b2"


def test_a_booking_is_never_moved_into_the_way_of_another() -> None:
    day = a_yard()
    day.book("k1", "10:00", "12:00", "b1", token="T1")
    for number, evse_id in enumerate(("b2", "b3")):
        day.book(f"n{number}", "11:30", "12:30", evse_id, token=f"N{number}")
    day.charge("b1", id_tag="T9")
    day.run_to("10:16")
    assert day.booking("k1").status is BookingStatus.CANCELED
    assert place(day, "n0") == "b2"


def test_an_outlet_that_is_unheard_for_a_moment_keeps_its_booking() -> None:
    day = a_yard()
    day.book("k1", "10:00", "11:00", "b1", token="T1")
    day.run_to("9:52")
    day.bays["b1"].contact = Contact.SILENT
    day.run(40)
    day.bays["b1"].contact = Contact.OK
    day.run(60)
    assert place(day, "k1") == "b1"
    day.bays["b1"].contact = Contact.SILENT
    day.run(120)
    assert place(day, "k1") == "b2"


def test_who_had_to_move_after_the_start_has_the_whole_time_to_come() -> None:
    day = a_yard(noshow_timeout_s=900, noshow_fee_minor=500)
    day.book("k1", "10:00", "11:00", "b1", token="T1")
    for evse_id in ("b2", "b3"):
        day.charge(evse_id, id_tag=f"X{evse_id}")
    day.bays["b1"].contact = Contact.SILENT
    day.run_to("10:10")
    day.leave("b3")
    day.run_to("10:24")
    assert day.booking("k1").evse_id == "b3"
    assert day.booking("k1").status is BookingStatus.RESERVED
    day.run_to("10:27")
    assert day.booking("k1").status is BookingStatus.NO_SHOW
    assert day.penalties() == [], "the site did not keep it all the time"
