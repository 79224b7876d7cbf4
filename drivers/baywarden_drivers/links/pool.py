"""Links by their endpoint: whoever names the same wire shares one owner."""

import asyncio
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Literal, Self

from baywarden_drivers.errors import ValueRefused
from baywarden_drivers.links.link import Link
from baywarden_drivers.links.serial import SerialWire
from baywarden_drivers.links.tcp import RtuOverTcpWire, TcpWire


@dataclass(frozen=True, slots=True)
class TcpEndpoint:
    """Modbus TCP."""

    host: str
    port: int = 502


@dataclass(frozen=True, slots=True)
class RtuOverTcpEndpoint:
    """RTU frames in a TCP stream, through a serial gateway."""

    host: str
    port: int = 502


@dataclass(frozen=True, slots=True)
class SerialEndpoint:
    """Modbus RTU on a serial port; 8 data bits."""

    path: str
    baud: int = 9600
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1


Endpoint = TcpEndpoint | RtuOverTcpEndpoint | SerialEndpoint


class TcpLink(Link):
    """A link over Modbus TCP."""

    def __init__(self, host: str, port: int = 502) -> None:
        super().__init__(TcpWire(host, port))


class RtuOverTcpLink(Link):
    """A link over RTU frames in a TCP stream."""

    def __init__(self, host: str, port: int = 502) -> None:
        super().__init__(RtuOverTcpWire(host, port))


class SerialLink(Link):
    """A link over a serial port."""

    def __init__(
        self, path: str, baud: int = 9600, parity: Literal["N", "E", "O"] = "N", stop_bits: Literal[1, 2] = 1
    ) -> None:
        super().__init__(SerialWire(path, baud, parity, stop_bits))


class LinkPool:
    """Makes a link when it is first asked for, and closes all of them."""

    def __init__(self) -> None:
        self._links: dict[str, tuple[Endpoint, Link]] = {}

    def link(self, endpoint: Endpoint, port_shift: int = 0) -> Link:
        """The link to `endpoint`, or to its port plus `port_shift`.

        Raises ValueRefused when the same wire is already used in another way.
        """
        endpoint = _shifted(endpoint, port_shift)
        wire = endpoint.path if isinstance(endpoint, SerialEndpoint) else f"{endpoint.host}:{endpoint.port}"
        known = self._links.get(wire)
        if known is None:
            known = self._links[wire] = endpoint, _make(endpoint)
        elif known[0] != endpoint:
            raise ValueRefused(
                f"{wire} is already used as {known[0]}; one wire has one framing and one setting"
            )
        return known[1]

    def links(self) -> tuple[Link, ...]:
        """All links so far."""
        return tuple(link for _, link in self._links.values())

    async def close(self) -> None:
        """Close all links."""
        links, self._links = self.links(), {}
        await asyncio.gather(*(link.close() for link in links))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _make(endpoint: Endpoint) -> Link:
    match endpoint:
        case TcpEndpoint(host, port):
            return TcpLink(host, port)
        case RtuOverTcpEndpoint(host, port):
            return RtuOverTcpLink(host, port)
        case SerialEndpoint(path, baud, parity, stop_bits):
            return SerialLink(path, baud, parity, stop_bits)


def _shifted(endpoint: Endpoint, port_shift: int) -> Endpoint:
    if not port_shift:
        return endpoint
    if isinstance(endpoint, SerialEndpoint):
        raise ValueRefused(f"{endpoint.path} has no ports, but this connector is found by its port")
    return replace(endpoint, port=endpoint.port + port_shift)
