"""Simulated time, which nobody but the owner of the clock makes pass."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class SimClock(Protocol):
    """What the simulator asks of time. All seconds are simulated ones, counted from any moment."""

    def now_s(self) -> float: ...

    async def sleep(self, duration_s: float) -> None: ...


class RatedClock:
    """The machine's own clock, `rate` times as fast."""

    def __init__(self, rate: float = 1.0, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        if rate <= 0:
            raise ValueError("the rate of the clock must be above 0")
        self.rate = rate
        self._monotonic_s = monotonic_s
        self._zero_s = monotonic_s()

    def now_s(self) -> float:
        return (self._monotonic_s() - self._zero_s) * self.rate

    async def sleep(self, duration_s: float) -> None:
        await asyncio.sleep(max(0.0, duration_s) / self.rate)


class HandClock:
    """Time that passes only by `advance`, for tests."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now_s(self) -> float:
        return self._now_s

    def advance(self, duration_s: float) -> None:
        """Let time pass and wake who has waited for it."""
        self._now_s += duration_s
        due = [sleeper for at_s, sleeper in self._sleepers if at_s <= self._now_s]
        self._sleepers = [(at_s, sleeper) for at_s, sleeper in self._sleepers if at_s > self._now_s]
        for sleeper in due:
            if not sleeper.done():
                sleeper.set_result(None)

    async def sleep(self, duration_s: float) -> None:
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now_s + duration_s, sleeper))
        await sleeper
