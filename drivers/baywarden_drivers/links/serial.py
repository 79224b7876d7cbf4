"""The wire of a serial port: opened so that nobody else can, and found again by its name."""

import asyncio
import errno
import fcntl
import os
import select
import termios
from pathlib import Path
from typing import Any, Final

from pymodbus.client import AsyncModbusSerialClient
from pymodbus.client.base import ModbusBaseClient

from baywarden_drivers.errors import LinkDown
from baywarden_drivers.links.framing import RtuFraming
from baywarden_drivers.links.wire import Wire
from baywarden_drivers.mono import mono_s
from baywarden_drivers.polls.costs import Costs
from baywarden_drivers.reasons import reason_of

_SILENT_CHARACTERS: Final = 3.5
_SHORTEST_SILENCE_S: Final = 0.00175
"""Above 19200 baud the 3.5 characters are a fixed time (Modbus over serial line 1.02, 2.5.1.1)."""
_START_AND_DATA_BITS: Final = 9
_TERMINALS: Final = "/dev/pts/"
_READ_BYTES: Final = 1024


class SerialWire(Wire):
    """Modbus RTU. `path` is best a name by id or by place: it stays when the adapter is plugged in again."""

    is_network = False

    def __init__(self, path: str, baud: int, parity: str, stop_bits: int) -> None:
        super().__init__(path, RtuFraming())
        self._path, self._baud, self._parity, self._stop_bits = path, baud, parity, stop_bits
        self.char_s = (_START_AND_DATA_BITS + (parity != "N") + stop_bits) / baud
        self.silence_s = max(_SILENT_CHARACTERS * self.char_s, _SHORTEST_SILENCE_S)
        self.costs = Costs.on_serial(self.char_s, self.silence_s)

    @property
    def is_stale(self) -> bool:
        """Whether the adapter was unplugged, or its name is now that of another one."""
        port = self._port()
        try:
            return port is not None and not os.path.samestat(os.fstat(port.fileno()), Path(self._path).stat())
        except OSError:
            return True

    def _make_client(self, **hooks: Any) -> ModbusBaseClient:
        # A pseudo-terminal (a simulated line) has no parity and refuses to be given one.
        parity = "N" if self._is_simulated else self._parity
        return AsyncModbusSerialClient(
            self._path, baudrate=self._baud, parity=parity, stopbits=self._stop_bits, **hooks
        )

    @property
    def _is_simulated(self) -> bool:
        return os.path.realpath(self._path).startswith(_TERMINALS)

    async def open(self) -> None:
        """Open the port. Raises LinkDown with the reason."""
        try:
            await super().open()
        except termios.error as error:
            raise LinkDown(f"no connection to {self.name}: {reason_of(error)}") from error
        # Read here: pyserial asks select(), which knows no descriptors above 1023, and a large site has more.
        loop, descriptor = asyncio.get_running_loop(), self._port().fileno()
        loop.remove_reader(descriptor)
        loop.add_reader(descriptor, self._on_readable)

    def _on_readable(self) -> None:
        port = self._port()
        if port is None:
            return
        try:
            data = os.read(port.fileno(), _READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._hang_up(error)
            return
        if data:
            self._on_data(data)
        elif _is_readable(port.fileno()):
            self._hang_up(OSError(errno.EIO, "the port was hung up"))

    def _hang_up(self, error: OSError) -> None:
        transport: Any = self._client.ctx.transport if self._client is not None else None
        if transport is not None:
            transport.close(error)

    def _claim(self, client: ModbusBaseClient) -> None:
        """pymodbus has taken the advisory lock; this keeps out programs that do not ask for it.

        Not on a pseudo-terminal: whoever simulates a line holds it open, and the mark would outlive a killed daemon.
        """
        if not self._is_simulated:
            transport: Any = client.ctx.transport
            claim(transport.sync_serial.fileno())

    def _explained(self, error: Exception) -> str:
        text = str(error)
        is_taken = "exclusively lock" in text or "busy" in text
        return "locked by another program" if is_taken else reason_of(error)

    def _port(self) -> Any:
        transport: Any = self._client.ctx.transport if self._client is not None else None
        return None if transport is None else transport.sync_serial

    def _send(self, client: ModbusBaseClient, frame: bytes) -> None:
        """Write at once, for the silence before it is measured; pymodbus would do it a turn of the loop later."""
        transport: Any = client.ctx.transport
        try:
            sent = os.write(transport.sync_serial.fileno(), frame)
        except BlockingIOError as error:
            raise LinkDown(f"{self.name} takes no bytes") from error
        except OSError as error:
            raise self._lost(error) from error
        if sent < len(frame):
            transport.write(frame[sent:])

    def drain(self) -> bool:
        """Take what the port still has; whether there was any. Raises LinkDown when the port is gone."""
        port = self._port()
        if port is None:
            raise LinkDown(f"no connection to {self.name}")
        try:
            data = os.read(port.fileno(), _READ_BYTES) if port.in_waiting else b""
        except OSError as error:
            raise self._lost(error) from error
        if data:
            self._on_data(data)
        return bool(data)

    def _lost(self, error: OSError) -> LinkDown:
        self._ask = None  # whoever asked is told by what is raised
        self.close()
        self.lost_at = mono_s()
        return LinkDown(f"no connection to {self.name}: {reason_of(error)}")


def _is_readable(descriptor: int) -> bool:
    """Whether there is something to read; if that is nothing at all, the other end is gone."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    return bool(poller.poll(0))


def claim(descriptor: int) -> None:
    """Let nobody else open this terminal (but root) until it is closed. Raises OSError."""
    fcntl.ioctl(descriptor, termios.TIOCEXCL)
