"""Sessions: what begins and ends them, and what they count."""

from dataclasses import replace

import pytest

from baywarden.model.notice import NoticeKind
from baywarden.model.reading import ChargerState, Contact, Pilot
from baywarden.model.session import MeterContext, SessionStatus, StopReason
from baywarden.model.step import SessionChanged
from scenarios.day import HOUR, MINUTE, TEN_CENTS_A_MINUTE, Day, a_site


def test_a_car_begins_a_session_that_is_active_from_the_first_register_on() -> None:
    day = Day(a_site())
    day.bays["b1"].counts = False
    day.charge()
    assert day.session().status is SessionStatus.PENDING
    day.run(30)
    assert day.session().status is SessionStatus.PENDING
    day.bays["b1"].counts = True
    day.tick()
    session = day.session()
    assert (session.status, session.energy_wh) == (SessionStatus.ACTIVE, 0)
    assert session.start_register_wh == session.register_wh
    assert [s.context for s in day.samples()] == [MeterContext.TRANSACTION_BEGIN]


def test_the_id_names_outlet_and_moment_and_is_not_made_twice_by_a_clock_that_comes_back() -> None:
    day = Day(a_site())
    day.charge()
    first = day.session().id
    assert first.startswith("b1-20260615t090000z-")
    day.run(60)
    day.leave()
    day.clock.step_wall(-60)
    day.charge()
    assert day.session().id != first
    assert day.session().started_at == day.at("9:00")


def test_energy_is_the_difference_of_the_registers() -> None:
    day = Day(a_site())
    day.charge(power_w=7_200)
    day.run(HOUR)
    day.leave()
    (session,) = day.sessions()
    assert (session.status, session.energy_wh) == (SessionStatus.COMPLETED, 7_200)
    assert session.stop_reason is StopReason.EV_DISCONNECTED
    assert (session.started_at, session.ended_at) == (day.at("9:00"), day.at("10:00"))


def test_a_register_that_falls_takes_no_energy_away_and_is_flagged() -> None:
    day = Day(a_site(), every_s=1)
    day.charge(power_w=7_200)
    day.run(600)
    assert not day.session().energy_suspect
    day.bays["b1"].energy_ws = 100 * 3600
    day.tick()
    assert day.session().energy_suspect
    counted_wh = day.session().energy_wh
    assert 1_200 - 120 <= counted_wh <= 1_200, "at most the minute since the register was kept is lost"
    day.run(600)
    day.leave()
    assert day.sessions()[-1].energy_wh == counted_wh + 1_200


def test_registers_are_kept_at_most_once_a_minute() -> None:
    day = Day(a_site(), every_s=1)
    day.charge()
    before = len(day.effects)
    day.run(10 * MINUTE)
    kept = [e for e in day.effects[before:] if isinstance(e, SessionChanged)]
    assert len(kept) == 10
    assert not any(e.public for e in kept)


def test_the_meter_is_sampled_at_the_begin_on_quarter_hours_and_at_the_end() -> None:
    day = Day(a_site())
    day.run_to("9:10")
    day.charge(power_w=7_200)
    day.run_to("9:50")
    day.leave()
    assert [(s.context.value, s.at, s.energy_wh) for s in day.samples()] == [
        ("Transaction.Begin", day.at("9:10"), 0),
        ("Sample.Clock", day.at("9:15"), 600),
        ("Sample.Clock", day.at("9:30"), 2_400),
        ("Sample.Clock", day.at("9:45"), 4_200),
        ("Transaction.End", day.at("9:50"), 4_800),
    ]


def test_silence_ends_no_session() -> None:
    day = Day(a_site())
    day.charge()
    day.run(MINUTE)
    day.bays["b1"].contact = Contact.LINK_DOWN
    day.run(HOUR)
    session_id = day.session().id
    day.bays["b1"].contact = Contact.OK
    day.run(MINUTE)
    assert day.session().id == session_id


def test_a_car_that_left_in_silence_is_gone_when_the_outlet_is_heard_again() -> None:
    day = Day(a_site())
    day.charge()
    day.run(MINUTE)
    day.bays["b1"].contact = Contact.LINK_DOWN
    day.run(HOUR)
    day.bays["b1"].contact = Contact.OK
    day.leave()
    assert day.evse().session is None
    assert day.sessions()[-1].status is SessionStatus.COMPLETED


