"""An event loop whose clock leaves out what a busy machine takes away.

Everything that shares the loop shares its clock: a client, the server that it asks and the time-out between them.
A process that stands still for a second has then not waited for one, and no answer is late for that.
"""

import asyncio
import selectors
import time
from collections.abc import Callable
from typing import Final

LONGEST_STEP_S: Final = 0.02
"""The work between two looks at the clock counts as so long at most."""


class _WatchedSelector(selectors.DefaultSelector):
    def __init__(self, waited: Callable[[float], None]) -> None:
        super().__init__()
        self._waited = waited

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(timeout)
        # Whether something came at once or after a while cannot be told from a stop; a wait in vain can.
        self._waited(0.0 if ready or timeout is None else timeout)
        return ready


class EvenLoop(asyncio.SelectorEventLoop):
    """Real sockets, real threads, real waiting; only stops do not count."""

    def __init__(self) -> None:
        self._seen_s = time.monotonic()
        self._even_s = 0.0
        super().__init__(_WatchedSelector(self._pass))

    def time(self) -> float:
        """Seconds since the loop was made, without the stops."""
        self._pass()
        return self._even_s

    def _pass(self, most_s: float = 0.0) -> None:
        now_s = time.monotonic()
        self._even_s += min(now_s - self._seen_s, max(most_s, LONGEST_STEP_S))
        self._seen_s = now_s
