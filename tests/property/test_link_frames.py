"""Laws of frames: whatever bytes come in whatever pieces, an answer is one or there is none, and nothing escapes."""

import asyncio
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu import bit_message as bits
from pymodbus.pdu import register_message as registers

from baywarden_drivers import DeviceError, Link, Refused, RtuOverTcpLink, SerialLink, TcpLink, ValueRefused
from baywarden_drivers.links import Pacing, Request
from baywarden_drivers.links.framing import RtuFraming, TcpFraming
from baywarden_drivers.links.match import (
    Misframed,
    content,
    rtu_answer,
    rtu_frame,
    tcp_answer,
    tcp_frame,
    tcp_rest,
)
from baywarden_drivers.links.request import read_request
from support.modbus_peer import PtyPeer, Reply, TcpPeer, with_crc
from support.rough_slave import answer_pdu, expected, rtu_slave, tcp_slave

units = st.integers(0, 247)
words = st.integers(0, 0xFFFF)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Any request that Modbus knows and this package sends."""
    function = draw(st.sampled_from([1, 2, 3, 4, 5, 6, 15, 16]))
    most = {1: 60, 2: 60, 3: 125, 4: 125, 5: 1, 6: 1, 15: 60, 16: 123}[function]
    count = draw(st.integers(1, most))
    address = draw(st.integers(0, 0xFFFF - count))
    one = st.integers(0, 1) if function in (5, 15) else words
    values = draw(st.lists(one, min_size=count, max_size=count)) if function > 4 else []
    return Request(draw(units), function, address, count, tuple(values))


reads = st.builds(
    read_request, units, st.sampled_from(["holding", "input"]), st.integers(0, 50_000), st.integers(1, 125)
)


def pieces(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    """The same bytes as they may come from a wire."""
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[begin:end] for begin, end in itertools.pairwise(places)]


READS: dict[int, Callable[..., ModbusPDU]] = {
    1: bits.ReadCoilsRequest,
    2: bits.ReadDiscreteInputsRequest,
    3: registers.ReadHoldingRegistersRequest,
    4: registers.ReadInputRegistersRequest,
}
COIL_WRITES: dict[int, Callable[..., ModbusPDU]] = {
    5: bits.WriteSingleCoilRequest,
    15: bits.WriteMultipleCoilsRequest,
}
REGISTER_WRITES: dict[int, Callable[..., ModbusPDU]] = {
    6: registers.WriteSingleRegisterRequest,
    16: registers.WriteMultipleRegistersRequest,
}


def pymodbus_says(request: Request) -> ModbusPDU:
    """The same request in the library's words."""
    where: dict[str, Any] = {"address": request.address, "dev_id": request.unit}
    if request.function in READS:
        return READS[request.function](count=request.count, **where)
    if request.function in COIL_WRITES:
        return COIL_WRITES[request.function](bits=[bool(value) for value in request.values], **where)
    return REGISTER_WRITES[request.function](registers=list(request.values), **where)


@given(requests(), words)
def test_requests_are_put_on_the_wire_as_the_library_does(request_: Request, transaction: int) -> None:
    pdu = pymodbus_says(request_)
    pdu.transaction_id = transaction
    assert rtu_frame(request_) == FramerRTU(DecodePDU(False)).buildFrame(pdu)
    assert tcp_frame(request_, transaction) == FramerSocket(DecodePDU(False)).buildFrame(pdu)


@given(reads, st.binary(max_size=300), st.lists(st.integers(0, 400), max_size=6))
def test_whatever_comes_over_rtu_is_the_answer_or_none(
    request_: Request, data: bytes, cuts: Sequence[int]
) -> None:
    framing = RtuFraming()
    framing.begin(request_)
    for piece in pieces(data, cuts):
        found = framing.take(piece)
        if isinstance(found, bytes):
            assert found.startswith(request_.reply_start) or found[0] == request_.function | 0x80
            assert with_crc(bytes([request_.unit]) + found) in data
    framing.end()


