"""Who answers at a unit: reads what tells profiles apart, and ranks them. Nothing is ever written."""

import asyncio
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from baywarden_drivers.bench.evidence import READABLE, Evidence, telling_points, weigh_answer, weigh_refusal
from baywarden_drivers.bench.line import Heard, Hearing, Line
from baywarden_drivers.doubts.doubt import with_choice
from baywarden_drivers.errors import DriverError, NoAnswer, Refused
from baywarden_drivers.links.link import Link
from baywarden_drivers.links.request import READ_FUNCTIONS, Request
from baywarden_drivers.profile.addressing import place
from baywarden_drivers.profile.points import ReadPoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.sunspec import Chain, discover, resolve

HOPELESS = -4.5
"""No further question is asked for a profile that stands here."""
_DOUBTED = -1.5
"""Here stands a profile of which one register does not exist."""
_LIKELY = 6.0
_ALL = 99
_SOMETHING_ELSE = 2.0
"""The weight of the thought that it is none of the profiles."""
_FACTORY = 0.5
_SUNSPEC = 8.0
_SHOWN = 0.02
_MOST_SILENCES = 6
"""In a row, and to reads of one type of register."""
_SUNSPEC_BASES = (40_000, 50_000, 0)
_RIVAL = 3.0
"""Profiles this near to the best are told apart by what only one of them has."""
_MOST_RIVALS = 5
_MOST_DIFFERENCES = 6
_OWN = 1.0
"""A register that only this one of the rivals has can be read."""

Tell = Callable[[int, int], None]
"""Takes how many of how many profiles have been looked at."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A profile that may describe the device. `confidence` is from 0 to 1, over all profiles and none of them."""

    profile: str
    confidence: float
    reasons: tuple[str, ...]
    against: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Who:
    """All that was found out about one unit, the likeliest profile first."""

    candidates: tuple[Candidate, ...]
    questions: int
    sunspec: str = ""
    """The chain of models, where there is one."""
    heard: int = 0
    """Questions that were answered, be it with a refusal."""

    @property
    def best(self) -> Candidate | None:
        """The likeliest profile, unless it is likelier that none of them fits."""
        first = self.candidates[0] if self.candidates else None
        return first if first is not None and first.confidence >= 0.3 else None


class Asker:
    """Asks a unit, and every question only once."""

    def __init__(self, line: Line, unit: int) -> None:
        self.unit = unit
        self.questions = self.heard = 0
        self._line = line
        self._known: dict[tuple[str, int, int], Heard] = {}
        self._silences: dict[int, int] = {}

    def read(self, kind: str, address: int, count: int) -> Heard:
        """What comes back; a device that keeps silent about a type of register is not asked for it any more."""
        key = kind, address, count
        if key not in self._known:
            self._known[key] = self._ask(Request(self.unit, READ_FUNCTIONS[kind], address, count))
        return self._known[key]

    def _ask(self, request: Request) -> Heard:
        function = request.function
        if self._silences.get(function, 0) >= _MOST_SILENCES:
            return Heard(Hearing.SILENCE)
        self.questions += 1
        heard = self._line.ask(request)
        if heard.how is Hearing.NOISE:
            heard = self._line.ask(request)
        self.heard += heard.is_device
        if heard.how is not Hearing.HUNG_UP:  # which takes no time
            self._silences[function] = 0 if heard.is_device else self._silences.get(function, 0) + 1
        return heard


class _Standing:
    """A profile as this device has its points, and what speaks for and against it."""

    def __init__(self, name: str, profile: Profile | None, unit: int) -> None:
        self.name = name
        self.profile = profile
        """None for one whose SunSpec models are not there."""
        self.evidence: list[Evidence] = []
        self._points: Iterator[ReadPoint] = iter(())
        if profile is None:
            self.evidence.append(Evidence(HOPELESS, "its SunSpec models are not there"))
            return
        self.evidence.append(Evidence(_FACTORY if unit == profile.default_unit else 0.0, ""))
        if any(point.name == "model_id" for point in profile.read):
            self.evidence.append(Evidence(_SUNSPEC, "its SunSpec model is there"))
        telling = telling_points(profile)
        self._points = iter([one for one in telling if place(profile, one, 1, unit).unit == unit])

    @property
    def score(self) -> float:
        return sum(one.weight for one in self.evidence)

    def ask(self, asker: Asker, most: int, bound: float) -> None:
        """Up to `most` further questions, as long as its score is above `bound`."""
        while most and self.score > bound:
            point = next(self._points, None)
            if point is None:
                return
            self.evidence.append(_asked(asker, point, self.profile))
            most -= 1


