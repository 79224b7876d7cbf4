"""The real clocks of the gateway, and the sped-up ones of the demo."""

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from baywarden.model.time import ClockQuality, Now

BUILT_AT: Final = datetime(2026, 11, 1, tzinfo=UTC)
"""No moment before this release was made can be now (DOMAIN 6, clock floor)."""
SYNCHRONISED: Final = (Path("/run/systemd/timesync/synchronized"), Path("/run/baywarden/clock-synchronised"))
_LONGEST_SLEEP_S: Final = 60.0
_LOOK_EVERY_MS: Final = 5_000


def boot_id() -> str:
    """The kernel's name for this boot; the unit hands it over, because the sandbox hides the file."""
    named = os.environ.get("BAYWARDEN_BOOT_ID") or Path("/proc/sys/kernel/random/boot_id").read_text("ascii")
    return named.strip().replace("-", "")


def boottime_ms() -> int:
    """CLOCK_BOOTTIME in whole milliseconds; it goes on through suspend and never steps."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


class SystemClock:
    """UTC and boottime of this machine. `always_trusted` is for gateways whose clock is kept by other means.

    Below `floor_at` the wall clock is known to be wrong. Below the last moment that was remembered it is taken for
    wrong until it is synchronised: then the memory was (a bad clock chip once said 2038).
    """

    def __init__(
        self,
        *,
        always_trusted: bool = False,
        floor_at: datetime = BUILT_AT,
        marks: Sequence[Path] = SYNCHRONISED,
    ) -> None:
        self._always_trusted = always_trusted
        self._floor_at = floor_at
        self._marks = marks
        self._remembered_at = floor_at
        self._boot_id = boot_id()
        self._was_synchronised = False
        self._looked_mono_ms: int | None = None
        self._is_synchronised = always_trusted

    def remember(self, at: datetime) -> None:
        """It was once at least so late, by a clock that was trusted then."""
        self._remembered_at = max(self._remembered_at, at)

    def now(self) -> Now:
        """Both clocks and how far the wall clock may be believed."""
        at, mono_ms = datetime.now(UTC), boottime_ms()
        quality = self._quality(at, mono_ms)
        is_believed = quality is ClockQuality.SYNCHRONISED
        least = self._floor_at if is_believed else self._remembered_at
        return Now(max(at, least), mono_ms, self._boot_id, quality)

    async def sleep_until(self, mono_ms: int) -> None:
        """Sleep by boottime: a machine that was suspended wakes at once."""
        while (wait_ms := mono_ms - boottime_ms()) > 0:  # noqa: ASYNC110 (a moment is waited for, not an event)
            await asyncio.sleep(min(wait_ms / 1000, _LONGEST_SLEEP_S))

    def _quality(self, at: datetime, mono_ms: int) -> ClockQuality:
        if at < self._floor_at:
            return ClockQuality.UNKNOWN
        if self._synchronised(mono_ms):
            self._was_synchronised = True
            return ClockQuality.SYNCHRONISED
        if at < self._remembered_at or not self._was_synchronised:
            return ClockQuality.UNKNOWN
        return ClockQuality.RELATIVE

    def _synchronised(self, mono_ms: int) -> bool:
        """What the machine says, looked up at most every few seconds."""
        if self._always_trusted:
            return True
        if self._looked_mono_ms is None or mono_ms - self._looked_mono_ms >= _LOOK_EVERY_MS:
            self._looked_mono_ms = mono_ms
            self._is_synchronised = any(mark.exists() for mark in self._marks)
        return self._is_synchronised


@dataclass(frozen=True, slots=True)
class ScaledClock:
    """A site on which time runs `rate` times as fast: at boottime `origin_ms` it was `start_at` there."""

    rate: float
    start_at: datetime
    origin_ms: int
    boot: str

    def now(self) -> Now:
        """Both clocks of the sped-up site."""
        gone_ms = int((boottime_ms() - self.origin_ms) * self.rate)
        return Now(self.start_at + timedelta(milliseconds=gone_ms), self.origin_ms + gone_ms, self.boot)

    async def sleep_until(self, mono_ms: int) -> None:
        """Sleep until the sped-up boottime shows `mono_ms`."""
        while (wait_ms := mono_ms - self.now().mono_ms) > 0:  # noqa: ASYNC110 (a moment is waited for, not an event)
            await asyncio.sleep(wait_ms / 1000 / self.rate)


def scaled_clock(spec: str) -> ScaledClock:
    """A clock from `rate=30,start=2026-06-15T09:00:00Z,origin_ms=123456`. Raises ValueError with what is wrong."""
    parts = dict(part.split("=", 1) for part in spec.split(",") if "=" in part)
    missing = {"rate", "start", "origin_ms"} - set(parts)
    if missing:
        raise ValueError(
            f"the clock lacks {', '.join(sorted(missing))}: say rate=30,start=<UTC>,origin_ms=<boottime>"
        )
    start_at = datetime.fromisoformat(parts["start"])
    if start_at.tzinfo is None:
        raise ValueError("the clock's start needs a time zone, as in 2026-06-15T09:00:00Z")
    return ScaledClock(float(parts["rate"]), start_at.astimezone(UTC), int(parts["origin_ms"]), boot_id())
