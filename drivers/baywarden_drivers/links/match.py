"""Finds in received bytes the answer to a request, and nothing else: unit, function and length must match.

The echo of a write must match whole.
"""

import struct
from enum import Enum
from typing import Final

from pymodbus.framer.rtu import FramerRTU

from baywarden_drivers.errors import Refused
from baywarden_drivers.links.request import Request

MBAP: Final = 7
"""Bytes before the function code on Modbus TCP."""
_LONGEST_PDU: Final = 253
_EXCEPTION: Final = 0x80

_REGISTERS: Final = tuple(struct.Struct(f">{count}H") for count in range(126))
"""The registers of an answer, by their number."""

EXCEPTIONS: Final = {
    1: "it does not know this function",
    2: "it has no such register",
    3: "it does not take this value or length",
    4: "it failed while doing it",
    5: "it needs more time",
    6: "it is busy",
    10: "the gateway has no path to it",
    11: "the gateway got no answer from it",
}


class Misframed(Enum):
    """What the stream looks like when no answer can be told from it any more."""

    BROKEN = "broken"


def rtu_frame(request: Request) -> bytes:
    """The request as it goes over a serial line."""
    frame = bytes([request.unit]) + request.pdu
    return frame + FramerRTU.compute_CRC(frame).to_bytes(2, "big")


def tcp_frame(request: Request, transaction: int) -> bytes:
    """The request as it goes over Modbus TCP."""
    return struct.pack(">HHHB", transaction, 0, request.size + 1, request.unit) + request.pdu


def tcp_start(request: Request, transaction: int) -> bytes:
    """How its answer begins on Modbus TCP, unless it is an exception."""
    return struct.pack(">HHHB", transaction, 0, request.reply_size + 1, request.unit) + request.reply_start


def rtu_answer(data: bytes, request: Request, begin: int = 0) -> bytes | None:
    """The frame inside `data`, not before `begin`, that answers; noise and other frames before it are skipped."""
    unit = bytes([request.unit])
    start = data.find(unit, begin)
    while start >= 0:
        if data.startswith(request.reply_start, start + 1):
            size = request.reply_size + 3
        elif data[start + 1 : start + 2] == bytes([request.function | _EXCEPTION]):
            size = 5
        else:
            size = 0
        frame = data[start : start + size]
        if size and len(frame) == size and _is_sound(frame):
            return frame
        start = data.find(unit, start + 1)
    return None


def _is_sound(frame: bytes) -> bool:
    return FramerRTU.check_CRC(frame[:-2], int.from_bytes(frame[-2:], "big"))


def tcp_answer(data: bytes, request: Request, transaction: int) -> bytes | Misframed | None:
    """The frame inside `data` that answers; BROKEN when the stream is out of step.

    Answers to other requests are skipped by their transaction number. What follows the answer must look like
    the begin of a frame: a stream that has lost a byte would give every register half of the next one.
    """
    return _found(data, request, transaction)[0]


def tcp_cut(data: bytes, request: Request, transaction: int) -> tuple[bytes | Misframed | None, bytes]:
    """The frame inside `data` that answers, or BROKEN; and `data` without it, which belongs to others."""
    frame, start = _found(data, request, transaction)
    return frame, data[:start] + data[start + len(frame) :] if isinstance(frame, bytes) else data


def _found(data: bytes, request: Request, transaction: int) -> tuple[bytes | Misframed | None, int]:
    start = 0
    while len(data) - start > MBAP:
        end = _frame_end(data, start)
        if end is None:
            return Misframed.BROKEN, start
        if len(data) < end:
            return None, start
        if data[start : start + 2] == transaction.to_bytes(2, "big"):
            frame = data[start:end]
            is_sound = _answers(frame, request) and _may_begin(data[end:])
            return frame if is_sound else Misframed.BROKEN, start
        start = end
    return None if _may_begin(data[start:]) else Misframed.BROKEN, start


def tcp_rest(data: bytes) -> bytes | Misframed:
    """What is left of `data` behind all whole frames, the begin of one; BROKEN when it is no such thing."""
    start = 0
    while len(data) - start > MBAP:
        end = _frame_end(data, start)
        if end is None:
            return Misframed.BROKEN
        if len(data) < end:
            break
        start = end
    rest = data[start:]
    return rest if _may_begin(rest) else Misframed.BROKEN


def _frame_end(data: bytes, start: int) -> int | None:
    size = int.from_bytes(data[start + 4 : start + 6], "big")
    if data[start + 2 : start + 4] != b"\x00\x00" or not 3 <= size <= _LONGEST_PDU + 1:
        return None
    return start + 6 + size


def _may_begin(rest: bytes) -> bool:
    """Whether it can be the begin of a frame: the protocol number is 0, and no answer is longer than a byte says."""
    return not any(rest[2:5])


def _answers(frame: bytes, request: Request) -> bool:
    if frame[6] != request.unit:
        return False
    pdu = frame[MBAP:]
    if pdu[0] == request.function | _EXCEPTION:
        return len(pdu) == 2
    return pdu.startswith(request.reply_start) and len(pdu) == request.reply_size


def content(request: Request, pdu: bytes) -> tuple[int, ...]:
    """The registers (or bits) of an answer, nothing for a write. Raises Refused for an exception."""
    if pdu[0] & _EXCEPTION:
        code = pdu[1]
        meaning = EXCEPTIONS.get(code, "a code of its own")
        raise Refused(f"{request}: the device answered with exception {code} ({meaning})", code=code)
    if request.is_write:
        return ()
    if request.function > 2:
        return _REGISTERS[request.count].unpack_from(pdu, 2)
    bits = int.from_bytes(pdu[2:], "little")
    return tuple(bits >> place & 1 for place in range(request.count))
