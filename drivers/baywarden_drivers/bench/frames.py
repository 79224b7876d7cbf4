"""What the bytes of one Modbus frame say, for a bus trace and for its replay."""

from dataclasses import dataclass
from typing import Literal

from pymodbus.framer.rtu import FramerRTU

from baywarden_drivers.errors import ValueRefused
from baywarden_drivers.links.match import EXCEPTIONS, MBAP
from baywarden_drivers.links.request import Request

Framing = Literal["tcp", "rtu"]
"""tcp: MBAP header; rtu: unit, PDU and CRC, on a serial port or in a TCP stream."""

KINDS = {
    1: "coil",
    2: "discrete",
    3: "holding",
    4: "input",
    5: "coil",
    6: "holding",
    15: "coil",
    16: "holding",
}
_CRC = 2
_EXCEPTION = 0x80
_COIL_ON = 0xFF00


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole frame: its unit and its PDU (function and what follows)."""

    unit: int
    pdu: bytes
    transaction: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for a request: values of a read, an exception code, or the reason why neither."""

    values: tuple[int, ...] = ()
    exception: int | None = None
    fault: str = ""

    @property
    def good(self) -> bool:
        """Whether it does what was asked."""
        return self.exception is None and not self.fault


def crc_of(data: bytes) -> bytes:
    """The two bytes that end an RTU frame."""
    return FramerRTU.compute_CRC(data).to_bytes(_CRC, "big")


def framed(framing: Framing, unit: int, pdu: bytes, transaction: int = 0) -> bytes:
    """The bytes of a frame as they go over the wire."""
    if framing == "rtu":
        body = bytes([unit]) + pdu
        return body + crc_of(body)
    return transaction.to_bytes(2, "big") + bytes(2) + (len(pdu) + 1).to_bytes(2, "big") + bytes([unit]) + pdu


def unframed(framing: Framing, data: bytes) -> Frame | None:
    """The one frame that `data` is; None when it is damaged, cut, or more than one."""
    if framing == "rtu":
        if len(data) < 2 + _CRC or crc_of(data[:-_CRC]) != data[-_CRC:]:
            return None
        return Frame(data[0], data[1:-_CRC])
    if len(data) <= MBAP or data[2:4] != b"\x00\x00" or int.from_bytes(data[4:6], "big") != len(data) - 6:
        return None
    return Frame(data[6], data[MBAP:], int.from_bytes(data[:2], "big"))


def request_of(frame: Frame) -> Request | None:
    """The request that a frame is; None when it is none of the functions known here, or damaged."""
    pdu = frame.pdu
    if not pdu or pdu[0] not in KINDS or len(pdu) < 5:
        return None
    address, third = int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
    try:
        request = _request(frame.unit, pdu, address, third)
    except ValueRefused:
        return None
    return request if request.pdu == pdu else None


def _request(unit: int, pdu: bytes, address: int, third: int) -> Request:
    match pdu[0]:
        case 5:
            return Request(unit, 5, address, 1, (int(third == _COIL_ON),))
        case 6:
            return Request(unit, 6, address, 1, (third,))
        case 15:
            return Request(unit, 15, address, third, _bits(pdu[6:], third))
        case 16:
            return Request(unit, 16, address, third, _registers(pdu[6:]))
    return Request(unit, pdu[0], address, third)


def answer_of(frame: Frame | None, request: Request) -> Answer:
    """What a frame means as the answer to `request`."""
    if frame is None:
        return Answer(fault="a damaged or cut frame")
    if frame.unit != request.unit:
        return Answer(fault=f"an answer of unit {frame.unit}")
    pdu = frame.pdu
    if pdu[:1] == bytes([request.function | _EXCEPTION]) and len(pdu) == 2:
        return Answer(exception=pdu[1])
    if not pdu.startswith(request.reply_start) or len(pdu) != request.reply_size:
        return Answer(fault="an answer to another question")
    if request.is_write:
        return Answer()
    data = pdu[2:]
    return Answer(_bits(data, request.count) if request.function in (1, 2) else _registers(data))


def _registers(data: bytes) -> tuple[int, ...]:
    return tuple(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data) - 1, 2))


def _bits(data: bytes, count: int) -> tuple[int, ...]:
    return tuple(data[at // 8] >> at % 8 & 1 for at in range(min(count, 8 * len(data))))


def asked(request: Request) -> str:
    """`unit 3 reads holding 100..105` for people."""
    last = request.address + request.count - 1
    span = str(request.address) if last == request.address else f"{request.address}..{last}"
    if not request.is_write:
        return f"unit {request.unit}: read {KINDS[request.function]} {span}"
    values = " ".join(map(str, request.values))
    return f"unit {request.unit}: write {KINDS[request.function]} {span} = {values} (function {request.function})"


def answered(answer: Answer) -> str:
    """An answer for people, without names."""
    if answer.fault:
        return answer.fault
    if answer.exception is not None:
        meaning = EXCEPTIONS.get(answer.exception, "a code of its own")
        return f"exception {answer.exception}: {meaning}"
    return " ".join(map(str, answer.values)) or "done"
