"""One task per device: read it on its own grid and pin what was read."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from baywarden.model.reading import Contact, EvseReading, MeterReading
from baywarden.ports.clock import Clock
from baywarden.ports.wire import Meter, Outlet
from baywarden.services.board import Board
from baywarden.services.progress import Progress

_log: Final = logging.getLogger(__name__)

Poll = Callable[[], Awaitable[EvseReading | MeterReading]]


@dataclass(frozen=True, slots=True)
class Grid:
    """When a device is due: every `every_ms`, shifted by `offset_ms` so that devices do not all ask at once."""

    every_ms: int
    offset_ms: int = 0

    def next_ms(self, due_ms: int, now_ms: int) -> int:
        """The first moment of the grid after `now_ms`; moments that were missed are not made up for."""
        return due_ms + self.every_ms * max(0, (now_ms - due_ms) // self.every_ms + 1)


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


async def poll_for_ever(name: str, poll: Poll, grid: Grid, clock: Clock, progress: Progress) -> None:
    """Poll at once and then on the grid; a loss is logged once and so is the recovery."""
    heard = Contact.NEVER
    due_ms = clock.now().mono_ms + grid.offset_ms
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
