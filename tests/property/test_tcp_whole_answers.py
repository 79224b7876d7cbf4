"""An answer that comes alone and in one piece is taken without a search: with the same outcome as with one."""

from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from baywarden_drivers.links.framing import TcpFraming
from baywarden_drivers.links.match import MBAP, tcp_answer
from baywarden_drivers.links.request import Request, read_request

LAW: Final = settings(max_examples=300, deadline=None)

reads = st.builds(
    read_request,
    st.integers(0, 3),
    st.sampled_from(["holding", "input", "coil"]),
    st.integers(0, 9),
    st.integers(1, 4),
)
writes = st.builds(
    lambda unit, address, value: Request(unit, 6, address, 1, (value,)),
    st.integers(0, 3),
    st.integers(0, 9),
    st.integers(0, 9),
)


def whole_answer(request: Request, transaction: int) -> bytes:
    """What a faultless device sends."""
    pdu = request.reply_start + bytes(request.reply_size - len(request.reply_start))
    return (
        transaction.to_bytes(2, "big")
        + bytes(2)
        + (len(pdu) + 1).to_bytes(2, "big")
        + bytes([request.unit])
        + pdu
    )


@LAW
@given(
    reads | writes,
    reads | writes,
    st.integers(-1, 1),
    st.dictionaries(st.integers(0, 11), st.integers(0, 255), max_size=2),
)
def test_whatever_comes_in_one_piece_is_judged_as_by_a_search(
    asked: Request, answered: Request, late: int, damage: dict[int, int]
) -> None:
    framing = TcpFraming()
    framing.begin(asked)  # transaction 1
    framing.end()
    framing.begin(asked)  # transaction 2
    data = bytearray(whole_answer(answered, 2 + late))
    for place, byte in damage.items():
        if place < len(data):
            data[place] = byte
    expected = tcp_answer(bytes(data), asked, 2)
    assert framing.take(bytes(data)) == (expected[MBAP:] if isinstance(expected, bytes) else expected)


@LAW
@given(reads | writes, st.lists(st.integers(1, 20), max_size=4))
def test_an_answer_is_found_in_whatever_pieces_it_comes_and_the_next_one_too(
    asked: Request, sizes: list[int]
) -> None:
    framing = TcpFraming()
    for transaction in (1, 2):
        framing.begin(asked)
        rest, found = whole_answer(asked, transaction), None
        expected = rest[MBAP:]
        for size in sizes:
            if rest[:size]:
                assert found is None
                found = framing.take(rest[:size])
            rest = rest[size:]
        found = framing.take(rest) if rest else found
        framing.end()
        assert found == expected
