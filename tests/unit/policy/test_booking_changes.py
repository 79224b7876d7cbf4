"""Bookings that are changed, cancelled or stopped, in time or late."""

from dataclasses import replace
from typing import Any

from baywarden.model.booking import BookingStatus, CanceledReason, Canceler, LateCancel
from baywarden.model.command import Door, Reason, Result, StopSession
from baywarden.model.overstay import PenaltyKind, PenaltyStatus
from baywarden.model.reading import Contact
from scenarios.day import Day
from support.booking_day import a_day, refused


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


LATE_COSTS: dict[str, Any] = {
    "cancel_until_s": 3600,
    "late_cancel": LateCancel.ACCEPT_WITH_FEE,
    "late_cancel_fee_minor": 300,
}


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
