"""Points joined to reads as they go to the link."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from baywarden_drivers.links.link import Question
from baywarden_drivers.polls.costs import ON_NETWORK, Costs
from baywarden_drivers.polls.planner import Block, plan, ride_along
from baywarden_drivers.profile.addressing import place
from baywarden_drivers.profile.base import FIELDBUS_BITS
from baywarden_drivers.profile.habits import Protocol
from baywarden_drivers.profile.points import ReadPoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.values.codec import Decoder, decoder
from baywarden_drivers.values.value import PointValue


@dataclass(slots=True, eq=False)
class Read:
    """One read as it goes to the link, with what is inside."""

    unit: int
    block: Block
    shift: int
    members: tuple[tuple[str, int, int, Decoder], ...]
    """Name, place inside the answer, registers and decoder of every point."""
    read_at: float = 0.0
    rests_until: float = 0.0
    """Not asked for before this moment, because it was refused or stayed unanswered."""
    silences: int = 0
    """Times in a row that it stayed unanswered."""
    why: str = ""
    """The last refusal or silence, for people."""
    _registers: tuple[int, ...] = ()
    """The answer before, and what it meant: the same registers always mean the same."""
    _found: dict[str, PointValue] = field(default_factory=dict)

    def decode(self, registers: tuple[int, ...], at_ms: int) -> Mapping[str, PointValue]:
        """The values of all points inside; only of registers that have changed they are worked out anew."""
        before, found = self._registers, self._found
        if registers == before:
            found = {name: value.read_again(at_ms) for name, value in found.items()}
        else:
            is_first = len(registers) != len(before)
            for name, start, count, decode in self.members:
                words = registers[start : start + count]
                if is_first or words != before[start : start + count]:
                    found[name] = decode(words, at_ms)
                else:
                    found[name] = found[name].read_again(at_ms)
        self._registers, self._found = registers, found
        return found

    @property
    def question(self) -> Question:
        """How to ask a link for it."""
        block = self.block
        return (self.unit, block.type, block.address + self.shift, block.count)

    def names(self) -> list[str]:
        """The names of all points inside."""
        return [member[0] for member in self.members]

    @property
    def is_long(self) -> bool:
        """Whether it is of registers and of more than one point, so that it could be shorter."""
        return len(self.members) > 1 and self.block.type not in FIELDBUS_BITS


class Reads:
    """Makes the reads of one connector: joined where the device allows, single where it was seen not to."""

    def __init__(self, profile: Profile, unit: int, connector: int, costs: Costs = ON_NETWORK) -> None:
        self.profile = profile
        self.apart: set[str] = set()
        """Points that are asked for alone, because a longer read over them was refused."""
        self.most_registers: int | None = None
        """Where this unit takes shorter reads than others of its kind."""
        self._unit = unit
        self._connector = connector
        self._costs = costs

    def of(
        self, wanted: Iterable[ReadPoint], present: Iterable[ReadPoint], riders: Iterable[ReadPoint] = ()
    ) -> list[Read]:
        """Reads for all `wanted` points; they may run across those that are `present`.

        Those of `riders` that lie inside a read anyhow are taken along.
        """
        reads = []
        protocol = self._protocol()
        known, riding = self._by_place(present), self._by_place(riders)
        for where, points in self._by_place(wanted).items():
            together = [one for one in points if not self._is_apart(one)]
            blocks = plan(together, protocol, known.get(where, ()), costs=self._costs)
            blocks, _ = ride_along(blocks, riding.get(where, ()), protocol)
            alone = [_alone(one) for one in points if self._is_apart(one)]
            reads += [_read(*where, block) for block in (*blocks, *alone)]
        return reads

    def of_one(self, point: ReadPoint) -> Read:
        """A read of this point alone."""
        where = place(self.profile, point, self._connector, self._unit)
        return _read(where.unit, where.address - point.address, _alone(point))

    def _is_apart(self, point: ReadPoint) -> bool:
        most = self.most_registers
        return point.name in self.apart or (most is not None and point.count > most)

    def _protocol(self) -> Protocol:
        protocol, most = self.profile.protocol, self.most_registers
        return protocol if most is None else protocol.model_copy(update={"max_registers_per_read": most})

    def _by_place(self, points: Iterable[ReadPoint]) -> dict[tuple[int, int], list[ReadPoint]]:
        """Points by unit and by how far their addresses are shifted."""
        groups: dict[tuple[int, int], list[ReadPoint]] = {}
        for point in points:
            where = place(self.profile, point, self._connector, self._unit)
            groups.setdefault((where.unit, where.address - point.address), []).append(point)
        return groups


def _alone(point: ReadPoint) -> Block:
    return Block(point.type, point.address, point.count, (point,))


def _read(unit: int, shift: int, block: Block) -> Read:
    members = tuple((one.name, one.address - block.address, one.count, decoder(one)) for one in block.points)
    return Read(unit, block, shift, members)
