"""Hours by the clock on the site's wall (not billed, or open). Instants are integer ms since 1970 in UTC.

A moment lies within when the wall clock then shows a time inside a window. So an hour that the clock
shows twice in autumn counts twice, and a window inside the hour that spring leaves out is empty.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from baywarden.model.local_hours import LocalWindow, Weekday

Span = tuple[int, int]

DAY_S = 86_400
DAY_MS = DAY_S * 1000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = EPOCH.toordinal()


def ms_of(at: datetime) -> int:
    """The moment as whole ms since 1970, rounded down."""
    return (at - EPOCH) // timedelta(milliseconds=1)


def at_of(moment_ms: int) -> datetime:
    """The aware UTC moment of `ms_of`."""
    return EPOCH + timedelta(milliseconds=moment_ms)


class LocalHours:
    """Hours of some days in one zone; remembers the days it was asked about."""

    def __init__(self, windows: tuple[LocalWindow, ...], tz: str) -> None:
        self._windows = windows
        self._tz = tz
        self._days: dict[int, tuple[Span, ...]] = {}

    def spans(self, from_ms: int, to_ms: int) -> list[Span]:
        """The stretches of such hours inside [from_ms, to_ms), joined and in order."""
        if not self._windows or to_ms <= from_ms:
            return []
        found: list[Span] = []
        for day in range(from_ms // DAY_MS, (to_ms - 1) // DAY_MS + 1):
            for begin, end in self._day(day):
                if begin < to_ms and end > from_ms:
                    _append(found, max(begin, from_ms), min(end, to_ms))
        return found

    def gaps(self, from_ms: int, to_ms: int) -> list[Span]:
        """The stretches of [from_ms, to_ms) outside of them, in order."""
        found: list[Span] = []
        for begin, end in self.spans(from_ms, to_ms):
            if from_ms < begin:
                found.append((from_ms, begin))
            from_ms = end
        if from_ms < to_ms:
            found.append((from_ms, to_ms))
        return found

    def _day(self, day: int) -> tuple[Span, ...]:
        known = self._days.get(day)
        if known is None:
            known = self._days[day] = _of_day(self._windows, self._tz, day)
        return known


@lru_cache(maxsize=512)
def offsets(tz: str, day: int) -> tuple[tuple[int, int, int], ...]:
    """One UTC day, counted since 1970, as stretches (from_s, to_s, offset_s); no zone changes twice in a day."""
    from_s, to_s = day * DAY_S, (day + 1) * DAY_S
    before, after = _offset_s(tz, from_s), _offset_s(tz, to_s - 1)
    if before == after:
        return ((from_s, to_s, before),)
    low, high = from_s, to_s - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset_s(tz, middle) == before else (low, middle)
    return ((from_s, high, before), (high, to_s, after))


@lru_cache(maxsize=256)
def _of_day(windows: tuple[LocalWindow, ...], tz: str, day: int) -> tuple[Span, ...]:
    """The stretches of one UTC day, counted in days since 1970."""
    found: list[Span] = []
    for from_s, to_s, offset_s in offsets(tz, day):
        for begin_s, end_s in _joined(_on_the_wall(windows, from_s + offset_s, to_s + offset_s)):
            _append(found, (begin_s - offset_s) * 1000, (end_s - offset_s) * 1000)
    return tuple(found)


def _on_the_wall(windows: Sequence[LocalWindow], from_s: int, to_s: int) -> Iterator[Span]:
    """The windows inside a stretch of an even wall clock, in its own seconds since 1970."""
    for day in range(from_s // DAY_S - 1, (to_s - 1) // DAY_S + 1):
        weekday = Weekday(date.fromordinal(_EPOCH_ORDINAL + day).weekday())
        for window in windows:
            if weekday not in window.days:
                continue
            start_s, length_s = _shape(window)
            begin_s = day * DAY_S + start_s
            clipped = max(begin_s, from_s), min(begin_s + length_s, to_s)
            if clipped[0] < clipped[1]:
                yield clipped


def _shape(window: LocalWindow) -> tuple[int, int]:
    """Start within the day and length, in s; `end` at or before `start` is on the next day."""
    start_s, end_s = _second_of(window.start), _second_of(window.end)
    return start_s, (end_s - start_s) if end_s > start_s else (end_s - start_s + DAY_S)


def _second_of(moment: time) -> int:
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def _offset_s(tz: str, moment_s: int) -> int:
    offset = datetime.fromtimestamp(moment_s, ZoneInfo(tz)).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _joined(spans: Iterable[Span]) -> list[Span]:
    found: list[Span] = []
    for begin, end in sorted(spans):
        _append(found, begin, end)
    return found


def _append(spans: list[Span], begin: int, end: int) -> None:
    """Add a stretch that begins no earlier than the last one did, joining what touches."""
    if spans and begin <= spans[-1][1]:
        spans[-1] = spans[-1][0], max(end, spans[-1][1])
    else:
        spans.append((begin, end))
