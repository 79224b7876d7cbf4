"""What becomes of bookings when their time comes."""

from datetime import timedelta
from typing import Any

import pytest

from baywarden.model.booking import BookingPhase, BookingStatus, BookingTerms, CanceledReason, Canceler
from baywarden.model.command import Result
from baywarden.model.notice import NoticeKind
from baywarden.model.overstay import PenaltyKind, PenaltyStatus
from baywarden.model.reading import Contact, Pilot
from scenarios.day import Day, a_site

FEE = {"noshow_fee_minor": 500}


def a_day(*evse_ids: str, **terms: Any) -> Day:
    """Booking k1 of b1 from 10:00 to 11:00 for token T1."""
    day = Day(a_site(*evse_ids, terms=BookingTerms(**terms)), every_s=10)
    day.tick()
    assert day.book("k1", "10:00", "11:00").result is Result.ACCEPTED
    return day


def test_the_hold_begins_at_the_start() -> None:
    day = a_day()
    day.run_to("9:59")
    assert day.seen() == ("available", "free")
    day.run_to("10:00")
    assert day.seen() == ("reserved", "held")
    assert day.booking("k1").phase is BookingPhase.HOLDING


def test_the_hold_begins_early_where_the_terms_say_so() -> None:
    day = a_day(early_start_s=600)
    day.run_to("9:50")
    assert day.seen() == ("reserved", "held")
    day.charge(id_tag="T1")
    assert day.booking("k1").status is BookingStatus.FULFILLED


def test_within_the_early_time_a_car_that_is_there_is_no_conflict_yet() -> None:
    day = a_day(early_start_s=600)
    day.charge(id_tag="T9")
    day.run_to("9:55")
    assert day.booking("k1").phase is BookingPhase.SCHEDULED
    day.leave()
    assert day.seen() == ("reserved", "held")


def test_the_right_token_fulfils_the_booking() -> None:
    day = a_day()
    day.run_to("10:05")
    day.charge(id_tag="t1")
    booking, session = day.booking("k1"), day.session()
    assert (booking.status, booking.session_id) == (BookingStatus.FULFILLED, session.id)
    assert (session.booking_id, session.booking_end_at) == ("k1", day.at("11:00"))
    assert session.withheld is None
    assert "k1" not in day.state.places


def test_where_no_token_can_be_read_the_car_that_comes_is_the_holders() -> None:
    day = a_day()
    day.run_to("10:05")
    day.charge()
    assert day.booking("k1").status is BookingStatus.FULFILLED
    assert day.session().token == "T1"


def test_a_car_that_was_there_long_before_the_hold_is_not_taken_for_the_holders() -> None:
    day = a_day()
    day.charge()
    day.run_to("10:00")
    assert day.booking("k1").phase is BookingPhase.CONFLICT


def test_another_token_gets_no_power_while_the_outlet_is_held() -> None:
    day = a_day()
    day.run_to("10:05")
    day.charge(id_tag="T9", power_w=0)
    assert day.session().withheld == "reserved_for_another"
    assert day.seen() == ("occupied", "withheld")
    assert day.booking("k1").phase is BookingPhase.CONFLICT
    day.run_to("10:15")
    assert day.booking("k1").canceled_reason is CanceledReason.FULL
    assert day.session().withheld is None, "the hold is over"


def test_where_the_token_must_be_shown_the_car_waits_for_it() -> None:
    day = a_day(rfid_auth_required=True)
    day.run_to("10:05")
    day.plug()
    assert day.session().withheld == "token_required"
    assert day.booking("k1").phase is BookingPhase.HOLDING
    day.bays["b1"].id_tag = "T1"
    day.tick()
    assert day.booking("k1").status is BookingStatus.FULFILLED
    assert day.session().withheld is None


def test_where_the_token_must_be_shown_a_wrong_one_does_not_help() -> None:
    day = a_day(rfid_auth_required=True)
    day.run_to("10:05")
    day.plug()
    day.bays["b1"].id_tag = "T9"
    day.tick()
    assert day.session().withheld == "reserved_for_another"
    assert day.booking("k1").phase is BookingPhase.CONFLICT


def test_who_does_not_come_in_time_pays_and_the_outlet_is_free_at_once() -> None:
    day = a_day(**FEE)
    day.run_to("10:14")
    assert day.seen() == ("reserved", "held")
    day.run_to("10:15")
    assert day.seen() == ("available", "free")
    booking = day.booking("k1")
    assert (booking.status, booking.phase) == (BookingStatus.NO_SHOW, None)
    (penalty,) = day.penalties()
    assert (penalty.id, penalty.kind, penalty.status) == (
        "k1-no-show",
        PenaltyKind.NO_SHOW,
        PenaltyStatus.FINAL,
    )
    assert (penalty.amount_minor, penalty.currency, penalty.token) == (500, "EUR", "T1")
    assert (penalty.from_at, penalty.to_at) == (day.at("10:00"), day.at("10:15"))
    assert day.book("k2", "10:20", "11:00", token="T2").result is Result.ACCEPTED


