"""What a car draws at one connector, as far as its charger measures it."""

import asyncio
from decimal import Decimal

from baywarden_drivers.device import Device
from baywarden_drivers.mono import mono_s
from baywarden_drivers.polls.poll import Poll
from baywarden_drivers.values.value import PointValue

LEAST_A = Decimal(6)
"""The lowest current that a car may be offered (IEC 61851-1)."""
DRAWING_A = Decimal(2)
"""More than this is a car that charges."""
LEEWAY_A = Decimal(1)
_LOOK_EVERY_S = 0.2
_STEADY_A = Decimal("0.5")
_STEADY_S = 4.0
_PHASES = ("current_l1", "current_l2", "current_l3")
_POWER = "power"
_W_PER_A = 690
"""A power counts as on three phases: on fewer the current is higher still."""
_WITH_CAR = ("B", "C", "D")
_CONTENT = ("suspended_ev", "finishing")
"""The car is there and wants nothing."""


class Drawing:
    """Looks again and again; `drawn_a` is the largest phase current that was seen last, None where none is known."""

    def __init__(self, device: Device, settle_s: float) -> None:
        self._device = device
        self._settle_s = settle_s
        self.drawn_a: Decimal | None = None
        readable = device.profile.readable
        names = [name for name in _PHASES if name in readable]
        self._points = names or [name for name in (_POWER,) if name in readable]
        self.point = self._points[0] if self._points else _PHASES[0]
        """What shows the current best: the phase that drew the most."""
        self.state: str | None = None
        self._iec: str | None = None

    async def look(self) -> Poll:
        """Read it now. Raises DeviceError."""
        poll = await self._device.poll()
        status = self._device.status(poll)
        self.state, self._iec = status.state, status.iec
        known = {name: amps for name in self._points if (amps := amps_of(name, poll[name])) is not None}
        self.drawn_a = max(known.values(), default=None)
        self.point = max(known, key=lambda name: known[name], default=self.point)
        return poll

    @property
    def how(self) -> str:
        """How the current is known, where it is not measured itself."""
        return " (by its power, on three phases)" if self.point == _POWER else ""

    @property
    def is_charging(self) -> bool:
        """Whether somebody would notice a lower limit."""
        return self.state == "charging" or (self.drawn_a is not None and self.drawn_a > DRAWING_A)

    @property
    def can_show(self) -> bool:
        """Whether a car is there and its current is measured: then a limit can be judged by its effect."""
        wants = (self._iec or "")[:1] in _WITH_CAR and self.state not in _CONTENT
        return self.drawn_a is not None and (self.is_charging or wants)

    async def settled_a(self, limit_a: Decimal, *, rises: bool) -> Decimal | None:
        """The current once it obeys and is as high as it gets, else at the end of the time; None: nothing is drawn."""
        until = mono_s() + self._settle_s
        steady_a, steady_since = Decimal(0), mono_s()
        while True:
            await self.look()
            now, drawn = mono_s(), self.drawn_a
            if drawn is not None and abs(drawn - steady_a) > _STEADY_A:
                steady_a, steady_since = drawn, now
            obeys = drawn is not None and drawn <= limit_a + LEEWAY_A
            is_there = steady_a > DRAWING_A and (
                not rises or steady_a >= limit_a - LEEWAY_A or _has_topped(steady_a, now - steady_since)
            )
            if (obeys and is_there) or now >= until:
                return drawn if drawn is not None and drawn > DRAWING_A else None
            await self._device.keep_alive()
            await asyncio.sleep(_LOOK_EVERY_S)


def amps_of(point: str, value: PointValue) -> Decimal | None:
    """The current that a point of `Drawing` shows; None where it is not known."""
    number = value.number
    if number is None:
        return None
    return Decimal(number) / _W_PER_A if point == _POWER else Decimal(number)


def _has_topped(drawn: Decimal, steady_s: float) -> bool:
    """Whether this is all that the car takes."""
    return drawn > LEAST_A + LEEWAY_A and steady_s >= _STEADY_S
