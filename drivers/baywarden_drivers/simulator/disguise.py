"""Status registers for a state: the profile's map and rules read backwards.

Registers that only carry the state (the source of the status, and others that the rules look up) are tried in
turn; the first combination from which a reader of the profile concludes the true state is what stands there.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import product

from baywarden_drivers.codec import decode
from baywarden_drivers.profile.base import DTYPE_REGISTERS
from baywarden_drivers.profile.points import ReadPoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.simulator.bank import registers_of
from baywarden_drivers.simulator.outlet import Outlet
from baywarden_drivers.simulator.truth import ARRAYS, NUMBERS, OUTLET, STATION, TEXTS, Truth
from baywarden_drivers.simulator.words import OutletState, Pilot
from baywarden_drivers.status import judge_of
from baywarden_drivers.value import PointValue

MOST_KEPT = 256
POLARITY_VARIES = frozenset({"availability"})
"""Flags whose meaning depends on the firmware: the rules decide which number stands there."""

NEXT_BEST: Mapping[OutletState, tuple[OutletState, ...]] = {
    OutletState.FINISHING: (OutletState.SUSPENDED_EV, OutletState.PREPARING, OutletState.SUSPENDED_EVSE),
    OutletState.PREPARING: (OutletState.SUSPENDED_EV, OutletState.SUSPENDED_EVSE),
    OutletState.SUSPENDED_EVSE: (OutletState.PREPARING,),
    OutletState.SUSPENDED_EV: (OutletState.PREPARING,),
    OutletState.UNAVAILABLE: (OutletState.FAULTED,),
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
        fixed = {*OUTLET, *STATION, *ARRAYS, *TEXTS, *NUMBERS} - source - looked_up - POLARITY_VARIES
        self.points: frozenset[str] = frozenset((source | looked_up | named) - fixed)
        self._others = sorted((named | looked_up) - self.points)
        self._known: dict[tuple[object, ...], dict[str, Truth]] = {}

    def of(self, outlet: Outlet, other: Callable[[str], Truth]) -> Mapping[str, Truth]:
        """Values of `points`; `other` says what the remaining points of the rules are."""
        truths = {name: other(name) for name in self._others}
        key = (outlet.state, outlet.pilot, *truths.values())
        if key not in self._known:
            if len(self._known) >= MOST_KEPT:
                self._known.clear()
            others = {name: self._seen(name, truth) for name, truth in truths.items()}
            self._known[key] = self._search(outlet.state, outlet.pilot, others)
        return self._known[key]

    def _search(self, state: OutletState, pilot: Pilot, others: Mapping[str, PointValue]) -> dict[str, Truth]:
        names = sorted(self.points)
        flags = self._flags(state, others)
        candidates = [flags.get(name) or self._candidates(name, state, pilot) for name in names]
        told: list[tuple[dict[str, Truth], str | None, str | None]] = []
        for choice in product(*candidates):
            values = dict(zip(names, choice, strict=True))
            seen = {name: self._seen(name, value) for name, value in values.items()}
            told.append((values, *self._told({**others, **seen})))
        for wanted in (state, *NEXT_BEST.get(state, ())):
            fitting = [(values, letter) for values, letter, word in told if word == wanted.value]
            exact = [values for values, letter in fitting if letter in _letters(pilot)]
            if fitting:
                return exact[0] if exact else fitting[0][0]
        return told[0][0]

    def _flags(self, state: OutletState, others: Mapping[str, PointValue]) -> dict[str, list[Truth]]:
        """Flags of an outlet out of service: the opposite of what they are in service; else either number."""
        names = self.points & POLARITY_VARIES
        if state is not OutletState.UNAVAILABLE:
            return {name: [1, 0] for name in names}
        in_service = self._search(OutletState.AVAILABLE, Pilot.A, others) if names else {}
        return {name: [int(not in_service[name])] for name in names}

    def _told(self, values: Mapping[str, PointValue]) -> tuple[str | None, str | None]:
        """The letter and the state that a reader concludes."""
        if self._judge is None:
            return None, None
        status = self._judge(values)
        return status.iec, status.state

    def _seen(self, name: str, value: Truth) -> PointValue:
        """What a reader makes of the registers."""
        point = self._profile.readable[name]
        return decode(point, registers_of(point, value), 0)

    def _candidates(self, name: str, state: OutletState, pilot: Pilot) -> list[Truth]:
        """Everything the profile says about the point, what fits best by its name first."""
        status, point = self._profile.status, self._profile.readable[name]
        words: dict[str, None] = {}
        if status is not None and name == status.source:
            words.update(dict.fromkeys([*status.iec, *status.state]))
        if status is not None:
            for rule in status.rule:
                if rule.by == name:
                    words.update(dict.fromkeys([*rule.states, *rule.iecs]))
        raws = [*self._by_enum(name, state), *_values_of(words, point), *self._asked(name)]
        raws = list(dict.fromkeys(raws)) or [_zero(point)]
        direct = status.state if status is not None and name == status.source else {}
        return sorted(raws, key=lambda raw: (direct.get(str(raw)) != state.value, raw != pilot.value))

    def _by_enum(self, name: str, state: OutletState) -> list[Truth]:
        return [raw for raw, word in self._profile.enums.get(name, {}).items() if word == state.value]

    def _asked(self, name: str) -> list[Truth]:
        """Values that the conditions compare the point with."""
        asked: list[Truth] = []
        for rule in self._profile.status.rule if self._profile.status else ():
            for condition in rule.when:
                if condition.point != name:
                    continue
                if condition.mask is not None:
                    asked += [0, condition.mask]
                for value in (condition.equals, *(condition.one_of or ())):
                    if value is not None:
                        asked.append(value if isinstance(value, str) else int(value))
        return asked


def _letters(pilot: Pilot) -> tuple[str, ...]:
    """What the pilot may be called: the maps count C without an offer as B."""
    return ("B", "C") if pilot is Pilot.C1 else (pilot.letter,)


def _values_of(words: Iterable[str], point: ReadPoint) -> list[Truth]:
    return [word if point.dtype == "string" else int(word, 0) for word in words]


def _zero(point: ReadPoint) -> Truth:
    return "" if point.dtype not in DTYPE_REGISTERS else 0
