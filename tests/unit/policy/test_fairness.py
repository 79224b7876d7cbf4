"""What must never be held against a driver: our own absence, odd clocks, odd meters, and other people's cars."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from baywarden.model.booking import BookingPhase, BookingStatus, BookingTerms
from baywarden.model.command import Reason, Result
from baywarden.model.notice import NoticeKind
from baywarden.model.overstay import Basis, ClockState, OccupancyBand, OverstayPolicy, PenaltyStatus
from baywarden.model.reading import Contact, Pilot
from baywarden.model.session import SessionStatus
from baywarden.model.step import PenaltyChanged
from baywarden.policy.overstay import assess
from scenarios.day import HOUR, MINUTE, TEN_CENTS_A_MINUTE, Day, a_site

AFTER_CHARGE = replace(TEN_CENTS_A_MINUTE, grace_s=0, cap_per_session=None)
AFTER_BOOKING = replace(AFTER_CHARGE, basis=Basis.BOOKING_END)
BUSY = replace(AFTER_CHARGE, occupancy=(OccupancyBand(0, Decimal(1)), OccupancyBand(60, Decimal(2))))


def a_day(*evse_ids: str, policy: OverstayPolicy = AFTER_BOOKING, every_s: int = 5, **terms: Any) -> Day:
    rules = a_site(*evse_ids, terms=BookingTerms(**terms), overstay=policy)
    day = Day(rules, every_s=every_s)
    day.tick()
    return day


def owed(day: Day) -> list[int]:
    return [penalty.amount_minor for penalty in day.penalties()]


# Money


def test_a_change_of_occupancy_bills_no_time_off_at_an_outlet_that_was_not_heard_yet() -> None:
    day = a_day("b1", "b2", policy=BUSY)
    day.charge("b1")
    day.charge("b2")
    day.run(600)
    day.fill("b1")
    day.run(300)
    day.leave("b2")
    (told,) = owed(day)
    for bay in day.bays.values():
        bay.pilot, bay.power_w = Pilot.A, 0
    day.restart(2 * HOUR)
    day.bays["b1"].contact = Contact.NEVER
    day.bays["b2"].pilot = Pilot.C
    day.tick()
    day.clock.leap(1)
    day.bays["b1"].contact = Contact.OK
    day.tick()
    assert owed(day) == [told]


def test_a_walk_in_under_a_clock_that_nobody_believes_has_no_end_of_its_time() -> None:
    day = a_day()
    day.book("k1", "10:00", "11:00", token="T2")
    day.restart(3 * HOUR, new_boot=True, trusted=False, clock_error_s=-3 * HOUR)
    day.tick()
    day.charge()
    assert day.session().booking_end_at is None
    day.clock.step_wall(3 * HOUR)
    day.clock.trusted = True
    day.run(30 * MINUTE)
    day.leave()
    assert owed(day) == []


@pytest.mark.parametrize("buffer_s", [0, 600])
@pytest.mark.parametrize("token", ["T1", None])
def test_a_driver_with_two_adjoining_bookings_stays_through_both(token: str | None, buffer_s: int) -> None:
    day = a_day(buffer_s=buffer_s, early_start_s=300)
    day.book("k1", "9:30", "10:30")
    second = "10:40" if buffer_s else "10:30"
    assert day.book("k2", second, "11:30").result is Result.ACCEPTED
    day.run_to("9:31")
    day.charge(id_tag=token)
    day.run_to("10:45")
    assert day.booking("k2").status is BookingStatus.FULFILLED
    assert (day.session().booking_id, day.session().booking_end_at) == ("k2", day.at("11:30"))
    assert day.notices(NoticeKind.TIME_NEARLY_UP) == [], "no fee is near"
    day.run_to("11:29")
    assert len(day.notices(NoticeKind.TIME_NEARLY_UP)) == 1
    day.leave()
    assert owed(day) == []
    assert len(day.sessions()) == 1


def test_a_session_does_not_go_over_to_somebody_elses_adjoining_booking() -> None:
    day = a_day()
    day.book("k1", "9:30", "10:30")
    day.book("k2", "10:30", "11:30", token="T2")
    day.run_to("9:31")
    day.charge(id_tag="T1")
    day.run_to("10:35")
    assert day.booking("k2").phase is BookingPhase.CONFLICT
    assert owed(day) == [50]


def told_amounts(day: Day) -> list[int]:
    return [e.penalty.amount_minor for e in day.effects if isinstance(e, PenaltyChanged)]


def test_a_told_fee_stands_when_the_booking_behind_it_goes_away() -> None:
    day = a_day()
    day.book("k1", "9:30", "10:30", token="T2")
    day.charge(id_tag="T9")
    day.run_to("9:40")
    told = owed(day)
    day.run_to("9:46")
    assert day.booking("k1").status is BookingStatus.CANCELED
    day.book("k2", "12:00", "13:00", token="T2")
    day.clock.step_wall(-1200)
    day.run(60)
    day.leave()
    amounts = told_amounts(day)
    assert told == [100]
    assert amounts == sorted(amounts)
    assert day.penalties()[0].status is PenaltyStatus.FINAL


def test_a_told_fee_stands_when_the_driver_claims_a_later_booking_of_his_own() -> None:
    day = a_day()
    day.book("k2", "9:30", "10:00", token="T2")
    day.book("k1", "10:30", "11:30", token="T1")
    day.charge(id_tag="T1")
    day.run_to("11:00")
    assert day.booking("k1").status is BookingStatus.FULFILLED
    day.leave()
    (penalty,) = day.penalties()
    assert (penalty.status, penalty.amount_minor) == (PenaltyStatus.FINAL, 600)
    assert told_amounts(day) == sorted(told_amounts(day))
    again = assess(AFTER_BOOKING, penalty.evidence, penalty.booking_end_at)
    assert again.amount_minor == penalty.amount_minor
    assert "6.00 EUR are owed" in day.notices()[-1].text


def test_who_stays_after_a_stop_by_request_pays_for_staying() -> None:
    day = a_day(policy=AFTER_CHARGE)
    day.charge()
    day.run(30 * MINUTE)
    day.stop(day.session().id)
    day.bays["b1"].limit_ma = 0
    day.fill()
    day.run(HOUR)
    day.leave()
    assert owed(day) == [600]
    assert day.sessions()[-1].charge_ended_at == day.at("9:30")


# Energy


@pytest.mark.parametrize("odd_wh", [0, 4_000_000, 9_000_000])
def test_one_odd_poll_of_the_register_neither_loses_nor_invents_energy(odd_wh: int) -> None:
    day = Day(a_site(), every_s=1)
    day.charge(power_w=7_200)
    day.run(9 * MINUTE + 59)
    bay = day.bays["b1"]
    bay.pass_time(1)
    true_ws, bay.energy_ws = bay.energy_ws, odd_wh * 3600
    for _ in range(60):
        day.clock.leap(1)
        bay.pass_time(1)
        true_ws += 7_200
        day.tick()
        if day.session().odd_register_wh is not None:
            break
    assert day.session().energy_suspect
    bay.energy_ws = true_ws
    start_wh = day.session().start_register_wh
    day.run(2 * MINUTE)
    day.leave()
    assert start_wh is not None
    assert day.sessions()[-1].energy_wh == bay.energy_ws // 3600 - start_wh


def test_a_meter_that_was_changed_is_counted_from_its_own_register_on() -> None:
    day = Day(a_site(), every_s=1)
    day.charge(power_w=7_200)
    day.run(10 * MINUTE)
    day.bays["b1"].energy_ws = 9_000_000 * 3600
    day.run(10 * MINUTE)
    day.leave()
    (session,) = day.sessions()
    assert session.energy_suspect
    assert 2_400 - 2 * 120 <= session.energy_wh <= 2_400


def test_a_register_that_jumps_as_the_car_leaves_is_not_counted() -> None:
    day = Day(a_site(), every_s=1)
    day.charge(power_w=7_200)
    day.run(10 * MINUTE)
    day.bays["b1"].energy_ws += 9_000_000 * 3600
    day.leave()
    (session,) = day.sessions()
    assert session.energy_suspect
    assert session.energy_wh <= 1_200


# Other people's cars


def test_another_card_after_a_silence_begins_a_session_of_its_own() -> None:
    day = a_day(policy=AFTER_CHARGE)
    day.charge(id_tag="A")
    day.run(600)
    day.fill()
    day.run(60)
    day.bays["b1"].contact = Contact.SILENT
    day.run(20 * MINUTE)
    day.bays["b1"].contact = Contact.OK
    day.charge(id_tag="B")
    day.run(600)
    day.fill()
    day.run(HOUR)
    day.leave()
    assert [(s.token, s.status) for s in day.sessions()] == [
        ("A", SessionStatus.COMPLETED),
        ("B", SessionStatus.COMPLETED),
    ]
    assert [(p.token, p.amount_minor) for p in day.penalties()] == [("A", 10), ("B", 600)]
    assert day.sessions()[0].energy_suspect, "which car drew what in the silence is not known"
    assert "available" not in day.statuses()[1:-1]


def test_another_card_after_our_time_off_begins_a_session_of_its_own() -> None:
    day = a_day()
    day.charge(id_tag="A")
    day.run(600)
    day.bays["b1"].id_tag = "B"
    day.restart(HOUR)
    day.tick()
    day.clock.leap(1)
    day.tick()
    assert day.session().token == "B"
    assert day.sessions()[0].segments[-1].state is ClockState.UNKNOWN


def test_a_second_card_while_the_outlet_is_heard_changes_nothing() -> None:
    day = a_day()
    day.charge(id_tag="A")
    day.run(60)
    day.bays["b1"].id_tag = "B"
    day.run(60)
    day.clock.trusted = False
    day.bays["b1"].id_tag = "A"
    day.run(60)
    day.bays["b1"].id_tag = "B"
    day.clock.trusted = True
    day.run(60)
    assert [s.token for s in day.sessions()] == ["A"]


# Holds


def test_without_a_card_reader_who_comes_shortly_before_the_hold_is_the_holder() -> None:
    day = a_day(noshow_fee_minor=500)
    day.book("k1", "10:00", "11:00")
    day.run_to("9:58")
    day.charge()
    assert day.booking("k1").status is BookingStatus.RESERVED
    day.run_to("10:00")
    assert day.booking("k1").status is BookingStatus.FULFILLED
    assert day.session().booking_end_at == day.at("11:00")


def test_where_the_token_must_be_shown_coming_early_without_it_claims_nothing() -> None:
    day = a_day(rfid_auth_required=True)
    day.book("k1", "10:00", "11:00")
    day.run_to("9:58")
    day.charge()
    day.run_to("10:01")
    assert day.booking("k1").status is BookingStatus.RESERVED


@pytest.mark.parametrize("step_s", [600, HOUR])
def test_a_clock_set_forward_within_the_hold_gives_the_holder_his_time_again_and_no_fee(step_s: int) -> None:
    day = a_day(noshow_fee_minor=500)
    day.book("k1", "9:30", "12:00")
    day.run_to("9:31")
    day.clock.step_wall(step_s)
    day.run(14 * MINUTE)
    assert day.booking("k1").phase is BookingPhase.HOLDING
    day.run(2 * MINUTE)
    assert day.booking("k1").status is BookingStatus.NO_SHOW
    assert owed(day) == []


def test_a_clock_that_is_disciplined_by_less_than_two_seconds_changes_nothing() -> None:
    day = a_day(noshow_fee_minor=500)
    day.book("k1", "9:30", "11:00")
    day.run_to("9:31")
    day.clock.step_wall(1.5)
    day.run_to("9:46")
    assert owed(day) == [500]


def test_what_not_coming_costs_is_what_was_agreed_when_the_booking_was_made() -> None:
    day = a_day(noshow_fee_minor=500, noshow_timeout_s=900)
    day.book("k1", "9:30", "11:00")
    day.rules = a_site(terms=BookingTerms(noshow_fee_minor=2500, noshow_timeout_s=60))
    day.restart(5)
    day.run_to("9:44")
    assert day.booking("k1").phase is BookingPhase.HOLDING
    day.run_to("9:46")
    assert owed(day) == [500]


def test_an_early_hold_does_not_begin_within_the_time_of_the_booking_before() -> None:
    day = a_day(early_start_s=900, noshow_timeout_s=None)
    day.book("k1", "9:30", "10:30")
    day.book("k2", "10:30", "11:30", token="T2")
    day.run_to("9:35")
    day.charge(id_tag="T1")
    day.run_to("10:20")
    day.leave()
    day.run(10)
    assert day.seen() == ("available", "free")
    day.charge(id_tag="T1")
    assert day.session().withheld is None
    day.leave()
    day.run_to("10:30")
    assert day.seen() == ("reserved", "held")


def test_a_fault_within_the_early_hold_makes_a_no_show_free() -> None:
    day = a_day(early_start_s=900, noshow_fee_minor=500)
    day.book("k1", "9:30", "11:00")
    day.run_to("9:16")
    day.bays["b1"].pilot = Pilot.F
    day.run_to("9:29")
    day.bays["b1"].pilot = Pilot.A
    day.run_to("9:50")
    assert day.booking("k1").status is BookingStatus.NO_SHOW
    assert owed(day) == []


def test_who_came_and_left_before_the_hold_is_not_told_that_nobody_came() -> None:
    day = a_day()
    day.book("k1", "10:00", "11:00")
    day.run_to("9:50")
    day.charge(id_tag="T1")
    day.run_to("9:58")
    day.leave()
    day.run_to("10:16")
    assert day.booking("k1").status is BookingStatus.NO_SHOW
    assert (
        day.notices()[-1].text == "The time in which Bay b1 was kept for you is over; the booking has ended."
    )


# Which outlet


def test_a_near_booking_of_any_outlet_gets_one_that_is_free_now() -> None:
    day = a_day("b1", "b2", "b3")
    day.charge("b1")
    assert day.book("k1", "9:30", "10:30", None).data["evse_id"] == "b2"
    assert day.book("k2", "12:00", "13:00", None, token="T2").data["evse_id"] == "b1", (
        "far off it may be gone"
    )


def test_an_outlet_that_was_lost_ten_minutes_ago_takes_no_near_bookings_and_is_not_offered() -> None:
    day = a_day("b1", every_s=10)
    day.bays["b1"].contact = Contact.LINK_DOWN
    day.run_to("9:05")
    assert day.book("k1", "9:30", "10:30").result is Result.ACCEPTED, "it may come back"
    day.run_to("9:20")
    refused = day.book("k2", "11:00", "12:00", token="T2")
    assert (refused.result, refused.reason) == (Result.REJECTED, Reason.EVSE_INOPERATIVE)
    found = day.find("9:00", "18:00", HOUR, evse_id="b1").data["slots"]
    assert found[0]["start_at"] >= "2026-06-15T13:20:00Z"
    assert day.book("k3", "15:00", "16:00", token="T3").result is Result.ACCEPTED