@pytest.mark.parametrize("pilot", [Pilot.E, Pilot.F])
def test_a_fault_ends_no_session(pilot: Pilot) -> None:
    day = Day(a_site())
    day.charge()
    day.run(MINUTE)
    session_id = day.session().id
    day.bays["b1"].pilot = pilot
    day.run(MINUTE)
    assert day.session().id == session_id
    day.bays["b1"].pilot = Pilot.C
    day.run(MINUTE)
    assert day.session().id == session_id


def test_a_fault_begins_no_session() -> None:
    day = Day(a_site())
    day.bays["b1"].pilot = Pilot.F
    day.run(MINUTE)
    assert day.evse().session is None


def test_a_car_that_is_gone_while_the_charger_is_unavailable_ends_the_session() -> None:
    day = Day(a_site())
    day.charge()
    day.run(MINUTE)
    day.bays["b1"].state = ChargerState.UNAVAILABLE
    day.leave()
    assert day.evse().session is None
    assert day.seen() == ("out_of_service", "unavailable")


def test_a_token_that_is_shown_later_is_noted_once() -> None:
    day = Day(a_site())
    day.charge()
    assert day.session().token is None
    day.bays["b1"].id_tag = "T1"
    day.tick()
    assert day.session().token == "T1"
    day.bays["b1"].id_tag = "T2"
    day.tick()
    assert day.session().token == "T1"


def test_the_policy_is_frozen_when_the_session_begins() -> None:
    day = Day(a_site(overstay=TEN_CENTS_A_MINUTE))
    day.charge()
    later = replace(TEN_CENTS_A_MINUTE, version=2)
    evses = {key: replace(evse, overstay=later) for key, evse in day.rules.evses.items()}
    day.rules = replace(day.rules, evses=evses)
    day.run(MINUTE)
    assert day.session().policy is TEN_CENTS_A_MINUTE
    day.leave()
    day.charge()
    assert day.session().policy is later


def test_the_cloud_hears_of_what_it_should_see_with_rising_revisions() -> None:
    day = Day(a_site(overstay=TEN_CENTS_A_MINUTE))
    day.plug()
    day.charge()
    day.run(HOUR)
    day.fill()
    day.run(HOUR)
    day.leave()
    told = [e.session for e in day.effects if isinstance(e, SessionChanged) and e.public]
    assert [s.rev for s in told] == [1, 2, 3, 4, 5]
    assert [s.has_charged for s in told] == [False, True, True, True, True]
    assert told[2].charge_ended_at == day.at("10:00")
    assert told[3].penalty_id is not None
    assert told[4].ended_at == day.at("11:00")


def test_driver_is_told_of_begin_and_end_of_the_charge_and_of_the_session() -> None:
    day = Day(a_site())
    day.charge(id_tag="T1")
    day.run(HOUR)
    day.fill()
    day.run(10 * MINUTE)
    day.charge()
    day.run(10 * MINUTE)
    day.fill()
    day.run(10 * MINUTE)
    day.leave()
    assert [n.kind for n in day.notices()] == [
        NoticeKind.CHARGING_STARTED,
        NoticeKind.CHARGING_COMPLETE,
        NoticeKind.SESSION_ENDED,
    ]
    end = day.notices()[-1]
    assert (end.text, end.token) == ("Your session at Bay b1 has ended after 8.4 kWh.", "T1")
    assert day.evse().raised == frozenset()


def test_a_fault_is_told_once_while_it_lasts_also_across_a_restart() -> None:
    day = Day(a_site())
    day.tick()
    day.bays["b1"].pilot = Pilot.F
    day.run(MINUTE)
    day.restart(off_s=5)
    day.run(MINUTE)
    assert len(day.notices(NoticeKind.SITE_FAULT)) == 1
    day.bays["b1"].pilot = Pilot.A
    day.run(MINUTE)
    day.bays["b1"].pilot = Pilot.F
    day.run(MINUTE)
    assert len(day.notices(NoticeKind.SITE_FAULT)) == 2
