"""Joins points to the reads that take the least time of the wire, among those that the device allows."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from baywarden_drivers.polls.costs import ON_NETWORK, Costs
from baywarden_drivers.profile.base import FIELDBUS_BITS
from baywarden_drivers.profile.habits import Protocol, Span
from baywarden_drivers.profile.points import ReadPoint

_Key = TypeVar("_Key")
_Choice = tuple[float, int, int, int]
"""Cost so far, reads, registers (or bits), and where the last read begins."""


@dataclass(frozen=True, slots=True)
class Block:
    """One read: `count` registers (or bits) from `address`, and the points that are inside."""

    type: str
    address: int
    count: int
    points: tuple[ReadPoint, ...]

    @property
    def end(self) -> int:
        """The first address after the block."""
        return self.address + self.count

    def holds(self, point: ReadPoint) -> bool:
        """Whether the whole point lies inside."""
        return self.type == point.type and self.address <= point.address and point.end <= self.end


def plan(
    wanted: Iterable[ReadPoint],
    protocol: Protocol,
    known: Iterable[ReadPoint] = (),
    *,
    costs: Costs = ON_NETWORK,
) -> tuple[Block, ...]:
    """The reads that cover every wanted point exactly once.

    `known` are further points that exist for sure: a read may run across them. All points belong to one unit
    and one register shift; addresses are those of the profile. `costs` are those of the wire: on a slow one a
    long hole is left out by two reads, on a network the fewest reads win.
    """
    blocks: list[Block] = []
    by_type = _grouped((point.type, point) for point in wanted)
    present = _grouped((point.type, point) for point in known)
    for kind, points in by_type.items():
        blocks += _plan_type(kind, points, protocol, present.get(kind, []), costs)
    return tuple(blocks)


def ride_along(
    blocks: Sequence[Block], points: Iterable[ReadPoint], protocol: Protocol
) -> tuple[tuple[Block, ...], tuple[ReadPoint, ...]]:
    """The same blocks with every point that lies inside one of them anyhow, and the points that do not."""
    found = list(blocks)
    rest = []
    for point in points:
        home = (
            None
            if protocol.exact_read or point.alone
            else next((i for i, one in enumerate(found) if one.holds(point)), None)
        )
        if home is None:
            rest.append(point)
        else:
            found[home] = replace(found[home], points=(*found[home].points, point))
    return tuple(found), tuple(rest)


def _grouped(pairs: Iterable[tuple[_Key, ReadPoint]]) -> dict[_Key, list[ReadPoint]]:
    groups: dict[_Key, list[ReadPoint]] = {}
    for key, point in pairs:
        groups.setdefault(key, []).append(point)
    return groups


def _plan_type(
    kind: str, points: list[ReadPoint], protocol: Protocol, known: list[ReadPoint], costs: Costs
) -> list[Block]:
    if protocol.exact_read:
        return _exact(kind, points)
    alone = [point for point in points if _is_unreadable(point, protocol)]
    joinable = [point for point in points if not _is_unreadable(point, protocol)]
    ground = _Ground(kind, protocol, [*joinable, *known])
    limit = protocol.max_bits_per_read if kind in FIELDBUS_BITS else protocol.max_registers_per_read
    return [*_joined(kind, joinable, ground, limit, costs), *_exact(kind, alone)]


def _exact(kind: str, points: list[ReadPoint]) -> list[Block]:
    """One read for each range that has points of just that length."""
    ranges = _grouped(((point.address, point.count), point) for point in points)
    return [Block(kind, address, count, tuple(ranges[address, count])) for address, count in sorted(ranges)]


def _joined(kind: str, points: list[ReadPoint], ground: "_Ground", limit: int, costs: Costs) -> list[Block]:
    """Dynamic programming over the outermost points by address: best[i] covers the first i of them.

    Both ends of these rise, so a point between two others of a read lies inside it: neighbours make the best reads.
    """
    outer = _outermost(points)
    best: list[_Choice] = [(0.0, 0, 0, 0)]
    for last in range(len(outer)):
        choices = []
        for first in range(last, -1, -1):
            if first < last and not ground.can_cross(outer[first].end, outer[first + 1].address):
                break
            length = outer[last].end - outer[first].address
            if length > limit and first < last:
                break
            chars, reads, places, _ = best[first]
            choices.append(
                (
                    chars + costs.of_read(length, are_bits=kind in FIELDBUS_BITS),
                    reads + 1,
                    places + length,
                    first,
                )
            )
        best.append(min(choices))
    blocks = [_block(kind, outer[first:last]) for first, last in _cuts(best)]
    return [
        replace(one, points=tuple(point for point in points if _home(blocks, point) is one)) for one in blocks
    ]


def _home(blocks: Sequence[Block], point: ReadPoint) -> Block:
    """The one block that answers for the point, although overlapping blocks may hold it too."""
    return next(one for one in blocks if one.holds(point))


def _cuts(best: Sequence[_Choice]) -> list[tuple[int, int]]:
    cuts = []
    last = len(best) - 1
    while last > 0:
        first = best[last][3]
        cuts.append((first, last))
        last = first
    return cuts[::-1]


def _outermost(points: Iterable[ReadPoint]) -> list[ReadPoint]:
    """Points that lie inside no other one, by address; both starts and ends of these rise."""
    outer: list[ReadPoint] = []
    for point in sorted(points, key=lambda one: (one.address, -one.count)):
        if not outer or point.end > outer[-1].end:
            outer.append(point)
    return outer


def _block(kind: str, points: Sequence[ReadPoint]) -> Block:
    address = points[0].address
    return Block(kind, address, max(point.end for point in points) - address, tuple(points))


def _is_unreadable(point: ReadPoint, protocol: Protocol) -> bool:
    return point.alone or any(_touches(span, point) for span in protocol.unreadable)


def _touches(span: Span, point: ReadPoint) -> bool:
    return (
        span.type == point.type
        and span.scope == point.scope
        and span.first < point.end
        and point.address <= span.last
    )


class _Ground:
    """Which addresses of one register type a read may run across."""

    def __init__(self, kind: str, protocol: Protocol, points: Iterable[ReadPoint]) -> None:
        points = list(points)
        scopes = {point.scope for point in points}
        firm = [(one.address, one.end) for one in points if not _is_unreadable(one, protocol)]
        firm += [
            (one.first, one.last + 1) for one in protocol.blocks if one.type == kind and one.scope in scopes
        ]
        self._holes = [
            (one.first, one.last + 1)
            for one in protocol.unreadable
            if one.type == kind and one.scope in scopes
        ]
        self._firm = _merged(firm)
        self._starts = [start for start, _ in self._firm]
        self._max_gap = protocol.max_gap_registers if protocol.gaps_readable else 0

    def can_cross(self, start: int, end: int) -> bool:
        """Whether addresses `start` to `end` (not included) may be part of a read."""
        if any(first < end and start < last for first, last in self._holes):
            return False
        at = start
        while at < end:
            place = bisect_right(self._starts, at) - 1
            if place >= 0 and self._firm[place][1] > at:
                at = self._firm[place][1]
                continue
            following = self._starts[place + 1] if place + 1 < len(self._starts) else end
            if min(following, end) - at > self._max_gap:
                return False
            at = following
        return True


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
