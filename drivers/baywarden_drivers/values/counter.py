"""A lifetime counter that may only rise, and only as fast as power can flow."""

from decimal import Decimal

Number = int | Decimal

_LOOKS = 3
_FOR_MS = 10_000
_FOR_MS_AT_ZERO = 60_000
"""A device that starts may show 0 until its meter has told it the truth."""
_LEAST_ROOM_WH = 1000
"""Coarse counters step by so much at once."""
_MOST_SLACK_WH = Decimal(10)
"""A fine counter may waver by one of its steps."""
_UNSEEN_MS = 24 * 3_600_000
"""Some counters stand still until the session ends: before its first step one may have stood for a day."""
_MS_PER_HOUR = 3_600_000


class Counter:
    """Judges the readings of one counter in Wh, in the order they came.

    A reading that falls, or rises too fast, is not believed; when the next ones go on from it, it is taken for a
    counter that was reset or replaced. `news` then says so once. With `waits_at_zero` a 0 at first is only believed
    when it stays.
    """

    def __init__(self, most_w: Decimal, step_wh: Decimal, *, waits_at_zero: bool = False) -> None:
        self._most_w = most_w
        self._waits_at_zero = waits_at_zero
        self._slack_wh = min(step_wh, _MOST_SLACK_WH)
        self._room_wh = max(2 * step_wh, Decimal(_LEAST_ROOM_WH))
        self._base: Number | None = None
        self._moved_ms = 0
        self._odd: Number | None = None
        self._odd_ms = 0
        self._odd_since_ms = 0
        self._odd_looks = 0
        self.news: str | None = None

    def fault(self, number: Number, at_ms: int) -> str | None:
        """Why this reading is not believed; None for one that is."""
        if number < 0:
            return f"{number:.12g} Wh is below zero"
        if self._base is None:
            return self._begin(number, at_ms)
        if self._goes_on(self._base, self._moved_ms, number, at_ms):
            self._take(number, at_ms)
            return None
        self._doubt(number, at_ms)
        if self._is_proven(number, at_ms):
            self.news = f"starts anew at {number:.12g} Wh after {self._base:.12g} Wh: reset or replaced"
            self._take(number, at_ms)
            return None
        verb = "fell" if number < self._base else "leapt"
        return f"{verb} from {self._base:.12g} to {number:.12g} Wh"

    def _begin(self, number: Number, at_ms: int) -> str | None:
        """The first reading counts; a 0 may only mean that the meter behind it is not awake yet."""
        if self._waits_at_zero and not number:
            self._doubt(number, at_ms)
            if not self._is_proven(number, at_ms):
                return f"shows 0 Wh at first: believed once it stays there for {_FOR_MS_AT_ZERO // 1000} s"
            self._moved_ms = at_ms  # whoever has just begun has nothing to catch up with
        else:
            self._moved_ms = at_ms - _UNSEEN_MS
        self._base, self._odd = number, None
        return None

    def _goes_on(self, base: Number, base_ms: int, number: Number, at_ms: int) -> bool:
        if number < base - self._slack_wh:
            return False
        hours_ms = max(0, at_ms - base_ms)
        return number - base <= self._room_wh + self._most_w * hours_ms / _MS_PER_HOUR

    def _take(self, number: Number, at_ms: int) -> None:
        if number != self._base:
            self._base, self._moved_ms = number, at_ms
        self._odd = None

    def _doubt(self, number: Number, at_ms: int) -> None:
        if self._odd is None or not self._goes_on(self._odd, self._odd_ms, number, at_ms):
            self._odd_looks, self._odd_since_ms = 0, at_ms
        self._odd, self._odd_ms = number, at_ms
        self._odd_looks += 1

    def _is_proven(self, number: Number, at_ms: int) -> bool:
        for_ms = _FOR_MS if number else _FOR_MS_AT_ZERO
        return self._odd_looks >= _LOOKS and at_ms - self._odd_since_ms >= for_ms
