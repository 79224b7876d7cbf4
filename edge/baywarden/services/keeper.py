"""Keeps what must outlive us: a look at the clocks, the readings of each minute, and a tidy store."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from baywarden.model.site import Anchor
from baywarden.model.time import Now
from baywarden.ports.clock import Clock
from baywarden.ports.store import StoreError, Telemetry
from baywarden.services.board import Board
from baywarden.services.brain import Brain

_log: Final = logging.getLogger(__name__)

ANCHOR_MS: Final = 30_000
"""At most this much running time is unanchored when the power goes (DOMAIN 6)."""
TELEMETRY_MS: Final = 60_000
TEND_MS: Final = 600_000
DECISIONS_MS: Final = 30_000


_Memory = TypeVar("_Memory")


class Tended(Protocol):
    """A store that wants looking after now and then."""

    async def tend(self, now: Now) -> None: ...


def anchor_of(now: Now) -> Anchor:
    """The look at the clocks that is kept."""
    return Anchor(now.boot_id, now.mono_ms, now.at, now.trusted)


async def keep_anchor(brain: Brain, clock: Clock) -> None:
    """Persist the clocks every half minute, for ever."""
    while True:
        now = clock.now()
        await brain.keep(anchor_of(now))
        await clock.sleep_until(now.mono_ms + ANCHOR_MS)


async def keep_telemetry(telemetry: Telemetry, board: Board, clock: Clock) -> None:
    """Keep one reading of everything a minute, for ever; a full disk costs telemetry first."""
    refused = False
    while True:
        now = clock.now()
        await clock.sleep_until(now.mono_ms + TELEMETRY_MS)
        snapshot = board.snapshot()
        try:
            await telemetry.keep(clock.now(), tuple(snapshot.evses.values()), tuple(snapshot.meters.values()))
            refused = False
        except StoreError as error:
            if not refused:
                _log.warning("telemetry is not kept: %s", error)
            refused = True


async def keep_decisions(
    now: Callable[[], _Memory], kept: _Memory, write: Callable[[_Memory], None], clock: Clock
) -> None:
    """Keep what the devices have shown of themselves when it changes, for ever; `kept` is what the file holds."""
    refused = False
    while True:
        await clock.sleep_until(clock.now().mono_ms + DECISIONS_MS)
        memory = now()
        if memory == kept:
            continue
        try:
            await asyncio.to_thread(write, memory)
            kept, refused = memory, False
        except OSError as error:
            if not refused:
                _log.warning("what devices have shown of themselves is not kept: %s", error)
            refused = True


async def tend_store(store: Tended, clock: Clock) -> None:
    """Prune, check-point and back up every ten minutes, for ever."""
    while True:
        now = clock.now()
        try:
            await store.tend(now)
        except StoreError as error:
            _log.warning("the store could not be tended: %s", error)
        await clock.sleep_until(now.mono_ms + TEND_MS)
