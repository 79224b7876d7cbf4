"""Time off, judged by the clock rules of the field."""

from dataclasses import replace

import pytest

from baywarden.model.overstay import Basis, ClockState
from baywarden.model.reading import Contact, Pilot
from baywarden.model.session import SessionStatus
from scenarios.day import HOUR, MINUTE, TEN_CENTS_A_MINUTE, Day, a_site

CHARGING, IDLE, UNKNOWN = ClockState.CHARGING, ClockState.SUSPENDED_EV, ClockState.UNKNOWN


def an_idle_car(basis: Basis = Basis.CHARGE_END) -> Day:
    """Charged from nine to ten, idle until eleven; 5.00 EUR by then."""
    day = Day(a_site(overstay=replace(TEN_CENTS_A_MINUTE, basis=basis, cap_per_session=None)))
    day.charge()
    day.run_to("10:00")
    day.fill()
    day.run_to("11:00")
    return day


def finished(day: Day) -> tuple[list[tuple[ClockState, int]], int]:
    day.leave()
    segments = [(s.state, s.duration_ms // 1000) for s in day.sessions()[-1].segments]
    return segments, sum(p.amount_minor for p in day.penalties())


def test_after_a_start_nothing_is_known_of_any_outlet() -> None:
    day = Day(a_site("b1", "b2"))
    day.charge("b1")
    day.run(MINUTE)
    day.restart(off_s=3)
    assert [day.seen(b) for b in ("b1", "b2")] == [("unknown", "not_polled")] * 2
    day.tick()
    assert [day.seen(b)[0] for b in ("b1", "b2")] == ["occupied", "available"]


@pytest.mark.parametrize("new_boot", [False, True])
def test_a_time_off_between_trusted_clocks_goes_on_as_what_it_was(new_boot: bool) -> None:
    day = an_idle_car()
    session_id = day.session().id
    day.restart(off_s=HOUR, new_boot=new_boot)
    day.run(MINUTE)
    assert day.session().id == session_id
    assert finished(day) == ([(CHARGING, 3600), (IDLE, 3600 + 3600 + 60)], 500 + 600 + 10)


@pytest.mark.parametrize(
    ("before", "after", "knows_anchor", "clock_error_s"),
    [
        (False, True, True, 0),
        (True, False, True, 0),
        (True, True, False, 0),
        (True, True, True, -2 * HOUR),
    ],
)
def test_a_new_boot_without_trust_in_both_clocks_makes_the_time_off_unknown_and_free(
    before: bool, after: bool, knows_anchor: bool, clock_error_s: int
) -> None:
    day = an_idle_car()
    day.clock.trusted = before
    day.restart(
        off_s=HOUR, new_boot=True, knows_anchor=knows_anchor, trusted=after, clock_error_s=clock_error_s
    )
    assert day.session().open_state is UNKNOWN
    day.clock.trusted = True
    day.run(HOUR)
    segments, amount = finished(day)
    assert [state for state, _ in segments] == [CHARGING, IDLE, UNKNOWN, IDLE]
    idle_s = sum(seconds for state, seconds in segments if state is IDLE)
    assert 2 * HOUR - 2 * MINUTE < idle_s <= 2 * HOUR
    assert 1080 <= amount <= 1100


def test_a_car_that_left_while_we_were_off_pays_nothing_for_the_time_off() -> None:
    day = an_idle_car()
    day.bays["b1"].pilot = Pilot.A
    day.restart(off_s=HOUR)
    day.tick()
    assert day.evse().session is None
    (session,) = day.sessions()
    assert session.status is SessionStatus.COMPLETED
    assert [(s.state, s.duration_ms // 1000) for s in session.segments][-1] == (UNKNOWN, 3600)
    assert [p.amount_minor for p in day.penalties()] == [500]


def test_a_car_that_charges_again_after_the_time_off_pays_nothing_for_it() -> None:
    day = an_idle_car()
    day.restart(off_s=HOUR)
    day.charge()
    day.run(MINUTE)
    assert finished(day) == ([(CHARGING, 3600), (IDLE, 3600), (UNKNOWN, 3600), (CHARGING, 60)], 500)


def test_an_outlet_that_is_not_heard_after_a_start_makes_the_time_since_unknown() -> None:
    day = an_idle_car()
    day.bays["b1"].contact = Contact.NEVER
    day.restart(off_s=30)
    day.run(10 * MINUTE)
    assert day.session().open_state is UNKNOWN
    assert day.session().open_from_at == day.at("11:00")


def test_energy_that_was_drawn_while_we_were_off_is_counted() -> None:
    day = Day(a_site())
    day.charge(power_w=7_200)
    day.run(HOUR)
    day.restart(off_s=HOUR, new_boot=True)
    day.run(MINUTE)
    day.leave()
    assert day.sessions()[-1].energy_wh == 7_200 + 7_200 + 120


def test_a_second_reboot_tells_the_same_session_in_the_third_boots_time() -> None:
    day = an_idle_car()
    day.restart(off_s=HOUR, new_boot=True)
    day.restart(off_s=HOUR, new_boot=True)
    day.run(MINUTE)
    assert finished(day) == ([(CHARGING, 3600), (IDLE, 3 * 3600 + 60)], 500 + 1200 + 10)
