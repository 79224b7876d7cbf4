"""One task per device: read it on its own grid and pin what was read."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from baywarden.model.reading import Contact, EvseReading, MeterReading
from baywarden.model.time import Now
from baywarden.ports.clock import Clock
from baywarden.ports.wire import Meter, Outlet
from baywarden.services.board import Board
from baywarden.services.progress import Progress

_log: Final = logging.getLogger(__name__)

Poll = Callable[[], Awaitable[EvseReading | MeterReading]]

LEAST_APART_MS: Final = 50
TOGETHER: Final = 15
"""So many devices are due at once: to wake an idle machine costs more than to ask one more device when it is awake."""


@dataclass(frozen=True, slots=True)
class Grid:
    """When a device is due: every `every_ms`, shifted by `offset_ms` so that devices do not all ask at once."""

    every_ms: int
    offset_ms: int = 0

    def next_ms(self, due_ms: int, now_ms: int) -> int:
        """The first moment of the grid after `now_ms`; moments that were missed are not made up for."""
        return due_ms + self.every_ms * max(0, (now_ms - due_ms) // self.every_ms + 1)


class SharedSleep:
    """A clock on which those who wait for the same moment share a timer and wake in the order in which they came.

    So devices that are due together always take their turns on a wire in the same order.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._moments: dict[int, asyncio.Event] = {}

    def now(self) -> Now:
        """As the clock below says."""
        return self._clock.now()

    async def sleep_until(self, mono_ms: int) -> None:
        """Return once CLOCK_BOOTTIME shows `mono_ms` or later."""
        while self._clock.now().mono_ms < mono_ms:
            moment = self._moments.get(mono_ms)
            if moment is None:
                await self._wake_all_at(mono_ms)
            else:
                await moment.wait()

    async def _wake_all_at(self, mono_ms: int) -> None:
        """Sleep for all; should the sleeper be cancelled, another one takes over."""
        moment = self._moments[mono_ms] = asyncio.Event()
        try:
            await self._clock.sleep_until(mono_ms)
        finally:
            del self._moments[mono_ms]
            moment.set()


def offset_ms(place: int, count: int, every_ms: int) -> int:
    """The shift of the device in that place of `count`: the period is cut into moments at which several are due."""
    moments = max(1, min(count // TOGETHER, every_ms // LEAST_APART_MS))
    return every_ms * (place * moments // count) // moments


def poll_outlet(outlet: Outlet, board: Board) -> Poll:
    """Reads an outlet and pins it."""

    async def once() -> EvseReading:
        reading = await outlet.poll()
        board.pin_evse(reading)
        return reading

    return once


def poll_meter(meter: Meter, board: Board) -> Poll:
    """Reads a meter and pins it."""

    async def once() -> MeterReading:
        reading = await meter.poll()
        board.pin_meter(reading)
        return reading

    return once


async def poll_for_ever(
    name: str, poll: Poll, grid: Grid, clock: Clock, progress: Progress, *, origin_ms: int | None = None
) -> None:
    """Poll at once and then on the grid; a loss is logged once and so is the recovery.

    Grids with the same `origin_ms` keep step; without one the grid begins now.
    """
    heard = Contact.NEVER
    due_ms = (clock.now().mono_ms if origin_ms is None else origin_ms) + grid.offset_ms
    while True:
        reading = await poll()
        progress.beat(name)
        _note(name, heard, reading)
        heard = reading.contact
        due_ms = grid.next_ms(due_ms, clock.now().mono_ms)
        await clock.sleep_until(due_ms)


def _note(name: str, heard: Contact, reading: EvseReading | MeterReading) -> None:
    is_heard, was_heard = reading.contact is Contact.OK, heard is Contact.OK
    if not is_heard and (was_heard or heard is Contact.NEVER):
        _log.warning("%s: %s: %s", name, reading.contact.value, reading.contact_reason)
    elif is_heard and not was_heard and heard is not Contact.NEVER:
        _log.info("%s answers again", name)
