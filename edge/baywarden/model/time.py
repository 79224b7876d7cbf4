"""The two clocks: `*_at` is aware UTC for records, `mono_ms` is CLOCK_BOOTTIME for durations."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum


class ClockQuality(Enum):
    """How far UTC may be believed (OCMF table 19)."""

    SYNCHRONISED = "S"
    RELATIVE = "R"
    INFORMATIVE = "I"
    UNKNOWN = "U"


@dataclass(frozen=True, slots=True)
class Now:
    """One look at both clocks, taken once and handed to every rule."""

    at: datetime
    mono_ms: int
    boot_id: str
    quality: ClockQuality = ClockQuality.SYNCHRONISED

    @property
    def trusted(self) -> bool:
        """Whether calendar edges may be judged and fees begun."""
        return self.quality in (ClockQuality.SYNCHRONISED, ClockQuality.RELATIVE)

    def in_ms(self, mono_ms: int) -> datetime:
        """The UTC moment at which the other clock shows `mono_ms`."""
        return self.at + timedelta(milliseconds=mono_ms - self.mono_ms)


def earliest(*moments: datetime | None) -> datetime | None:
    """The first of the moments that are set."""
    return min((m for m in moments if m is not None), default=None)
