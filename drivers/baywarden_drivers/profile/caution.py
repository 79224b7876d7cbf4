"""Doubts about what a limit means: while one is open, no number that is written may mean more than was wanted.

Of several scales the largest comes first, so the number written means at most the wanted current under each choice,
and a number read is never taken for less than it may be. Where words or bytes are in doubt there is no such number:
nothing is written before that is decided. And no limit is proven by a register that holds what was written there.
"""

from collections.abc import Iterator

from baywarden_drivers.errors import Fault
from baywarden_drivers.profile.doubts import Choice, Doubt
from baywarden_drivers.profile.points import Point, ReadPoint, WritePoint
from baywarden_drivers.profile.schema import Profile

_LIMIT_UNITS = ("A", "W")

Layout = tuple[object, ...]


def is_limit(point: Point) -> bool:
    """Whether a larger number in it may let more current flow."""
    return isinstance(point, WritePoint) and point.unit in _LIMIT_UNITS


def layout(point: Point, choice: Choice) -> Layout:
    """How the registers of the point are put together under the choice; the same number in each of the same layout."""
    count = point.count if choice.count is None else choice.count
    word_order = choice.word_order or point.word_order
    is_swapped = point.low_byte_first if choice.low_byte_first is None else choice.low_byte_first
    return choice.dtype or point.dtype, count, word_order if count > 1 else None, is_swapped


def has_one_layout(doubt: Doubt, point: Point) -> bool:
    """Whether the registers of the point are put together in one way under all choices."""
    return len({layout(point, choice) for choice in doubt.choice}) <= 1


def twins(profile: Profile, point: WritePoint) -> list[ReadPoint]:
    """The read points that show what was written to the point."""
    where = (point.type, point.address, point.scope, point.unit_id)
    return [one for one in profile.read if (one.type, one.address, one.scope, one.unit_id) == where]


def own_checks(profile: Profile, doubt: Doubt) -> frozenset[str]:
    """Points by which the doubt is decided although we may have written them ourselves."""
    written = [profile.writable[name] for name in doubt.points if name in profile.writable]
    return frozenset(one.name for point in written for one in twins(profile, point)) & {
        check.point for check in doubt.check
    }


def reckless_doubts(profile: Profile) -> Iterator[Fault]:
    """Choices under which a limit could be written that means more than was wanted."""
    for doubt in profile.doubt:
        limits = [profile.writable[name] for name in doubt.points if name in profile.writable]
        for point in filter(is_limit, limits):
            if doubt.choice:
                yield from _reckless(profile, doubt, point)


def _reckless(profile: Profile, doubt: Doubt, point: WritePoint) -> Iterator[Fault]:
    here, name = f'doubt "{doubt.name}"', point.name
    scales = [choice.scale or point.scale for choice in doubt.choice]
    if scales[0] < max(scales):
        yield Fault(
            f"{here}.choice",
            f"the first one is used until the device has decided: put that with the largest scale of {name} first",
        )
    lowest = [choice.min if choice.min is not None else point.min for choice in doubt.choice]
    known = [one for one in lowest if one is not None]
    if known and (lowest[0] is None or lowest[0] < max(known)):
        yield Fault(f"{here}.choice", f"put that with the largest min of {name} first")
    has_one = has_one_layout(doubt, point)
    if not has_one and doubt.decide == "never":
        yield Fault(f"{here}.decide", f"{name} could never be written: say how the device decides it")
    for own in sorted(own_checks(profile, doubt)) if not has_one else ():
        yield Fault(f"{here}.check", f"{own} shows what was written to {name}: check another point")
    for twin in twins(profile, point) if not has_one or len(set(scales)) > 1 else ():
        if twin.name not in doubt.points:
            yield Fault(f"{here}.points", f"{twin.name} is the same register as {name}: put it there too")
