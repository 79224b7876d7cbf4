"""What a client says in its MQTT 5 CONNECT, read by the standard's table and not by the client's own library."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_CLEAN_START, _WILL, _WILL_RETAIN, _PASSWORD, _USERNAME = 0x02, 0x04, 0x20, 0x40, 0x80
_SESSION_EXPIRY, _WILL_DELAY = 0x11, 0x18
_SIZES: Final[Mapping[int, int]] = {
    **{0x01: 1, 0x02: 4, 0x17: 1, 0x19: 1, 0x21: 2, 0x22: 2, 0x27: 4},
    **{_SESSION_EXPIRY: 4, _WILL_DELAY: 4},
}
"""Bytes of each property that is a number; MQTT 5, table 2-4. The others of a CONNECT are texts or bytes."""


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker is to publish once the client is gone."""

    topic: str
    payload: bytes
    qos: int
    is_retained: bool
    delay_s: int


@dataclass(frozen=True, slots=True)
class Connect:
    """Who comes, and on which terms."""

    client_id: str
    clean_start: bool
    keepalive_s: int
    session_expiry_s: int
    will: Will | None
    username: str | None
    password: bytes | None


def read_connect(body: bytes) -> Connect:
    """The packet without its fixed header. ValueError when it is no MQTT 5 or has a rest."""
    wire = _Wire(body)
    if (wire.data(), wire.number(1)) != (b"MQTT", 5):
        raise ValueError("this is no MQTT 5")
    flags, keepalive_s = wire.number(1), wire.number(2)
    expiry_s = wire.properties().get(_SESSION_EXPIRY, 0)
    client_id = wire.data().decode()
    will = _read_will(wire, flags) if flags & _WILL else None
    username = wire.data().decode() if flags & _USERNAME else None
    password = wire.data() if flags & _PASSWORD else None
    if wire.rest:
        raise ValueError(f"{len(wire.rest)} bytes too many")
    return Connect(client_id, bool(flags & _CLEAN_START), keepalive_s, expiry_s, will, username, password)


def _read_will(wire: "_Wire", flags: int) -> Will:
    delay_s = wire.properties().get(_WILL_DELAY, 0)
    topic, payload = wire.data().decode(), wire.data()
    return Will(topic, payload, flags >> 3 & 3, bool(flags & _WILL_RETAIN), delay_s)


class _Wire:
    """Bytes, taken from the front."""

    def __init__(self, data: bytes) -> None:
        self.rest = data

    def take(self, size: int) -> bytes:
        if size > len(self.rest):
            raise ValueError("the packet ends too early")
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def data(self) -> bytes:
        return self.take(self.number(2))

    def properties(self) -> dict[int, int]:
        """Those that are numbers."""
        part = _Wire(self.take(self._length()))
        found: dict[int, int] = {}
        while part.rest:
            name = part.number(1)
            if name in _SIZES:
                found[name] = part.number(_SIZES[name])
            else:
                part.data()
        return found

    def _length(self) -> int:
        length, shift = 0, 0
        while True:
            byte = self.number(1)
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return length
