"""Power that can be promised to a booking beside what is promised already."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Final, Protocol

from baywarden.model.site import EvseRules, SiteRules
from baywarden.policy.circuits import Tree
from baywarden.policy.claims import promised_ma
from baywarden.policy.fill import STEP_MA, whole, whole_up

_Feed = tuple[str, tuple[int, ...]]
"""Circuit and phases of an outlet: what feeds it."""
_AT: Final = itemgetter(0)


class Promise(Protocol):
    """Power that one outlet was promised for [start_at, end_at); a Booking is one. 0 W asks for the least current."""

    @property
    def evse_id(self) -> str: ...
    @property
    def start_at(self) -> datetime: ...
    @property
    def end_at(self) -> datetime: ...
    @property
    def power_w(self) -> int: ...


def spare_power_w(
    rules: SiteRules, promises: Iterable[Promise], start_at: datetime, end_at: datetime, evse_id: str
) -> int:
    """The power in W that this outlet can be promised throughout [start_at, end_at); 0 when not even its least.

    Every promise counts in whole amperes on each phase of its outlet, up the tree, at least the outlet's
    smallest current; circuits hold their limit less the base load. The caller leaves out a promise that is
    being replaced.
    """
    near = (one for one in promises if one.start_at < end_at and one.end_at > start_at)
    return Promised(Lines(rules), near, start_at).spare_w(evse_id, start_at, end_at)


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """Phases of circuits that always carry the same current, with the least room that one of them has."""

    feeds: tuple[_Feed, ...]
    room_ma: int
    """The limit less the base load."""


class Lines:
    """All lines of a site that outlets draw from."""

    def __init__(self, rules: SiteRules) -> None:
        self.evses = rules.evses
        tree = Tree(rules)
        limits_ma, loads_ma = tree.limits_ma(), tree.base_loads_ma()
        outlets = {_feed(evse): evse for evse in rules.evses.values()}
        carried: dict[int, list[_Feed]] = {}
        for feed, evse in outlets.items():
            for number in dict.fromkeys(tree.lines(evse)):
                carried.setdefault(number, []).append(feed)
        rooms_ma: dict[tuple[_Feed, ...], int] = {}
        for number, feeds in carried.items():
            room_ma, key = limits_ma[number] - loads_ma[number], tuple(feeds)
            rooms_ma[key] = min(room_ma, rooms_ma.get(key, room_ma))
        lines = [Line(feeds, room_ma) for feeds, room_ma in rooms_ma.items()]
        self._above = {feed: [line for line in lines if feed in line.feeds] for feed in outlets}

    def above(self, evse: EvseRules) -> list[Line]:
        """Those that carry the current of the outlet."""
        return self._above[_feed(evse)]


class Promised:
    """The current that is promised on each line from `from_at` on, as far as the given promises say."""

    def __init__(self, lines: Lines, promises: Iterable[Promise], from_at: datetime) -> None:
        self._lines = lines
        self._from_at = from_at
        self._by_feed: dict[_Feed, list[tuple[datetime, datetime, int]]] = {}
        self._sums_ma: Counter[_Feed] = Counter()
        self._steps: dict[Line, tuple[list[datetime], list[int]]] = {}
        for promise in promises:
            evse = lines.evses.get(promise.evse_id)
            if evse is not None:
                feed, current_ma = _feed(evse), _counted_ma(evse, promise.power_w)
                row = promise.start_at, promise.end_at, current_ma
                self._by_feed.setdefault(feed, []).append(row)
                self._sums_ma[feed] += current_ma

    def spare_w(self, evse_id: str, start_at: datetime, end_at: datetime) -> int:
        """The power that the outlet can be promised throughout the window."""
        evse = self._lines.evses[evse_id]
        most_ma = least_ma = whole(evse.max_current_ma)
        for line in self._lines.above(evse):
            if line.room_ma - sum(self._sums_ma[feed] for feed in line.feeds) < most_ma:
                times, sums_ma = self._steps_of(line)
                highest_ma = max(sums_ma[place] for place in _within(times, start_at, end_at))
                least_ma = min(least_ma, line.room_ma - highest_ma)
        return _power_w(evse, least_ma)

    def freed_at(self, evse_id: str, start_at: datetime, end_at: datetime, power_w: int) -> datetime | None:
        """The first start from which a window of this length may have that power; None for one that never has."""
        evse, freed_at = self._lines.evses[evse_id], start_at
        if _power_w(evse, evse.max_current_ma) < power_w:
            return None
        for line in self._lines.above(evse):
            times, sums_ma = self._steps_of(line)
            full_ma = _first_full_ma(evse, line.room_ma, power_w)
            window = reversed(_within(times, start_at, end_at))
            last = next((place for place in window if sums_ma[place] >= full_ma), None)
            if last is None:
                continue
            later = range(last + 1, len(times))
            freed = next((place for place in later if sums_ma[place] < full_ma), None)
            if freed is None:
                return None
            freed_at = max(freed_at, times[freed])
        return freed_at

    def _steps_of(self, line: Line) -> tuple[list[datetime], list[int]]:
        """The moments at which the sum on the line changes, and what it is from each on."""
        known = self._steps.get(line)
        if known is not None:
            return known
        edges: list[tuple[datetime, int]] = []
        for feed in line.feeds:
            for start_at, end_at, current_ma in self._by_feed.get(feed, ()):
                edges.append((max(start_at, self._from_at), current_ma))
                edges.append((end_at, -current_ma))
        edges.sort(key=_AT)
        times, sums_ma, sum_ma = [self._from_at], [0], 0
        for at, change_ma in edges:
            sum_ma += change_ma
            if at == times[-1]:
                sums_ma[-1] = sum_ma
            else:
                times.append(at)
                sums_ma.append(sum_ma)
        self._steps[line] = times, sums_ma
        return times, sums_ma


def _within(times: list[datetime], start_at: datetime, end_at: datetime) -> range:
    """The places of the steps that share a moment with [start_at, end_at); the first step lasts from ever."""
    first = max(bisect_right(times, start_at) - 1, 0)
    return range(first, max(bisect_left(times, end_at), first + 1))


def _feed(evse: EvseRules) -> _Feed:
    return evse.circuit_id, evse.phases


def _power_w(evse: EvseRules, room_ma: int) -> int:
    """What the outlet gives with so much room; nothing below its least."""
    current_ma = min(whole(evse.max_current_ma), whole(room_ma))
    if current_ma < whole_up(evse.min_current_ma):
        return 0
    return current_ma * evse.nominal_v * len(evse.phases) // 1000


def _first_full_ma(evse: EvseRules, room_ma: int, power_w: int) -> int:
    """The least sum on a line of so much room that leaves the outlet less than that power."""
    per_a_mw = evse.nominal_v * len(evse.phases) * STEP_MA
    needs_ma = max(whole_up(evse.min_current_ma), STEP_MA * -(-1000 * power_w // per_a_mw))
    return room_ma - needs_ma + 1


def _counted_ma(evse: EvseRules, power_w: int) -> int:
    return min(whole_up(promised_ma(evse, power_w)), whole(evse.max_current_ma))
