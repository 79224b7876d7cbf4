"""Bits that arrive wrong."""

from math import log
from random import Random


def flipped(frame: bytes, share: float, luck: Random) -> bytes:
    """The frame with each bit turned over with the probability `share`."""
    bits = 8 * len(frame)
    place = _next(share, luck)
    if place >= bits:
        return frame
    damaged = bytearray(frame)
    while place < bits:
        damaged[place >> 3] ^= 1 << (place & 7)
        place += 1 + _next(share, luck)
    return bytes(damaged)


def _next(share: float, luck: Random) -> int:
    """How many bits stay right before the next wrong one."""
    if share >= 1:
        return 0
    return int(log(1 - luck.random()) / log(1 - share)) if share > 0 else 1 << 30
