"""What answers on one wire (or one TCP port): the units that hang there, with their faults."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import NoSuchIdException

from baywarden_drivers.simulator.bank import Bank
from baywarden_drivers.simulator.device import Device
from baywarden_drivers.simulator.failsafe import Sign
from baywarden_drivers.simulator.faults import FaultKind

READS: Mapping[int, str] = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
WRITES: Mapping[int, str] = {5: "coil", 6: "holding", 15: "coil", 16: "holding"}


@dataclass(frozen=True, slots=True)
class Seat:
    """A unit on the wire."""

    device: Device
    bank: Bank


class Bus:
    """Answers for its units; for others there is silence. `look` moves the world on and says the time."""

    def __init__(self, look: Callable[[], float], seats: Mapping[int, Seat]) -> None:
        self._look = look
        self._seats = dict(seats)
        self._echo: dict[int, list[int]] = {}

    async def async_getValues(
        self, device_id: int, func_code: int, address: int, count: int = 1
    ) -> list[int] | list[bool] | ExcCodes:
        """Read registers or bits. Raises NoSuchIdException for silence."""
        if func_code in WRITES:
            return self._echo[device_id]  # pymodbus asks what stands there now to answer function 6
        seat = self._seat(device_id)
        if (fault := await self._fault(seat)) is not None:
            return fault
        if func_code not in READS:
            return ExcCodes.ILLEGAL_FUNCTION
        values = seat.bank.read(READS[func_code], address, count)
        self._unless_mute(seat)
        if isinstance(values, list) and func_code in (1, 2):
            return [bool(value) for value in values]
        return values

    async def async_setValues(
        self, device_id: int, func_code: int, address: int, values: list[int] | list[bool]
    ) -> ExcCodes | None:
        """Write registers or bits. Raises NoSuchIdException for silence."""
        seat = self._seat(device_id)
        if (fault := await self._fault(seat)) is not None:
            return fault
        if func_code not in WRITES:
            return ExcCodes.ILLEGAL_FUNCTION
        raw = [int(value) for value in values]
        self._echo[device_id] = raw
        refusal = seat.bank.write(func_code, WRITES[func_code], address, raw)
        self._unless_mute(seat)
        return refusal

    def _seat(self, unit: int) -> Seat:
        if unit not in self._seats:
            raise NoSuchIdException(f"nobody at unit {unit}")
        return self._seats[unit]

    async def _fault(self, seat: Seat) -> ExcCodes | None:
        """Suffer the faults that come before the device looks at the request."""
        now_s = self._arrive(seat)
        faults = seat.device.faults
        if faults.holds(FaultKind.SILENCE, now_s):
            raise NoSuchIdException(f"{seat.device.name} is silent")
        seat.device.hear(seat.bank.connectors, Sign.REQUEST)
        if delay_ms := faults.value(FaultKind.DELAY, now_s):
            await asyncio.sleep(delay_ms / 1000)
            self._arrive(seat)
        code = faults.value(FaultKind.EXCEPTION, now_s)
        return None if code is None else ExcCodes(code)

    def _arrive(self, seat: Seat) -> float:
        now_s = self._look()
        seat.device.at(now_s)
        return now_s

    @staticmethod
    def _unless_mute(seat: Seat) -> None:
        if seat.device.faults.holds(FaultKind.MUTE, seat.device.now_s):
            raise NoSuchIdException(f"the answer of {seat.device.name} is lost")
