"""The injected clock. Only the daemon makes the real one; tests and the demo make their own."""

from typing import Protocol

from baywarden.model.time import Now


class Clock(Protocol):
    """Both clocks of DESIGN section 8."""

    def now(self) -> Now:
        """One look at UTC, CLOCK_BOOTTIME and their quality."""
        ...

    async def sleep_until(self, mono_ms: int) -> None:
        """Return once CLOCK_BOOTTIME shows `mono_ms` or later."""
        ...
