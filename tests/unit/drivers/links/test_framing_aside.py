"""Two answers on one stream of Modbus TCP: each finds the one who asked, in whatever pieces they come."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from baywarden_drivers.links.framing import TcpFraming
from baywarden_drivers.links.match import Misframed
from baywarden_drivers.links.request import Request
from support.rough_slave import answer_pdu, tcp_slave

REQUESTS = st.builds(
    Request, st.integers(1, 3), st.sampled_from([3, 4]), st.integers(0, 200), st.integers(1, 20)
)


@given(REQUESTS, REQUESTS, st.booleans(), st.booleans(), st.lists(st.integers(0, 120), max_size=4))
def test_each_gets_its_own_answer(
    request: Request, beside: Request, asked_first: bool, answered_first: bool, cuts: list[int]
) -> None:
    framing = TcpFraming()
    if asked_first:
        late = tcp_slave(framing.begin_aside(beside))
        mine = tcp_slave(framing.begin(request))
    else:
        mine = tcp_slave(framing.begin(request))
        late = tcp_slave(framing.begin_aside(beside))
    stream = late + mine if answered_first else mine + late
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    found: bytes | Misframed | None = None
    for first, last in pairwise(places):
        piece = stream[first:last]
        if found is None:
            found = framing.take(piece)
            if found is not None:
                framing.end()
        else:
            assert framing.idle(piece)
    assert found == answer_pdu(request.unit, request.pdu)
    assert framing.aside_answer == answer_pdu(beside.unit, beside.pdu)


@given(REQUESTS, REQUESTS)
def test_an_answer_that_nobody_waits_for_any_longer_is_skipped(request: Request, beside: Request) -> None:
    framing = TcpFraming()
    late = tcp_slave(framing.begin_aside(beside))
    framing.end_aside()
    mine = tcp_slave(framing.begin(request))
    assert framing.take(late) is None
    assert framing.take(mine) == answer_pdu(request.unit, request.pdu)
    assert framing.aside_answer is None


def test_what_came_for_somebody_else_is_no_sign_of_the_one_who_waits() -> None:
    framing = TcpFraming()
    late = tcp_slave(framing.begin_aside(Request(2, 3, 0, 1)))
    framing.begin(Request(1, 3, 0, 1))
    assert framing.take(late) is None
    assert not framing.has_heard


def test_an_answer_aside_of_another_unit_is_none() -> None:
    framing = TcpFraming()
    asked = framing.begin_aside(Request(2, 3, 0, 1))
    framing.idle(tcp_slave(asked[:6] + b"\x01" + asked[7:]))
    assert framing.aside_answer is Misframed.BROKEN
