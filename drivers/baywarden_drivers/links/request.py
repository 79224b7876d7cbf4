"""One Modbus request, and which bytes count as its answer."""

from collections.abc import Mapping
from dataclasses import dataclass

READ_FUNCTIONS: Mapping[str, int] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
_BIT_READS = (1, 2)
_WRITE_REPLY = 5
_SINGLE_WRITES = (5, 6)
_WRITE_COIL = 5
_COIL_ON = 0xFF00


@dataclass(frozen=True, slots=True)
class Request:
    """`values` are the registers (or bits as 0 and 1) to be written; empty for a read."""

    unit: int
    function: int
    address: int
    count: int
    values: tuple[int, ...] = ()

    @property
    def is_write(self) -> bool:
        """Whether it changes something."""
        return self.function in (5, 6, 15, 16)

    @property
    def reply_start(self) -> bytes:
        """How the answer begins: function and byte count of a read; that of a write is known whole.

        A write is echoed with its value, or with its number of registers or bits: another one was not done.
        """
        if self.is_write:
            echo = self._echoed_value if self.function in _SINGLE_WRITES else self.count
            return bytes([self.function]) + self.address.to_bytes(2, "big") + echo.to_bytes(2, "big")
        return bytes([self.function, self._payload])

    @property
    def reply_size(self) -> int:
        """Bytes of the answer from the function code on."""
        return _WRITE_REPLY if self.is_write else 2 + self._payload

    @property
    def size(self) -> int:
        """Bytes of the request from the function code on."""
        if not self.is_write or self.function in _SINGLE_WRITES:
            return 5
        return 6 + (2 * self.count if self.function == 16 else (self.count + 7) // 8)

    @property
    def _echoed_value(self) -> int:
        if self.function == _WRITE_COIL:
            return _COIL_ON if self.values[0] else 0
        return self.values[0]

    @property
    def _payload(self) -> int:
        return (self.count + 7) // 8 if self.function in _BIT_READS else 2 * self.count

    def __str__(self) -> str:
        last = self.address + self.count - 1
        span = str(self.address) if last == self.address else f"{self.address}..{last}"
        return f"unit {self.unit}: {'write' if self.is_write else 'read'} {span} (function {self.function})"
