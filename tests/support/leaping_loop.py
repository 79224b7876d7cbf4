"""An event loop in which waiting takes no time: when nothing is left to do, its clock leaps to the next timer."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any


class _LeapingSelector(selectors.DefaultSelector):
    def __init__(self, leap: Callable[[float], None]) -> None:
        super().__init__()
        self._leap = leap

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise RuntimeError("everybody waits for something that will never come")
        self._leap(timeout)
        return []


class LeapingLoop(asyncio.SelectorEventLoop):
    """For code without sockets or threads."""

    def __init__(self) -> None:
        self._leapt_s = 0.0
        super().__init__(_LeapingSelector(self._leap))

    def time(self) -> float:
        """Seconds since the loop was made, as its tasks see it."""
        return self._leapt_s

    def _leap(self, seconds: float) -> None:
        self._leapt_s += seconds


def run_leaping(main: Coroutine[Any, Any, None]) -> None:
    """Run it to its end."""
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(main)