def test_without_a_fee_a_no_show_leaves_no_penalty() -> None:
    day = a_day()
    day.run_to("10:20")
    assert day.booking("k1").status is BookingStatus.NO_SHOW
    assert day.penalties() == []


def test_without_a_time_out_the_hold_lasts_to_the_end() -> None:
    day = a_day(noshow_timeout_s=None)
    day.run_to("10:59")
    assert day.booking("k1").phase is BookingPhase.HOLDING
    day.run_to("11:00")
    assert day.booking("k1").status is BookingStatus.NO_SHOW


def test_a_car_that_does_not_leave_is_a_conflict_and_then_a_cancellation_without_a_fee() -> None:
    day = a_day(**FEE)
    day.charge(id_tag="T9")
    day.run_to("10:00")
    assert day.booking("k1").phase is BookingPhase.CONFLICT
    assert len(day.notices(NoticeKind.BOOKING_CONFLICT)) == 1
    assert day.evse().status.detail == "a booking waits for this outlet"
    day.run_to("10:15")
    booking = day.booking("k1")
    assert (booking.status, booking.canceled_reason) == (BookingStatus.CANCELED, CanceledReason.FULL)
    assert booking.canceled_by is Canceler.SITE
    assert day.penalties() == []


def test_when_the_other_car_leaves_in_time_the_outlet_is_held_but_a_no_show_is_free() -> None:
    day = a_day(**FEE)
    day.charge(id_tag="T9")
    day.run_to("10:05")
    day.leave()
    assert day.booking("k1").phase is BookingPhase.HOLDING
    day.run_to("10:15")
    assert day.booking("k1").status is BookingStatus.NO_SHOW
    assert day.penalties() == []


def test_after_a_conflict_the_holder_may_still_come() -> None:
    day = a_day()
    day.charge(id_tag="T9")
    day.run_to("10:05")
    day.leave()
    day.run_to("10:10")
    day.charge(id_tag="T1")
    assert day.booking("k1").status is BookingStatus.FULFILLED


def test_in_a_conflict_the_holder_may_always_cancel() -> None:
    day = a_day()
    day.charge(id_tag="T9")
    day.run_to("10:05")
    assert day.cancel("k1").result is Result.ACCEPTED


def test_the_holder_who_came_early_and_unbooked_is_not_his_own_conflict() -> None:
    day = a_day()
    day.charge(id_tag="T1")
    day.run_to("10:00")
    assert day.booking("k1").status is BookingStatus.FULFILLED
    assert day.session().booking_end_at == day.at("11:00")
    assert day.notices(NoticeKind.BOOKING_CONFLICT) == []


@pytest.mark.parametrize(
    ("pilot", "contact", "reason"),
    [
        (Pilot.F, Contact.OK, CanceledReason.BROKEN_CHARGER),
        (Pilot.A, Contact.SILENT, CanceledReason.POWER_OUTAGE),
    ],
)
def test_an_outlet_that_fails_through_the_hold_cancels_without_a_fee(
    pilot: Pilot, contact: Contact, reason: CanceledReason
) -> None:
    day = a_day(**FEE)
    day.run_to("9:58")
    day.bays["b1"].pilot, day.bays["b1"].contact = pilot, contact
    day.run_to("10:14")
    assert day.booking("k1").status is BookingStatus.RESERVED
    day.run_to("10:16")
    booking = day.booking("k1")
    assert (booking.status, booking.canceled_reason) == (BookingStatus.CANCELED, reason)
    assert day.penalties() == []
    assert any(n.booking_id == "k1" for n in day.notices(NoticeKind.SITE_FAULT))


def test_an_outlet_that_recovers_in_time_is_held_but_costs_nothing() -> None:
    day = a_day(**FEE)
    day.bays["b1"].pilot = Pilot.F
    day.run_to("10:05")
    day.bays["b1"].pilot = Pilot.A
    day.run_to("10:06")
    assert day.booking("k1").phase is BookingPhase.HOLDING
    day.run_to("10:20")
    assert day.booking("k1").status is BookingStatus.NO_SHOW
    assert day.penalties() == []


def test_a_fault_long_before_the_start_changes_nothing() -> None:
    day = a_day()
    day.bays["b1"].pilot = Pilot.F
    day.run_to("9:30")
    day.bays["b1"].pilot = Pilot.A
    day.run_to("10:00")
    assert day.booking("k1").phase is BookingPhase.HOLDING


def test_an_untrusted_clock_ends_no_booking() -> None:
    day = a_day(**FEE)
    day.run_to("9:59")
    day.clock.trusted = False
    day.run_to("10:30")
    day.bays["b1"].error_code = 7
    day.run(10)
    assert day.booking("k1").status is BookingStatus.RESERVED
    day.clock.trusted = True
    day.run(10)
    assert day.booking("k1").status is BookingStatus.CANCELED, "nobody could tell when the hold was"
    assert day.penalties() == []


def test_a_clock_that_jumps_ahead_does_not_make_no_shows() -> None:
    day = a_day(**FEE)
    day.clock.step_wall(7200)
    day.run(10)
    assert day.booking("k1").status is BookingStatus.CANCELED
    assert day.penalties() == []


