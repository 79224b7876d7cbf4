"""A broker of a few lines that answers as the test says: refusals, silence, a rude end."""

import asyncio
import struct
from collections.abc import Callable
from typing import Self

from support.connect_packet import Connect, read_connect
from support.mqtt_wire import PUBLISH, packet, puback_packet, read_packet, split_publish

CONNECT, PUBACK, SUBSCRIBE, PINGREQ = 1, 4, 8, 12


class ScriptedBroker:
    """MQTT 5, QoS 1 only. `puback` gives the reason code of a publish, or None for silence."""

    def __init__(self, puback: Callable[[str, bytes], int | None] = lambda topic, payload: 0) -> None:
        self.puback = puback
        self.connack = bytes.fromhex("2003000000")
        self.published: list[tuple[str, bytes]] = []
        self.acked_mids: list[int] = []
        self.connects = 0
        self.greeting: Connect | None = None
        """The newest CONNECT."""
        self.port = 0
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()

    def topics(self, part: str) -> list[str]:
        """The topics published so far that have `part` in them."""
        return [topic for topic, _ in self.published if part in topic]

    def disconnect_all(self, code: int) -> None:
        """Send DISCONNECT with the reason code and close."""
        for writer in self._writers:
            writer.write(bytes([0xE0, 2, code, 0]))
            writer.close()

    def send_command(self, topic: str, payload: bytes, mid: int = 1) -> None:
        """Deliver a QoS 1 message to everybody."""
        self.send_raw_command(topic.encode(), payload, mid)

    def send_raw_command(self, name: bytes, payload: bytes, mid: int = 1) -> None:
        """The same with any bytes as topic."""
        body = struct.pack("!H", len(name)) + name + struct.pack("!H", mid) + b"\0" + payload
        for writer in self._writers:
            writer.write(packet(0x32, body))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                head, body = await read_packet(reader)
                self._answer(head >> 4, body, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _answer(self, kind: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        if kind == CONNECT:
            self.connects += 1
            self.greeting = read_connect(body)
            writer.write(self.connack)
        elif kind == SUBSCRIBE:
            writer.write(b"\x90\x04" + body[:2] + b"\0\x01")
        elif kind == PUBLISH:
            self._take_publish(body, writer)
        elif kind == PUBACK:
            self.acked_mids.append(struct.unpack("!H", body[:2])[0])
        elif kind == PINGREQ:
            writer.write(b"\xd0\0")

    def _take_publish(self, body: bytes, writer: asyncio.StreamWriter) -> None:
        topic, mid, rest = split_publish(body)
        payload = rest[1 + rest[0] :]
        self.published.append((topic, payload))
        code = self.puback(topic, payload)
        if code is not None:
            writer.write(puback_packet(mid, code))
