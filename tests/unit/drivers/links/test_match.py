"""Which bytes count as the answer to a write: the echo must be that of this very write."""

import pytest

from baywarden_drivers.links import Request
from baywarden_drivers.links.match import Misframed, rtu_answer, tcp_answer
from support.modbus_peer import with_crc

COIL_ON = Request(1, 5, 261, 1, (1,))
COIL_OFF = Request(1, 5, 261, 1, (0,))
ONE = Request(1, 6, 261, 1, (60,))
COILS = Request(1, 15, 261, 10, (1,) * 10)
TWO = Request(1, 16, 261, 2, (0, 60))

RIGHT = [
    (COIL_ON, "05 0105 ff00"),
    (COIL_OFF, "05 0105 0000"),
    (ONE, "06 0105 003c"),
    (COILS, "0f 0105 000a"),
    (TWO, "10 0105 0002"),
]
WRONG = [
    (COIL_ON, "05 0105 0000"),
    (COIL_ON, "05 0106 ff00"),
    (COIL_OFF, "05 0105 ff00"),
    (ONE, "06 0105 00a0"),
    (ONE, "06 0104 003c"),
    (COILS, "0f 0105 0009"),
    (TWO, "10 0105 0001"),
    (TWO, "10 0205 0002"),
]


def rtu(pdu: str) -> bytes:
    """A frame of unit 1."""
    return with_crc(b"\x01" + bytes.fromhex(pdu))


def tcp(pdu: str) -> bytes:
    """The same in transaction 7."""
    body = b"\x01" + bytes.fromhex(pdu)
    return b"\x00\x07\x00\x00" + len(body).to_bytes(2, "big") + body


@pytest.mark.parametrize(("request_", "echo"), RIGHT)
def test_the_echo_of_a_write_is_its_answer(request_: Request, echo: str) -> None:
    assert rtu_answer(rtu(echo), request_) == rtu(echo)
    assert tcp_answer(tcp(echo), request_, 7) == tcp(echo)


@pytest.mark.parametrize(("request_", "echo"), WRONG)
def test_the_echo_of_another_write_is_no_answer(request_: Request, echo: str) -> None:
    assert rtu_answer(rtu(echo), request_) is None
    assert tcp_answer(tcp(echo), request_, 7) is Misframed.BROKEN


def test_the_late_echo_of_the_write_before_is_skipped() -> None:
    assert rtu_answer(rtu("06 0105 00a0") + rtu("06 0105 003c"), ONE) == rtu("06 0105 003c")


def test_a_refused_write_is_answered() -> None:
    assert rtu_answer(rtu("86 03"), ONE) == rtu("86 03")
    assert tcp_answer(tcp("86 03"), ONE, 7) == tcp("86 03")


@pytest.mark.parametrize("place", [2, 3])
def test_a_frame_of_another_protocol_puts_the_stream_out_of_step(place: int) -> None:
    frame = bytearray(tcp("06 0105 003c"))
    frame[place] = 1
    assert tcp_answer(bytes(frame), ONE, 7) is Misframed.BROKEN
