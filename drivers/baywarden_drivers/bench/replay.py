"""Serves a recorded trace as a Modbus peer: each question gets what was answered to it then, in the recorded order.

A read that lies inside a recorded one gets its part of that answer: the daemon asks for blocks, a person for points.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from baywarden_drivers.bench.frames import Frame, Framing, asked, framed, request_of, unframed
from baywarden_drivers.bench.trace import Exchange, Piece, exchanges, whole_answer
from baywarden_drivers.links.request import Request
from baywarden_drivers.simulator.pty import PtyTransport, open_pty

_ILLEGAL_ADDRESS = 2
_LONGEST_FRAME = 260
_LONG_WRITES = (15, 16)
_REGISTER_READS = (3, 4)
_SHORT_REQUEST = 8

Tell = Callable[[str], None]
"""Takes a sentence on what does not match the record."""


@dataclass(slots=True)
class Tally:
    """How a replay went."""

    asked: int = 0
    answered: int = 0
    repeated: int = 0
    """Questions asked more often than they are in the trace; they got the last answer again."""
    parts: int = 0
    """Questions that were answered with a part of a longer recorded answer."""
    unknown: Counter[str] = field(default_factory=Counter)
    """Questions that are not in the trace; they were refused."""
    unasked: int = 0
    """Recorded questions that nobody has asked."""


class Recording:
    """The recorded answers, by question."""

    def __init__(self, framing: Framing, pieces: Sequence[Piece], tell: Tell | None = None) -> None:
        self.framing = framing
        self.tally = Tally()
        self._tell = tell or (lambda sentence: None)
        self._answers: dict[Request, list[Exchange]] = {}
        self._used: Counter[Request] = Counter()
        self._reached: dict[Request, int] = {}
        for exchange in exchanges(framing, pieces):
            if exchange.request is not None:
                self._answers.setdefault(exchange.request, []).append(exchange)

    @property
    def units(self) -> list[int]:
        """The units that were asked."""
        return sorted({request.unit for request in self._answers})

    def answer(self, frame: Frame, framing: Framing) -> tuple[bytes, float]:
        """The bytes to send back (none for a recorded silence), and after how many seconds it was then."""
        self.tally.asked += 1
        request = request_of(frame)
        recorded = None if request is None else self._recorded(request)
        if request is None or recorded is None:
            return self._refusal(frame, framing, request), 0.0
        exchange = self._next(request, recorded)
        self.tally.answered += 1
        later_s = max(0.0, (exchange.answered_at_ms or exchange.at_ms) - exchange.at_ms) / 1000
        if recorded == request:
            return self._again(exchange, frame, framing), later_s
        self.tally.parts += 1
        return framed(
            framing, frame.unit, self._part(exchange, recorded, request), frame.transaction
        ), later_s

    def finish(self) -> Tally:
        """The tally with what was never asked."""
        self.tally.unasked = sum(
            max(0, len(known) - self._reached.get(request, 0)) for request, known in self._answers.items()
        )
        return self.tally

    def _recorded(self, request: Request) -> Request | None:
        """The recorded question that answers this one: the same, or a longer read with this one inside."""
        if request in self._answers:
            return request
        if request.function not in _REGISTER_READS:
            return None
        longer = (one for one in self._answers if _holds(one, request))
        return next((one for one in longer if any(self._values(e, one) for e in self._answers[one])), None)

    def _next(self, request: Request, recorded: Request) -> Exchange:
        """The exchange whose turn it is."""
        known = self._answers[recorded]
        turn = self._used[request]
        self._used[request] += 1
        self._reached[recorded] = max(self._reached.get(recorded, 0), turn + 1)
        if turn >= len(known):
            self.tally.repeated += 1
            if turn == len(known):
                self._tell(f"the trace has no further answer: {asked(request)}; its last one is repeated")
        return known[min(turn, len(known) - 1)]

    def _values(self, exchange: Exchange, recorded: Request) -> tuple[int, ...]:
        """What was answered then; nothing for a refusal or a silence."""
        answer = whole_answer(self.framing, exchange.received, exchange.request_data, recorded)
        return answer.values if answer is not None and answer.good else ()

    def _part(self, exchange: Exchange, recorded: Request, request: Request) -> bytes:
        """The registers that were asked for, cut out of what was answered; a refusal where that was none."""
        start = request.address - recorded.address
        values = self._values(exchange, recorded)[start : start + request.count]
        if len(values) != request.count:
            return bytes([request.function | 0x80, _ILLEGAL_ADDRESS])
        return request.reply_start + b"".join(value.to_bytes(2, "big") for value in values)

    def _again(self, exchange: Exchange, frame: Frame, framing: Framing) -> bytes:
        """The recorded bytes; in the framing of whoever asks, as far as they were a whole frame."""
        received = exchange.received
        if self.framing == "rtu" and len(received) > len(exchange.request_data):
            received = received.removeprefix(exchange.request_data)
        whole = unframed(self.framing, received)
        if whole is not None:
            return framed(framing, whole.unit, whole.pdu, frame.transaction)
        return received if framing == self.framing else b""

    def _refusal(self, frame: Frame, framing: Framing, request: Request | None) -> bytes:
        said = asked(request) if request is not None else f"unit {frame.unit}: {frame.pdu.hex()}"
        if not self.tally.unknown[said]:
            self._tell(f"not in the trace: {said}; refused")
        self.tally.unknown[said] += 1
        pdu = bytes([frame.pdu[0] | 0x80, _ILLEGAL_ADDRESS])
        return framed(framing, frame.unit, pdu, frame.transaction)


def _holds(longer: Request, request: Request) -> bool:
    """Whether all that is asked for lies inside the longer read."""
    is_alike = (longer.unit, longer.function) == (request.unit, request.function)
    end, longer_end = request.address + request.count, longer.address + longer.count
    return is_alike and longer.address <= request.address and end <= longer_end


class Peer(asyncio.Protocol):
    """One connection to whoever asks."""

    def __init__(self, recording: Recording, framing: Framing, *, timed: bool) -> None:
        self._recording = recording
        self._framing: Framing = framing
        self._timed = timed
        self._buffer = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody has connected."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        self._buffer += data
        while (size := _request_size(self._framing, self._buffer)) and len(self._buffer) >= size:
            piece, self._buffer = self._buffer[:size], self._buffer[size:]
            frame = unframed(self._framing, piece)
            if frame is None or not frame.pdu:
                self._buffer = b""  # out of step: wait for the next question
                return
            self._answer(frame)
        if len(self._buffer) > _LONGEST_FRAME:
            self._buffer = b""

    def _answer(self, frame: Frame) -> None:
        data, later_s = self._recording.answer(frame, self._framing)
        transport = self._transport
        if not data or transport is None:
            return
        if self._timed and later_s > 0:
            asyncio.get_running_loop().call_later(later_s, _write, transport, data)
        else:
            _write(transport, data)


def _write(transport: asyncio.WriteTransport, data: bytes) -> None:
    if not transport.is_closing():
        transport.write(data)


def _request_size(framing: Framing, data: bytes) -> int:
    """The length of the request that `data` begins with; 0 while that cannot be told."""
    if framing == "tcp":
        return 6 + int.from_bytes(data[4:6], "big") if len(data) > 6 else 0
    if len(data) < 7:
        return 0
    return 9 + data[6] if data[1] in _LONG_WRITES else _SHORT_REQUEST


async def serve_tcp(
    recording: Recording, host: str, port: int, framing: Framing, *, timed: bool
) -> tuple[asyncio.Server, int]:
    """Listen; the server and its port. Raises OSError."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Peer(recording, framing, timed=timed), host, port)
    return server, int(server.sockets[0].getsockname()[1])


async def serve_pty(recording: Recording, path: Path, *, timed: bool) -> PtyTransport:
    """Answer on a pseudo-terminal linked at `path`. Raises CannotServe."""
    transport, _, _ = await open_pty(path, lambda: Peer(recording, "rtu", timed=timed))
    return transport
