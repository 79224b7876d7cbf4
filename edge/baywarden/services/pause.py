"""A time in which something is left alone: longer with each time in a row that it did not help."""

from typing import Final

FIRST_MS: Final = 2_000
LONGEST_MS: Final = 300_000


class Pause:
    """Over at first; it is begun, grows each time it is begun again, and is forgotten with `end`."""

    def __init__(self, longest_ms: int = LONGEST_MS) -> None:
        self._longest_ms = longest_ms
        self._next_ms = FIRST_MS
        self._until_mono_ms = 0

    def begin(self, now_ms: int) -> None:
        """Leave it alone from now on, twice as long as the last time."""
        self._until_mono_ms = now_ms + self._next_ms
        self._next_ms = min(2 * self._next_ms, self._longest_ms)

    def end(self) -> None:
        """It works: nothing is waited for, and the next pause is a short one."""
        self._next_ms = FIRST_MS
        self._until_mono_ms = 0

    def is_over(self, now_ms: int) -> bool:
        """Whether it may be tried."""
        return now_ms >= self._until_mono_ms

    def is_forgotten(self, now_ms: int) -> bool:
        """Whether it has been quiet for so long that the next pause may be a short one again."""
        return now_ms >= self._until_mono_ms + self._longest_ms
