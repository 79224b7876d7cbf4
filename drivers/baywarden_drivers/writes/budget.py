"""How often a device may be written to: turns for its intervals, and a budget for what lies in its flash."""

import asyncio
from collections.abc import Callable

from baywarden_drivers.errors import ValueRefused
from baywarden_drivers.mono import mono_s

STORED_PER_DAY = 24
"""Writes to one stored point; flash is good for 10,000 or more, so for a year at the very least."""
_DAY_S = 86_400.0
_AT_ONCE = STORED_PER_DAY // 2
NEWER_WISH = "not sent: a newer wish took its place"


class FlashBudget:
    """So many writes to each stored point at once, and one more every two hours: never more than 24 in a day."""

    def __init__(self, clock: Callable[[], float] = mono_s) -> None:
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}
        """By point: the writes left, and when that was."""

    def spend(self, name: str) -> None:
        """Take one write. Raises ValueRefused when there is none left."""
        now = self._clock()
        left, since = self._left.get(name, (float(_AT_ONCE), now))
        per_s = (STORED_PER_DAY - _AT_ONCE) / _DAY_S
        left = min(float(_AT_ONCE), left + (now - since) * per_s)
        if left < 1:
            wait_min = (1 - left) / per_s / 60
            raise ValueRefused(
                f"{name}: not written, to spare the device's memory: {STORED_PER_DAY} times a day are enough; "
                f"the next write is free in {wait_min:.0f} min"
            )
        self._left[name] = left - 1, now


class Turns:
    """When a point may be written again. Only the newest of those who wait gets a turn."""

    def __init__(self, between_any_s: float) -> None:
        self._between_any_s = between_any_s
        self._any_at = float("-inf")
        self._written_at: dict[str, float] = {}
        self._waiting: asyncio.Future[None] | None = None

    def written(self, name: str) -> None:
        """It is being written now."""
        self._any_at = self._written_at[name] = mono_s()

    def rest_s(self, name: str, interval_s: float) -> float:
        """How long it must still rest; 0 when it is free."""
        free_at = max(
            self._any_at + self._between_any_s, self._written_at.get(name, float("-inf")) + interval_s
        )
        return max(0.0, free_at - mono_s())

    def take_over(self) -> None:
        """Whoever still waits is told that a newer wish came, and sends nothing."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_exception(ValueRefused(NEWER_WISH))

    async def wait(self, name: str, interval_s: float) -> None:
        """Until the point is free. Raises ValueRefused when a newer wish came meanwhile."""
        if not self.rest_s(name, interval_s):
            return
        self.take_over()
        place = self._waiting = asyncio.get_running_loop().create_future()
        try:
            while not place.done() and (rest_s := self.rest_s(name, interval_s)):
                await asyncio.wait({place}, timeout=rest_s)
            if place.done():
                place.result()
        finally:
            if self._waiting is place:
                self._waiting = None
            place.cancel()
