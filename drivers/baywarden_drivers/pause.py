"""Waiting on the clock of this package."""

import asyncio

from baywarden_drivers.mono import mono_s


async def sleep_until(moment_s: float) -> None:
    """Return once the clock shows `moment_s` or later; at once when it does already."""
    rest = moment_s - mono_s()
    if rest > 0:
        await asyncio.sleep(rest)
