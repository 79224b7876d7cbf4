"""A real Modbus server whose registers are those of a profile."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from baywarden_drivers import Device, LinkPool, Profile, TcpEndpoint, encode, load_profile, open_device
from baywarden_drivers.profile import ReadPoint, place, port_shift, register_shift
from baywarden_drivers.values.value import Value
from support.modbus_peer import Registers, tcp_server


@dataclass
class Served:
    """A device, its profile and the registers behind it."""

    device: Device
    profile: Profile
    registers: Registers
    connector: int

    def put(self, **values: Value | None) -> None:
        """Set read points; None is the point's own sign for not available."""
        for name, value in values.items():
            put(self.registers, self.profile, self.profile.readable[name], value, self.connector)

    def written(self, name: str) -> int:
        """The register that stands at a write point."""
        point = self.profile.writable[name]
        where = place(self.profile, point, self.connector)
        return self.registers.get(where.unit, point.type, where.address)


def put(
    registers: Registers, profile: Profile, point: ReadPoint, value: Value | None, connector: int = 1
) -> None:
    """Encode a value into the registers of a point."""
    where = place(profile, point, connector)
    registers.cells.setdefault(where.unit, {})
    registers.set(where.unit, point.type, where.address, *encode(point, value))


def blank(profile: Profile, connectors: int = 1) -> Registers:
    """All points and blocks of a profile with zeros and empty texts; write points too."""
    registers = Registers()
    for connector in range(1, connectors + 1):
        for point in (*profile.read, *profile.write):
            where = place(profile, point, connector)
            registers.cells.setdefault(where.unit, {})
            registers.set(where.unit, point.type, where.address, *([0] * point.count))
        for span in profile.protocol.blocks:
            shift = register_shift(profile, span.scope, connector)
            for address in range(span.first + shift, span.last + shift + 1):
                registers.cells[profile.default_unit].setdefault((span.type, address), 0)
    return registers


def _hurried(profile: Profile, response_timeout_ms: int) -> Profile:
    """The same without the pauses of a real wire."""
    pauses = {"min_request_gap_ms": 0, "response_timeout_ms": response_timeout_ms}
    protocol = profile.protocol.model_copy(update=pauses)
    return profile.model_copy(update={"protocol": protocol})


@asynccontextmanager
async def served(
    name: str,
    values: Mapping[str, Value | None] | None = None,
    *,
    connector: int = 1,
    without: tuple[str, ...] = (),
    profile: Profile | None = None,
    falls_silent: bool = False,
) -> AsyncIterator[Served]:
    """A device of that profile on a server of its own; the points in `without` do not exist there.

    One that falls silent is given up soon.
    """
    profile = _hurried(profile or load_profile(name), 150 if falls_silent else 10_000)
    registers = blank(profile, connector)
    for point in without:
        found = profile.readable[point]
        where = place(profile, found, connector)
        for shift in range(found.count):
            del registers.cells[where.unit][found.type, where.address + shift]
    async with tcp_server(registers) as port, LinkPool() as pool:
        endpoint = TcpEndpoint("127.0.0.1", port - port_shift(profile, connector))
        device = open_device(pool, endpoint, profile, connector=connector, name="Bay 3")
        site = Served(device, profile, registers, connector)
        site.put(**(values or {}))
        yield site
