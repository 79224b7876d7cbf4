"""Modbus peers for tests: real pymodbus servers over TCP and serial, and hand-made ones that misbehave as scripted."""

import asyncio
import os
import socket
import struct
import tty
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import NoSuchIdException
from pymodbus.framer import FramerType
from pymodbus.framer.rtu import FramerRTU
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

KINDS = {
    1: "coil",
    2: "discrete",
    3: "holding",
    4: "input",
    5: "coil",
    6: "holding",
    15: "coil",
    16: "holding",
}
"""Said here once more: a peer that asked the code under test would agree with whatever it says."""


class Registers:
    """The registers of several units; an address that was never set is refused with exception 2."""

    def __init__(self, *units: int) -> None:
        self.cells: dict[int, dict[tuple[str, int], int]] = {unit: {} for unit in units}
        self.silent: set[int] = set()
        self.held: dict[int, asyncio.Event] = {}
        """Units whose reads are answered only once the event is set."""
        self.refuse: dict[int, int] = {}
        """Exception code by address."""
        self.mirrors: dict[int, int] = {}
        """A write to the first address also shows at the second."""
        self.deaf: set[int] = set()
        """Addresses where a write is answered but changes nothing."""
        self.requests: list[tuple[int, int, int, int]] = []
        """Unit, function, address and count of every request."""
        self._echo: list[int] = []

    def set(self, unit: int, kind: str, address: int, *values: int) -> None:
        """Put values into consecutive addresses."""
        for place, value in enumerate(values, address):
            self.cells[unit][kind, place] = value

    def get(self, unit: int, kind: str, address: int) -> int:
        """What stands there."""
        return self.cells[unit][kind, address]

    def writes(self) -> list[tuple[int, int]]:
        """Function and address of every write."""
        return [
            (function, address) for _, function, address, _ in self.requests if function in (5, 6, 15, 16)
        ]

    async def async_getValues(
        self, device_id: int, func_code: int, address: int, count: int = 1
    ) -> list[int] | list[bool] | ExcCodes:
        """What pymodbus's server calls for a read, and after function 6 for the echo."""
        if func_code in (5, 6):
            return self._echo
        cells = self._cells(device_id, func_code, address, count)
        if isinstance(cells, ExcCodes):
            return cells
        if device_id in self.held:
            await self.held[device_id].wait()
        kind = KINDS[func_code]
        values = [cells.get((kind, address + place)) for place in range(count)]
        if None in values:
            return ExcCodes.ILLEGAL_ADDRESS
        found = [value for value in values if value is not None]
        return [bool(value) for value in found] if func_code in (1, 2) else found

    async def async_setValues(
        self, device_id: int, func_code: int, address: int, values: list[int] | list[bool]
    ) -> ExcCodes | None:
        """What pymodbus's server calls for a write."""
        cells = self._cells(device_id, func_code, address, len(values))
        if isinstance(cells, ExcCodes):
            return cells
        self._echo = [int(value) for value in values]
        kind = KINDS[func_code]
        if (kind, address) not in cells:
            return ExcCodes.ILLEGAL_ADDRESS
        if address not in self.deaf:
            self.set(device_id, kind, address, *self._echo)
            if address in self.mirrors:
                self.set(device_id, kind, self.mirrors[address], *self._echo)
        return None

    def _cells(
        self, unit: int, function: int, address: int, count: int
    ) -> dict[tuple[str, int], int] | ExcCodes:
        self.requests.append((unit, function, address, count))
        if unit not in self.cells or unit in self.silent:
            raise NoSuchIdException(f"nobody at unit {unit}")
        for place in range(address, address + count):
            if place in self.refuse:
                return ExcCodes(self.refuse[place])
        return self.cells[unit]


def _blank() -> SimDevice:
    return SimDevice(0, simdata=[SimData(0, values=0, datatype=DataType.REGISTERS)])


