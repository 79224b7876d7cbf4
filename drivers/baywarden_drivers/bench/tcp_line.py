"""A host and port as the bench uses it."""

import socket
import time
from dataclasses import replace
from typing import Final

from baywarden_drivers.bench.frames import Framing, framed
from baywarden_drivers.bench.line import Heard, Hearing, Line, judged
from baywarden_drivers.errors import LinkDown
from baywarden_drivers.links.match import Misframed, rtu_answer, tcp_answer
from baywarden_drivers.links.request import Request
from baywarden_drivers.reasons import reason_of

_CONNECT_S: Final = 3.0


class TcpLine(Line):
    """A host and port; connects when it is first asked and again after a loss."""

    def __init__(self, host: str, port: int = 502, *, rtu: bool = False, timeout_s: float = 1.0) -> None:
        super().__init__(timeout_s)
        self.name, self.kind = f"{host}:{port}", "rtu-over-tcp" if rtu else "tcp"
        self._where = host, port
        self._is_rtu = rtu
        self._framing: Framing = "rtu" if rtu else "tcp"
        self._socket: socket.socket | None = None
        self._transaction = 0

    def ask(self, request: Request, *, trailing: bool = False) -> Heard:
        """Send and listen. Raises LinkDown when there is no connection.

        A connection that was closed since the last question is no answer to this one, so it is asked on a new one.
        """
        self._rest()
        was_open = self._socket is not None
        started = time.monotonic()
        heard = self._asked(request)
        if heard.how is Hearing.HUNG_UP and was_open:
            heard = self._asked(request)
        return self._done(heard, started, 0.0)

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _asked(self, request: Request) -> Heard:
        """One question on the connection that is there, or on a new one."""
        wire = self._open()
        self._transaction = self._transaction % 0xFFFF + 1
        data = self._exchange(wire, request, time.monotonic() + self.timeout_s)
        hung_up = self._socket is None
        answer = self._answer(data, request)
        if isinstance(answer, Misframed) or (answer is None and not self._is_rtu):
            self.close()  # what comes later must not be taken for the next answer
        found = answer if isinstance(answer, bytes) else None
        heard = judged(data, found, request, framing=self._framing)
        return replace(heard, how=Hearing.HUNG_UP) if hung_up and heard.how is Hearing.SILENCE else heard

    def _exchange(self, wire: socket.socket, request: Request, until: float) -> bytes:
        """What came until the answer was whole or the time was over; `close` has been called where it was hung up."""
        data = b""
        try:
            self._drain(wire)
            wire.sendall(framed(self._framing, request.unit, request.pdu, self._transaction))
            while (left_s := until - time.monotonic()) > 0 and self._answer(data, request) is None:
                wire.settimeout(left_s)
                chunk = wire.recv(4096)
                if not chunk:
                    self.close()
                    break
                data += chunk
        except TimeoutError:
            pass
        except OSError:
            self.close()
        return data

    def _drain(self, wire: socket.socket) -> None:
        wire.setblocking(False)
        try:
            while wire.recv(4096):
                pass
            raise ConnectionResetError  # nothing more will come: it was closed since the last question
        except BlockingIOError:
            pass
        finally:
            wire.settimeout(self.timeout_s)

    def _answer(self, data: bytes, request: Request) -> bytes | Misframed | None:
        return rtu_answer(data, request) if self._is_rtu else tcp_answer(data, request, self._transaction)

    def _open(self) -> socket.socket:
        if self._socket is None:
            try:
                self._socket = socket.create_connection(self._where, timeout=_CONNECT_S)
            except OSError as error:
                raise LinkDown(f"no connection to {self.name}: {reason_of(error)}") from error
        return self._socket
