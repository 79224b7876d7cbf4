"""Ways to bring an outlet into each of its states, on a stand or on a bench."""

from collections.abc import Callable, Mapping

from baywarden_drivers.simulator.car import Car
from baywarden_drivers.simulator.words import OutletState
from support.simulated import Bench, Stand

Place = Stand | Bench
Way = Callable[[Place], None]


def available(_: Place) -> None:
    """Nobody is there."""


def preparing(place: Place) -> None:
    """A car waits for a card."""
    place.outlet.needs_tag = True
    place.plug(Car())
    place.wait(30)


def charging(place: Place) -> None:
    """A car charges."""
    place.plug(Car())
    place.wait(30)


def full(place: Place) -> None:
    """A car has got all that it needs."""
    place.plug(Car.needing(50))
    place.wait(600)


def finishing(place: Place) -> None:
    """The session is over and the car still there."""
    charging(place)
    place.outlet.stop()
    place.wait(5)


def unavailable(place: Place) -> None:
    """Somebody has taken it out of service."""
    place.outlet.in_service = False
    place.wait(5)


def faulted(place: Place) -> None:
    """It has a fault."""
    place.outlet.fault(1)
    place.wait(5)


WAYS: Mapping[Way, OutletState] = {
    available: OutletState.AVAILABLE,
    preparing: OutletState.PREPARING,
    charging: OutletState.CHARGING,
    full: OutletState.SUSPENDED_EV,
    finishing: OutletState.FINISHING,
    unavailable: OutletState.UNAVAILABLE,
    faulted: OutletState.FAULTED,
}
