"""What a session is doing, and why it ended: each phase and each stop reason of OCPP 2.0.1 by its name."""

import pytest

from baywarden.model.command import Door, Result, StopSession
from baywarden.model.reading import Contact, Pilot
from baywarden.model.session import SessionPhase, SessionStatus, StopReason
from baywarden.model.step import SessionChanged
from baywarden.policy.session_phase import phase_of
from scenarios.day import MINUTE, TEN_CENTS_A_MINUTE, Day, a_site


def a_day() -> Day:
    """One bay."""
    day = Day(a_site(overstay=TEN_CENTS_A_MINUTE))
    day.tick()
    return day


def phase(day: Day) -> SessionPhase:
    """Of the open session."""
    return phase_of(day.session())


def test_a_session_is_connected_charging_suspended_idle_and_finished_in_its_turn() -> None:
    day = a_day()
    day.plug()
    assert phase(day) is SessionPhase.CONNECTED
    day.charge()
    assert phase(day) is SessionPhase.CHARGING
    day.bays["b1"].power_w = 0
    day.tick()
    assert phase(day) is SessionPhase.SUSPENDED_EV
    day.run(2 * MINUTE)
    assert phase(day) is SessionPhase.IDLE
    day.charge()
    assert phase(day) is SessionPhase.CHARGING
    day.bays["b1"].limit_ma, day.bays["b1"].power_w = 0, 0
    day.tick()
    assert phase(day) is SessionPhase.SUSPENDED_EVSE
    day.leave()
    assert phase_of(day.sessions()[-1]) is SessionPhase.FINISHED


def test_a_fault_and_silence_have_words_of_their_own() -> None:
    day = a_day()
    day.charge()
    day.bays["b1"].pilot, day.bays["b1"].power_w = Pilot.F, 0
    day.tick()
    assert phase(day) is SessionPhase.FAULTED
    day.bays["b1"].contact = Contact.SILENT
    day.run(MINUTE)
    assert phase(day) is SessionPhase.UNKNOWN


def test_a_stopped_car_is_suspended_by_us_although_its_idle_clock_runs() -> None:
    day = a_day()
    day.charge()
    day.stop(day.session().id)
    day.fill()
    assert phase(day) is SessionPhase.SUSPENDED_EVSE


def test_a_cloud_is_told_when_the_site_pauses_a_car_and_when_it_goes_on() -> None:
    day = a_day()
    day.charge()
    before = len(day.effects)
    day.bays["b1"].limit_ma, day.bays["b1"].power_w = 0, 0
    day.run(MINUTE)
    day.bays["b1"].limit_ma = 16_000
    day.charge()
    told = [e.session for e in day.effects[before:] if isinstance(e, SessionChanged) and e.public]
    assert [phase_of(session) for session in told] == [SessionPhase.SUSPENDED_EVSE, SessionPhase.CHARGING]
    assert told[1].rev == told[0].rev + 1


# Stop reasons


def test_ev_disconnected_when_the_car_just_leaves() -> None:
    day = a_day()
    day.charge()
    day.leave()
    assert day.sessions()[-1].stop_reason is StopReason.EV_DISCONNECTED


@pytest.mark.parametrize(
    ("door", "expected"), [(Door.CLOUD, StopReason.REMOTE), (Door.LOCAL, StopReason.LOCAL)]
)
def test_remote_or_local_when_nobody_says_why_it_was_stopped(door: Door, expected: StopReason) -> None:
    day = a_day()
    day.charge()
    assert day.stop(day.session().id, door).result is Result.ACCEPTED
    day.leave()
    assert day.sessions()[-1].stop_reason is expected


@pytest.mark.parametrize("reason", list(StopReason), ids=lambda reason: reason.value)
def test_every_reason_of_ocpp_can_be_named_by_who_stops_it(reason: StopReason) -> None:
    day = a_day()
    day.charge()
    day.ask(StopSession(day.session().id, reason))
    assert day.session().stop_reason is None, "it has not ended yet"
    day.run(MINUTE)
    day.leave()
    session = day.sessions()[-1]
    assert (session.status, session.stop_reason) == (SessionStatus.COMPLETED, reason)


def test_the_first_stop_counts() -> None:
    day = a_day()
    day.charge()
    day.ask(StopSession(day.session().id, StopReason.DE_AUTHORIZED))
    day.ask(StopSession(day.session().id, StopReason.REMOTE))
    day.restart(off_s=5)
    day.leave()
    assert day.sessions()[-1].stop_reason is StopReason.DE_AUTHORIZED


def test_other_when_the_outlet_is_taken_out_of_the_site() -> None:
    day = Day(a_site("b1", "b2"))
    day.charge()
    day.rules = a_site("b2")
    day.tick()
    assert day.sessions()[-1].stop_reason is StopReason.OTHER


def test_the_reasons_are_those_of_ocpp() -> None:
    assert {reason.value for reason in StopReason} == {
        "DeAuthorized",
        "EmergencyStop",
        "EnergyLimitReached",
        "EVDisconnected",
        "GroundFault",
        "ImmediateReset",
        "Local",
        "LocalOutOfCredit",
        "MasterPass",
        "Other",
        "OvercurrentFault",
        "PowerLoss",
        "PowerQuality",
        "Reboot",
        "Remote",
        "SOCLimitReached",
        "StoppedByEV",
        "TimeLimitReached",
        "Timeout",
    }
