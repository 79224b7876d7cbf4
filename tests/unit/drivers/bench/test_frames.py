"""What counts as one frame in a trace: neither more bytes nor fewer, and of the right protocol."""

import pytest

from baywarden_drivers.bench.frames import Frame, Framing, framed, unframed

PDU = bytes.fromhex("0302002a")


@pytest.mark.parametrize("framing", ["tcp", "rtu"])
def test_a_frame_is_the_one_that_was_made(framing: Framing) -> None:
    found = unframed(framing, framed(framing, 7, PDU, 3))
    assert found == Frame(7, PDU, 3 if framing == "tcp" else 0)


@pytest.mark.parametrize("framing", ["tcp", "rtu"])
def test_more_or_less_than_a_frame_is_none(framing: Framing) -> None:
    data = framed(framing, 7, PDU)
    assert unframed(framing, data[:-1]) is None
    assert unframed(framing, data + b"\x55") is None
    assert unframed(framing, b"") is None


def test_a_frame_of_another_protocol_is_none() -> None:
    data = bytearray(framed("tcp", 7, PDU))
    data[3] = 1
    assert unframed("tcp", bytes(data)) is None
