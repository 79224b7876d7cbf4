"""Doubts of a profile, judged by what a device shows under each of their choices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from baywarden_drivers.doubts.decision import Decision
from baywarden_drivers.polls.presence import NO_SUCH_THING
from baywarden_drivers.profile.caution import own_checks
from baywarden_drivers.profile.doubts import Choice, Doubt
from baywarden_drivers.profile.points import Point, ReadPoint, WritePoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.values.status import asker
from baywarden_drivers.values.value import PointValue

_Point = TypeVar("_Point", bound=Point)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the device shows under one choice: the values of the points asked for, by name."""

    choice: Choice
    values: Mapping[str, PointValue]
    refusals: Mapping[str, int]
    """The exception code of each point that was refused; -1 for one that stayed unanswered."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The choice that the device has made, None while it has not, and why."""

    choice: Choice | None
    why: str
    overturns: bool = False
    """Another choice than the first does not hold any more, whatever has decided it."""


def with_choice(profile: Profile, doubt: Doubt, choice: Choice) -> Profile:
    """The profile with the points of the doubt as the choice has them."""
    names = set(doubt.points)
    return profile.changed(
        read=tuple(_as_chosen(one, choice) if one.name in names else one for one in profile.read),
        write=tuple(_as_chosen(one, choice) if one.name in names else one for one in profile.write),
    )


def _as_chosen(point: _Point, choice: Choice) -> _Point:
    given: dict[str, Any] = {
        "word_order": choice.word_order,
        "low_byte_first": choice.low_byte_first,
        "scale": choice.scale,
        "dtype": choice.dtype,
        "count": choice.count,
    }
    if isinstance(point, ReadPoint):
        given["type"] = choice.type
    if isinstance(point, WritePoint):
        given |= {"functions": choice.functions, "min": choice.min}
    update = {name: value for name, value in given.items() if value is not None}
    update["address"] = (point.address if choice.address is None else choice.address) + choice.shift
    return point.model_copy(update=update)


def asked(profile: Profile, doubt: Doubt, choice: Choice) -> list[str]:
    """The points that have to be read to judge the choice, with the factors that belong to them."""
    match doubt.decide:
        case "plausible":
            names = [check.point for check in doubt.check]
        case "answers":
            names = _witness(profile, doubt)
        case "rule":
            names = [condition.point for condition in choice.when]
        case _:
            names = []
    if doubt.decide == "answers":
        return names
    factors = [
        factor
        for name in names
        if (point := profile.readable.get(name)) is not None
        for factor in (point.scale_point, *point.multiply_by)
        if factor is not None
    ]
    return list(dict.fromkeys([*names, *factors]))


def _witness(profile: Profile, doubt: Doubt) -> list[str]:
    """The one point that stands for all of the doubt: the first that every device has."""
    found = [profile.readable[name] for name in doubt.points if name in profile.readable]
    found.sort(key=lambda one: one.optional)
    return [found[0].name] if found else []


def judge(profile: Profile, doubt: Doubt, seen: Sequence[Seen], *, is_ours: bool = False) -> Verdict:
    """What the device has decided, by what it shows under the choices (in their order).

    `is_ours`: what was written to points of the doubt since it is open was written by ourselves.
    """
    match doubt.decide:
        case "plausible":
            verdict = _plausible(profile, doubt, seen)
            return _without_echo(profile, doubt, verdict, is_ours=is_ours)
        case "answers":
            return _answering(seen)
        case "rule":
            return _ruled(seen)
        case "energy_by_power":
            return Verdict(None, "the energy counter is being held against the power")
        case _:
            return Verdict(None, doubt.text)


def decision(doubt: Doubt, verdict: Verdict, used: Choice | None) -> Decision:
    """The verdict in words; `used` is the choice in force."""
    name = "" if used is None else used.name
    return Decision(doubt.name, name, verdict.choice is not None, verdict.why)


# The ways to decide.


