"""What answers on one wire (or one TCP port): the units that hang there, with their faults."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import NoSuchIdException

from baywarden_drivers.simulator.bank import Bank, Silence
from baywarden_drivers.simulator.device import Device
from baywarden_drivers.simulator.failsafe import Sign
from baywarden_drivers.simulator.faults import FaultKind

READS: Mapping[int, str] = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
WRITES: Mapping[int, str] = {5: "coil", 6: "holding", 15: "coil", 16: "holding"}
NO_FAULTS: Mapping[FaultKind, float] = {}


class HangsUp(Exception):
    """The device closes the connection instead of an answer."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A unit on the wire."""

    device: Device
    bank: Bank


class Bus:
    """Answers for its units; for others there is silence. `look` moves the world on and says the time."""

    def __init__(self, look: Callable[[], float], seats: Mapping[int, Seat]) -> None:
        self.look = look
        self._seats = dict(seats)

    def visit(self) -> "Visit":
        """What one request sees of the units."""
        return Visit(self)

    def knows(self, unit: int) -> bool:
        """Whether anybody is there who would refuse nonsense."""
        seat = self._seats.get(unit)
        return seat is not None and not seat.device.faults.holds(FaultKind.SILENCE, self.look())

    def seat(self, unit: int) -> Seat:
        if unit not in self._seats:
            raise NoSuchIdException(f"nobody at unit {unit}")
        return self._seats[unit]


class Visit:
    """One request. The methods are those that pymodbus's requests call on their store.

    Both raise NoSuchIdException for silence and HangsUp. `struck` says what else goes wrong with the answer.
    """

    __slots__ = ("_bus", "_echo", "luck", "struck")

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._echo: list[int] | None = None
        self.struck: Mapping[FaultKind, float] = NO_FAULTS
        self.luck: Random | None = None

    async def async_getValues(
        self, device_id: int, func_code: int, address: int, count: int = 1
    ) -> list[int] | list[bool] | ExcCodes:
        """Read registers or bits."""
        if self._echo is not None:
            return self._echo  # pymodbus asks what stands there now to answer function 6
        seat = self._bus.seat(device_id)
        if (fault := await self._suffer(seat)) is not None:
            return fault
        if func_code not in READS:
            return ExcCodes.ILLEGAL_FUNCTION
        values = seat.bank.read(READS[func_code], address, count)
        self._unless_mute(seat)
        if isinstance(values, Silence):
            raise HangsUp
        if isinstance(values, list) and func_code in (1, 2):
            return [bool(value) for value in values]
        return values

    async def async_setValues(
        self, device_id: int, func_code: int, address: int, values: list[int] | list[bool]
    ) -> ExcCodes | None:
        """Write registers or bits."""
        seat = self._bus.seat(device_id)
        if (fault := await self._suffer(seat)) is not None:
            return fault
        if func_code not in WRITES:
            return ExcCodes.ILLEGAL_FUNCTION
        raw = [int(value) for value in values]
        self._echo = raw
        refusal = seat.bank.write(func_code, WRITES[func_code], address, raw)
        self._unless_mute(seat)
        if isinstance(refusal, Silence):
            raise HangsUp
        return refusal

    async def _suffer(self, seat: Seat) -> ExcCodes | None:
        """Suffer the faults that come before the device looks at the request."""
        now_s = self._arrive(seat)
        faults = seat.device.faults
        if faults.active:
            self.struck, self.luck = faults.strike(now_s), faults.luck
        if FaultKind.SILENCE in self.struck:
            raise NoSuchIdException(f"{seat.device.name} is silent")
        seat.device.hear(seat.bank.connectors, Sign.REQUEST)
        if FaultKind.HANG_UP in self.struck:
            raise HangsUp
        if delay_ms := self.struck.get(FaultKind.DELAY):
            await asyncio.sleep(delay_ms / 1000)
            self._arrive(seat)
        code = self.struck.get(FaultKind.EXCEPTION)
        return None if code is None else ExcCodes(int(code))

    def _arrive(self, seat: Seat) -> float:
        now_s = self._bus.look()
        seat.device.at(now_s)
        return now_s

    def _unless_mute(self, seat: Seat) -> None:
        if FaultKind.MUTE in self.struck:
            raise NoSuchIdException(f"the answer of {seat.device.name} is lost")
