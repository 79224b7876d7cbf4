"""The cycle: snapshot, decide, keep, then act on the chargers; and the one ticker of the house."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from baywarden.model.reading import Snapshot
from baywarden.model.time import Now
from baywarden.ports.clock import Clock
from baywarden.services.board import Board
from baywarden.services.brain import Brain
from baywarden.services.pollers import Grid
from baywarden.services.progress import Progress
from baywarden.services.steward import Steward

_log: Final = logging.getLogger(__name__)

STEP_MS: Final = 2_000
"""A wall clock that moves this much against boottime was set (DOMAIN 6)."""
LEAST_MS: Final = 200
"""Something that is due and cannot be settled yet must not make the ticker spin."""
LOOK_FIRST_S: Final = 15.0
"""So long a start only looks: chargers keep the limit they have until every device was tried."""


class Heart:
    """Beats every `cycle_ms`, and earlier when something falls due."""

    def __init__(
        self,
        brain: Brain,
        steward: Steward,
        board: Board,
        *,
        clock: Clock,
        cycle_ms: int,
        progress: Progress,
    ) -> None:
        self._brain = brain
        self._steward = steward
        self._board = board
        self._clock = clock
        self._cycle_ms = cycle_ms
        self._progress = progress
        self.cycles = 0
        self.after_cycle: Callable[[Snapshot], None] | None = None
        self.ready = asyncio.Event()
        """Set after the first cycle in which every device had been tried."""

    async def run(self) -> None:
        """Beat until cancelled. An error here ends the daemon: a site must not be run by half a decision."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        previous = self._clock.now()
        due_ms = previous.mono_ms
        while True:
            now = self._clock.now()
            self._notice_step(previous, now)
            previous = now
            tried = self._board.all_tried.is_set()
            snapshot = self._board.snapshot()
            step = await self._brain.observe(snapshot)
            if tried or loop.time() - began > LOOK_FIRST_S:
                self._steward.apply(self._brain.state, snapshot, self._clock.now())
            if self.after_cycle is not None:
                self.after_cycle(snapshot)
            self.cycles += 1
            self._progress.beat("heart")
            if tried:
                self.ready.set()
            now = self._clock.now()
            due_ms = Grid(self._cycle_ms).next_ms(due_ms, now.mono_ms)
            await self._rest(self._wake_ms(step.wake_at, now, due_ms))

    async def _rest(self, until_ms: int) -> None:
        """Until then; before the site is ready, only until every device has been tried."""
        if self.ready.is_set() or self._board.all_tried.is_set():
            await self._clock.sleep_until(until_ms)
            return
        rest = asyncio.ensure_future(self._clock.sleep_until(until_ms))
        tried = asyncio.ensure_future(self._board.all_tried.wait())
        try:
            await asyncio.wait((rest, tried), return_when=asyncio.FIRST_COMPLETED)
        finally:
            rest.cancel()
            tried.cancel()

    @staticmethod
    def _wake_ms(wake_at: datetime | None, now: Now, due_ms: int) -> int:
        if wake_at is None or not now.trusted:
            return due_ms
        wait_ms = -((now.at - wake_at) // timedelta(milliseconds=1))
        return min(due_ms, now.mono_ms + max(wait_ms, LEAST_MS))

    @staticmethod
    def _notice_step(before: Now, now: Now) -> None:
        if before.boot_id != now.boot_id:
            return
        moved_ms = (now.at - before.at) // timedelta(milliseconds=1) - (now.mono_ms - before.mono_ms)
        if abs(moved_ms) > STEP_MS:
            _log.warning(
                "the wall clock was set by %+.1f s: calendar timers are judged anew", moved_ms / 1000
            )
