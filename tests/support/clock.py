"""A clock that stands still until the test moves it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from baywarden.model.time import ClockQuality, Now

_SETTLE_TURNS: Final = 20


class FakeClock:
    """A baywarden.ports.clock.Clock. Both clocks go on together; `step_wall` moves only the calendar."""

    def __init__(
        self,
        at: datetime = datetime(2026, 6, 15, 9, tzinfo=UTC),
        mono_ms: int = 1_000_000,
        quality: ClockQuality = ClockQuality.SYNCHRONISED,
    ) -> None:
        self._at = at
        self._mono_ms = mono_ms
        self._boots = 1
        self.quality = quality
        self._sleepers: list[tuple[int, asyncio.Future[None]]] = []

    @property
    def trusted(self) -> bool:
        """Whether UTC may be believed."""
        return self.now().trusted

    @trusted.setter
    def trusted(self, trusted: bool) -> None:
        self.quality = ClockQuality.SYNCHRONISED if trusted else ClockQuality.UNKNOWN

    @property
    def boot_id(self) -> str:
        """The name of the present boot."""
        return f"boot-{self._boots}"

    def now(self) -> Now:
        """One look at both clocks."""
        return Now(self._at, self._mono_ms, self.boot_id, self.quality)

    async def sleep_until(self, mono_ms: int) -> None:
        """Return once the test has moved the clock so far."""
        if mono_ms <= self._mono_ms:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((mono_ms, woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Let time pass, stopping at each sleeper in order so that nobody is woken late."""
        until_ms = self._mono_ms + round(seconds * 1000)
        while (next_ms := self._next_wake_ms(until_ms)) is not None:
            self._move(next_ms - self._mono_ms)
            self._wake()
            await settle()
        self._move(until_ms - self._mono_ms)
        await settle()

    def leap(self, seconds: float) -> None:
        """Let time pass outside any event loop; sleepers due are woken with the next advance."""
        self._move(round(seconds * 1000))

    def step_wall(self, seconds: float) -> None:
        """Set the calendar forward or back; durations know nothing of it."""
        self._at += timedelta(seconds=seconds)

    def new_boot(self, off_s: float = 0.0, uptime_s: float = 5.0) -> None:
        """The gateway was off for `off_s`; boottime begins anew."""
        self._at += timedelta(seconds=off_s + uptime_s)
        self._mono_ms = round(uptime_s * 1000)
        self._boots += 1
        self._sleepers.clear()

    def _move(self, duration_ms: int) -> None:
        self._mono_ms += duration_ms
        self._at += timedelta(milliseconds=duration_ms)

    def _next_wake_ms(self, until_ms: int) -> int | None:
        due = [
            max(at_ms, self._mono_ms)
            for at_ms, woken in self._sleepers
            if at_ms <= until_ms and not woken.done()
        ]
        return min(due, default=None)

    def _wake(self) -> None:
        due = [woken for at_ms, woken in self._sleepers if at_ms <= self._mono_ms]
        self._sleepers = [(at_ms, woken) for at_ms, woken in self._sleepers if at_ms > self._mono_ms]
        for woken in due:
            if not woken.done():
                woken.set_result(None)


async def settle() -> None:
    """Let every task run that can, without time passing."""
    for _ in range(_SETTLE_TURNS):
        await asyncio.sleep(0)