def identify(line: Line, unit: int, profiles: Sequence[Profile], tell: Tell | None = None) -> Who:
    """Rank the profiles for the device at `unit`. Raises LinkDown when the wire is lost.

    First the most telling question of each profile; then all questions of those that it did not speak against;
    and when none of them is likely, of the others too.
    """
    asker = Asker(line, unit)
    chain = _chain(asker)
    readings = [
        _Standing(profile.name, one, unit) for profile in profiles for one in _readings(profile, chain)
    ]
    rounds = ((1, _DOUBTED), (_ALL, _DOUBTED), (_ALL, HOPELESS))
    for turn, (most, bound) in enumerate(rounds):
        if turn == len(rounds) - 1 and max((one.score for one in readings), default=0.0) >= _LIKELY:
            break
        for done, one in enumerate(readings):
            if tell is not None:
                tell(turn * len(readings) + done, 2 * len(readings))
            one.ask(asker, most, bound)
    best: dict[str, _Standing] = {}
    for one in readings:
        if one.name not in best or one.score > best[one.name].score:
            best[one.name] = one
    _tell_apart(asker, [*best.values()])
    sunspec = "" if chain is None else str(chain)
    return Who(_ranked([*best.values()]) if asker.heard else (), asker.questions, sunspec, asker.heard)


def _tell_apart(asker: Asker, standings: Sequence[_Standing]) -> None:
    """Ask for what only one of the likeliest profiles has."""
    most = max((one.score for one in standings), default=0.0)
    rivals = sorted(
        (one for one in standings if one.score >= max(most - _RIVAL, 0.1)), key=lambda one: -one.score
    )
    rivals = rivals[:_MOST_RIVALS]
    if len(rivals) < 2:
        return
    places = {one.name: {(point.type, point.address): point for point in _sure_points(one)} for one in rivals}
    for one in rivals:
        others = [places[other.name] for other in rivals if other is not one]
        own = [
            point for where, point in places[one.name].items() if any(where not in other for other in others)
        ]
        for point in own[:_MOST_DIFFERENCES]:
            evidence = _asked(asker, point)
            weight = _OWN if evidence.weight > 0 else evidence.weight
            one.evidence.append(Evidence(weight, evidence.text))


def _sure_points(standing: _Standing) -> list[ReadPoint]:
    """The points of the profile that every such device has."""
    profile = standing.profile
    if profile is None or profile.connectors.addressing == "unit_id":
        return []
    return [
        one for one in profile.read if not one.optional and one.unit_id is None and one.scope == "connector"
    ]


def _asked(asker: Asker, point: ReadPoint, profile: Profile | None = None) -> Evidence:
    """What the answer says; without a profile only whether there is one."""
    heard = asker.read(point.type, point.address, point.count)
    if heard.how is not Hearing.ANSWER:
        return weigh_refusal(point, heard.code)
    if profile is None:
        return Evidence(READABLE, f"{point.name} is readable")
    return weigh_answer(profile, point, heard.registers)


def _readings(profile: Profile, chain: Chain | None) -> Iterator[Profile | None]:
    """The profile under every choice of its doubts, at the places where this device has its points."""
    if profile.protocol.sunspec is not None:
        try:
            yield resolve(profile, chain) if chain is not None else None
        except DriverError:
            yield None
        return
    yield profile
    for doubt in profile.doubt:
        if doubt.points:
            for choice in doubt.choice[1:]:
                yield with_choice(profile, doubt, choice)


def _ranked(standings: Sequence[_Standing]) -> tuple[Candidate, ...]:
    most = max([_SOMETHING_ELSE, *(one.score for one in standings)])
    total = math.exp(_SOMETHING_ELSE - most) + sum(math.exp(one.score - most) for one in standings)
    candidates = []
    for one in sorted(standings, key=lambda one: (-one.score, one.name)):
        confidence = math.exp(one.score - most) / total
        if confidence >= _SHOWN and one.score > 0:
            for_it, against = _told(one.evidence, 1), _told(one.evidence, -1)
            candidates.append(Candidate(one.name, round(confidence, 3), for_it, against))
    return tuple(candidates)


def _told(evidence: Sequence[Evidence], sign: int) -> tuple[str, ...]:
    """The reasons for (1) or against (-1), the strongest first."""
    chosen = [one for one in evidence if one.weight * sign > 0 and one.text]
    return tuple(one.text for one in sorted(chosen, key=lambda one: -abs(one.weight)))


class _ReadsByAsking:
    """What `discover` wants of a link, on top of single questions."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker

    async def read(self, unit: int, kind: str, address: int, count: int) -> tuple[int, ...]:
        heard = self._asker.read(kind, address, count)
        if heard.how is Hearing.ANSWER:
            return heard.registers
        if heard.how is Hearing.REFUSED:
            raise Refused(f"unit {unit} refuses {address}", code=heard.code or 0)
        raise NoAnswer(f"unit {unit} keeps silent about {address}")


def _chain(asker: Asker) -> Chain | None:
    """The SunSpec chain of the device; a device that is silent about one base is not asked for the next."""
    try:
        return asyncio.run(discover(cast(Link, cast(Any, _ReadsByAsking(asker))), asker.unit, _SUNSPEC_BASES))
    except DriverError:
        return None
