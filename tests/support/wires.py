"""Wires between a site and its broker: one that the test can cut or clothe in TLS, one with an access list."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from ssl import SSLContext
from typing import Self

from support.mqtt_wire import NOT_AUTHORIZED, PUBLISH, packet, puback_packet, read_packet, split_publish


class Proxy:
    """Carries bytes both ways. With `tls` it speaks TLS to the site and none to the broker."""

    def __init__(self, host: str, port: int, *, tls: SSLContext | None = None) -> None:
        self._place = (host, port)
        self._tls = tls
        self.host = "127.0.0.1"
        self.port = 0
        self._writers: list[asyncio.StreamWriter] = []
        self._pumps: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self.host, 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut_for_good()

    async def cut_for_good(self) -> None:
        """No connection lives on and none can be made."""
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """No connection lives on."""
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._place)
        self._writers += [writer, back]
        for pump in (self._out(reader, back, writer), _pump(there, writer)):
            task = asyncio.create_task(pump)
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)

    async def _out(
        self, site: asyncio.StreamReader, broker: asyncio.StreamWriter, to_site: asyncio.StreamWriter
    ) -> None:
        await _pump(site, broker)


class Gate(Proxy):
    """Answers each forbidden publish (of QoS 1) itself, as a broker with an access list does."""

    def __init__(self, host: str, port: int, may_publish: Callable[[str], bool]) -> None:
        super().__init__(host, port)
        self._may_publish = may_publish

    async def _out(
        self, site: asyncio.StreamReader, broker: asyncio.StreamWriter, to_site: asyncio.StreamWriter
    ) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head, body = await read_packet(site)
                topic, mid, _ = split_publish(body) if head >> 4 == PUBLISH else ("", b"", b"")
                if topic and not self._may_publish(topic):
                    to_site.write(puback_packet(mid, NOT_AUTHORIZED))
                else:
                    broker.write(packet(head, body))
        broker.transport.abort()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65_536):
            target.write(data)
    except OSError:  # also the TLS errors
        pass
    finally:
        target.transport.abort()