def _plausible(profile: Profile, doubt: Doubt, seen: Sequence[Seen]) -> Verdict:
    fitting = [
        one for one in seen if all(_fits(one, check.point, check.min, check.max) for check in doubt.check)
    ]
    if len(fitting) != 1:
        readings = "; ".join(f"{one.choice.name} reads {_readings(profile, doubt, one)}" for one in seen)
        found = "more than one choice is" if fitting else "no choice is"
        return Verdict(None, f"{found} plausible: {readings}")
    right = fitting[0]
    others = "; ".join(
        f"{one.choice.name} would read {_readings(profile, doubt, one)}" for one in seen if one is not right
    )
    return Verdict(right.choice, f"{_named(profile, doubt, right)}; {others}")


def _without_echo(profile: Profile, doubt: Doubt, verdict: Verdict, *, is_ours: bool) -> Verdict:
    """No verdict by a number that we may have written: while nothing is decided it is one of the first choice.

    Another one speaks against that choice, unless something of ours stands there: it may have been converted.
    """
    own = ", ".join(sorted(own_checks(profile, doubt)))
    if not own or verdict.choice is None:
        return verdict
    if verdict.choice == doubt.choice[0]:
        return Verdict(None, f"{verdict.why}; but {own} may be our own writing", overturns=True)
    if is_ours:
        return Verdict(None, f"{verdict.why}; but {own} was written by us meanwhile")
    return verdict


def _fits(seen: Seen, name: str, low: Decimal, high: Decimal) -> bool:
    found = seen.values.get(name)
    number = None if found is None else found.number
    return number is not None and low <= number <= high


def _answering(seen: Sequence[Seen]) -> Verdict:
    refused: list[str] = []
    for one in seen:
        if not one.refusals:
            names = ", ".join(one.values)
            return Verdict(one.choice, "; ".join([f"the device serves {names} there", *refused]))
        name, code = next(iter(one.refusals.items()))
        said = "is not answered" if code < 0 else f"is refused with exception {code}"
        refused.append(f"{name} as {one.choice.name} {said}")
        if code > 0 and code not in NO_SUCH_THING:
            return Verdict(None, f"{name} as {one.choice.name} {said}, which may pass")
    return Verdict(None, "; ".join(refused))


def _ruled(seen: Sequence[Seen]) -> Verdict:
    """The first choice whose conditions hold; while one cannot be told, none."""
    unknown = ""
    for one in seen:
        if not one.choice.when:
            continue
        holds = asker(one.choice.when)(one.values)
        if holds:
            return Verdict(one.choice, _conditions(one))
        if holds is None:
            unknown = unknown or _conditions(one)
    if unknown:
        return Verdict(None, unknown)
    otherwise = next((one for one in seen if not one.choice.when), None)
    said = dict.fromkeys(_conditions(one) for one in seen if one.choice.when)
    return Verdict(None if otherwise is None else otherwise.choice, "; ".join(said))


# In words.


def _conditions(seen: Seen) -> str:
    names = dict.fromkeys(condition.point for condition in seen.choice.when)
    return " and ".join(f"{name} is {_shown(seen.values.get(name))}" for name in names)


def _named(profile: Profile, doubt: Doubt, seen: Seen) -> str:
    """`frequency reads 50.01 Hz` for every point that was checked."""
    return " and ".join(
        f"{name} reads {_shown(seen.values.get(name), profile.readable[name].unit)}"
        for name in _checked(doubt)
    )


def _readings(profile: Profile, doubt: Doubt, seen: Seen) -> str:
    return " and ".join(
        _shown(seen.values.get(name), profile.readable[name].unit) for name in _checked(doubt)
    )


def _checked(doubt: Doubt) -> list[str]:
    return list(dict.fromkeys(check.point for check in doubt.check))


def _shown(value: PointValue | None, unit: str | None = None) -> str:
    if value is None:
        return "not known"
    if value.value is None:
        return f"nothing ({value.reason or value.quality.value})"
    number = value.number
    if number is None:
        return repr(value.value)
    text = f"{number}" if isinstance(number, int) else f"{number:.5g}"
    return text if unit is None else f"{text} {unit}"
