"""Two requests at once on a connection of Modbus TCP, so that a silent unit does not make the others wait.

A unit that may stay silent is asked aside: its answer is told by its transaction number, and meanwhile the others are
asked as ever. The protocol allows it (Modbus messaging on TCP/IP 1.0b, 4.2.1, NumberMaxOfServerTransaction), cheap
gateways do not all know. So it is found out: the first time the others wait a little and only reads go beside it;
an answer that overtakes is the proof. A read that is only answered when it is asked again alone is the disproof.
"""

import asyncio
import math
from typing import Final

from baywarden_drivers.links.request import Request
from baywarden_drivers.mono import mono_s

_GRACE_S: Final = 0.25
"""While it is not known: whoever answers at all mostly has by then, and no second request goes beside it."""
_LESSON_S: Final = 3600.0
"""A disproof is doubted after so long: it may have been chance, and finding out costs one repeated read."""


class Overlap:
    """Who is asked aside now, and whether the other side can do that. Moments are seconds of CLOCK_BOOTTIME."""

    def __init__(self) -> None:
        self.unit: int | None = None
        """Who is asked aside."""
        self.is_proven = False
        self._disproved_at = -math.inf
        self._since = 0.0
        self._turns = 0
        self._is_over = asyncio.Event()

    @property
    def is_possible(self) -> bool:
        """Whether somebody may be asked aside now."""
        return self.unit is None and mono_s() - self._disproved_at > _LESSON_S

    @property
    def turn(self) -> int:
        """A number for the one who is aside now; 0 when nobody is."""
        return 0 if self.unit is None else self._turns

    def begin(self, unit: int) -> None:
        """Ask this unit aside."""
        self.unit, self._since = unit, mono_s()
        self._turns += 1
        self._is_over.clear()

    def end(self) -> None:
        """It has answered, or it never will."""
        self.unit = None
        self._is_over.set()

    async def over(self) -> None:
        """Wait until nobody is asked aside."""
        if self.unit is not None:
            await self._is_over.wait()

    def ready_at(self, request: Request, *, may_be_silent: bool) -> float:
        """The earliest moment for `request` while somebody is asked aside."""
        if request.unit == self.unit or may_be_silent:
            return math.inf
        if self.is_proven:
            return 0.0
        return math.inf if request.is_write else self._since + _GRACE_S

    def answered(self, turn: int) -> None:
        """A request beside that turn was answered: a proof when the one aside still is not."""
        if turn and turn == self.turn:
            self.is_proven = True

    def doubt(self) -> None:
        """A write beside it was not answered, which may be nobody's fault."""
        self.is_proven = False

    def disprove(self) -> None:
        """A read was lost beside it, and answered when it was asked for alone."""
        self.is_proven, self._disproved_at = False, mono_s()
