"""How long to wait for the answers of one unit, from how long they took before.

After RFC 6298: a smoothed round trip and its variation, here for each question by itself, because a long answer
or a slow register says nothing of a short one. Never less than a floor, for a busy machine must not make a
device silent; never more than the device's own time; and after a silence the full time until it is known again.
"""

from dataclasses import dataclass
from typing import Final

from baywarden_drivers.links.request import Request

_FLOOR_S: Final = 0.25
_KNOWN_AFTER: Final = 4
"""So many answers in a row before less than the full time is given."""
_SMOOTH: Final = 1 / 8
_VARY: Final = 1 / 4
_DEVIATIONS: Final = 4.0
_WORST_FACTOR: Final = 2.0
_FORGET: Final = 0.998
"""The slowest answer counts a little less with each one that follows."""
_MOST_QUESTIONS: Final = 256

_Question = tuple[int, int, int]


@dataclass(slots=True)
class _Record:
    smooth_s: float
    variation_s: float
    worst_s: float
    answers: int = 1

    def add(self, took_s: float) -> None:
        self.variation_s += _VARY * (abs(self.smooth_s - took_s) - self.variation_s)
        self.smooth_s += _SMOOTH * (took_s - self.smooth_s)
        self.worst_s = max(self.worst_s * _FORGET, took_s)
        self.answers += 1

    @property
    def wait_s(self) -> float:
        return max(_FLOOR_S, self.smooth_s + _DEVIATIONS * self.variation_s, _WORST_FACTOR * self.worst_s)


class Patience:
    """Times are those that the device needs, without the characters on the wire."""

    def __init__(self) -> None:
        self._records: dict[_Question, _Record] = {}

    def wait_s(self, request: Request, full_s: float) -> float:
        """How long to wait, at most `full_s`. Writes get that always: they are rare, and some go to a flash."""
        record = self._records.get((request.function, request.address, request.count))
        if record is None or record.answers < _KNOWN_AFTER or request.is_write:
            return full_s
        return min(full_s, record.wait_s)

    def took(self, request: Request, took_s: float) -> None:
        """An answer has come after `took_s`."""
        question = (request.function, request.address, request.count)
        record = self._records.get(question)
        if record is not None:
            record.add(took_s)
            return
        if len(self._records) >= _MOST_QUESTIONS:
            self._records.clear()
        self._records[question] = _Record(took_s, took_s / 2, took_s)

    def lost(self) -> None:
        """None came in time."""
        self._records.clear()
