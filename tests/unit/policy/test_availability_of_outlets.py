"""What people see of an outlet, and why."""

import pytest

from baywarden.model.evse import Availability
from baywarden.model.reading import ChargerState, Contact, Pilot
from scenarios.day import Day, a_site


def test_an_outlet_that_was_not_polled_is_unknown_and_never_available() -> None:
    day = Day(a_site())
    day.bays["b1"].contact = Contact.NEVER
    day.run(60)
    assert day.seen() == ("unknown", "not_polled")
    assert "available" not in day.statuses()


def test_a_polled_outlet_without_a_car_is_available() -> None:
    day = Day(a_site())
    day.tick()
    assert day.seen() == ("available", "free")
    assert day.evse().status.state == "available"


@pytest.mark.parametrize(
    ("contact", "reason"),
    [
        (Contact.SILENT, "silent"),
        (Contact.GARBLED, "garbled"),
        (Contact.REFUSED, "refused"),
        (Contact.LINK_DOWN, "link_down"),
    ],
)
def test_an_outlet_that_is_not_heard_for_long_is_unknown_with_the_reason(
    contact: Contact, reason: str
) -> None:
    day = Day(a_site())
    day.tick()
    day.bays["b1"].contact = contact
    day.run(10)
    assert day.seen() == ("available", "free")
    day.run(1)
    assert day.seen() == ("unknown", reason)
    assert "last heard 2026-06-15T09:00:00Z" in day.evse().status.detail
    assert day.evse().status.state == "available", "the last known state stays"


def test_one_missed_poll_does_not_make_the_status_flap() -> None:
    day = Day(a_site())
    day.tick()
    for _ in range(20):
        day.bays["b1"].contact = Contact.SILENT
        day.run(5)
        day.bays["b1"].contact = Contact.OK
        day.run(5)
    assert day.statuses() == ["available"]


def test_a_reading_that_nobody_renews_is_stale() -> None:
    day = Day(a_site())
    day.tick()
    bay = day.bays["b1"]
    old = bay.poll(day.clock.now().mono_ms)
    bay.poll = lambda mono_ms: old  # type: ignore[method-assign]  # a stuck poll
    day.run(15)
    assert day.seen() == ("unknown", "stale")


def test_a_charger_that_says_nothing_of_its_state_is_unknown() -> None:
    day = Day(a_site())
    day.bays["b1"].pilot = None
    day.tick()
    assert day.seen() == ("unknown", "no_status")


@pytest.mark.parametrize("pilot", [Pilot.E, Pilot.F])
def test_a_fault_takes_the_outlet_out_of_service_with_its_code(pilot: Pilot) -> None:
    day = Day(a_site())
    day.bays["b1"].pilot, day.bays["b1"].error_code = pilot, 42
    day.tick()
    assert day.seen() == ("out_of_service", "fault")
    assert day.evse().status.detail == "error 42"


def test_the_chargers_own_word_counts_where_there_is_no_pilot() -> None:
    wanted = {
        ChargerState.AVAILABLE: ("available", "free"),
        ChargerState.RESERVED: ("reserved", "charger_reserved"),
        ChargerState.PREPARING: ("occupied", "preparing"),
        ChargerState.CHARGING: ("occupied", "charging"),
        ChargerState.SUSPENDED_EV: ("occupied", "preparing"),
        ChargerState.SUSPENDED_EVSE: ("occupied", "paused"),
        ChargerState.FINISHING: ("occupied", "preparing"),
        ChargerState.UNAVAILABLE: ("out_of_service", "unavailable"),
        ChargerState.FAULTED: ("out_of_service", "fault"),
    }
    assert set(wanted) == set(ChargerState)
    for state, seen in wanted.items():
        day = Day(a_site())
        bay = day.bays["b1"]
        bay.pilot, bay.state, bay.power_w = None, state, None
        day.tick()
        assert day.seen() == seen, state


def test_a_car_makes_the_outlet_occupied_and_says_what_it_does() -> None:
    day = Day(a_site())
    day.plug()
    assert day.seen() == ("occupied", "preparing")
    day.charge()
    assert day.seen() == ("occupied", "charging")
    day.fill()
    assert day.seen() == ("occupied", "idle")
    day.bays["b1"].limit_ma = 0
    day.tick()
    assert day.seen() == ("occupied", "paused")
    day.leave()
    assert day.seen() == ("available", "free")
    assert day.statuses() == ["occupied", "available"]


def test_status_tells_session_and_booking() -> None:
    day = Day(a_site())
    day.tick()
    day.book("k1", "9:30", "10:30")
    day.run_to("9:31")
    assert day.evse().status.booking_id == "k1"
    day.charge()
    status = day.evse().status
    assert status.availability is Availability.OCCUPIED
    assert (status.booking_id, status.session_id) == ("k1", day.session().id)


def test_since_tells_when_the_status_began() -> None:
    day = Day(a_site())
    day.tick()
    day.run_to("9:10")
    day.charge()
    day.run_to("9:40")
    assert day.evse().status.since_at == day.at("9:10")
