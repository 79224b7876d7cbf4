"""A simulated site on real wires, and a plain client for each of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerType

from baywarden_drivers.profile import ReadPoint, place
from baywarden_drivers.simulator import HandClock, Simulation, parse_site
from baywarden_drivers.simulator.device import Device
from baywarden_drivers.values.codec import decode, encode

SITE = """
[[listener]]
name = "lan"
tcp = 0

[[listener]]
name = "alfen"
tcp = 0

[[listener]]
name = "bender"
tcp = 0

[[listener]]
name = "gateway"
rtu_over_tcp = 0

[[listener]]
name = "bus"
serial = ""

[[charger]]
name = "keba"
profile = "keba-p30"
listener = "lan"
outlets = ["k"]

[[charger]]
name = "charx"
profile = "phoenix-charx-sec"
listener = "lan"
outlets = ["c1", "c2", "c3"]
max_current_a = 16

[[charger]]
name = "alfen"
profile = "alfen-eve"
listener = "alfen"
outlets = ["e1", "e2"]
failsafe_current_a = 7

[[charger]]
name = "bender"
profile = "bender-cc612"
listener = "bender"
outlets = ["b1", "b2"]

[[charger]]
name = "box"
profile = "heidelberg-energy-control"
listener = "bus"
unit = 3
outlets = ["h"]

[[meter]]
name = "mains"
profile = "eastron-sdm630"
listener = "bus"
unit = 2
base_a = [5, 6, 7]

[[meter]]
name = "row"
profile = "abb-b23"
listener = "gateway"
unit = 9
measures = ["c1", "c2"]

[[meter]]
name = "em24"
profile = "carlo-gavazzi-em24-ethernet"
listener = "alfen"
unit = 77
measures = ["c3"]
"""


PATIENCE_S = 10
"""Where an answer is expected."""
SILENCE_S = 0.3
"""Where silence is."""
Client = AsyncModbusTcpClient | AsyncModbusSerialClient


class Site:
    """The running site, its clock and one client for each wire."""

    def __init__(self, simulation: Simulation, time: HandClock) -> None:
        self.simulation = simulation
        self.time = time
        self._clients: dict[tuple[str, int], Client] = {}

    async def client(self, listener: str, shift: int = 0) -> Client:
        """A connected client for a wire."""
        if (listener, shift) not in self._clients:
            client = self._make(listener, shift)
            assert await client.connect()
            self._clients[listener, shift] = client
        return self._clients[listener, shift]

    @asynccontextmanager
    async def silence(self, listener: str) -> AsyncIterator[Client]:
        """What is asked on that wire meanwhile gets no answer, or one that comes too late."""
        client = await self.client(listener)
        with pytest.raises(ModbusException):
            client.ctx.comm_params.timeout_connect = SILENCE_S
            try:
                yield client
            finally:
                client.ctx.comm_params.timeout_connect = PATIENCE_S

    def _make(self, listener: str, shift: int) -> Client:
        where = self.simulation.where(listener)
        if listener == "bus":
            return AsyncModbusSerialClient(where, baudrate=19_200, timeout=PATIENCE_S, retries=0)
        framer = FramerType.RTU if listener == "gateway" else FramerType.SOCKET
        port = self.simulation.port(listener) + shift
        return AsyncModbusTcpClient("127.0.0.1", port=port, framer=framer, timeout=PATIENCE_S, retries=0)

    async def ask(self, device: Device, point: ReadPoint, connector: int = 1) -> Any:
        """The answer to a read of exactly one point."""
        at = place(device.profile, point, connector, device.unit)
        client = await self.client(self._wire(device), at.port_shift)
        read = client.read_input_registers if point.type == "input" else client.read_holding_registers
        return await read(at.address, count=point.count, device_id=at.unit)

    async def read(self, device: str, name: str, connector: int = 1) -> Any:
        """The value of a point."""
        found = self.simulation.device(device)
        point = found.profile.readable[name]
        answer = await self.ask(found, point, connector)
        assert not answer.isError(), f"{device} {name}: {answer}"
        return decode(point, answer.registers, 0).value

    async def write(self, device: str, name: str, value: float, connector: int = 1) -> Any:
        """The answer to a write."""
        found = self.simulation.device(device)
        point = found.profile.writable[name]
        at = place(found.profile, point, connector, found.unit)
        client = await self.client(self._wire(found), at.port_shift)
        registers = encode(point, value)
        if 16 in (point.functions or ()):
            return await client.write_registers(at.address, registers, device_id=at.unit)
        return await client.write_register(at.address, registers[0], device_id=at.unit)

    def _wire(self, device: Device) -> str:
        site = self.simulation.site
        return next(spec.listener for spec in (*site.charger, *site.meter) if spec.name == device.name)

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


@asynccontextmanager
async def running(text: str = SITE, **settings: Any) -> AsyncIterator[Site]:
    time = HandClock()
    async with Simulation(parse_site(text), clock=time, **settings) as simulation:
        site = Site(simulation, time)
        try:
            yield site
        finally:
            site.close()
