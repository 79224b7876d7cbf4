"""Simulated things for tests, on a clock that only the test moves."""

from collections.abc import Callable
from typing import Any

from baywarden_drivers.profile import load_profile, place, profile_names
from baywarden_drivers.simulator import HandClock, Simulation, parse_site_data
from baywarden_drivers.simulator.allowance import Allowance
from baywarden_drivers.simulator.bank import Bank
from baywarden_drivers.simulator.car import Car
from baywarden_drivers.simulator.charger import Charger
from baywarden_drivers.simulator.failsafe import Failsafe
from baywarden_drivers.simulator.outlet import Outlet
from baywarden_drivers.simulator.shipped import failsafe_of, limit_rules_of
from baywarden_drivers.simulator.world import World
from baywarden_drivers.values.codec import decode
from baywarden_drivers.values.encoding import encode
from baywarden_drivers.values.value import PointValue

CHARGERS = ("keba-p30", "phoenix-charx-sec", "alfen-eve", "bender-cc612", "heidelberg-energy-control")
METERS = ("eastron-sdm630", "abb-b23", "carlo-gavazzi-em24-ethernet")


class Stand:
    """One charger on a bench: time, registers and outlets within reach."""

    def __init__(
        self, profile: str, *, outlets: int = 1, timeout_s: float | None = 0.0, **settings: Any
    ) -> None:
        self.profile = load_profile(profile)
        shipped = failsafe_of(self.profile, timeout_s=timeout_s)
        self.outlets = [
            Outlet(f"o{number}", Allowance(limit_rules_of(self.profile), Failsafe(shipped)))
            for number in range(1, outlets + 1)
        ]
        self.charger = Charger("stand", self.profile, self.outlets, **settings)
        self.world = World(self.outlets, [])

    @property
    def outlet(self) -> Outlet:
        return self.outlets[0]

    def plug(self, car: Car) -> None:
        """A car comes to the first outlet."""
        self.outlet.plug(car)

    def wait(self, duration_s: float) -> None:
        """Let time pass."""
        self.world.advance_to(self.world.now_s + duration_s)
        self.charger.at(self.world.now_s)

    def until(self, holds: Callable[[], bool], most_s: float = 40_000) -> None:
        """Let time pass until it holds."""
        end_s = self.world.now_s + most_s
        while not holds():
            assert self.world.now_s < end_s, "it never came to pass"
            self.wait(1)

    def bank_of(self, name: str, connector: int | None) -> tuple[Bank, int]:
        """The bank and the address of a read point."""
        for bank in self.charger.banks.values():
            for slot in bank.slots:
                if slot.point.name == name and slot.connector == connector:
                    return bank, slot.address
        raise AssertionError(f"no {name} at connector {connector}")

    def read(self, name: str, connector: int | None = 1) -> PointValue:
        """A point as a driver reads it."""
        point = self.profile.readable[name]
        if point.scope == "station":
            connector = None
        bank, address = self.bank_of(name, connector)
        registers = bank.read(point.type, address, point.count)
        assert isinstance(registers, list), f"{name}: exception {registers}"
        return decode(point, registers, 0)


def names_of(kind: str) -> list[str]:
    """All chargers or all meters of the catalogue."""
    return [name for name in profile_names() if load_profile(name).kind == kind]


class Bench:
    """Any one device of the catalogue as a site would have it, nothing opened; the outlet is called `o`."""

    def __init__(self, profile: str, **settings: Any) -> None:
        kind = load_profile(profile).kind
        more: dict[str, Any] = {"outlets": ["o"]} if kind == "charger" else {"base_a": [5, 6, 7]}
        device = {"name": "it", "profile": profile, "listener": "wire", **more, **settings}
        site = parse_site_data({"listener": [{"name": "wire", "tcp": 0}], kind: [device]})
        self.time = HandClock()
        self.simulation = Simulation(site, clock=self.time)
        self.device = self.simulation.device("it")
        self.profile = self.device.profile

    @property
    def outlet(self) -> Outlet:
        """The outlet as it is now."""
        return self.simulation.outlet("o")

    def plug(self, car: Car) -> None:
        """A car comes."""
        self.simulation.plug("o", car)

    def wait(self, duration_s: float) -> None:
        """Let time pass."""
        self.time.advance(duration_s)
        self.device.at(self.simulation.look())

    def read(self, name: str) -> PointValue:
        """A point as a driver reads it, by a read of just this point."""
        self.wait(0)
        for bank in self.device.banks.values():
            for slot in bank.slots:
                if slot.point.name == name:
                    registers = bank.read(slot.point.type, slot.address, slot.point.count)
                    assert isinstance(registers, list), f"{name}: {registers}"
                    return decode(slot.point, registers, 0)
        raise AssertionError(f"no {name}")

    def write(self, name: str, value: Any) -> object:
        """The device's refusal, None when it took the value."""
        self.wait(0)
        point = self.profile.writable[name]
        at = place(self.profile, point, 1, self.device.unit)
        function = (point.functions or (16,))[-1]
        bank = self.device.banks[at.port_shift, at.unit]
        return bank.write(function, point.type, at.address, encode(point, value))
