"""How requests are put on a wire and their answers found in what comes back."""

from abc import ABC, abstractmethod
from typing import Final

from baywarden_drivers.links.match import (
    MBAP,
    Misframed,
    rtu_answer,
    rtu_frame,
    tcp_answer,
    tcp_cut,
    tcp_frame,
    tcp_rest,
    tcp_start,
)
from baywarden_drivers.links.request import Request

_RTU_NOISE: Final = 1024
"""More bytes than any answer with its echo and some noise."""
_TCP_NOISE: Final = 65_536


class Framing(ABC):
    """One conversation: `begin` a request, `take` pieces until its answer is there, `end`; `idle` in between."""

    is_rtu: bool
    hears_itself: bool | None = False
    """Whether what is sent comes back before the answer; None while that is not known."""
    aside_answer: bytes | Misframed | None = None
    """The answer to the request beside the conversation, once `take` or `idle` was given it."""

    @abstractmethod
    def reset(self) -> None:
        """A new connection."""

    @abstractmethod
    def begin(self, request: Request) -> bytes:
        """The frame to be sent."""

    @abstractmethod
    def take(self, data: bytes) -> bytes | Misframed | None:
        """The answer from its function code on, when `data` completes it."""

    @abstractmethod
    def end(self) -> None:
        """Nobody waits for the answer any longer."""

    @abstractmethod
    def idle(self, data: bytes) -> bool:
        """Take what nobody asked for; False when the connection cannot be used any more."""

    def begin_aside(self, request: Request) -> bytes:
        """The frame of a request beside the conversation; only where answers tell whose they are."""
        raise NotImplementedError

    def end_aside(self) -> None:
        """Nobody waits for that answer any longer."""
        self.aside_answer = None

    @property
    def has_heard(self) -> bool:
        """Whether anything has come that may be a part of the answer."""
        return True

    @property
    def is_long_enough(self) -> bool:
        """Whether as many bytes have come as the answer has, so that more are not to be expected."""
        return False


class TcpFraming(Framing):
    """Modbus TCP: a stream without gaps, in which transactions have numbers."""

    is_rtu = False

    def __init__(self) -> None:
        self._stream = b""
        self._transaction = self._last_transaction = 0
        self._aside: tuple[Request, int] | None = None
        self._request: Request | None = None
        self._start = b""
        """How the frame of the answer begins."""
        self._size = 0

    def reset(self) -> None:
        """A new stream; its transactions go on counting, so that no two are alike for long."""
        self._stream = b""
        self._request = self._aside = None

    def begin(self, request: Request) -> bytes:
        """The frame to be sent, with the next transaction number."""
        self._transaction = self._last_transaction = self._last_transaction % 0xFFFF + 1
        self._request = request
        self._start, self._size = tcp_start(request, self._transaction), request.reply_size + MBAP
        return tcp_frame(request, self._transaction)

    def take(self, data: bytes) -> bytes | Misframed | None:
        """The answer; those to earlier transactions are skipped."""
        if len(data) == self._size and not self._stream and self._request and data.startswith(self._start):
            return data[MBAP:]  # nothing but it, as nearly always
        self._receive(data)
        if self._request is None or len(self._stream) > _TCP_NOISE:
            return Misframed.BROKEN
        found = tcp_answer(self._stream, self._request, self._transaction)
        return found[MBAP:] if isinstance(found, bytes) else found

    def end(self) -> None:
        """Only the begin of a frame stays."""
        self._request = None
        if self._stream:
            self.idle(b"")

    def idle(self, data: bytes) -> bool:
        """Keep the begin of a frame whose rest is still to come."""
        self._receive(data)
        rest = tcp_rest(self._stream)
        self._stream = rest if isinstance(rest, bytes) else b""
        return isinstance(rest, bytes)

    def begin_aside(self, request: Request) -> bytes:
        """The frame to be sent, with the next transaction number."""
        self._last_transaction = self._last_transaction % 0xFFFF + 1
        self._aside = request, self._last_transaction
        return tcp_frame(request, self._last_transaction)

    def end_aside(self) -> None:
        """Its answer is skipped from now on."""
        self.aside_answer = self._aside = None

    @property
    def has_heard(self) -> bool:
        """Not when all that came was the answer to the request beside it."""
        return bool(self._stream)

    def _receive(self, data: bytes) -> None:
        self._stream += data
        if self._aside is not None:
            found, self._stream = tcp_cut(self._stream, *self._aside)
            if found is not None:
                self._aside = None
                self.aside_answer = found[MBAP:] if isinstance(found, bytes) else found


class RtuFraming(Framing):
    """Modbus RTU: the answer is whatever has the right unit, function, length and check sum.

    An adapter for two wires may hear what it sends: the frame then comes back first. The echo of a write of one
    register is no other than its answer, so which kind of adapter it is must be known before: reads tell.
    """

    is_rtu = True

    def __init__(self) -> None:
        self.hears_itself = None
        self._heard = b""
        self._sent = b""
        self._request: Request | None = None

    def reset(self) -> None:
        """Another adapter, maybe."""
        self.hears_itself = None
        self._heard = b""
        self._request = None

    def begin(self, request: Request) -> bytes:
        """The frame to be sent; whatever came before is not its answer."""
        self._heard = b""
        self._request, self._sent = request, rtu_frame(request)
        return self._sent

    def take(self, data: bytes) -> bytes | Misframed | None:
        """The answer; behind the echo, where there is one."""
        self._heard += data
        request = self._request
        if request is None or len(self._heard) > _RTU_NOISE:
            return Misframed.BROKEN
        if self._tells_echo(request) and self._heard.startswith(self._sent):
            self.hears_itself = True
        if self.hears_itself is None and self._sent.startswith(self._heard):
            return None  # may become an echo
        frame = rtu_answer(self._heard, request, len(self._sent) if self.hears_itself else 0)
        if frame is None:
            return None
        if self.hears_itself is None and self._tells_echo(request) and self._heard.startswith(frame):
            self.hears_itself = False
        return frame[1:-2]

    def end(self) -> None:
        """A read on which nothing at all came back had no echo either."""
        request, self._request = self._request, None
        if request is not None and self.hears_itself is None and not request.is_write and not self._heard:
            self.hears_itself = False

    def idle(self, data: bytes) -> bool:
        """What comes unasked is forgotten."""
        return True

    @property
    def is_long_enough(self) -> bool:
        """Whether as many bytes have come as the answer has, with its echo where there may be one."""
        if self._request is None:
            return False
        echo = 0 if self.hears_itself is False else len(self._sent)
        return len(self._heard) >= echo + self._request.reply_size + 3

    def _tells_echo(self, request: Request) -> bool:
        """Whether the answer cannot look like the echo; only bit reads of 17 to 24 have answers as long."""
        return not request.is_write and request.reply_size + 3 != len(self._sent)
