"""The silence before each request on a serial line, kept as exactly as an event loop can."""

import asyncio
import time
from typing import Final

from baywarden_drivers.errors import LinkDown
from baywarden_drivers.links.wire import Wire
from baywarden_drivers.mono import mono_s

_LOOP_STEP_S: Final = 0.0011
"""An event loop wakes up to a millisecond late: at 115200 baud that would be a sixth of the line's time."""
_PATIENCE_S: Final = 1.0


async def keep_silence(wire: Wire) -> None:
    """Return when nothing was on the wire, in either direction, for as long as RTU asks.

    Raises LinkDown when somebody talks without a pause.
    """
    if not wire.silence_s:
        return
    give_up_at = max(mono_s(), wire.sent_at) + wire.silence_s + _PATIENCE_S
    while True:
        has_heard = wire.drain()
        now = mono_s()
        rest_s = max(wire.received_at, wire.sent_at) + wire.silence_s - now
        if rest_s <= 0 and not has_heard:
            return
        if now > give_up_at:
            raise LinkDown(f"{wire.name} is never quiet: somebody else talks on it")
        if rest_s > _LOOP_STEP_S:
            await asyncio.sleep(rest_s - _LOOP_STEP_S)
        else:
            _sleep_the_rest(rest_s)


def _sleep_the_rest(rest_s: float) -> None:
    """Less than the loop could count; nobody else loses more than that."""
    time.sleep(max(0.0, rest_s))
