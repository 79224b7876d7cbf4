"""Where the sources of a profile disagree: a simulated device is one of the kinds that there may be."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice, product

from baywarden_drivers.doubts.doubt import Seen, judge, with_choice
from baywarden_drivers.profile.conduct import Condition
from baywarden_drivers.profile.doubts import Choice, Doubt
from baywarden_drivers.profile.points import ReadPoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.simulator.errors import SiteFileError
from baywarden_drivers.simulator.made_up import made_up
from baywarden_drivers.simulator.meter_truth import METER
from baywarden_drivers.simulator.registers import registers_of
from baywarden_drivers.simulator.truth import OUTLET, Truth
from baywarden_drivers.values.codec import decode
from baywarden_drivers.values.value import PointValue, Quality

MOST_TRIED = 5_000
_ABSENT = PointValue(None, Quality.MISSING, 0, "refused")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The profile of one kind of device, and what its points say so that a reader finds out which kind it is."""

    profile: Profile
    values: Mapping[str, Truth] = field(default_factory=dict)
    without: frozenset[str] = frozenset()


def as_chosen(profile: Profile, choices: Mapping[str, str], device: str) -> Chosen:
    """The device by the first choice of every doubt, or by the one of that name. Raises SiteFileError."""
    open_doubts = {doubt.name: doubt for doubt in profile.doubt if doubt.choice}
    for name in choices:
        if name not in open_doubts:
            raise SiteFileError(f"{device}: no doubt {_unknown(name, open_doubts)}")
    chosen = Chosen(profile)
    for doubt in open_doubts.values():
        choice = _choice(doubt, choices.get(doubt.name), device)
        clues = _clues(chosen.profile, doubt, choice, device) if doubt.decide == "rule" else {}
        chosen = Chosen(
            with_choice(chosen.profile, doubt, choice),
            {**chosen.values, **{name: truth for name, truth in clues.items() if truth is not None}},
            chosen.without | {name for name, truth in clues.items() if truth is None},
        )
    return chosen


def _choice(doubt: Doubt, name: str | None, device: str) -> Choice:
    if name is None:
        return doubt.choice[0]
    for one in doubt.choice:
        if one.name == name:
            return one
    raise SiteFileError(
        f"{device}: {doubt.name}: no choice {_unknown(name, [one.name for one in doubt.choice])}"
    )


def _unknown(name: str, known: Mapping[str, object] | list[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return (
        f"{name!r}; did you mean {near[0]!r}?"
        if near
        else f"{name!r}; there are: {', '.join(known) or 'none'}"
    )


def _clues(profile: Profile, doubt: Doubt, wanted: Choice, device: str) -> dict[str, Truth]:
    """What the points of the rules must say for `wanted`; None: they are not there. As shipped where that will do."""
    names = list(dict.fromkeys(condition.point for one in doubt.choice for condition in one.when))
    shipped = {name: _shipped(profile, name, device) for name in names}
    candidates = [_candidates(profile, doubt, name, shipped[name]) for name in names]
    for combination in islice(product(*candidates), MOST_TRIED):
        said = dict(zip(names, combination, strict=True))
        seen = {name: _seen(profile.readable[name], truth) for name, truth in said.items()}
        verdict = judge(profile, doubt, [Seen(one, seen, {}) for one in doubt.choice])
        if (verdict.choice or doubt.choice[0]) == wanted:
            return {name: truth for name, truth in said.items() if truth != shipped[name]}
    return {}


def _shipped(profile: Profile, name: str, device: str) -> Truth:
    """What it says if nothing is done; any number above 0 stands for what is measured."""
    if name in METER or name in OUTLET:
        return 1
    return made_up(profile, device, profile.readable[name])


def _candidates(profile: Profile, doubt: Doubt, name: str, shipped: Truth) -> list[Truth]:
    point = profile.readable[name]
    if name in METER or name in OUTLET:
        return [shipped, None]
    asked = [condition for one in doubt.choice for condition in one.when if condition.point == name]
    return [shipped, *[_typed(point, number) for one in asked for number in _numbers(one)], None]


def _numbers(condition: Condition) -> Iterator[Truth]:
    """Numbers on both sides of what is asked."""
    if condition.mask is not None:
        yield from (0, condition.mask)
    for value in (condition.equals, condition.not_equals, *(condition.one_of or ())):
        if value is not None:
            yield from (value,) if isinstance(value, str) else (value, value + 1)
    for bound in (condition.below, condition.at_least):
        if isinstance(bound, tuple):
            yield from (bound, _before(bound))
        elif bound is not None:
            yield from (bound, bound - 1)


def _before(version: tuple[int, ...]) -> tuple[int, ...]:
    """The version before, in its last part that is above 0."""
    last = max((place for place, part in enumerate(version) if part > 0), default=0)
    return (*version[:last], max(0, version[last] - 1), *[9] * (len(version) - last - 1))


def _typed(point: ReadPoint, number: Truth) -> Truth:
    """A version as the point writes it."""
    if not isinstance(number, tuple):
        return number
    if point.dtype == "string":
        return ".".join(str(part) for part in number)
    return (*number, *[0] * point.count)[: point.count]


def _seen(point: ReadPoint, truth: Truth) -> PointValue:
    return _ABSENT if truth is None else decode(point, registers_of(point, truth), 0)
