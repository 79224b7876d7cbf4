"""Writes: the general one, the current limit with its read-back, and pausing where 0 A does not do it."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

from baywarden_drivers.codec import decode
from baywarden_drivers.encoding import encode
from baywarden_drivers.errors import NotApplied, ValueRefused
from baywarden_drivers.links.link import Link
from baywarden_drivers.mono import mono_s
from baywarden_drivers.polling import Polling
from baywarden_drivers.profile.addressing import place
from baywarden_drivers.profile.conduct import Control, PointWrite
from baywarden_drivers.profile.points import Point, ReadPoint, WritePoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.value import Value

_LOOK_EVERY_S = 0.2
_NEVER_ZERO = frozenset({"refused", "invalid", "forbidden"})
_ZERO = Decimal(0)


def exact(number: Decimal | float) -> Decimal:
    """The number as it is written: 6.1 is 61/10."""
    return number if isinstance(number, Decimal) else Decimal(str(number))


class Writing:
    """Writes to one connector."""

    def __init__(self, profile: Profile, link: Link, unit: int, connector: int, polling: Polling) -> None:
        self._profile = profile
        self._link = link
        self._unit = unit
        self._connector = connector
        self._polling = polling
        self._is_paused: bool | None = None
        self.limit_a: Decimal | None = None
        """The limit written last, as the device can say it."""
        self.limit_written_at = 0.0

    def point(self, name: str) -> WritePoint:
        """The write point of that name. Raises ValueRefused."""
        point = self._profile.writable.get(name)
        if point is None:
            known = ", ".join(self._profile.writable) or "nothing"
            raise ValueRefused(f"{self._profile.name} has no write point {name!r}; it has {known}")
        return point

    async def write(self, name: str, value: Value | float) -> None:
        """Write a value in the point's unit, sent at most once. Raises ValueRefused when nothing was sent."""
        point = self.point(name)
        check_range(point, value)
        await self._send(point, encode(point, value))

    async def write_all(self, writes: Sequence[PointWrite]) -> None:
        """The writes of a profile, in its order."""
        for one in writes:
            await self.write(one.point, one.value)

    async def _send(self, point: WritePoint, registers: Sequence[int]) -> None:
        where = place(self._profile, point, self._connector, self._unit)
        await self._link.write(where.unit, _function(point), where.address, registers)

    async def set_limit(self, amps: Decimal | float) -> Decimal:
        """Limit the current to at most `amps`; the limit that the device then shows, in A.

        Rounded down to what the device can say; below its minimum that is 0. Raises ValueRefused where 0
        would not pause safely, and NotApplied when a higher limit is read back, or none.
        """
        control = self._profile.control
        if control is None:
            raise ValueRefused(f"{self._profile.name} cannot be limited")
        point = self.point(control.limit)
        wanted = _sayable(point, exact(amps))
        if not wanted and not point.zero_is_safe:
            return await self._pause(control)
        registers = encode(point, wanted)
        expected = _as_number(point, registers)
        self.limit_a, self.limit_written_at = expected, mono_s()
        await self._send(point, registers)
        if control.resume and wanted and self._is_paused is not False:
            await self.write_all(control.resume)
            self._is_paused = False
        return await self.read_back(control, expected)

    async def rewrite_limit(self) -> None:
        """Write the last limit again, for devices that forget it."""
        control = self._profile.control
        if control is not None and self.limit_a is not None:
            point = self.point(control.limit)
            self.limit_written_at = mono_s()
            await self._send(point, encode(point, self.limit_a))

    async def _pause(self, control: Control) -> Decimal:
        if not control.pause:
            zero = self.point(control.limit).zero
            raise ValueRefused(
                f"{self._profile.name}: a limit of 0 means {zero!r} and no other way to pause is known"
            )
        await self.write_all(control.pause)
        self._is_paused = True
        return _ZERO

    async def read_back(self, control: Control, expected: Decimal) -> Decimal:
        """The limit that the device shows once it is as expected, or the lower one at which it stays.

        A lower one may come of a switch in the device, its cable or its heat. Raises NotApplied when it stays higher.
        """
        if control.readback is None:
            return expected
        await asyncio.sleep(control.readback_delay_ms / 1000)
        give_up_at = mono_s() + control.readback_timeout_ms / 1000
        while True:
            shown = (await self._polling.read_point(control.readback)).number
            if shown is not None and _fits(Decimal(shown), expected, control):
                return Decimal(shown)
            if mono_s() >= give_up_at:
                if shown is not None and _ZERO <= Decimal(shown) < expected:
                    return Decimal(shown)
                seen = "nothing" if shown is None else f"{shown} A"
                raise NotApplied(f"a limit of {expected} A was written, but {control.readback} shows {seen}")
            await asyncio.sleep(_LOOK_EVERY_S)


def check_range(point: WritePoint, value: Value | float) -> None:
    """Raises ValueRefused for a value that the device would not take as it is meant."""
    if isinstance(value, str | bytes | tuple):
        return
    number = exact(value)
    if not number.is_finite():
        raise ValueRefused(f"{point.name}: {number} is not a number")
    if point.values and number not in point.values:
        choices = ", ".join(f"{raw} ({meaning})" for raw, meaning in point.values.items())
        raise ValueRefused(f"{point.name}: {number} has no meaning; there are {choices}")
    if not number and point.zero not in _NEVER_ZERO and (point.zero != "not documented" or not point.min):
        return
    if (point.min is not None and number < point.min) or (point.max is not None and number > point.max):
        raise ValueRefused(f"{point.name}: {number} is outside {point.min} to {point.max}")


def _sayable(point: WritePoint, amps: Decimal) -> Decimal:
    """The largest limit that is not above `amps` and that the device takes; 0 stands for a pause."""
    if not amps.is_finite() or amps < 0:
        raise ValueRefused(f"{point.name}: {amps} A is no limit")
    if point.max is not None and amps > point.max:
        amps = point.max
    said = _as_number(point, encode(point, amps))
    return _ZERO if point.min is not None and said < point.min else said


def _as_number(point: Point, registers: Sequence[int]) -> Decimal:
    """What registers of a write point say."""
    twin = ReadPoint.model_construct(
        **{name: getattr(point, name) for name in Point.model_fields if name not in ("min", "max")}
    )
    number = decode(twin, registers, 0).number
    if number is None:
        raise ValueRefused(f"{point.name}: is not a number")
    return Decimal(number)


def _fits(shown: Decimal, expected: Decimal, control: Control) -> bool:
    return shown <= expected if control.readback_may_be_lower else shown == expected


def _function(point: WritePoint) -> int:
    functions = point.functions or (16,)
    if point.type == "coil":
        return 5 if point.count == 1 and 5 in functions else 15
    return 6 if point.count == 1 and 6 in functions else 16
