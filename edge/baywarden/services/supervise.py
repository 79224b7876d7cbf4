"""Tasks that must go on: a fault in one device's code must never stop another's."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

_log: Final = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 1.0
LAST_PAUSE_S: Final = 60.0
STEADY_S: Final = 300.0


async def keep_running(
    name: str, work: Callable[[], Awaitable[None]], *, first_pause_s: float = FIRST_PAUSE_S
) -> None:
    """Run `work` for ever; when it fails or returns, log it in full and start it again after a growing pause."""
    pause_s = first_pause_s
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        try:
            await work()
        except Exception:  # noqa: BLE001 (the last resort: what it was is logged whole, and the rest of the site goes on)
            _log.exception("%s failed; it is started again in %.0f s", name, pause_s)
        else:
            _log.error("%s ended by itself; it is started again in %.0f s", name, pause_s)
        if loop.time() - began > STEADY_S:
            pause_s = first_pause_s
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, LAST_PAUSE_S)