@asynccontextmanager
async def tcp_server(registers: Registers, *, rtu: bool = False, port: int = 0) -> AsyncIterator[int]:
    """A pymodbus server on 127.0.0.1; its port."""
    server = ModbusTcpServer(
        _blank(),
        framer=FramerType.RTU if rtu else FramerType.SOCKET,
        address=("127.0.0.1", port),
        ignore_missing_devices=True,
    )
    server.context = cast(Any, registers)
    await server.serve_forever(background=True)
    try:
        yield cast(asyncio.Server, server.transport).sockets[0].getsockname()[1]
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus leaves it bare


@asynccontextmanager
async def serial_server(registers: Registers, path: Path) -> AsyncIterator[None]:
    """A pymodbus server on one end of a serial line."""
    server = ModbusSerialServer(
        _blank(), framer=FramerType.RTU, port=str(path), baudrate=115200, ignore_missing_devices=True
    )
    server.context = cast(Any, registers)
    await server.serve_forever(background=True)
    try:
        yield
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus leaves it bare


Reply = tuple[float, bytes]
"""Seconds to wait, and what to send then."""
Script = Callable[[bytes], Iterable[Reply]]
"""Takes a request as it came and gives what happens."""


def with_crc(frame: bytes) -> bytes:
    """An RTU frame with its check sum."""
    return frame + FramerRTU.compute_CRC(frame).to_bytes(2, "big")


def rtu_reply(request: bytes, *values: int, unit: int | None = None) -> bytes:
    """The RTU answer to a read."""
    body = b"".join(value.to_bytes(2, "big") for value in values)
    return with_crc(bytes([request[0] if unit is None else unit, request[1], len(body)]) + body)


def tcp_reply(request: bytes, *values: int, transaction: int | None = None, unit: int | None = None) -> bytes:
    """The Modbus TCP answer to a read."""
    body = b"".join(value.to_bytes(2, "big") for value in values)
    pdu = bytes([request[6] if unit is None else unit, request[7], len(body)]) + body
    number = request[:2] if transaction is None else transaction.to_bytes(2, "big")
    return number + b"\x00\x00" + len(pdu).to_bytes(2, "big") + pdu


class PtyPeer:
    """A hand-made device on a pseudo-terminal; `path` is the port to open."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[bytes] = []
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self._sends: set[asyncio.TimerHandle] = set()

    async def __aenter__(self) -> "PtyPeer":
        asyncio.get_running_loop().add_reader(self._master, self._receive)
        return self

    async def __aexit__(self, *_: object) -> None:
        for send in self._sends:
            send.cancel()
        self.unplug()

    def unplug(self) -> None:
        """Take the adapter away."""
        with suppress(OSError):
            asyncio.get_running_loop().remove_reader(self._master)
            os.close(self._master)
        with suppress(OSError):
            os.close(self._slave)

    def say(self, data: bytes) -> None:
        """Put bytes on the line, asked or not."""
        with suppress(OSError):
            os.write(self._master, data)

    def _receive(self) -> None:
        request = os.read(self._master, 300)
        self.requests.append(request)
        loop = asyncio.get_running_loop()
        for delay_s, data in self.script(request):
            self._sends.add(loop.call_later(delay_s, self.say, data))


class TcpPeer:
    """A hand-made device on a TCP port. An empty reply closes the connection; a `hard` peer resets it."""

    def __init__(self, script: Script, *, hard: bool = False) -> None:
        self.script = script
        self.requests: list[bytes] = []
        self.connections = 0
        self._is_hard = hard
        self.port = 0
        self._server: asyncio.Server | None = None
        self._talks: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}

    async def __aenter__(self) -> "TcpPeer":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen, again at the same port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Hang up, and be reached no more."""
        assert self._server is not None
        self._server.close()
        talks = [task for task in self._talks if task is not None]
        for writer in self._talks.values():
            writer.transport.abort()
        await asyncio.gather(*talks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._talks[asyncio.current_task()] = writer
        if self._is_hard:
            end = writer.get_extra_info("socket")
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        try:
            while request := await reader.read(300):
                self.requests.append(request)
                for delay_s, data in self.script(request):
                    await asyncio.sleep(delay_s)
                    if writer.is_closing():
                        return
                    if not data:
                        writer.transport.abort()
                        return
                    writer.write(data)
        except OSError:
            pass
        finally:
            writer.close()
