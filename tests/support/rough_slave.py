"""A Modbus slave whose every register says where it is, and what a rough line does to its frames.

Register N of a unit holds a number made from both, so a value that came from anywhere else shows.
"""

import random
from collections.abc import Iterable
from typing import Final

from support.modbus_peer import Reply, with_crc

READS: Final = {"holding": 3, "input": 4}
_EXCEPTION: Final = 0x80
_LAST: Final = 60_000


def value_at(unit: int, function: int, address: int) -> int:
    """What the register holds."""
    return (address * 2_654_435_761 + unit * 40_503 + function * 9_973 >> 7) & 0xFFFF


def expected(unit: int, kind: str, address: int, count: int) -> tuple[int, ...]:
    """The right answer to a read."""
    return tuple(value_at(unit, READS[kind], place) for place in range(address, address + count))


def answer_pdu(unit: int, pdu: bytes) -> bytes:
    """The answer from the function code on: values for reads, the echo for writes, an exception for the rest."""
    function, address, count = pdu[0], int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
    if function in READS.values():
        if not 1 <= count <= 125 or address + count > _LAST:
            return bytes([function | _EXCEPTION, 2])
        places = range(address, address + count)
        values = b"".join(value_at(unit, function, place).to_bytes(2, "big") for place in places)
        return bytes([function, len(values)]) + values
    if function in (5, 6, 15, 16):
        return pdu[:5]
    return bytes([function | _EXCEPTION, 1])


def rtu_slave(request: bytes, units: Iterable[int]) -> bytes | None:
    """The frame that a slave sends; None for a damaged request or one to somebody else."""
    if len(request) < 8 or request != with_crc(request[:-2]) or request[0] not in units:
        return None
    return with_crc(request[:1] + answer_pdu(request[0], request[1:-2]))


def tcp_slave(request: bytes) -> bytes:
    """The frame that a device on Modbus TCP sends."""
    pdu = request[6:7] + answer_pdu(request[6], request[7:])
    return request[:4] + len(pdu).to_bytes(2, "big") + pdu


def flipped(frame: bytes, rate: float, dice: random.Random) -> bytes:
    """The frame after a line that turns over each bit with this probability."""
    damaged = bytearray(frame)
    place = _next(rate, dice)
    while place < 8 * len(frame):
        damaged[place // 8] ^= 1 << place % 8
        place += 1 + _next(rate, dice)
    return bytes(damaged)


def _next(rate: float, dice: random.Random) -> int:
    """How many bits stay whole before the next one that does not."""
    return int(dice.expovariate(rate)) if rate else 1 << 30


class NoisyLine:
    """A script for a peer: slaves behind a line with a bit error rate."""

    def __init__(self, units: Iterable[int], rate: float, dice: random.Random) -> None:
        self.units = tuple(units)
        self.rate = rate
        self.dice = dice
        self.damaged = 0

    def __call__(self, request: bytes) -> Iterable[Reply]:
        came = flipped(request, self.rate, self.dice)
        answer = rtu_slave(came, self.units)
        if answer is None:
            self.damaged += 1
            return
        sent = flipped(answer, self.rate, self.dice)
        self.damaged += (came, sent) != (request, answer)
        yield 0, sent


class LateSlave:
    """A script for a peer: one slave that answers in order, some answers late, some of these twice."""

    def __init__(self, unit: int, share: float, late_s: tuple[float, float], dice: random.Random) -> None:
        self.unit = unit
        self.share = share
        self.late_s = late_s
        self.dice = dice
        self.late = 0
        self.busy_until = 0.0

    def reply(self, request: bytes, now: float) -> Iterable[Reply]:
        """What to send how much later, when the request came at `now`."""
        answer = rtu_slave(request, (self.unit,))
        if answer is None:
            return
        thinks_s = 0.0
        if self.dice.random() < self.share:
            self.late += 1
            thinks_s = self.dice.uniform(*self.late_s)
        self.busy_until = max(now, self.busy_until) + thinks_s
        yield self.busy_until - now, answer
