"""Status registers for a state: the profile's map and rules read backwards.

Registers that only carry the state (the source of the status, and others that the rules look up) are tried in
turn; the first combination from which a reader of the profile concludes the true state is what stands there.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice, product

from baywarden_drivers.profile.base import DTYPE_REGISTERS
from baywarden_drivers.profile.conduct import Condition, Status, StatusRule
from baywarden_drivers.profile.points import ReadPoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.simulator.made_up import ARRAYS, NUMBERS, TEXTS
from baywarden_drivers.simulator.outlet import Outlet
from baywarden_drivers.simulator.registers import registers_of
from baywarden_drivers.simulator.truth import CODES, OUTLET, STATION, Truth
from baywarden_drivers.simulator.words import OutletState, Pilot
from baywarden_drivers.values.codec import decode
from baywarden_drivers.values.status import Judge, judge_of
from baywarden_drivers.values.value import PointValue

MOST_KEPT = 256
MOST_TRIED = 20_000
POLARITY_VARIES = frozenset({"availability"})
"""Flags whose meaning depends on the firmware: the rules decide which number stands there."""
FEWEST_WORDS = 3
"""A list with so many of our own words for a state is one of states."""

NEXT_BEST: Mapping[OutletState, tuple[OutletState, ...]] = {
    OutletState.FINISHING: (OutletState.SUSPENDED_EV, OutletState.PREPARING, OutletState.SUSPENDED_EVSE),
    OutletState.PREPARING: (OutletState.SUSPENDED_EV, OutletState.SUSPENDED_EVSE),
    OutletState.SUSPENDED_EVSE: (OutletState.PREPARING, OutletState.SUSPENDED_EV),
    OutletState.SUSPENDED_EV: (OutletState.FINISHING, OutletState.PREPARING, OutletState.SUSPENDED_EVSE),
    OutletState.UNAVAILABLE: (OutletState.FAULTED, OutletState.AVAILABLE),
    OutletState.FAULTED: (OutletState.UNAVAILABLE,),
}
"""What a charger shows that has no word of its own for a state."""


class Disguise:
    """Puts the state of an outlet into the registers of one profile."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        status = profile.status
        self._judge = None if status is None else judge_of(status)
        named = {condition.point for rule in status.rule for condition in rule.when} if status else set()
        looked_up = {rule.by for rule in status.rule if rule.by} if status else set()
        source = {status.source} if status else set()
        fixed = {*OUTLET, *STATION, *ARRAYS, *TEXTS, *NUMBERS} - CODES - source - looked_up - POLARITY_VARIES
        carriers = (source | looked_up | named) - fixed
        self._told = {point.name for point in profile.read if point.name not in carriers} & set(
            _listed(profile)
        )
        self.points: frozenset[str] = frozenset(carriers | self._told)
        self._carriers = sorted(carriers)
        self._others = sorted((named | looked_up) - carriers)
        self._tests = _tests(status, self._others)
        self._known: dict[tuple[object, ...], dict[str, Truth]] = {}

    def of(self, outlet: Outlet, other: Callable[[str], Truth]) -> Mapping[str, Truth]:
        """Values of `points`; `other` says what the remaining points of the rules are."""
        others = {name: self._seen(name, other(name)) for name in self._others}
        key = (outlet.state, outlet.pilot, outlet.car is None, *[test(others) for test in self._tests])
        if key not in self._known:
            if len(self._known) >= MOST_KEPT:
                self._known.clear()
            self._known[key] = self._all(outlet, others)
        return self._known[key]

    def _all(self, outlet: Outlet, others: Mapping[str, PointValue]) -> dict[str, Truth]:
        state = outlet.state
        usual = {name: OUTLET[name](outlet) for name in self._carriers if name in OUTLET}
        found = self._search(state, outlet.pilot, others, usual)
        return {**found, **{name: self._by_word(name, state) for name in self._told}}

    def _search(
        self,
        state: OutletState,
        pilot: Pilot,
        others: Mapping[str, PointValue],
        usual: Mapping[str, Truth],
    ) -> dict[str, Truth]:
        flags = self._flags(state, others)
        candidates = [
            flags.get(name) or self._candidates(name, state, pilot, usual.get(name))
            for name in self._carriers
        ]
        told: list[tuple[dict[str, Truth], str | None, str | None]] = []
        for choice in islice(product(*candidates), MOST_TRIED):
            values = dict(zip(self._carriers, choice, strict=True))
            seen = {name: self._seen(name, value) for name, value in values.items()}
            letter, word = self._concluded({**others, **seen})
            if word == state.value and letter in _letters(pilot):
                return values
            told.append((values, letter, word))
        return _nearest(state, pilot, told)

    def _flags(self, state: OutletState, others: Mapping[str, PointValue]) -> dict[str, list[Truth]]:
        """Flags of an outlet out of service: the opposite of what they are in service; else either number."""
        names = set(self._carriers) & POLARITY_VARIES
        if state is not OutletState.UNAVAILABLE:
            return {name: [1, 0] for name in names}
        in_service = self._search(OutletState.AVAILABLE, Pilot.A, others, {}) if names else {}
        return {name: [int(not in_service[name])] for name in names}

    def _concluded(self, values: Mapping[str, PointValue]) -> tuple[str | None, str | None]:
        """The letter and the state that a reader concludes."""
        if self._judge is None:
            return None, None
        status = self._judge(values)
        return status.iec, status.state

    def _seen(self, name: str, value: Truth) -> PointValue:
        """What a reader makes of the registers."""
        point = self._profile.readable[name]
        return decode(point, registers_of(point, value), 0)

    def _candidates(self, name: str, state: OutletState, pilot: Pilot, usual: Truth) -> list[Truth]:
        """Everything the profile says about the point, what fits best by its name first."""
        status, point = self._profile.status, self._profile.readable[name]
        words: dict[str, None] = {}
        if status is not None and name == status.source:
            words.update(dict.fromkeys([*status.iec, *status.state]))
        for rule in status.rule if status is not None else ():
            if rule.by == name:
                words.update(dict.fromkeys([*rule.states, *rule.iecs, *_unlisted(point, rule)]))
        listed = [raw for raw, _ in _words_of(self._profile, point)]
        first = [] if usual is None else [usual]
        raws = [*first, *self._by_words(name, state), *_values_of(words, point), *self._asked(name), *listed]
        raws = list(dict.fromkeys(raws)) or [_zero(point)]
        direct = status.state if status is not None and name == status.source else {}
        return sorted(raws, key=lambda raw: (direct.get(str(raw)) != state.value, raw != pilot.value))

    def _by_words(self, name: str, state: OutletState) -> list[Truth]:
        point = self._profile.readable[name]
        return [raw for raw, word in _words_of(self._profile, point) if word == state.value]

    def _by_word(self, name: str, state: OutletState) -> Truth:
        """The number of the state, or of the next best that is listed."""
        for wanted in (state, *NEXT_BEST.get(state, ())):
            if found := self._by_words(name, wanted):
                return found[0]
        return _zero(self._profile.readable[name])

    def _asked(self, name: str) -> list[Truth]:
        """Values that the conditions compare the point with, and neighbours that they exclude."""
        asked: list[Truth] = []
        for rule in self._profile.status.rule if self._profile.status else ():
            for condition in rule.when:
                if condition.point == name:
                    asked += _compared(condition)
        return [*asked, *([_zero(self._profile.readable[name])] if asked else [])]


