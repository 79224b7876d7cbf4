"""The clock of all durations in this package: CLOCK_BOOTTIME, which also counts while the machine sleeps."""

import time


def mono_ms() -> int:
    """Whole milliseconds, for records of when something was read."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def mono_s() -> float:
    """Seconds, for the short waits of a wire."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