@given(reads, words, st.binary(max_size=300))
def test_whatever_comes_over_tcp_is_the_answer_or_none(
    request_: Request, transaction: int, data: bytes
) -> None:
    found = tcp_answer(data, request_, transaction)
    if isinstance(found, bytes):
        assert found in data
        assert found[:2] == transaction.to_bytes(2, "big")
        assert found[6] == request_.unit
    tcp_rest(data)


@given(reads, st.binary(max_size=40), st.integers(0, 300), st.lists(st.integers(0, 400), max_size=6))
def test_the_answer_is_found_behind_noise_and_in_pieces(
    request_: Request, noise: bytes, junk_behind: int, cuts: Sequence[int]
) -> None:
    frame = with_crc(bytes([request_.unit]) + answer_pdu(request_.unit, request_.pdu))
    found = None
    framing = RtuFraming()
    framing.hears_itself = False
    framing.begin(request_)
    for piece in pieces(noise + frame + bytes(junk_behind), cuts):
        found = found or framing.take(piece)
    assert rtu_answer(noise + frame, request_) is not None
    assert isinstance(found, bytes)


@given(reads, reads, st.integers(1, 8))
def test_the_answer_to_another_read_is_none_over_rtu_unless_it_looks_the_same(
    asked: Request, other: Request, place: int
) -> None:
    frame = with_crc(bytes([other.unit]) + answer_pdu(other.unit, other.pdu))
    looks_alike = (asked.unit, asked.reply_start) == (other.unit, other.reply_start)
    assert (rtu_answer(frame, asked) is not None) is looks_alike
    damaged = bytearray(frame)
    damaged[place % len(frame)] ^= 1 << place % 8
    assert rtu_answer(bytes(damaged), asked) is None


@given(
    st.lists(st.tuples(reads, st.booleans()), min_size=1, max_size=6),
    st.lists(st.integers(0, 2000), max_size=9),
)
def test_a_stream_of_answers_is_told_apart_by_their_numbers(
    asked: Sequence[tuple[Request, bool]], cuts: Sequence[int]
) -> None:
    """Those that come late are skipped, wherever the stream was cut."""
    framing = TcpFraming()
    owed = b""
    for request, is_late in asked:
        answer = tcp_slave(framing.begin(request))
        if is_late:
            framing.end()
            owed += answer
            continue
        found = None
        for piece in pieces(owed + answer, cuts):
            assert found is None
            found = framing.take(piece)
            assert found is not Misframed.BROKEN
        assert isinstance(found, bytes)
        assert content(request, found) == expected(
            request.unit, "holding" if request.function == 3 else "input", request.address, request.count
        )
        framing.end()
        owed = b""


# Adapters that hear themselves.


@given(reads, requests().filter(lambda one: one.is_write), st.lists(st.integers(0, 600), max_size=6))
@example(read_request(1, "holding", 0x0200, 1), Request(1, 6, 0x0100, 1, (5,)), [])
def test_the_echo_of_a_write_is_not_its_answer_once_a_read_has_shown_the_echo(
    read: Request, write: Request, cuts: Sequence[int]
) -> None:
    framing = RtuFraming()
    assert _said(framing, read, cuts, echo=True, answer=True)
    assert framing.hears_itself is True
    assert not _said(framing, write, cuts, echo=True, answer=False)
    assert _said(framing, write, cuts, echo=True, answer=True)


@given(reads, requests().filter(lambda one: one.is_write), st.lists(st.integers(0, 600), max_size=6))
def test_a_write_is_answered_once_where_a_read_has_shown_no_echo(
    read: Request, write: Request, cuts: Sequence[int]
) -> None:
    framing = RtuFraming()
    assert _said(framing, read, cuts, echo=False, answer=True)
    assert framing.hears_itself is False
    assert _said(framing, write, cuts, echo=False, answer=True)


@given(reads)
def test_an_adapter_is_known_also_by_a_device_that_says_nothing(read: Request) -> None:
    for echo in (True, False):
        framing = RtuFraming()
        assert not _said(framing, read, [], echo=echo, answer=False)
        assert framing.hears_itself is echo


