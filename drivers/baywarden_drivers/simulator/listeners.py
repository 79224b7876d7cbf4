"""The wires that a simulated site listens on, built on pymodbus's servers and framers."""

import asyncio
import termios
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, cast

from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from baywarden_drivers.profile.habits import RtuTransport
from baywarden_drivers.reasons import reason_of
from baywarden_drivers.simulator.connection import Answering, Connection
from baywarden_drivers.simulator.errors import CannotServe
from baywarden_drivers.simulator.pty import TERMINALS, Claim, Pty, open_pty

FREE_PORT_TRIES = 20


class Listener(Protocol):
    """A wire that can be hung up and opened again at the same place."""

    @property
    def where(self) -> str: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def hang_up(self) -> None:
        """Break the connections that are there now."""
        ...


class TcpListener:
    """A TCP port, or several in a row for devices with one for each connector; port 0 takes free ones."""

    def __init__(
        self, answering: Mapping[int, Answering], *, host: str = "127.0.0.1", port: int = 0, rtu: bool = False
    ) -> None:
        self.host = host
        self.port = port
        self._answering = answering
        self._framer = FramerType.RTU if rtu else FramerType.SOCKET
        self._servers: list[_TcpServer] = []

    @property
    def where(self) -> str:
        return f"{self.host}:{self.port}"

    async def start(self) -> None:
        """Open the ports. Raises CannotServe."""
        tries = FREE_PORT_TRIES if self.port == 0 else 1
        while True:
            tries -= 1
            try:
                self.port = await self._open_all()
                return
            except CannotServe:
                await self.stop()
                if tries == 0:
                    raise

    async def _open_all(self) -> int:
        base = await self._open(self.port, self._answering[0])
        for shift, answering in self._answering.items():
            if shift:
                await self._open(base + shift, answering)
        return base

    async def _open(self, port: int, answering: Answering) -> int:
        server = _TcpServer(answering, self.host, port, self._framer)
        self._servers.append(server)
        try:
            await server.serve_forever(background=True)
        except RuntimeError as error:
            raise CannotServe(
                f"cannot listen on {self.host}:{port}: is the port taken or below 1024?"
            ) from error
        listening = cast(asyncio.Server, server.transport)
        return int(listening.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        for server in self._servers:
            await server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus leaves it bare
        self._servers = []

    def hang_up(self) -> None:
        for server in self._servers:
            server.hang_up()


class SerialListener:
    """A serial port. Where `path` does not exist, or is None, a pseudo-terminal is made; linked by `path`."""

    def __init__(
        self, answering: Answering, *, path: Path | None = None, line: RtuTransport | None = None
    ) -> None:
        self._answering = answering
        self._link = path
        self._line = line or RtuTransport()
        self._server: _SerialServer | None = None
        self._claim: Claim | None = None
        self._is_there = path is not None and path.exists()

    @property
    def where(self) -> str:
        """The path for a client to open."""
        if self._link is not None:
            return str(self._link)
        pty = self._server.pty if self._server else None
        return str(pty.path) if pty else "(closed)"

    async def start(self) -> None:
        """Open the port. Raises CannotServe."""
        if self._link is not None and self._is_there and _is_pseudo(self._link):
            self._claim = Claim(self._link)
        self._server = _SerialServer(self._answering, self._link, self._line, is_there=self._is_there)
        try:
            await self._server.serve_forever(background=True)
        except RuntimeError as error:  # pymodbus keeps the reason to itself
            raise CannotServe(
                f"cannot open the serial port {self.where}: is it one, and does no other program use it?"
            ) from error
        except (OSError, termios.error) as error:
            raise CannotServe(f"cannot open the serial port {self.where}: {reason_of(error)}") from error

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus leaves it bare
        if self._claim is not None:
            self._claim.close()

    def hang_up(self) -> None:
        """A serial line has no connections; only `stop` breaks it."""


def _is_pseudo(path: Path | None) -> bool:
    """Whether it is a pseudo-terminal; those know no parity."""
    return path is not None and path.resolve().is_relative_to(TERMINALS)


def _no_store() -> SimDevice:
    """The servers want a store of their own; `Connection` asks ours instead."""
    return SimDevice(id=0, simdata=[SimData(0, values=[0], datatype=DataType.REGISTERS)])


class _TcpServer(ModbusTcpServer):
    def __init__(self, answering: Answering, host: str, port: int, framer: FramerType) -> None:
        super().__init__(_no_store(), framer=framer, address=(host, port))
        self._answering = answering
        self._has_silences = framer is FramerType.RTU

    def callback_new_connection(self) -> Connection:
        return Connection(self, self._answering, has_silences=self._has_silences)

    def hang_up(self) -> None:
        for connection in list(self.active_connections.values()):
            connection.close()


class _SerialServer(ModbusSerialServer):
    def __init__(
        self, answering: Answering, link: Path | None, line: RtuTransport, *, is_there: bool
    ) -> None:
        super().__init__(
            _no_store(),
            port=str(link),
            baudrate=line.baud,
            parity="N" if _is_pseudo(link) else line.parity,
            stopbits=line.stop_bits,
        )
        self._answering = answering
        self._link = link
        self.pty: Pty | None = None
        if not is_there:
            self.call_create = self._open_pty

    def callback_new_connection(self) -> Connection:
        return Connection(self, self._answering, has_silences=True)

    async def _open_pty(self) -> tuple[asyncio.BaseTransport, asyncio.BaseProtocol]:
        transport, protocol, self.pty = await open_pty(self._link, cast(Any, self.handle_new_connection))
        return transport, protocol
