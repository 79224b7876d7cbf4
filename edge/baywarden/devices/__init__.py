"""Chargers and meters of the site on the drivers' wires: registers become readings in whole SI units."""

from baywarden.devices.meter import ModbusMeter
from baywarden.devices.outlet import ModbusOutlet

__all__ = ["ModbusMeter", "ModbusOutlet"]
