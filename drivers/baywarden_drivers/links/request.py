"""One Modbus request: its bytes, and which bytes count as its answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from baywarden_drivers.errors import ValueRefused

READ_FUNCTIONS: Mapping[str, int] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
_BIT_READS = (1, 2)
_SINGLE_WRITES = (5, 6)
_WRITE_COIL = 5
_WRITE_COILS = 15
_COIL_ON = 0xFF00
_WRITE_REPLY = 5
_MOST: Mapping[int, int] = {1: 2000, 2: 2000, 3: 125, 4: 125, 5: 1, 6: 1, 15: 1968, 16: 123}
"""Registers or bits per request (Modbus application protocol 1.1b3, chapter 6)."""


@dataclass(frozen=True, slots=True)
class Request:
    """`values` are the registers (or bits as 0 and 1) to be written; empty for a read.

    Raises ValueRefused for what Modbus has no words for.
    """

    unit: int
    function: int
    address: int
    count: int
    values: tuple[int, ...] = ()
    pdu: bytes = field(init=False, repr=False, compare=False)
    """The request from the function code on."""
    reply_start: bytes = field(init=False, repr=False, compare=False)
    """How the answer begins: function and byte count of a read; that of a write is known whole.

    A write is echoed with its value, or with its number of registers or bits: another one was not done.
    """
    reply_size: int = field(init=False, repr=False, compare=False)
    """Bytes of the answer from the function code on."""

    def __post_init__(self) -> None:
        _check(self)
        head = bytes([self.function]) + self.address.to_bytes(2, "big")
        if not self.is_write:
            payload = (self.count + 7) // 8 if self.function in _BIT_READS else 2 * self.count
            self._know(head + self.count.to_bytes(2, "big"), bytes([self.function, payload]), 2 + payload)
        elif self.function in _SINGLE_WRITES:
            value = (_COIL_ON if self.values[0] else 0) if self.function == _WRITE_COIL else self.values[0]
            echo = head + value.to_bytes(2, "big")
            self._know(echo, echo, _WRITE_REPLY)
        else:
            echo = head + self.count.to_bytes(2, "big")
            body = _bits(self.values) if self.function == _WRITE_COILS else _words(self.values)
            self._know(echo + bytes([len(body)]) + body, echo, _WRITE_REPLY)

    def _know(self, pdu: bytes, reply_start: bytes, reply_size: int) -> None:
        object.__setattr__(self, "pdu", pdu)
        object.__setattr__(self, "reply_start", reply_start)
        object.__setattr__(self, "reply_size", reply_size)

    @property
    def is_write(self) -> bool:
        """Whether it changes something."""
        return self.function > 4

    @property
    def size(self) -> int:
        """Bytes of the request from the function code on."""
        return len(self.pdu)

    def __str__(self) -> str:
        last = self.address + self.count - 1
        span = str(self.address) if last == self.address else f"{self.address}..{last}"
        return f"unit {self.unit}: {'write' if self.is_write else 'read'} {span} (function {self.function})"


@lru_cache(maxsize=8192)
def read_request(unit: int, kind: str, address: int, count: int) -> Request:
    """The read of `count` registers or bits of the type `kind`; polls ask the same again and again."""
    return Request(unit, READ_FUNCTIONS[kind], address, count)


def _check(request: Request) -> None:
    most = _MOST.get(request.function)
    if most is None:
        raise ValueRefused(f"function {request.function} is not known here")
    if not 0 <= request.unit <= 255:
        raise ValueRefused(f"unit {request.unit} is not within 0..255")
    if not 1 <= request.count <= most:
        raise ValueRefused(f"{request}: {request.count} at once is not within 1..{most}")
    if request.address < 0 or request.address + request.count > 0x10000:
        raise ValueRefused(f"{request}: addresses end at 65535")
    if len(request.values) != (request.count if request.is_write else 0):
        raise ValueRefused(f"{request}: {len(request.values)} values for {request.count} places")
    top = 1 if request.function in (_WRITE_COIL, _WRITE_COILS) else 0xFFFF
    if any(not 0 <= value <= top for value in request.values):
        raise ValueRefused(f"{request}: a value is not within 0..{top}")


def _words(values: tuple[int, ...]) -> bytes:
    return b"".join(value.to_bytes(2, "big") for value in values)


def _bits(values: tuple[int, ...]) -> bytes:
    """Eight bits a byte, the first one lowest."""
    number = sum(bit << place for place, bit in enumerate(values))
    return number.to_bytes((len(values) + 7) // 8, "little")