def _nearest(
    state: OutletState, pilot: Pilot, told: list[tuple[dict[str, Truth], str | None, str | None]]
) -> dict[str, Truth]:
    """The values that come nearest to the state; without any the first."""
    for wanted in (state, *NEXT_BEST.get(state, ())):
        fitting = [(values, letter) for values, letter, word in told if word == wanted.value]
        exact = [values for values, letter in fitting if letter in _letters(pilot)]
        if fitting:
            return exact[0] if exact else fitting[0][0]
    lettered = [values for values, letter, _ in told if letter in _letters(pilot)]
    return lettered[0] if lettered else told[0][0]


def _tests(
    status: Status | None, others: Iterable[str]
) -> list[Callable[[Mapping[str, PointValue]], object]]:
    """What the rules ask of the other points: only the answers matter for the state, not the values."""
    tests: list[Callable[[Mapping[str, PointValue]], object]] = []
    for rule in status.rule if status else ():
        for condition in rule.when:
            if condition.point in others:
                tests.append(_test(condition))
        if rule.by is not None and rule.by in others:
            tests.append(_value_of(rule.by))
    return tests


def _test(condition: Condition) -> Callable[[Mapping[str, PointValue]], object]:
    """Whether the condition holds; None where nobody knows."""
    alone = StatusRule(when=(condition,), state="charging")
    judge: Judge = judge_of(Status(source=condition.point, iec={}, state={}, rule=(alone,)))
    name = condition.point
    return lambda values: None if values[name].value is None else judge(values).state is not None


def _value_of(name: str) -> Callable[[Mapping[str, PointValue]], object]:
    return lambda values: values[name].value


def _compared(condition: Condition) -> Iterator[Truth]:
    if condition.mask is not None:
        yield from (0, condition.mask)
    for value in (condition.equals, condition.not_equals, *(condition.one_of or ())):
        if value is not None:
            yield value if isinstance(value, str) else int(value)
    for bound in (condition.below, condition.at_least):
        if bound is not None and not isinstance(bound, tuple):
            yield from (int(bound), max(0, int(bound) - 1))


def _unlisted(point: ReadPoint, rule: StatusRule) -> list[str]:
    """A number with which the rule decides nothing."""
    if point.dtype == "string":
        return []
    listed = {int(raw, 0) for raw in (*rule.states, *rule.iecs)}
    return [str(next(number for number in range(1, len(listed) + 2) if number not in listed))]


def _words_of(profile: Profile, point: ReadPoint) -> list[tuple[int, str]]:
    """Numbers of the point with their meanings, from its own list or the enum of its name."""
    return [*point.values.items(), *profile.enums.get(point.name, {}).items()]


def _listed(profile: Profile) -> Iterator[str]:
    """Points that tell the state by a list of our own words, whether the rules ask for them or not."""
    ours = {state.value for state in OutletState}
    for point in profile.read:
        if len(ours & {word for _, word in _words_of(profile, point)}) >= FEWEST_WORDS:
            yield point.name


def _letters(pilot: Pilot) -> tuple[str, ...]:
    """What the pilot may be called: the maps count C without an offer as B, and errors as E or F."""
    if pilot is Pilot.C1:
        return ("B", "C")
    return ("E", "F") if pilot in (Pilot.E, Pilot.F) else (pilot.letter,)


def _values_of(words: Iterable[str], point: ReadPoint) -> list[Truth]:
    return [word if point.dtype == "string" else int(word, 0) for word in words]


def _zero(point: ReadPoint) -> Truth:
    return "" if point.dtype not in DTYPE_REGISTERS else 0
