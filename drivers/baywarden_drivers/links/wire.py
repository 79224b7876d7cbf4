"""The rim to pymodbus: one connection, one exchange at a time; its errors are translated only here."""

import asyncio
import logging
import os
import termios
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.client.base import ModbusBaseClient
from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerType
from pymodbus.pdu import ModbusPDU

from baywarden_drivers.errors import Garbled, LinkDown, NoAnswer, Refused
from baywarden_drivers.links.match import Misframed, rtu_answer, tcp_answer
from baywarden_drivers.links.request import Request
from baywarden_drivers.mono import mono_s

# It logs every time-out as an error; here a loss is an exception, and whoever catches it logs it once.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)

Tracer = Callable[[Literal["sent", "received"], bytes], None]
"""Sees every packet on the wire, for a bus trace."""

CONNECT_TIMEOUT_S = 3.0
_NEVER_S = 3600.0
"""pymodbus's own time-out; ours is always shorter and leaves its connection alone."""

_EXCEPTIONS = {
    1: "it does not know this function",
    2: "it has no such register",
    3: "it does not take this value or length",
    4: "it failed while doing it",
    5: "it needs more time",
    6: "it is busy",
    10: "the gateway has no path to it",
    11: "the gateway got no answer from it",
}


class Wire(ABC):
    """A connection that can be opened, used for one exchange after another, and closed."""

    is_rtu: bool
    is_network = True
    """Whether the other side can vanish without this side being told."""
    char_s: float = 0.0
    """Time of one character on the wire; 0 where there is no such thing."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tracer: Tracer | None = None
        self.received_at: float = 0.0
        """When the last byte came, seconds of CLOCK_BOOTTIME."""
        self.strays: dict[int, float] = {}
        """When bytes came that nobody had asked this unit for, or not this soon."""
        self._client: ModbusBaseClient | None = None
        self._request: Request | None = None
        self._transaction = 0
        self._has_heard = False

    @abstractmethod
    def _make_client(self, **hooks: Any) -> ModbusBaseClient:
        """A client that has never been connected."""

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, as far as this side knows."""
        return self._client is not None and self._client.connected

    async def open(self) -> None:
        """Connect. Raises LinkDown with the reason."""
        self.close()
        client = self._make_client(
            retries=0,
            reconnect_delay=0,
            timeout=_NEVER_S,
            trace_packet=self._on_packet,
            trace_connect=self._on_connection,
        )
        manager = client.ctx
        try:
            # Not client.connect(): that swallows the reason.
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                manager.transport, _ = await manager.call_create()
                await asyncio.sleep(0)
                await asyncio.sleep(0)  # pymodbus's serial transport is set up by two callbacks
        except TimeoutError as error:
            raise LinkDown(f"no connection to {self.name} within {CONNECT_TIMEOUT_S:g} s") from error
        except (OSError, ValueError, termios.error) as error:
            raise LinkDown(f"no connection to {self.name}: {error}") from error
        self._client = client

    def close(self) -> None:
        """Close the connection at once; a request in flight ends with NoAnswer."""
        client, self._client = self._client, None
        if client is not None:
            self._fail_waiting(client, ConnectionResetError("closed"))
            client.close()

    async def exchange(self, request: Request, timeout_s: float) -> tuple[int, ...]:
        """Send and wait for the answer: the registers (or bits) read, nothing for a write.

        Raises LinkDown when nothing was sent, and NoAnswer, Refused or Garbled.
        """
        client = self._client
        if client is None or not client.connected:
            raise LinkDown(f"no connection to {self.name}")
        self._drain()
        self._request, self._has_heard = request, False
        try:
            async with asyncio.timeout(timeout_s):
                answer = await _call(client, request)
        except TimeoutError as error:
            raise self._silence(request, timeout_s) from error
        except ConnectionResetError as error:
            raise NoAnswer(f"{request}: {self.name} closed the connection") from error
        except (ModbusException, OSError) as error:
            raise Garbled(f"{request}: {error}") from error
        finally:
            self._request = None
        return _content(request, answer)

    def _silence(self, request: Request, timeout_s: float) -> NoAnswer | Garbled:
        if self._has_heard:
            return Garbled(f"{request}: bytes came within {timeout_s:.3g} s, but no answer to it")
        return NoAnswer(f"{request}: no answer within {timeout_s:.3g} s")

    def _drain(self) -> None:  # noqa: B027 (only a serial port keeps bytes that nobody asked for)
        """Forget what came unasked."""

    @abstractmethod
    def _answer(self, data: bytes, request: Request) -> bytes | Misframed | None:
        """The frame in `data` that answers."""

    def _on_packet(self, sending: bool, data: bytes) -> bytes:
        """Called by pymodbus with what it is about to send, and with all that it has received since."""
        if self.tracer is not None:
            self.tracer("sent" if sending else "received", data)
        if sending:
            self._transaction = int.from_bytes(data[:2], "big")
            return data
        self.received_at = mono_s()
        self._has_heard = True
        if self._request is None or data[0] != self._request.unit:
            self.strays[data[0]] = self.received_at
        if self._request is None:
            return b""
        answer = self._answer(data, self._request)
        if isinstance(answer, bytes):
            return answer
        if answer is Misframed.BROKEN and self._client is not None:
            self._fail_waiting(self._client, ModbusException("the stream is out of step"))
        return b""

    def _on_connection(self, is_made: bool) -> None:
        if not is_made and self._client is not None:
            self._fail_waiting(self._client, ConnectionResetError("closed by the other side"))

    def _fail_waiting(self, client: ModbusBaseClient, error: Exception) -> None:
        if self._request is not None and not client.ctx.response_future.done():
            client.ctx.response_future.set_exception(error)


