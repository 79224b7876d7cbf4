"""What a read costs on a wire, in the time of characters.

A read of its own costs, whatever it reads: the request (8 characters on RTU), the frame around the answer (5), a
silence before each of the two, and the time that the device takes to begin its answer. A register costs two
characters. So at 9600 baud and 11 bits a character (8E1, 8N2) a hole is worth reading across up to 14 registers,
and at 115200 baud, where silences do not shrink any more, up to 77.
"""

from dataclasses import dataclass
from typing import Final, Self

_REQUEST_CHARS: Final = 8
_ANSWER_CHARS: Final = 5
_TURNAROUND_S: Final = 0.010
"""What a meter or charger takes to begin its answer when it is quick; slower ones make holes worth more."""
_NETWORK_READ_CHARS: Final = 10_000.0
"""A round trip of a network against a byte in it: no hole is too long for one packet."""


@dataclass(frozen=True, slots=True)
class Costs:
    """`read_chars`: what one more read costs beside its payload."""

    read_chars: float = _NETWORK_READ_CHARS

    @classmethod
    def on_serial(cls, char_s: float, silence_s: float, turnaround_s: float = _TURNAROUND_S) -> Self:
        """Of a serial line with this time of a character and silence before each frame."""
        return cls(_REQUEST_CHARS + _ANSWER_CHARS + (2 * silence_s + turnaround_s) / char_s)

    def of_read(self, count: int, *, are_bits: bool = False) -> float:
        """One read of so many registers (or bits), in characters."""
        return self.read_chars + ((count + 7) // 8 if are_bits else 2 * count)

    @property
    def worth_registers(self) -> int:
        """The longest hole that is cheaper to read across than to leave out."""
        return int(self.read_chars / 2)


ON_NETWORK: Final = Costs()
"""Of a network: the fewest reads, whatever is inside."""
