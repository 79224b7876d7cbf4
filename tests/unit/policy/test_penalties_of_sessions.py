"""Overstay penalties as they grow and end. The arithmetic itself is overstay's; here it is when and with what."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from baywarden.model.notice import NoticeKind
from baywarden.model.overstay import Basis, OccupancyBand, PenaltyStatus
from baywarden.model.reading import Contact
from baywarden.model.step import PenaltyChanged
from baywarden.policy.overstay import assess
from scenarios.day import HOUR, MINUTE, TEN_CENTS_A_MINUTE, Day, a_site


def a_day(**policy: Any) -> Day:
    return Day(a_site("b1", "b2", overstay=replace(TEN_CENTS_A_MINUTE, **policy)))


def idle_from_ten(day: Day) -> Day:
    day.charge()
    day.run_to("10:00")
    day.fill()
    return day


def test_a_penalty_begins_after_the_grace_grows_by_the_minute_and_ends_with_the_session() -> None:
    day = idle_from_ten(a_day())
    day.run_to("10:10")
    assert day.penalties() == []
    day.run_to("10:13")
    told = [e.penalty for e in day.effects if isinstance(e, PenaltyChanged)]
    assert [p.amount_minor for p in told] == [10, 20, 30]
    assert {p.status for p in told} == {PenaltyStatus.ACCRUING}
    day.run_to("10:40")
    day.leave()
    (penalty,) = day.penalties()
    assert (penalty.status, penalty.amount_minor) == (PenaltyStatus.FINAL, 300)
    assert (penalty.from_at, penalty.to_at) == (day.at("10:10"), day.at("10:40"))
    assert (penalty.policy_id, penalty.policy_version, penalty.clock_quality) == ("idle", 1, "S")
    assert day.evse().penalty is None
    assert day.sessions()[-1].penalty_id == penalty.id


def test_a_penalty_is_told_at_most_once_a_minute() -> None:
    day = Day(a_site(overstay=replace(TEN_CENTS_A_MINUTE, step_s=1)), every_s=1)
    idle_from_ten(day)
    for code in range(20 * MINUTE):
        day.bays["b1"].error_code = code % 2
        day.run(1)
    told = [e.penalty for e in day.effects if isinstance(e, PenaltyChanged)]
    assert len(told) == 11
    assert [p.rev for p in told] == list(range(1, len(told) + 1))


def test_anyone_can_work_the_amount_out_again_from_the_evidence() -> None:
    day = idle_from_ten(a_day())
    day.run_to("10:31")
    day.leave()
    for effect in day.effects:
        if isinstance(effect, PenaltyChanged):
            penalty = effect.penalty
            again = assess(TEN_CENTS_A_MINUTE, penalty.evidence, penalty.booking_end_at)
            assert again.amount_minor == penalty.amount_minor
            assert again.breakdown == penalty.breakdown
    assert day.penalties()[-1].evidence == day.sessions()[-1].segments


def test_who_leaves_within_the_grace_has_no_penalty() -> None:
    day = idle_from_ten(a_day())
    day.run_to("10:10")
    day.leave()
    assert day.penalties() == []
    assert day.notices(NoticeKind.SESSION_ENDED)[0].amount_minor == 0


def test_the_cap_is_reached_and_told_once() -> None:
    day = idle_from_ten(a_day(cap_per_session=Decimal("1.00")))
    day.run_to("12:00")
    day.leave()
    (penalty,) = day.penalties()
    assert (penalty.amount_minor, penalty.capped) == (100, True)
    (notice,) = day.notices(NoticeKind.CAP_REACHED)
    assert (notice.at, notice.amount_minor, notice.currency) == (
        day.at("10:19") + timedelta(seconds=5),
        100,
        "EUR",
    )


def test_the_driver_is_warned_before_it_costs_and_told_when_it_does_and_what_it_came_to() -> None:
    day = idle_from_ten(a_day(notify_before_s=(300, 60)))
    day.run_to("10:30")
    day.leave()
    told = [(n.kind, n.at) for n in day.notices() if n.kind is not NoticeKind.CHARGING_STARTED]
    assert told == [
        (NoticeKind.CHARGING_COMPLETE, day.at("10:00")),
        (NoticeKind.TIME_NEARLY_UP, day.at("10:05")),
        (NoticeKind.TIME_NEARLY_UP, day.at("10:09")),
        (NoticeKind.OVERSTAY_STARTED, day.at("10:10") + timedelta(seconds=5)),
        (NoticeKind.SESSION_ENDED, day.at("10:30")),
    ]
    end = day.notices()[-1]
    assert end.amount_minor == 200
    assert end.text.endswith("2.00 EUR are owed for staying too long.")


def test_a_car_that_charges_again_is_warned_again() -> None:
    day = idle_from_ten(a_day())
    day.run_to("10:06")
    day.charge()
    day.run_to("11:00")
    day.fill()
    day.run_to("11:05")
    assert [n.at for n in day.notices(NoticeKind.TIME_NEARLY_UP)] == [day.at("10:05"), day.at("11:00")]


def test_a_walk_in_that_outstays_the_next_hold_is_judged_like_a_booking() -> None:
    day = a_day(basis=Basis.BOOKING_END)
    day.charge(id_tag="T9")
    day.tick()
    day.leave()
    day.book("k1", "10:00", "11:00")
    day.charge(id_tag="T9")
    day.run_to("10:40")
    day.leave()
    (penalty,) = day.penalties()
    assert (penalty.amount_minor, penalty.booking_end_at) == (300, day.at("10:00"))


def test_a_walk_in_with_nobody_after_it_may_stay_on_that_basis() -> None:
    day = a_day(basis=Basis.BOOKING_END)
    idle_from_ten(day)
    day.run_to("16:00")
    day.leave()
    assert day.penalties() == []


def test_a_car_that_waits_to_charge_costs_on_the_basis_of_connecting_but_not_of_charging() -> None:
    for basis, amount in ((Basis.CHARGE_END, []), (Basis.CONNECT, [500])):
        day = a_day(basis=basis)
        day.plug()
        day.run_to("10:00")
        day.leave()
        assert [p.amount_minor for p in day.penalties()] == amount


def test_silence_in_mid_session_is_not_billed() -> None:
    day = idle_from_ten(a_day())
    day.run_to("10:20")
    day.bays["b1"].contact = Contact.SILENT
    day.run_to("11:20")
    assert day.penalties()[-1].amount_minor == 100, "nothing grows while nothing is heard"
    day.bays["b1"].contact = Contact.OK
    day.run_to("11:30")
    day.leave()
    assert day.penalties()[-1].amount_minor == 200


def test_what_was_told_never_falls() -> None:
    day = idle_from_ten(a_day(step_s=1))
    for n in range(30):
        day.bays["b1"].contact = Contact.SILENT if n % 3 == 2 else Contact.OK
        day.run(47)
    day.bays["b1"].contact = Contact.OK
    day.leave()
    amounts = [e.penalty.amount_minor for e in day.effects if isinstance(e, PenaltyChanged)]
    assert amounts == sorted(amounts)
    assert len(amounts) > 5


def test_a_full_site_costs_more_from_the_moment_it_is_full() -> None:
    bands = (OccupancyBand(0, Decimal(1)), OccupancyBand(100, Decimal(2)))
    day = idle_from_ten(a_day(occupancy=bands))
    day.run_to("10:20")
    day.charge("b2")
    day.run_to("10:30")
    day.leave("b2")
    day.run_to("10:40")
    day.leave("b1")
    (penalty,) = [p for p in day.penalties() if p.evse_id == "b1"]
    assert penalty.amount_minor == 10 * 10 + 10 * 20 + 10 * 10
    assert [s.occupancy_pct for s in penalty.evidence] == [50, 50, 100, 50]


def test_what_a_driver_is_told_follows_the_rule_also_downwards_when_the_site_empties_within_a_step() -> None:
    bands = (OccupancyBand(0, Decimal(1)), OccupancyBand(100, Decimal(2)))
    day = a_day(occupancy=bands, step_s=600)
    day.charge("b2")
    idle_from_ten(day)
    day.run_to("10:11")
    day.leave("b2")
    day.run_to("10:15")
    day.leave("b1")
    amounts = [
        e.penalty.amount_minor
        for e in day.effects
        if isinstance(e, PenaltyChanged) and e.penalty.evse_id == "b1"
    ]
    assert amounts[0] == 10 * 20, "a whole step at the full site's rate"
    assert amounts[-1] == 20 + 9 * 10
    (penalty,) = [p for p in day.penalties() if p.evse_id == "b1"]
    assert penalty.status is PenaltyStatus.FINAL
    assert (
        assess(replace(TEN_CENTS_A_MINUTE, occupancy=bands, step_s=600), penalty.evidence).amount_minor == 110
    )


def test_a_penalty_under_an_untrusted_clock_does_not_begin() -> None:
    day = a_day()
    day.clock.trusted = False
    day.charge()
    day.run(HOUR)
    day.fill()
    day.run(HOUR)
    day.leave()
    assert day.penalties() == []


def test_a_calendar_that_is_set_back_puts_off_neither_warning_nor_penalty() -> None:
    day = idle_from_ten(a_day())
    day.run_to("10:03")
    day.clock.step_wall(-3 * HOUR)
    day.run(17 * MINUTE)
    told = [e.penalty.amount_minor for e in day.effects if isinstance(e, PenaltyChanged)]
    assert told == [10 * n for n in range(1, 11)]
    (warning,) = day.notices(NoticeKind.TIME_NEARLY_UP)
    assert (warning.at, warning.text) == (
        day.at("7:05"),
        "From 09:10 on a fee for staying too long runs at Bay b1.",
    )


def test_a_session_without_a_policy_costs_nothing() -> None:
    day = Day(a_site())
    idle_from_ten(day)
    day.run(5 * HOUR + MINUTE)
    day.leave()
    assert day.penalties() == []
