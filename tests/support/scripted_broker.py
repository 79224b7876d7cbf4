"""A broker of a few lines that answers as the test says: refusals, silence, a rude end."""

import asyncio
import struct
from collections.abc import Callable
from typing import Self

CONNECT, PUBLISH, PUBACK, SUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 4, 8, 12, 14


class ScriptedBroker:
    """MQTT 5, QoS 1 only. `puback` gives the reason code of a publish, or None for silence."""

    def __init__(self, puback: Callable[[str, bytes], int | None] = lambda topic, payload: 0) -> None:
        self.puback = puback
        self.connack = bytes.fromhex("2003000000")
        self.published: list[tuple[str, bytes]] = []
        self.acked_mids: list[int] = []
        self.connects = 0
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
            writer.write(b"\x32" + _length(len(body)) + body)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                head = (await reader.readexactly(1))[0]
                body = await reader.readexactly(await _read_length(reader))
                self._answer(head >> 4, body, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _answer(self, kind: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        if kind == CONNECT:
            self.connects += 1
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
        size = struct.unpack("!H", body[:2])[0]
        topic, rest = body[2 : 2 + size].decode(), body[2 + size :]
        mid, properties = rest[:2], rest[2]
        payload = rest[3 + properties :]
        self.published.append((topic, payload))
        code = self.puback(topic, payload)
        if code is not None:
            writer.write(b"\x40\x04" + mid + bytes([code, 0]))


async def _read_length(reader: asyncio.StreamReader) -> int:
    length, shift = 0, 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return length


def _length(value: int) -> bytes:
    encoded = bytearray()
    while True:
        value, digit = value >> 7, value & 0x7F
        encoded.append(digit | (0x80 if value else 0))
        if not value:
            return bytes(encoded)
