"""Fills what the lines have left into those who ask for it: the least for as many as fit, then evenly."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

STEP_MA = 1000
"""Limits are whole amperes: finer steps only make them restless."""


@dataclass(slots=True)
class Ask:
    """What one outlet asks of its lines. It gets nothing or at least `least_ma`; `floor_ma` was promised to it."""

    lines: tuple[int, ...]
    least_ma: int
    want_ma: int
    floor_ma: int = 0
    is_booked: bool = False


@dataclass(slots=True)
class Grant:
    """What one outlet gets, and the line that gave out when that is less than it wants."""

    ask: Ask
    got_ma: int = 0
    line: int | None = None


def fill(asks: Sequence[Ask], room_ma: list[int]) -> list[Grant]:
    """Grant in the order of the asks; takes what it grants from `room_ma`, which is by line.

    First the booked get their least and then their floor, next the others get their least, and what
    is left is shared out evenly.
    """
    grants = [Grant(ask) for ask in asks]
    booked = [grant for grant in grants if grant.ask.is_booked]
    _give_least(booked, room_ma)
    for grant in booked:
        if grant.got_ma:
            floor_ma = min(grant.ask.floor_ma, grant.ask.want_ma) - grant.got_ma
            _take(grant, min(floor_ma, whole(_least_room(grant.ask.lines, room_ma))), room_ma)
    _give_least([grant for grant in grants if not grant.ask.is_booked], room_ma)
    _evenly([grant for grant in grants if 0 < grant.got_ma < grant.ask.want_ma], room_ma)
    return grants


def whole(current_ma: int) -> int:
    """Rounded down to whole steps."""
    return current_ma - current_ma % STEP_MA


def whole_up(current_ma: int) -> int:
    """Rounded up to whole steps."""
    return -whole(-current_ma)


def _give_least(grants: Iterable[Grant], room_ma: list[int]) -> None:
    for grant in grants:
        if not 0 < grant.ask.least_ma <= grant.ask.want_ma:
            continue
        line = min(grant.ask.lines, key=room_ma.__getitem__)
        if room_ma[line] >= grant.ask.least_ma:
            _take(grant, grant.ask.least_ma, room_ma)
        else:
            grant.line = line


def _evenly(hungry: list[Grant], room_ma: list[int]) -> None:
    """Raise all together until a line gives out or a want is met, then go on with the rest."""
    first = list(hungry)
    mouths = Counter(line for grant in hungry for line in grant.ask.lines)
    while hungry:
        even_ma = min(room_ma[line] // count for line, count in mouths.items())
        lacking_ma = min(grant.ask.want_ma - grant.got_ma for grant in hungry)
        step_ma = whole(min(even_ma, lacking_ma))
        for grant in hungry:
            grant.got_ma += step_ma
        for line, count in mouths.items():
            room_ma[line] -= step_ma * count
        empty = {line for line, count in mouths.items() if room_ma[line] < count * STEP_MA}
        left = [g for g in hungry if g.got_ma + STEP_MA <= g.ask.want_ma and empty.isdisjoint(g.ask.lines)]
        hungry = left
        mouths = Counter(line for grant in hungry for line in grant.ask.lines)
    _hand_out_rests(first, room_ma)


def _hand_out_rests(grants: list[Grant], room_ma: list[int]) -> None:
    """One step each, in order, while a line has less left than a step for everybody."""
    hungry = grants
    while hungry:
        left = []
        for grant in hungry:
            if grant.got_ma + STEP_MA > grant.ask.want_ma:
                continue
            line = min(grant.ask.lines, key=room_ma.__getitem__)
            if room_ma[line] >= STEP_MA:
                _take(grant, STEP_MA, room_ma)
                left.append(grant)
            else:
                grant.line = line
        hungry = left


def _least_room(lines: tuple[int, ...], room_ma: list[int]) -> int:
    return min(room_ma[line] for line in lines)


def _take(grant: Grant, current_ma: int, room_ma: list[int]) -> None:
    if current_ma <= 0:
        return
    grant.got_ma += current_ma
    for line in grant.ask.lines:
        room_ma[line] -= current_ma
