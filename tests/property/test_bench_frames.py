"""Laws of the bench: what is framed can be read again, and no bytes and no file make it stumble."""

import json

from hypothesis import given
from hypothesis import strategies as st

from baywarden_drivers.bench.frames import Framing, answer_of, framed, request_of, unframed
from baywarden_drivers.bench.replay import Recording
from baywarden_drivers.bench.trace import Piece, Reader, TraceError, exchanges, parse_trace
from baywarden_drivers.links.request import Request

FRAMINGS = st.sampled_from(("tcp", "rtu"))
UNITS = st.integers(0, 255)
WORDS = st.integers(0, 0xFFFF)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Anything that Modbus has words for."""
    function = draw(st.sampled_from((1, 2, 3, 4, 5, 6, 15, 16)))
    most = {5: 1, 6: 1, 15: 1968, 16: 123}.get(function, 125)
    count = draw(st.integers(1, most))
    address = draw(st.integers(0, 0x10000 - count))
    top = 1 if function in (5, 15) else 0xFFFF
    values = draw(st.lists(st.integers(0, top), min_size=count, max_size=count)) if function > 4 else []
    return Request(draw(UNITS), function, address, count, tuple(values))


@given(FRAMINGS, requests(), WORDS)
def test_a_request_is_read_from_its_frame(framing: Framing, request: Request, transaction: int) -> None:
    frame = unframed(framing, framed(framing, request.unit, request.pdu, transaction))
    assert frame is not None
    assert request_of(frame) == request


@given(FRAMINGS, UNITS, st.sampled_from((3, 4)), st.lists(WORDS, min_size=1, max_size=125))
def test_registers_are_read_from_an_answer(
    framing: Framing, unit: int, function: int, values: list[int]
) -> None:
    request = Request(unit, function, 0, len(values))
    body = b"".join(value.to_bytes(2, "big") for value in values)
    answer = framed(framing, unit, bytes([function, len(body)]) + body)
    assert answer_of(unframed(framing, answer), request).values == tuple(values)


@given(FRAMINGS, requests(), st.binary(min_size=1, max_size=4), st.integers(0, 300))
def test_a_damaged_frame_is_no_frame(framing: Framing, request: Request, noise: bytes, at: int) -> None:
    whole = framed("rtu", request.unit, request.pdu)
    place = at % len(whole)
    damaged = whole[:place] + bytes([whole[place] ^ noise[0]]) + whole[place + 1 :]
    assert damaged == whole or unframed("rtu", damaged) is None
    cut = unframed(framing, framed(framing, request.unit, request.pdu)[:-1])
    assert cut is None or request_of(cut) != request  # a check sum of 16 bits may fit by chance


PIECES = st.lists(
    st.builds(
        Piece,
        st.floats(0, 1e9),
        st.sampled_from(("sent", "received")),
        st.one_of(
            st.binary(max_size=40), requests().map(lambda request: framed("rtu", request.unit, request.pdu))
        ),
    ),
    max_size=12,
)


@given(FRAMINGS, PIECES)
def test_whatever_was_recorded_can_be_told_and_replayed(framing: Framing, pieces: list[Piece]) -> None:
    reader = Reader(framing)
    for piece in pieces:
        json.dumps(reader.line(piece))
    recording = Recording(framing, pieces)
    for exchange in exchanges(framing, pieces):
        frame = unframed(framing, exchange.request_data)
        if frame is not None and frame.pdu:
            data, later_s = recording.answer(frame, framing)
            assert later_s >= 0
            assert isinstance(data, bytes)


@given(
    st.lists(st.one_of(st.text(max_size=60), st.just('{"baywarden_trace": 1, "framing": "rtu"}')), max_size=5)
)
def test_any_file_is_a_trace_or_is_refused(lines: list[str]) -> None:
    try:
        parse_trace(lines, "x")
    except TraceError as error:
        assert str(error).startswith("x")
