"""A replay answers with what was answered then, whole or the part that is asked for, and with nothing else."""

from baywarden_drivers.bench.frames import Answer, answer_of, framed, unframed
from baywarden_drivers.bench.replay import Recording
from baywarden_drivers.bench.trace import Piece
from baywarden_drivers.links.request import Request

BLOCK = Request(2, 4, 6, 6)


def pieces(request: Request, *answers: bytes) -> list[Piece]:
    """The question, each time with one of these answers (from the function code on)."""
    found = []
    for at, pdu in enumerate(answers):
        found.append(Piece(10.0 * at, "sent", framed("rtu", request.unit, request.pdu)))
        found.append(Piece(10.0 * at + 5, "received", framed("rtu", request.unit, pdu)))
    return found


def values(request: Request, *registers: int) -> bytes:
    """The answer to a read."""
    return request.reply_start + b"".join(value.to_bytes(2, "big") for value in registers)


def asked(recording: Recording, request: Request) -> Answer:
    """What the replay answers."""
    frame = unframed("rtu", framed("rtu", request.unit, request.pdu))
    assert frame is not None
    data, _ = recording.answer(frame, "rtu")
    return answer_of(unframed("rtu", data), request)


def test_a_read_inside_a_recorded_one_gets_its_part_of_that_answer() -> None:
    first, second = (values(BLOCK, *range(start, start + 6)) for start in (10, 20))
    recording = Recording("rtu", pieces(BLOCK, first, second))
    part = Request(2, 4, 8, 2)
    assert [asked(recording, part).values for _ in range(3)] == [(12, 13), (22, 23), (22, 23)]
    assert asked(recording, BLOCK).values == (10, 11, 12, 13, 14, 15), "each question has its own turn"
    tally = recording.finish()
    assert (tally.answered, tally.parts, tally.repeated, tally.unasked) == (4, 3, 1, 0)
    assert not tally.unknown


def test_what_reaches_beyond_the_recorded_read_is_refused() -> None:
    recording = Recording("rtu", pieces(BLOCK, values(BLOCK, *range(6))))
    for other in (Request(2, 4, 5, 2), Request(2, 4, 11, 2), Request(2, 3, 8, 2), Request(3, 4, 8, 2)):
        assert asked(recording, other).exception == 2
    tally = recording.finish()
    assert (tally.answered, len(tally.unknown), tally.unasked) == (0, 4, 1)


def test_a_refusal_of_then_is_no_part_of_anything() -> None:
    refusal = bytes([0x84, 2])
    recording = Recording("rtu", pieces(BLOCK, refusal))
    assert asked(recording, Request(2, 4, 8, 2)).exception == 2
    assert len(recording.finish().unknown) == 1
    mixed = Recording("rtu", pieces(BLOCK, refusal, values(BLOCK, *range(6))))
    part = Request(2, 4, 8, 2)
    assert asked(mixed, part).exception == 2
    assert asked(mixed, part).values == (2, 3)
