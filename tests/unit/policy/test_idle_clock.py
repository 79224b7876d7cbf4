"""When a car counts as idle, and when it never does."""

from datetime import datetime

from baywarden.model.overstay import ClockState, Segment
from baywarden.model.reading import ChargerState, Contact, Pilot
from scenarios.day import MINUTE, Day, a_site

CHARGING, IDLE, PAUSED = ClockState.CHARGING, ClockState.SUSPENDED_EV, ClockState.SUSPENDED_EVSE
FAULTED, UNKNOWN = ClockState.FAULTED, ClockState.UNKNOWN


def a_day(every_s: int = 1) -> Day:
    return Day(a_site(), every_s=every_s)


def timeline(day: Day) -> list[tuple[ClockState, int]]:
    """States and seconds of the last session."""
    return [(s.state, s.duration_ms // 1000) for s in day.sessions()[-1].segments]


def ends_of(segments: tuple[Segment, ...]) -> list[tuple[datetime, int]]:
    return [(s.from_at, s.duration_ms) for s in segments]


def test_pilot_b_after_a_charge_is_idle_at_once() -> None:
    day = a_day()
    day.charge()
    day.run(600)
    day.fill()
    day.run(300)
    day.leave()
    assert timeline(day) == [(CHARGING, 600), (IDLE, 300)]
    assert day.sessions()[-1].charge_ended_at == day.at("9:10")


def test_low_power_is_idle_after_the_debounce_and_dated_back_to_the_first_low_sample() -> None:
    day = a_day()
    day.charge()
    day.run(600)
    day.bays["b1"].power_w = 99
    day.tick()
    day.run(59)
    assert day.session().open_state is CHARGING
    day.run(2)
    assert day.session().open_state is IDLE
    assert day.session().open_from_at == day.at("9:10")
    day.run(39)
    day.leave()
    assert timeline(day) == [(CHARGING, 600), (IDLE, 100)]


def test_a_short_dip_is_no_end_of_the_charge() -> None:
    day = a_day()
    day.charge()
    day.run(600)
    day.bays["b1"].power_w = 0
    day.run(59)
    day.bays["b1"].power_w = 7_200
    day.run(100)
    day.leave()
    assert timeline(day) == [(CHARGING, 759)]


def test_charging_again_ends_the_idle_time() -> None:
    day = a_day()
    day.charge()
    day.run(600)
    day.fill()
    day.run(300)
    day.charge()
    day.run(60)
    assert day.session().charge_ended_at is None
    day.leave()
    assert timeline(day) == [(CHARGING, 600), (IDLE, 300), (CHARGING, 60)]


def test_a_car_that_never_charged_waits_and_has_no_end_of_charge() -> None:
    day = a_day()
    day.plug()
    day.run(600)
    assert day.session().charge_ended_at is None
    day.leave()
    assert timeline(day) == [(IDLE, 600)]
    assert day.sessions()[-1].charge_ended_at is None
    assert not day.sessions()[-1].has_charged


def test_a_pause_by_the_site_is_never_idle() -> None:
    day = a_day()
    day.charge()
    day.run(600)
    day.bays["b1"].limit_ma, day.bays["b1"].power_w = 0, 0
    day.run(300)
    day.bays["b1"].pilot = Pilot.B
    day.run(300)
    day.leave()
    assert timeline(day) == [(CHARGING, 601), (PAUSED, 599)]


def test_an_offer_below_the_least_current_is_a_pause() -> None:
    day = a_day()
    day.charge()
    day.run(600)
    day.bays["b1"].limit_ma, day.bays["b1"].power_w = 5_999, 0
    day.run(300)
    assert day.session().open_state is PAUSED


def test_after_a_pause_a_car_gets_time_to_ask_again() -> None:
    day = a_day()
    day.charge()
    day.run(600)
    day.bays["b1"].limit_ma = 0
    day.fill()
    day.run(300)
    day.bays["b1"].limit_ma = 16_000
    day.run(30)
    assert day.session().open_state is PAUSED
    day.charge()
    day.run(60)
    day.leave()
    assert timeline(day) == [(CHARGING, 600), (PAUSED, 330), (CHARGING, 60)]


def test_after_a_pause_a_car_that_asks_for_nothing_is_idle_from_the_offer_on() -> None:
    day = a_day()
    day.charge()
    day.run(600)
    day.bays["b1"].limit_ma = 0
    day.fill()
    day.run(300)
    day.bays["b1"].limit_ma = 16_000
    day.tick()
    day.run(120)
    day.leave()
    assert timeline(day) == [(CHARGING, 600), (PAUSED, 300), (IDLE, 120)]


def test_the_chargers_own_pause_is_never_idle() -> None:
    day = a_day()
    bay = day.bays["b1"]
    bay.pilot, bay.state, bay.limit_ma, bay.power_w = None, ChargerState.CHARGING, None, 7_200
    day.run(600)
    bay.state, bay.power_w = ChargerState.SUSPENDED_EVSE, 0
    day.run(300)
    bay.state = ChargerState.FINISHING
    day.run(300)
    assert day.session().open_state is IDLE


def test_a_car_that_is_withheld_for_a_hold_is_paused() -> None:
    day = a_day()
    day.book("k1", "9:10", "10:00")
    day.run_to("9:11")
    day.charge(id_tag="T9")
    day.run(10)
    day.fill()
    day.run(60)
    assert day.session().withheld == "reserved_for_another"
    assert day.session().open_state is PAUSED


def test_a_car_that_was_stopped_by_request_is_idle() -> None:
    day = a_day()
    day.charge()
    day.run(600)
    day.stop(day.session().id)
    day.fill()
    day.run(300)
    day.leave()
    assert timeline(day) == [(CHARGING, 600), (IDLE, 300)]


def test_a_fault_is_never_idle() -> None:
    day = a_day()
    day.charge()
    day.run(600)
    day.bays["b1"].pilot, day.bays["b1"].power_w = Pilot.F, 0
    day.tick()
    day.run(300)
    day.fill()
    day.run(30)
    assert day.session().open_state is FAULTED
    day.charge()
    day.run(10)
    day.leave()
    assert timeline(day) == [(CHARGING, 600), (FAULTED, 330), (CHARGING, 10)]


def test_silence_is_unknown_from_the_last_good_reading_on() -> None:
    day = a_day()
    day.charge()
    day.run(600)
    day.fill()
    day.run(100)
    day.bays["b1"].contact = Contact.SILENT
    day.run(500)
    day.bays["b1"].contact = Contact.OK
    day.run(100)
    day.leave()
    assert timeline(day) == [(CHARGING, 600), (IDLE, 100), (UNKNOWN, 501), (IDLE, 99)]


def test_a_short_silence_is_nothing() -> None:
    day = a_day()
    day.charge()
    day.run(600)
    day.bays["b1"].contact = Contact.SILENT
    day.run(9)
    day.bays["b1"].contact = Contact.OK
    day.run(100)
    day.leave()
    assert timeline(day) == [(CHARGING, 709)]


def test_time_under_an_untrusted_clock_is_unknown() -> None:
    day = a_day()
    day.charge()
    day.run(600)
    day.fill()
    day.run(100)
    day.clock.trusted = False
    day.run(500)
    day.clock.trusted = True
    day.run(100)
    day.leave()
    assert timeline(day) == [(CHARGING, 600), (IDLE, 101), (UNKNOWN, 500), (IDLE, 99)]


def test_unknown_power_of_a_car_that_asks_for_it_is_no_idleness() -> None:
    day = a_day()
    day.bays["b1"].power_w = None
    day.bays["b1"].pilot = Pilot.C
    day.run(600)
    assert day.session().open_state is CHARGING


def test_a_step_of_the_calendar_changes_no_length() -> None:
    day = a_day()
    day.charge()
    day.run(600)
    day.clock.step_wall(-3 * 3600)
    day.run(600)
    day.fill()
    day.run(5 * MINUTE)
    day.clock.step_wall(5 * 3600)
    day.run(5 * MINUTE)
    day.leave()
    assert timeline(day) == [(CHARGING, 1200), (IDLE, 600)]
