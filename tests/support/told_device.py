"""A simulated device that says what it is told, behind a real Modbus server that refuses what the real one would."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

from pymodbus.constants import ExcCodes

from baywarden_drivers import Link, LinkPool, Profile, TcpEndpoint
from baywarden_drivers.profile import ReadPoint, WritePoint, place
from baywarden_drivers.simulator.bank import Bank, BankHabits, banks_of
from baywarden_drivers.simulator.truth import Truth
from baywarden_drivers.values.value import Value
from support.modbus_peer import KINDS, Registers, tcp_server


class ToldDevice:
    """Implements the simulator's Owner: `truths` by point name; what is not there is 0, or an empty text."""

    def __init__(self, profile: Profile, connectors: int) -> None:
        self.profile = profile
        self.habits = BankHabits()
        self.truths: Mapping[str, Truth] = {}
        self.banks = banks_of(self, connectors, profile.default_unit)

    def truth(self, point: ReadPoint, connector: int | None) -> Truth:
        """What the test has said."""
        return self.truths.get(point.name, _nothing(point))

    def take(self, point: WritePoint, connector: int | None, value: Value) -> None:
        """Nothing happens."""

    def has(self, name: str) -> bool:
        """It has everything."""
        return True

    def is_status(self, point: ReadPoint) -> bool:
        """Nothing is ever stuck."""
        return False


class _Banks(Registers):
    """Reads of any unit, answered by the banks of the device."""

    def __init__(self) -> None:
        super().__init__()
        self.banks: dict[int, Bank] = {}

    async def async_getValues(
        self, device_id: int, func_code: int, address: int, count: int = 1
    ) -> list[int] | list[bool] | ExcCodes:
        found = self.banks[device_id].read(KINDS[func_code], address, count)
        return found if isinstance(found, list | ExcCodes) else ExcCodes.DEVICE_FAILURE


class ToldServer:
    """One server for one device after the other."""

    def __init__(self, banks: _Banks, link: Link) -> None:
        self._banks = banks
        self.link = link

    def serve(self, profile: Profile, connector: int = 1) -> ToldDevice:
        """Put this device there; on the port of this connector."""
        device = ToldDevice(profile, connector)
        shift = place(profile, profile.read[0], connector).port_shift
        self._banks.banks = {unit: bank for (port, unit), bank in device.banks.items() if port == shift}
        return device


@asynccontextmanager
async def told_server() -> AsyncIterator[ToldServer]:
    """A server on 127.0.0.1 with a link to it."""
    banks = _Banks()
    async with tcp_server(banks) as port, LinkPool() as pool:
        yield ToldServer(banks, pool.link(TcpEndpoint("127.0.0.1", port)))


def apart(profile: Profile, points: Iterable[ReadPoint]) -> list[list[ReadPoint]]:
    """The points in groups of which no two lie on the same register."""
    groups: list[tuple[set[tuple[int, str, int]], list[ReadPoint]]] = []
    for point in points:
        where = place(profile, point)
        cells: set[tuple[int, str, int]] = {
            (where.unit, point.type, at) for at in range(where.address, where.address + point.count)
        }
        for taken, members in groups:
            if taken.isdisjoint(cells):
                taken.update(cells)
                members.append(point)
                break
        else:
            groups.append((cells, [point]))
    return [members for _, members in groups]


def only(profile: Profile, points: Sequence[ReadPoint]) -> Profile:
    """The profile with no more than these read points."""
    return profile.changed(read=tuple(points))


def _nothing(point: ReadPoint) -> Truth:
    match point.dtype:
        case "string":
            return ""
        case "bytes":
            return bytes(2 * point.count)
        case "u16" | "i16" | "bool" if point.count > 1:
            return (0,) * point.count
    return 0