def test_a_clock_that_jumps_back_does_not_put_off_what_is_due() -> None:
    day = a_day()
    day.run_to("9:30")
    day.clock.step_wall(-600)
    day.run_to("10:00")
    assert day.seen() == ("reserved", "held")


def test_bookings_follow_one_another_on_one_outlet() -> None:
    day = a_day()
    day.book("k2", "11:00", "12:00", token="T2")
    day.run_to("10:01")
    day.charge(id_tag="T1")
    day.run_to("10:55")
    day.leave()
    day.run_to("11:02")
    day.charge(id_tag="T2")
    assert [day.booking(k).status for k in ("k1", "k2")] == [BookingStatus.FULFILLED] * 2
    assert [s.booking_id for s in day.sessions()] == ["k1", "k2"]


def test_who_outstays_his_booking_is_in_the_next_ones_way() -> None:
    day = a_day()
    day.book("k2", "11:00", "12:00", token="T2")
    day.run_to("10:01")
    day.charge(id_tag="T1")
    day.run_to("11:00")
    assert day.booking("k2").phase is BookingPhase.CONFLICT
    assert day.session().withheld is None, "power is not what the next one waits for"


def test_a_walk_in_may_stay_until_the_next_hold() -> None:
    day = a_day(early_start_s=300)
    day.charge(id_tag="T9")
    assert day.session().booking_end_at == day.at("9:55")


def test_a_walk_in_may_stay_longer_when_the_booking_goes_away() -> None:
    day = a_day()
    day.book("k2", "12:00", "13:00", token="T2")
    day.charge(id_tag="T9")
    assert day.session().booking_end_at == day.at("10:00")
    day.cancel("k1")
    day.tick()
    assert day.session().booking_end_at == day.at("12:00")


def test_a_booking_made_later_does_not_shorten_a_walk_ins_time() -> None:
    day = a_day()
    day.charge(id_tag="T9")
    day.book("k2", "9:30", "9:50", token="T2")
    day.run(10)
    assert day.session().booking_end_at == day.at("10:00")


def test_a_booking_that_was_moved_is_held_at_its_new_time() -> None:
    day = a_day()
    day.book("k1", "10:30", "11:30")
    day.run_to("10:05")
    assert day.seen() == ("available", "free")
    day.run_to("10:30")
    assert day.seen() == ("reserved", "held")


def test_a_hold_begins_only_once_the_outlet_was_polled_after_a_restart() -> None:
    day = a_day(**FEE)
    day.run_to("9:59")
    day.bays["b1"].contact = Contact.NEVER
    day.restart(off_s=30)
    day.run_to("10:30")
    assert day.booking("k1").status is BookingStatus.RESERVED
    day.bays["b1"].contact = Contact.OK
    day.run(10)
    assert day.booking("k1").status is BookingStatus.CANCELED
    assert day.penalties() == []


def test_a_hold_that_we_slept_through_costs_nothing() -> None:
    day = a_day(**FEE)
    day.run_to("10:01")
    day.restart(off_s=1800)
    day.run(10)
    assert day.booking("k1").status is BookingStatus.NO_SHOW
    assert day.penalties() == []


def test_a_short_restart_within_the_hold_forgives_nothing() -> None:
    day = a_day(**FEE)
    day.run_to("10:01")
    day.restart(off_s=20)
    day.run_to("10:16")
    assert [p.amount_minor for p in day.penalties()] == [500]


def test_who_plugged_in_while_we_were_off_has_come() -> None:
    day = a_day(**FEE)
    day.run_to("10:01")
    day.bays["b1"].pilot, day.bays["b1"].power_w = Pilot.C, 7_200
    day.restart(off_s=1800)
    day.run(10)
    assert day.booking("k1").status is BookingStatus.FULFILLED


def test_the_holder_is_reminded_once_and_told_of_the_hold_and_its_end() -> None:
    day = a_day(remind_before_s=(1800, 900))
    day.run_to("10:20")
    told = [(n.kind, n.at) for n in day.notices()]
    assert told == [
        (NoticeKind.BOOKING_SOON, day.at("9:30")),
        (NoticeKind.BOOKING_SOON, day.at("9:45")),
        (NoticeKind.HOLD_BEGINS, day.at("10:00")),
        (NoticeKind.HOLD_EXPIRED, day.at("10:15")),
    ]
    assert day.notices()[0].text == "Bay b1 is yours from 12:00.", "the clock on the site's wall"
    assert day.evse().raised == frozenset(), "nothing is remembered of what has ended"


def test_a_reminder_that_comes_late_by_minutes_is_dropped() -> None:
    day = a_day()
    day.run_to("9:40")
    day.restart(off_s=int(timedelta(minutes=11).total_seconds()))
    day.run(10)
    assert day.notices(NoticeKind.BOOKING_SOON) == []


def test_a_restart_tells_nothing_twice() -> None:
    day = a_day()
    day.run_to("9:46")
    day.restart(off_s=5)
    day.run_to("10:01")
    day.restart(off_s=5)
    day.run_to("10:05")
    keys = [n.key for n in day.notices()]
    assert len(keys) == len(set(keys)) == 2
