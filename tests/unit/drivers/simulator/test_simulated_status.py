"""Every state of every charger comes back from its registers as what it is."""

from collections.abc import Callable, Mapping

import pytest

from baywarden_drivers.simulator.car import Car
from baywarden_drivers.simulator.words import OutletState
from baywarden_drivers.values.status import judge_of
from support.outlet_ways import WAYS, charging, faulted, unavailable
from support.simulated import CHARGERS, Stand


def paused(stand: Stand) -> None:
    charging(stand)
    stand.charger.take(stand.profile.writable["set_current_limit"], 1, 0)
    stand.wait(30)


def held_at_c1(stand: Stand) -> None:
    charging(stand)
    stand.charger.take(stand.profile.writable["set_current_limit"], 1, 0)
    stand.until(lambda: stand.outlet.current_a == 0)


def faulted_with_a_car(stand: Stand) -> None:
    charging(stand)
    faulted(stand)


MORE_WAYS: Mapping[Callable[..., None], OutletState] = {
    **WAYS,
    paused: OutletState.SUSPENDED_EVSE,
    held_at_c1: OutletState.SUSPENDED_EVSE,
    faulted_with_a_car: OutletState.FAULTED,
}
NO_WORD_FOR_FINISHING = set(CHARGERS) - {"bender-cc612"}


def told(stand: Stand, connector: int = 1) -> tuple[str | None, str | None]:
    """The letter and the state that a reader of the registers concludes."""
    status = stand.profile.status
    assert status is not None
    named = {status.source}
    for rule in status.rule:
        named |= {condition.point for condition in rule.when} | ({rule.by} if rule.by else set())
    concluded = judge_of(status)({name: stand.read(name, connector) for name in named})
    return concluded.iec, concluded.state


@pytest.mark.parametrize("profile", CHARGERS)
@pytest.mark.parametrize("way", MORE_WAYS, ids=lambda way: way.__name__)
def test_a_driver_reads_back_the_state_that_is(profile: str, way: Callable[[Stand], None]) -> None:
    stand = Stand(profile)
    way(stand)
    assert stand.outlet.state is MORE_WAYS[way]
    letter, state = told(stand)
    wanted = MORE_WAYS[way]
    if wanted is OutletState.FINISHING and profile in NO_WORD_FOR_FINISHING:
        wanted = OutletState.SUSPENDED_EV
    assert state == wanted.value
    if wanted in (OutletState.AVAILABLE, OutletState.CHARGING):
        assert letter == stand.outlet.pilot.letter
    if wanted in (OutletState.PREPARING, OutletState.SUSPENDED_EV, OutletState.SUSPENDED_EVSE):
        assert letter == "B"


@pytest.mark.parametrize("profile", ["phoenix-charx-sec", "alfen-eve", "bender-cc612"])
def test_each_outlet_of_a_charger_tells_its_own_state(profile: str) -> None:
    stand = Stand(profile, outlets=2)
    stand.outlets[1].plug(Car())
    stand.wait(30)
    assert told(stand, 1) == ("A", "available")
    assert told(stand, 2) == ("C", "charging")


@pytest.mark.parametrize(("version", "out_of_service"), [((5, 13, 0), 1), ((5, 22, 0), 0)])
def test_out_of_service_is_the_number_that_the_firmware_means(
    version: tuple[int, int, int], out_of_service: int
) -> None:
    stand = Stand("bender-cc612", values={"software_version": version})
    assert told(stand) == ("A", "available")
    unavailable(stand)
    assert told(stand)[1] == "unavailable"
    assert stand.read("availability").value == out_of_service
