"""Who must make progress for the watchdog to be fed: a hang of one of them starves it."""

import time
from collections.abc import Callable
from typing import Final

_CYCLE_GRACE_S: Final = 15.0
"""For a commit on a slow card in the middle of a cycle."""
_POLL_GRACE_S: Final = 330.0
"""A dead device is left in peace for up to five minutes; its poller must come back after that."""


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


def cycle_deadline_s(cycle_s: float) -> float:
    """How long the heart may be without a beat when a cycle begins every `cycle_s`."""
    return _CYCLE_GRACE_S + 2 * cycle_s


def poll_deadline_s(every_s: float) -> float:
    """How long a poller may be without a beat when a poll is due every `every_s`."""
    return _POLL_GRACE_S + 2 * every_s
