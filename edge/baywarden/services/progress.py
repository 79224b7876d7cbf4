"""Who must make progress for the watchdog to be fed: a hang of one of them starves it."""

import time
from collections.abc import Callable


class Progress:
    """Beats with deadlines, on the real monotonic clock: a sped-up site clock must not feed a watchdog."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._deadline_s: dict[str, float] = {}
        self._beaten_mono: dict[str, float] = {}

    def expect(self, name: str, deadline_s: float) -> None:
        """From now on `name` must beat at least every `deadline_s`."""
        self._deadline_s[name] = deadline_s
        self._beaten_mono[name] = self._monotonic()

    def beat(self, name: str) -> None:
        """`name` has got something done."""
        self._beaten_mono[name] = self._monotonic()

    def dismiss(self, name: str) -> None:
        """`name` is no longer expected."""
        self._deadline_s.pop(name, None)
        self._beaten_mono.pop(name, None)

    def late(self) -> tuple[str, ...]:
        """Those that missed their deadline."""
        now = self._monotonic()
        return tuple(
            sorted(name for name, limit in self._deadline_s.items() if now - self._beaten_mono[name] > limit)
        )
