"""Links that are closed after their test, and what tests ask of them."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from baywarden_drivers import Garbled, Link, LinkDown, NoAnswer
from baywarden_drivers.links import Pacing
from support.modbus_peer import Registers

QUICK = Pacing(response_timeout_s=0.15)
"""Where silence is wanted."""
PATIENT = Pacing(response_timeout_s=10)
"""Where an answer is."""


@asynccontextmanager
async def opened(
    link: Link, *units: int, pacing: Pacing = PATIENT, silent: Iterable[int] = ()
) -> AsyncIterator[Link]:
    """A link with units of that pacing (1 if none is named) and some that stay silent, closed at the end."""
    for unit in units or (() if silent else (1,)):
        link.pace(unit, pacing)
    for unit in silent:
        link.pace(unit, QUICK)
    try:
        yield link
    finally:
        await link.close()


def address_of(request: bytes) -> int:
    """The address in an RTU request."""
    return int.from_bytes(request[2:4], "big")


def count_of(request: bytes) -> int:
    """The number of registers in an RTU request."""
    return int.from_bytes(request[4:6], "big")


def filled(*units: int) -> Registers:
    """Units whose holding registers 100 to 119 hold their own address."""
    registers = Registers(*(units or (1,)))
    for unit in units or (1,):
        registers.set(unit, "holding", 100, *range(100, 120))
    return registers


async def patiently(link: Link) -> tuple[int, ...]:
    """The first answer, whatever comes before it."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await link.read(1, "holding", 100, 1)
            except (LinkDown, NoAnswer, Garbled):
                await asyncio.sleep(0.05)
