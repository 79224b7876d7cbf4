"""Figures of a link and of each unit on it."""

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final

ROUND_TRIP_BUCKETS_MS: Final = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
"""Upper ends of the buckets of a round trip histogram; one more bucket holds the rest."""
_WINDOW_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class UnitStatistics:
    """Figures of one unit since the link was made."""

    requests: int = 0
    answers: int = 0
    time_outs: int = 0
    garbled: int = 0
    """Answers with a wrong check sum, a wrong length or of somebody else."""
    exceptions: int = 0
    last_round_trip_ms: float | None = None
    silences_in_row: int = 0
    quarantined: bool = False
    round_trips: tuple[int, ...] = (0,) * (len(ROUND_TRIP_BUCKETS_MS) + 1)
    """Answers by their round trip, one count for each of ROUND_TRIP_BUCKETS_MS and one for longer ones."""
    busy_s: float = 0.0
    """How long others had to wait for requests to this unit, in vain or not."""
    utilisation: float = 0.0
    """Its share of the wire's, 0 to 1."""
    bytes_sent: int = 0
    retry_in_s: float = 0.0
    """How much longer a silent unit is left in peace."""

    def round_trip_ms(self, share: float) -> float | None:
        """The upper end of the bucket below which `share` (0.5, 0.99) of the answers are; None without any."""
        total = sum(self.round_trips)
        if not total:
            return None
        seen = 0
        for end, count in zip(ROUND_TRIP_BUCKETS_MS, self.round_trips, strict=False):
            seen += count
            if seen >= share * total:
                return float(end)
        return float("inf")


@dataclass(frozen=True, slots=True)
class LinkStatistics:
    """Figures of one wire since the link was made."""

    is_open: bool
    connections: int
    """How often it was opened."""
    failures: int
    """How often it could not be."""
    hang_ups: int
    """How often the other side closed it before an answer."""
    requests: int
    busy_s: float
    utilisation: float
    """Share of the last half minute or so in which an exchange was under way, 0 to 1."""
    bytes_sent: int
    bytes_received: int
    hears_itself: bool | None
    """Whether the adapter gives back what is sent; None while unknown."""


@dataclass(slots=True)
class Tally:
    """What is counted of one unit."""

    requests: int = 0
    answers: int = 0
    time_outs: int = 0
    garbled: int = 0
    exceptions: int = 0
    last_round_trip_ms: float | None = None
    round_trips: list[int] = field(default_factory=lambda: [0] * (len(ROUND_TRIP_BUCKETS_MS) + 1))
    busy_s: float = 0.0
    busy_marks_s: tuple[float, float] = (0.0, 0.0)
    """Its total at the begin of the wire's window before and of this one."""
    bytes_sent: int = 0

    def answered(self, round_trip_s: float) -> None:
        """An answer has come."""
        self.answers += 1
        took_ms = round_trip_s * 1000
        self.last_round_trip_ms = round(took_ms, 3)
        self.round_trips[bisect_left(ROUND_TRIP_BUCKETS_MS, took_ms)] += 1

    def mark(self) -> None:
        """The wire begins a new window."""
        self.busy_marks_s = self.busy_marks_s[1], self.busy_s


class Busy:
    """How much of the time a wire is in use."""

    def __init__(self, now: float) -> None:
        self.total_s = 0.0
        self.exchanges = 0
        self._marks = ((now, 0.0), (now, 0.0))
        """Moment and total at the begin of the window before and of this one."""

    def add(self, began: float, ended: float) -> bool:
        """An exchange is over; whether a new window begins with that."""
        self.exchanges += 1
        self.total_s += ended - began
        if ended - self._marks[1][0] <= _WINDOW_S:
            return False
        self._marks = (self._marks[1], (ended, self.total_s))
        return True

    def share(self, now: float) -> float:
        """Of the time since the begin of the window before this one, 0 to 1."""
        return self._share(now, self.total_s, (self._marks[0][1], self._marks[1][1]))

    def share_of(self, tally: Tally, now: float) -> float:
        """That of one unit."""
        return self._share(now, tally.busy_s, tally.busy_marks_s)

    def _share(self, now: float, total_s: float, marks_s: tuple[float, float]) -> float:
        which = 0 if now - self._marks[1][0] < _WINDOW_S else 1
        took_s = now - self._marks[which][0]
        return min(1.0, (total_s - marks_s[which]) / took_s) if took_s > 0 else 0.0
