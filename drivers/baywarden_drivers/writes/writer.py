"""Writes to the points of one connector: in range, in the device's rhythm, and sparing its memory."""

from collections.abc import Sequence

from baywarden_drivers.errors import ValueRefused
from baywarden_drivers.links.link import Link
from baywarden_drivers.polls.polling import Polling
from baywarden_drivers.profile.addressing import place
from baywarden_drivers.profile.conduct import PointWrite
from baywarden_drivers.profile.points import WritePoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.values.encoding import encode
from baywarden_drivers.values.value import Value
from baywarden_drivers.writes.budget import FlashBudget, Turns
from baywarden_drivers.writes.wording import as_number, check_range, is_stored


class Writer:
    """Writes what it is told, each value at most once."""

    def __init__(self, profile: Profile, link: Link, unit: int, connector: int, polling: Polling) -> None:
        self.profile = profile
        self.polling = polling
        self.turns = Turns(profile.protocol.min_write_interval_ms / 1000)
        self._link = link
        self._unit = unit
        self._connector = connector
        self._budget = FlashBudget()

    def point(self, name: str) -> WritePoint:
        """The write point of that name. Raises ValueRefused."""
        point = self.profile.writable.get(name)
        if point is None:
            known = ", ".join(self.profile.writable) or "nothing"
            raise ValueRefused(f"{self.profile.name} has no write point {name!r}; it has {known}")
        return point

    async def write(self, name: str, value: Value | float) -> None:
        """Write a value in the point's unit, sent at most once. Raises ValueRefused when nothing was sent.

        What lies in flash is only written when the device reads otherwise, and not more often than it can bear.
        """
        point = self.point(name)
        check_range(point, value)
        registers = encode(point, value)
        if is_stored(point):
            if await self._says_already(point, registers):
                return
            self._budget.spend(name)
        await self.send(point, registers)

    async def write_all(self, writes: Sequence[PointWrite]) -> None:
        """The writes of a profile, in its order."""
        for one in writes:
            await self.write(one.point, one.value)

    async def send(self, point: WritePoint, registers: Sequence[int]) -> None:
        """Put registers on the wire as they are."""
        self.turns.written(point.name)
        where = place(self.profile, point, self._connector, self._unit)
        await self._link.write(where.unit, _function(point), where.address, registers)

    async def _says_already(self, point: WritePoint, registers: Sequence[int]) -> bool:
        if point.name not in self.profile.readable:
            return False
        shown = (await self.polling.read_point(point.name)).number
        return shown is not None and shown == as_number(point, registers)


def _function(point: WritePoint) -> int:
    functions = point.functions or (16,)
    if point.type == "coil":
        return 5 if point.count == 1 and 5 in functions else 15
    return 6 if point.count == 1 and 6 in functions else 16
