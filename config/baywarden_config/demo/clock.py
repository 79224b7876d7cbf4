"""The site's sped-up time, seen from outside: the daemon computes the same from the same three numbers."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

START_AT: Final = datetime(2026, 6, 15, 9, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SiteClock:
    """At boottime `origin_ms` it was START_AT at the site; since then its time runs `rate` times as fast."""

    rate: float
    origin_ms: int

    @classmethod
    def begin(cls, rate: float) -> Self:
        """A clock that starts now."""
        return cls(rate, _boottime_ms())

    @property
    def spec(self) -> str:
        """As `baywarden run --clock` takes it."""
        return f"rate={self.rate:g},start={START_AT:%Y-%m-%dT%H:%M:%SZ},origin_ms={self.origin_ms}"

    def now(self) -> datetime:
        """The site's UTC."""
        return START_AT + timedelta(milliseconds=int((_boottime_ms() - self.origin_ms) * self.rate))

    def ours_s(self, site_s: float) -> float:
        """How long a stretch of the site's time takes here."""
        return site_s / self.rate


def _boottime_ms() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
