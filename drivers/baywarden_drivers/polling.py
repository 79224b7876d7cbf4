"""What is read when: hot points with every poll, and beside them one read of something slower."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from baywarden_drivers.codec import Decoder, decoder
from baywarden_drivers.derive import multiplied, summed
from baywarden_drivers.errors import DeviceError, LinkDown, Refused
from baywarden_drivers.links.link import Link
from baywarden_drivers.mono import mono_ms, mono_s
from baywarden_drivers.planner import Block, plan, ride_along
from baywarden_drivers.profile.addressing import place
from baywarden_drivers.profile.points import ReadPoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.value import PointValue, Quality

COLD_EVERY_S = 30.0
_NO_SUCH_THING = (1, 2, 3)
"""Exceptions that say that a register or length does not exist, not just now."""
_ASK_AGAIN_S = 3600.0
"""After this long an optional point that was not answered is asked for again."""


@dataclass(slots=True, eq=False)
class Read:
    """One read as it goes to the link, with what is inside."""

    unit: int
    block: Block
    shift: int
    members: tuple[tuple[str, int, int, Decoder], ...]
    """Name, place inside the answer, registers and decoder of every point."""
    read_at: float = 0.0

    def decode(self, registers: Sequence[int], at_ms: int) -> Iterator[tuple[str, PointValue]]:
        """The values of all points inside."""
        for name, start, count, decode in self.members:
            yield name, decode(registers[start : start + count], at_ms)

    def names(self) -> list[str]:
        """The names of all points inside."""
        return [member[0] for member in self.members]


class Polling:
    """The values of one connector and the reads that keep them fresh."""

    def __init__(self, profile: Profile, link: Link, unit: int, connector: int) -> None:
        self._profile = profile
        self._link = link
        self._unit = unit
        self._connector = connector
        self._points = [one for one in profile.read if one.scope == "connector" or connector == 1]
        now = mono_ms()
        self.values = {
            one.name: PointValue(None, Quality.MISSING, now, "not read yet") for one in self._points
        }
        self._proven: set[str] = set()
        self._absent_until: dict[str, float] = {}
        self._apart: set[str] = set()
        self._own: set[str] = set()
        self._hot: list[Read] = []
        self._cold: list[Read] = []
        self._once: list[Read] = []
        self._replan()

    def _replan(self) -> None:
        """Plan again after something was learned about the device."""
        present = [one for one in self._points if not one.optional or one.name in self._proven]
        hot = [one for one in present if one.poll == "hot"]
        slow = [one for one in present if one.poll != "hot"]
        self._hot = self._reads(hot, present, slow)
        read_at = {name: one.read_at for one in (*self._cold, *self._once) for name in one.names()}
        riding = {name for read in self._hot for name in read.names()}
        self._cold = self._reads(
            [one for one in slow if one.poll == "cold" and one.name not in riding], present
        )
        self._once = self._reads(
            [one for one in slow if one.poll == "once" and one.name not in riding], present
        )
        for read in (*self._cold, *self._once):
            read.read_at = min(read_at.get(name, 0.0) for name in read.names())

    def forget_once(self) -> None:
        """Read again what is read once: the device may be another one, or have other settings."""
        for read in self._once:
            read.read_at = 0.0

    def _reads(
        self, wanted: Iterable[ReadPoint], present: Iterable[ReadPoint], riders: Iterable[ReadPoint] = ()
    ) -> list[Read]:
        reads = []
        known, riding = self._by_place(present), self._by_place(riders)
        for where, points in self._by_place(wanted).items():
            together = [one for one in points if one.name not in self._apart]
            blocks = plan(together, self._profile.protocol, known.get(where, ()))
            blocks, _ = ride_along(blocks, riding.get(where, ()), self._profile.protocol)
            alone = [
                Block(one.type, one.address, one.count, (one,)) for one in points if one.name in self._apart
            ]
            reads += [_read(*where, block) for block in (*blocks, *alone)]
        return reads

    def _by_place(self, points: Iterable[ReadPoint]) -> dict[tuple[int, int], list[ReadPoint]]:
        """Points by unit and by how far their addresses are shifted."""
        groups: dict[tuple[int, int], list[ReadPoint]] = {}
        for point in points:
            where = place(self._profile, point, self._connector, self._unit)
            groups.setdefault((where.unit, where.address - point.address), []).append(point)
        return groups

    async def read_hot(self) -> list[str]:
        """Read all hot points; sentences on what was refused. Raises DeviceError when all was."""
        refusals: list[Refused] = []
        has_values = False
        for read in tuple(self._hot):
            try:
                await self._take(read)
                has_values = True
            except Refused as error:
                refusals.append(error)
                self._lose(read, error.detail)
                if len(read.members) > 1 and error.code in _NO_SUCH_THING:
                    has_values |= await self._take_apart(read)
        if refusals and not has_values:
            raise refusals[0]
        return [error.detail for error in refusals]

    async def _take_apart(self, read: Read) -> bool:
        """Ask for the points of a refused read one by one, now and from now on; whether any was answered."""
        self._apart |= set(read.names())
        self._replan()
        has_values = False
        for single in [one for one in self._hot if one.names()[0] in set(read.names())]:
            try:
                await self._take(single)
                has_values = True
            except Refused as error:
                self._lose(single, error.detail)
        return has_values

    async def read_slow(self) -> list[str]:
        """Read one thing that is due and not hot; sentences on what went wrong."""
        now = mono_s()
        point = self._unproven(now)
        if point is not None:
            return await self._probe(point, now)
        read = next((one for one in self._once if not one.read_at), None) or self._due(now)
        if read is None:
            return []
        read.read_at = now
        return await self._try(read)

    async def read_once(self) -> list[str]:
        """Read everything that is read once, now. Raises DeviceError when the device does not answer."""
        faults = []
        for read in self._once:
            try:
                await self._take(read)
                read.read_at = mono_s()
            except Refused as error:
                self._lose(read, str(error))
                faults.append(str(error))
        return faults

    async def read_point(self, name: str) -> PointValue:
        """Read one point alone, now. Raises DeviceError."""
        point = self._profile.readable[name]
        where = place(self._profile, point, self._connector, self._unit)
        block = Block(point.type, point.address, point.count, (point,))
        await self._take(_read(where.unit, where.address - point.address, block))
        return self.finished()[name]

    def _due(self, now: float) -> Read | None:
        oldest = min(self._cold, key=lambda read: read.read_at, default=None)
        return oldest if oldest is not None and now - oldest.read_at >= COLD_EVERY_S else None

    def _unproven(self, now: float) -> ReadPoint | None:
        """The next optional point to be asked for alone, hot ones first."""
        candidates = [
            one
            for one in self._points
            if one.optional and one.name not in self._proven and self._absent_until.get(one.name, 0.0) <= now
        ]
        return min(candidates, key=lambda one: one.poll != "hot", default=None)

    async def _probe(self, point: ReadPoint, now: float) -> list[str]:
        try:
            await self.read_point(point.name)
        except LinkDown as error:
            return [error.detail]
        except DeviceError as error:
            is_no = isinstance(error, Refused) and error.code in _NO_SUCH_THING
            self._absent_until[point.name] = float("inf") if is_no else now + _ASK_AGAIN_S
            self._lose_names([point.name], f"this device does not have it: {error.detail}")
            return []
        self._proven.add(point.name)
        self._replan()
        return []

    async def _try(self, read: Read) -> list[str]:
        try:
            await self._take(read)
        except DeviceError as error:
            self._lose(read, error.detail)
            if isinstance(error, Refused) and len(read.members) > 1 and error.code in _NO_SUCH_THING:
                self._apart |= set(read.names())
                self._replan()
            return [error.detail]
        return []

    async def _take(self, read: Read) -> None:
        block = read.block
        registers = await self._link.read(read.unit, block.type, block.address + read.shift, block.count)
        self.values.update(read.decode(registers, mono_ms()))

    def _lose(self, read: Read, reason: str) -> None:
        self._lose_names(read.names(), reason)

    def _lose_names(self, names: Iterable[str], reason: str) -> None:
        now = mono_ms()
        self.values.update({name: PointValue(None, Quality.MISSING, now, reason) for name in names})

    def _has_own(self, name: str, own: PointValue | None) -> bool:
        """Whether the device gives this value itself, or may again; then it is never derived."""
        if own is None:
            return False
        if own.good:
            self._own.add(name)
        is_absent = name in self._absent_until or own.quality is Quality.NOT_AVAILABLE
        return name in self._own or not is_absent

    def finished(self) -> dict[str, PointValue]:
        """All values, with scale registers and ratios multiplied in and derived points added."""
        values = dict(self.values)
        for point in self._points:
            if point.scale_point is not None or point.multiply_by:
                values[point.name] = multiplied(point, self.values)
        for derived in self._profile.derive:
            if not self._has_own(derived.name, values.get(derived.name)):
                values[derived.name] = summed(derived, values)
        return values


def _read(unit: int, shift: int, block: Block) -> Read:
    members = tuple((one.name, one.address - block.address, one.count, decoder(one)) for one in block.points)
    return Read(unit, block, shift, members)
