"""Simulated chargers and meters: the profiles' registers over real Modbus, with physics behind them."""

from baywarden_drivers.simulator.car import Car
from baywarden_drivers.simulator.clock import HandClock, RatedClock, SimClock
from baywarden_drivers.simulator.errors import CannotServe, SimulatorError, SiteFileError, UnknownName
from baywarden_drivers.simulator.faults import FaultKind
from baywarden_drivers.simulator.outlet import Outlet
from baywarden_drivers.simulator.simulation import Simulation
from baywarden_drivers.simulator.site import SiteSpec, load_site, parse_site, parse_site_data
from baywarden_drivers.simulator.words import OutletState, Pilot

__all__ = [
    "CannotServe",
    "Car",
    "FaultKind",
    "HandClock",
    "Outlet",
    "OutletState",
    "Pilot",
    "RatedClock",
    "SimClock",
    "Simulation",
    "SimulatorError",
    "SiteFileError",
    "SiteSpec",
    "UnknownName",
    "load_site",
    "parse_site",
    "parse_site_data",
]
