"""A record of what went over one wire: JSON lines, a head first, then one line for every piece of data.

{"baywarden_trace": 1, "link": "bus", "where": "/dev/ttyUSB0", "framing": "rtu", "started_at": "...", "devices": [...]}
{"at_ms": 12.4, "direction": "sent", "hex": "0103...", "what": "unit 1: read holding 0..1", "points": ["voltage_l1"]}
{"at_ms": 31.0, "direction": "received", "hex": "0103...", "what": "17254 0", "values": {"voltage_l1": "230.1 V"}}
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from baywarden_drivers.bench.frames import Answer, Framing, answer_of, answered, asked, request_of, unframed
from baywarden_drivers.bench.names import Names
from baywarden_drivers.errors import DriverError
from baywarden_drivers.links.request import Request

Direction = Literal["sent", "received"]
VERSION = 1


class TraceError(DriverError):
    """A file that is no trace; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a trace comes from. `devices` are unit, profile and connector, as far as they were known."""

    link: str
    where: str
    framing: Framing
    started_at: str
    devices: Sequence[Mapping[str, Any]] = ()

    def line(self) -> str:
        """As the first line of the file."""
        return json.dumps(
            {
                "baywarden_trace": VERSION,
                "link": self.link,
                "where": self.where,
                "framing": self.framing,
                "started_at": self.started_at,
                "devices": [dict(one) for one in self.devices],
            },
            ensure_ascii=False,
        )


@dataclass(frozen=True, slots=True)
class Piece:
    """Data that went or came at once; `at_ms` counts from the start of the trace."""

    at_ms: float
    direction: Direction
    data: bytes


@dataclass(slots=True)
class Exchange:
    """A question and all that came until the next one."""

    at_ms: float
    request_data: bytes
    request: Request | None
    received: bytes = b""
    answered_at_ms: float | None = None
    pieces: list[Piece] = field(default_factory=list)


class Reader:
    """Makes sense of pieces one after the other; an answer may come in several."""

    def __init__(self, framing: Framing, names: Names | None = None) -> None:
        self._framing = framing
        self._names = names or Names(())
        self._sent = b""
        self._request: Request | None = None
        self._received = b""

    def line(self, piece: Piece) -> dict[str, Any]:
        """The piece as a line of the file, with what it says."""
        said = self._sent_words(piece) if piece.direction == "sent" else self._received_words(piece)
        return {
            "at_ms": round(piece.at_ms, 3),
            "direction": piece.direction,
            "hex": piece.data.hex(),
            **said,
        }

    def _sent_words(self, piece: Piece) -> dict[str, Any]:
        frame = unframed(self._framing, piece.data)
        self._request = None if frame is None else request_of(frame)
        self._sent, self._received = piece.data, b""
        if self._request is None:
            return {"what": "a question of an unknown kind"}
        points = self._names.of(self._request)
        return {"what": asked(self._request), **({"points": points} if points else {})}

    def _received_words(self, piece: Piece) -> dict[str, Any]:
        self._received += piece.data
        if self._request is None:
            return {"what": "nobody asked for this"}
        answer = whole_answer(self._framing, self._received, self._sent, self._request)
        if answer is None:
            return {"what": f"{len(self._received)} bytes so far, no whole answer"}
        values = self._names.values(self._request, answer)
        return {"what": answered(answer), **({"values": dict(values)} if values else {})}


def whole_answer(framing: Framing, received: bytes, sent: bytes, request: Request) -> Answer | None:
    """The answer once it is whole; an echo before it is skipped. None while bytes are missing or damaged."""
    data = received.removeprefix(sent) if framing == "rtu" and len(received) > len(sent) else received
    frame = unframed(framing, data)
    return None if frame is None else answer_of(frame, request)


def read_trace(path: Path) -> tuple[Head, list[Piece]]:
    """Raises TraceError and OSError."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return parse_trace(file, str(path))


def parse_trace(lines: Iterable[str], source: str) -> tuple[Head, list[Piece]]:
    """Head and pieces; a last line that was cut is left out. Raises TraceError."""
    rows = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise TraceError(f"{source}: is empty")
    head = _head(_object(rows[0][1], f"{source}:1"), source)
    pieces = []
    for number, line in rows[1:]:
        try:
            pieces.append(_piece(_object(line, f"{source}:{number}"), f"{source}:{number}"))
        except TraceError:
            if number != rows[-1][0] or line.endswith("\n"):
                raise
    return head, pieces


def exchanges(framing: Framing, pieces: Sequence[Piece]) -> Iterator[Exchange]:
    """Questions with what was answered to each."""
    current: Exchange | None = None
    for piece in pieces:
        if piece.direction == "sent":
            if current is not None:
                yield current
            frame = unframed(framing, piece.data)
            current = Exchange(piece.at_ms, piece.data, None if frame is None else request_of(frame))
        elif current is not None:
            current.received += piece.data
            current.answered_at_ms = piece.at_ms
            current.pieces.append(piece)
    if current is not None:
        yield current


def _object(line: str, place: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        raise TraceError(f"{place}: is no JSON") from None
    if not isinstance(found, dict):
        raise TraceError(f"{place}: is no JSON object")
    return found


def _head(row: Mapping[str, Any], source: str) -> Head:
    if row.get("baywarden_trace") != VERSION:
        raise TraceError(f"{source}:1: is no trace: the first line must say baywarden_trace = {VERSION}")
    framing = row.get("framing")
    if framing not in ("tcp", "rtu"):
        raise TraceError(f"{source}:1: framing: must be tcp or rtu, not {framing!r}")
    devices = row.get("devices")
    known = [one for one in devices if isinstance(one, dict)] if isinstance(devices, list) else []
    texts = [str(row.get(key, "")) for key in ("link", "where", "started_at")]
    return Head(texts[0], texts[1], cast(Framing, framing), texts[2], known)


def _piece(row: Mapping[str, Any], place: str) -> Piece:
    at_ms, direction, text = row.get("at_ms"), row.get("direction"), row.get("hex")
    if isinstance(at_ms, bool) or not isinstance(at_ms, int | float):
        raise TraceError(f"{place}: at_ms: must be a number")
    if direction not in ("sent", "received"):
        raise TraceError(f"{place}: direction: must be sent or received, not {direction!r}")
    try:
        data = bytes.fromhex(text) if isinstance(text, str) else None
    except ValueError:
        data = None
    if data is None:
        raise TraceError(f"{place}: hex: must be bytes as hexadecimal digits")
    return Piece(float(at_ms), cast(Direction, direction), data)
