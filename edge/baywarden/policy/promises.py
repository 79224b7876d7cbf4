"""Power that can be promised to a booking beside what is promised already."""

from collections import Counter
from collections.abc import Container, Iterable
from datetime import datetime
from operator import itemgetter
from typing import Protocol

from baywarden.model.site import EvseRules, SiteRules
from baywarden.policy.circuits import Tree
from baywarden.policy.claims import promised_ma
from baywarden.policy.fill import whole, whole_up


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
    tree = Tree(rules)
    evse = rules.evses[evse_id]
    limits_ma, loads_ma = tree.limits_ma(), tree.base_loads_ma()
    room_ma = {line: limits_ma[line] - loads_ma[line] for line in tree.lines(evse)}
    near = [
        (promise, rules.evses[promise.evse_id])
        for promise in promises
        if promise.start_at < end_at and promise.end_at > start_at and promise.evse_id in rules.evses
    ]
    most_ma = whole(evse.max_current_ma)
    sums_ma = _sums_ma(tree, near, room_ma)
    tight = {line: room for line, room in room_ma.items() if room - sums_ma[line] < most_ma}
    current_ma = most_ma if not tight else min(most_ma, whole(_least_room_ma(tree, near, start_at, tight)))
    if current_ma < whole_up(evse.min_current_ma):
        return 0
    return current_ma * evse.nominal_v * len(evse.phases) // 1000


def _sums_ma(tree: Tree, near: list[tuple[Promise, EvseRules]], lines: Container[int]) -> Counter[int]:
    """All that is promised on each of the lines, as if it were all at one time."""
    sums_ma: Counter[int] = Counter()
    for promise, evse in near:
        current_ma = _counted_ma(evse, promise.power_w)
        for line in tree.lines(evse):
            if line in lines:
                sums_ma[line] += current_ma
    return sums_ma


def _least_room_ma(
    tree: Tree, near: list[tuple[Promise, EvseRules]], start_at: datetime, room_ma: dict[int, int]
) -> int:
    """The least that any of these lines has left at any moment from the start on."""
    edges: list[tuple[datetime, bool, int, list[int]]] = []
    for promise, evse in near:
        shared = [line for line in tree.lines(evse) if line in room_ma]
        if shared:
            current_ma = _counted_ma(evse, promise.power_w)
            edges.append((max(promise.start_at, start_at), True, current_ma, shared))
            edges.append((promise.end_at, False, -current_ma, shared))
    # At the same moment ends come before begins: windows are half-open.
    edges.sort(key=itemgetter(0, 1))
    sums_ma = dict.fromkeys(room_ma, 0)
    least_ma = min(room_ma.values())
    for _, _, change_ma, shared in edges:
        for line in shared:
            sums_ma[line] += change_ma
            least_ma = min(least_ma, room_ma[line] - sums_ma[line])
    return least_ma


def _counted_ma(evse: EvseRules, power_w: int) -> int:
    return min(whole_up(promised_ma(evse, power_w)), whole(evse.max_current_ma))
