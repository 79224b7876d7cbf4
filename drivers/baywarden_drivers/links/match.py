"""Finds in received bytes the answer to a request, and nothing else: unit, function and length must match.

The echo of a write must match whole.
"""

from enum import Enum

from pymodbus.framer.rtu import FramerRTU

from baywarden_drivers.links.request import Request

_MBAP = 7
_LONGEST_PDU = 253
_EXCEPTION = 0x80


class Misframed(Enum):
    """What the stream looks like when no answer can be told from it any more."""

    BROKEN = "broken"


def rtu_answer(data: bytes, request: Request) -> bytes | None:
    """The frame inside `data` that answers, or None; noise and other frames before it are skipped."""
    for start in range(len(data) - 4):
        if data[start] != request.unit:
            continue
        if data.startswith(request.reply_start, start + 1):
            size = request.reply_size + 3
        elif data[start + 1] == request.function | _EXCEPTION:
            size = 5
        else:
            continue
        frame = data[start : start + size]
        if len(frame) == size and FramerRTU.check_CRC(frame[:-2], int.from_bytes(frame[-2:], "big")):
            return frame
    return None


def tcp_answer(data: bytes, request: Request, transaction: int) -> bytes | Misframed | None:
    """The frame inside `data` that answers; BROKEN when the stream is out of step.

    Answers to earlier requests are skipped by their transaction number; what follows is not looked at.
    """
    start = 0
    while len(data) - start > _MBAP:
        size = int.from_bytes(data[start + 4 : start + 6], "big")
        if data[start + 2 : start + 4] != b"\x00\x00" or not 3 <= size <= _LONGEST_PDU + 1:
            return Misframed.BROKEN
        frame = data[start : start + 6 + size]
        if len(frame) < 6 + size:
            return None
        if int.from_bytes(frame[:2], "big") == transaction:
            return frame if _answers(frame, request) else Misframed.BROKEN
        start += 6 + size
    return None


def _answers(frame: bytes, request: Request) -> bool:
    if frame[6] != request.unit:
        return False
    pdu = frame[_MBAP:]
    if pdu[0] == request.function | _EXCEPTION:
        return len(pdu) == 2
    return pdu.startswith(request.reply_start) and len(pdu) == request.reply_size
