"""The frame of MQTT packets, and the two that tests look into most."""

import asyncio

PUBLISH = 3
NOT_AUTHORIZED = 0x87


async def read_packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The first byte, and all behind the length. IncompleteReadError at the end of the stream."""
    head = (await reader.readexactly(1))[0]
    length, shift = 0, 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return head, await reader.readexactly(length)


def packet(head: int, body: bytes) -> bytes:
    """Both with the length between them."""
    value, encoded = len(body), bytearray([head])
    while True:
        value, digit = value >> 7, value & 0x7F
        encoded.append(digit | (0x80 if value else 0))
        if not value:
            return bytes(encoded) + body


def split_publish(body: bytes) -> tuple[str, bytes, bytes]:
    """Topic, message number and the rest of a PUBLISH with QoS 1."""
    size = int.from_bytes(body[:2], "big")
    return body[2 : 2 + size].decode(), body[2 + size : 4 + size], body[4 + size :]


def puback_packet(mid: bytes, code: int) -> bytes:
    """The answer to a PUBLISH."""
    return packet(0x40, mid + bytes([code, 0]))