class TcpWire(Wire):
    """Modbus TCP."""

    is_rtu = False

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"{host}:{port}")
        self._host, self._port = host, port

    def _make_client(self, **hooks: Any) -> ModbusBaseClient:
        return AsyncModbusTcpClient(self._host, port=self._port, **hooks)

    def _answer(self, data: bytes, request: Request) -> bytes | Misframed | None:
        return tcp_answer(data, request, self._transaction)


class RtuOverTcpWire(TcpWire):
    """RTU frames in a TCP stream, as plain serial gateways speak it."""

    is_rtu = True

    def _make_client(self, **hooks: Any) -> ModbusBaseClient:
        return AsyncModbusTcpClient(self._host, port=self._port, framer=FramerType.RTU, **hooks)

    def _answer(self, data: bytes, request: Request) -> bytes | Misframed | None:
        return rtu_answer(data, request)


class SerialWire(Wire):
    """Modbus RTU on a serial port, opened so that nobody else can."""

    is_rtu = True
    is_network = False

    def __init__(self, path: str, baud: int, parity: str, stop_bits: int) -> None:
        super().__init__(path)
        self._path, self._baud, self._parity, self._stop_bits = path, baud, parity, stop_bits
        self.char_s = (9 + (parity != "N") + stop_bits) / baud

    def _make_client(self, **hooks: Any) -> ModbusBaseClient:
        # A pseudo-terminal (a simulated line) has no parity and refuses to be given one.
        parity = "N" if os.path.realpath(self._path).startswith("/dev/pts/") else self._parity
        return AsyncModbusSerialClient(
            self._path, baudrate=self._baud, parity=parity, stopbits=self._stop_bits, **hooks
        )

    def _answer(self, data: bytes, request: Request) -> bytes | Misframed | None:
        return rtu_answer(data, request)

    def _drain(self) -> None:
        transport: Any = self._client.ctx.transport if self._client is not None else None
        try:
            transport.sync_serial.reset_input_buffer()
        except OSError as error:
            self.close()
            raise LinkDown(f"no connection to {self.name}: {error.strerror or error}") from error


def _call(client: ModbusBaseClient, request: Request) -> Awaitable[ModbusPDU]:
    address, unit = request.address, request.unit
    match request.function:
        case 1:
            return client.read_coils(address, count=request.count, device_id=unit)
        case 2:
            return client.read_discrete_inputs(address, count=request.count, device_id=unit)
        case 3:
            return client.read_holding_registers(address, count=request.count, device_id=unit)
        case 4:
            return client.read_input_registers(address, count=request.count, device_id=unit)
        case 5:
            return client.write_coil(address, bool(request.values[0]), device_id=unit)
        case 6:
            return client.write_register(address, request.values[0], device_id=unit)
        case 15:
            return client.write_coils(address, [bool(one) for one in request.values], device_id=unit)
        case 16:
            return client.write_registers(address, list(request.values), device_id=unit)
    raise ValueError(f"function {request.function} is not known here")


def _content(request: Request, answer: ModbusPDU) -> tuple[int, ...]:
    if answer.isError():
        code = answer.exception_code
        meaning = _EXCEPTIONS.get(code, "a code of its own")
        raise Refused(f"{request}: the device answered with exception {code} ({meaning})", code=code)
    if request.is_write:
        return ()
    if request.function in (1, 2):
        return tuple(int(bit) for bit in answer.bits[: request.count])
    return tuple(answer.registers)
