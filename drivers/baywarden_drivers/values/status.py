"""From registers to the charger's state, by the rules that its profile gives."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from baywarden_drivers.profile.conduct import Condition, Status, StatusRule
from baywarden_drivers.values.value import PointValue, Value

Values = Mapping[str, PointValue]
Judge = Callable[[Values], "ChargerStatus"]
_Test = Callable[[Values], bool | None]

_DOTTED = re.compile(r"[0-9]+(?:\.[0-9]+)+")
_DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class ChargerStatus:
    """IEC 61851 letter and OCPP 1.6 connector state in lower case; None is unknown, and `detail` says why."""

    iec: str | None
    state: str | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Rule:
    tests: tuple[_Test, ...]
    skip_when_unknown: bool
    answer: str | None
    by: str | None
    answers: Mapping[str, str]

    def says(self, values: Values) -> tuple[str | None, bool]:
        """The answer, and whether the search is over."""
        applies = _all_hold(self.tests, values)
        if applies is None:
            return None, not self.skip_when_unknown
        if not applies:
            return None, False
        if self.by is None:
            return self.answer, True
        looked_up = values.get(self.by)
        if looked_up is None or looked_up.value is None:
            return None, not self.skip_when_unknown
        found = self.answers.get(_key(looked_up.value))
        return found, found is not None


def judge_of(status: Status) -> Judge:
    """A function that tells the state from the values of a poll."""
    letters = _rules(status.rule, lambda rule: (rule.iec, rule.iecs))
    states = _rules(status.rule, lambda rule: (rule.state, rule.states))
    letters.append(_Rule((), False, None, status.source, status.iec))
    states.append(_Rule((), False, None, status.source, status.state))
    source = status.source

    def judge(values: Values) -> ChargerStatus:
        iec, state = _first(letters, values), _first(states, values)
        detail = "" if iec is not None and state is not None else _doubt(source, values)
        return ChargerStatus(iec, state, detail)

    return judge


def asker(conditions: Sequence[Condition]) -> Callable[[Values], bool | None]:
    """A function that tells whether all conditions hold; None when a value that decides is not known.

    For `startup.again_when`, `control.paused_when` and `control.recover_when`, `read.only_when` and the choices of a
    doubt; without any condition the answer is True.
    """
    tests = tuple(_test(condition) for condition in conditions)
    return lambda values: _all_hold(tests, values)


def _all_hold(tests: Sequence[_Test], values: Values) -> bool | None:
    outcome: bool | None = True
    for test in tests:
        result = test(values)
        if result is False:
            return False
        if result is None:
            outcome = None
    return outcome


def _key(value: Value) -> str:
    """The value as profiles write it: a whole number without decimals."""
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return str(int(value))
    return str(value)


def _rules(
    rules: Sequence[StatusRule], pick: Callable[[StatusRule], tuple[str | None, Mapping[str, str]]]
) -> list[_Rule]:
    compiled = []
    for rule in rules:
        answer, answers = pick(rule)
        if answer is None and not answers:
            continue
        tests = tuple(_test(condition) for condition in rule.when)
        compiled.append(_Rule(tests, rule.skip_when_unknown, answer, rule.by if answers else None, answers))
    return compiled


def _first(rules: Sequence[_Rule], values: Values) -> str | None:
    for rule in rules:
        answer, is_over = rule.says(values)
        if is_over:
            return answer
    return None


def _doubt(source: str, values: Values) -> str:
    value = values.get(source)
    if value is None or value.value is None:
        return f"{source} is {'missing' if value is None else value.reason or value.quality.value}"
    return f"{source} = {value.value!r} does not tell the state"


def _test(condition: Condition) -> _Test:
    name, mask = condition.point, condition.mask
    ask = _question(condition)

    def test(values: Values) -> bool | None:
        found = values.get(name)
        value = None if found is None else found.value
        if value is None:
            return None
        if mask is not None:
            if not isinstance(value, int):
                return None
            value &= mask
        return ask(value)

    return test


def _question(condition: Condition) -> Callable[[Value], bool | None]:
    if condition.equals is not None:
        equals = condition.equals
        return lambda value: _same(value, equals)
    if condition.not_equals is not None:
        other = condition.not_equals
        return lambda value: not _same(value, other)
    if condition.one_of is not None:
        one_of = condition.one_of
        return lambda value: any(_same(value, one) for one in one_of)
    if condition.below is not None:
        below = condition.below
        return lambda value: _is_below(value, below)
    at_least = condition.at_least
    assert at_least is not None
    return lambda value: None if (result := _is_below(value, at_least)) is None else not result


def _same(value: Value, expected: str | Decimal) -> bool:
    if isinstance(value, int | Decimal) and isinstance(expected, Decimal):
        return value == expected
    return str(value) == str(expected)


def _is_below(value: Value, bound: Decimal | tuple[int, ...]) -> bool | None:
    if isinstance(bound, tuple):
        version = _version(value)
        return None if version is None else _padded(version, bound) < _padded(bound, version)
    return value < bound if isinstance(value, int | Decimal) else None


def _version(value: Value) -> tuple[int | Decimal, ...] | None:
    """The numbers of a version: an array, or the first that stand in a text such as "V5.33-rc" or "P30 v 3.10.16"."""
    if isinstance(value, str):
        found = _DOTTED.search(value) or _DIGITS.search(value)
        return None if found is None else tuple(int(digits) for digits in found.group().split("."))
    return value if isinstance(value, tuple) else None


def _padded(version: Sequence[int | Decimal], other: Sequence[int | Decimal]) -> tuple[int | Decimal, ...]:
    """As long as the other one: 5.22 and 5.22.0 are the same version."""
    return (*version, *([0] * (len(other) - len(version))))