@given(reads, st.integers(0, 63))
def test_an_echo_that_was_damaged_does_not_pass_for_none(read: Request, bit: int) -> None:
    framing = RtuFraming()
    frame = framing.begin(read)
    damaged = bytearray(frame)
    damaged[bit // 8] ^= 1 << bit % 8
    framing.take(bytes(damaged) + with_crc(bytes([read.unit]) + answer_pdu(read.unit, read.pdu)))
    framing.end()
    assert framing.hears_itself is not False


def _said(framing: RtuFraming, request: Request, cuts: Sequence[int], *, echo: bool, answer: bool) -> bool:
    """Whether the request was taken as answered."""
    frame = framing.begin(request)
    reply = with_crc(bytes([request.unit]) + answer_pdu(request.unit, request.pdu)) if answer else b""
    taken = False
    for piece in pieces((frame if echo else b"") + reply, cuts):
        taken = taken or isinstance(framing.take(piece), bytes)
    framing.end()
    return taken


# What Modbus cannot say.


@given(
    st.integers(-3, 300),
    st.integers(-1, 30),
    st.integers(-3, 70_000),
    st.integers(-3, 2100),
    st.lists(words, max_size=3),
)
def test_a_request_is_one_or_is_refused(
    unit: int, function: int, address: int, count: int, values: list[int]
) -> None:
    try:
        request = Request(unit, function, address, count, tuple(values))
    except ValueRefused:
        return
    assert len(rtu_frame(request)) == request.size + 3
    assert len(tcp_frame(request, 1)) == request.size + 7


@given(reads, st.binary(min_size=2, max_size=2))
def test_every_exception_is_a_refusal_with_its_code(request_: Request, tail: bytes) -> None:
    with pytest.raises(Refused) as refused:
        content(request_, bytes([request_.function | 0x80]) + tail)
    assert refused.value.code == tail[0]


# Peers that answer anything.

replies = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=300),
        st.builds(lambda cut, flip: (cut, flip), st.integers(0, 400), st.integers(0, 4000)),
    ),
    max_size=4,
)


@pytest.mark.parametrize("wire", ["tcp", "rtu over tcp", "serial"])
@given(st.lists(replies, min_size=1, max_size=4))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_a_peer_sends_only_device_errors_escape_and_nothing_hangs(
    wire: str, talks: list[list[bytes | tuple[int, int]]]
) -> None:
    asyncio.run(_talk(wire, talks))


async def _talk(wire: str, talks: list[list[bytes | tuple[int, int]]]) -> None:
    waiting = list(talks)

    def reply(request: bytes) -> Iterable[Reply]:
        right = (tcp_slave(request) if wire == "tcp" else rtu_slave(request, (1,))) or b"?"
        for one in waiting.pop(0) if waiting else ():
            yield 0, one if isinstance(one, bytes) else _damaged(right, *one)

    async with PtyPeer(reply) if wire == "serial" else TcpPeer(reply) as peer:
        link: Link
        if isinstance(peer, PtyPeer):
            link = SerialLink(peer.path, 115_200)
        else:
            link = (TcpLink if wire == "tcp" else RtuOverTcpLink)("127.0.0.1", peer.port)
        link.pace(1, Pacing(response_timeout_s=0.03))
        async with asyncio.timeout(60):
            for address in range(2 * len(talks)):
                try:
                    values = await link.read(1, "holding", address, 2)
                except DeviceError:
                    continue
                assert wire == "tcp" or values == expected(1, "holding", address, 2)
            await link.close()


def _damaged(frame: bytes, cut: int, flip: int) -> bytes:
    """The answer without one of its bytes, or with one bit turned over, or as it should be."""
    changed = bytearray(frame)
    if flip % 3 == 0:
        changed[flip % len(changed)] ^= 1 << flip % 8
    if cut % 3 == 0:
        del changed[cut % len(changed)]
    return bytes(changed)
