"""A wire as the bench uses it: one question at a time, and whatever comes back is told, also noise and echo."""

import os
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, Literal

from baywarden_drivers.bench.frames import Frame, answer_of, framed, unframed
from baywarden_drivers.errors import LinkDown
from baywarden_drivers.links.match import Misframed, rtu_answer, tcp_answer
from baywarden_drivers.links.request import Request

GENTLE_S = 0.02
_GENTLE_SERIAL_S = 0.06
"""Quiet between two questions: some meters lose what comes sooner (Eastron asks for 100 ms at full load)."""
_SILENT_CHARACTERS = 3.5
_TRAILING_S = 0.03
"""After a whole answer: a second device at the same unit would still be talking."""
_CONNECT_S = 3.0
_PSEUDO = "/dev/pts/"


class Hearing(Enum):
    """What came back."""

    ANSWER = "answer"
    REFUSED = "refused"
    SILENCE = "silence"
    NOISE = "noise"
    ECHO = "echo"
    """Only our own question."""


@dataclass(frozen=True, slots=True)
class Heard:
    """`extra` are bytes beside a good answer; `unasked` are bytes that came before the question."""

    how: Hearing
    registers: tuple[int, ...] = ()
    code: int | None = None
    data: bytes = b""
    extra: bytes = b""
    unasked: bytes = b""
    has_echo: bool = False
    took_s: float = 0.0

    @property
    def is_device(self) -> bool:
        """Whether a device has spoken; a gateway that found nobody is none."""
        return self.how is Hearing.ANSWER or (self.how is Hearing.REFUSED and self.code not in (10, 11))


@dataclass(frozen=True, slots=True)
class Setting:
    """How a serial port is set; 8 data bits."""

    baud: int = 9600
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1

    @property
    def char_s(self) -> float:
        """Seconds of one character on the wire."""
        return (9 + (self.parity != "N") + self.stop_bits) / self.baud

    def __str__(self) -> str:
        return f"{self.baud} 8{self.parity}{self.stop_bits}"


class Line(ABC):
    """Asks one question after the other. `name` is what people call the wire, `kind` what site.toml does."""

    name: str
    kind: Literal["rtu", "tcp", "rtu-over-tcp"]

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self.asked = 0
        self._quiet_until = 0.0

    @abstractmethod
    def ask(self, request: Request, *, trailing: bool = False) -> Heard:
        """Send and listen, with `trailing` also behind the answer. Raises LinkDown when the wire cannot be used."""

    @abstractmethod
    def close(self) -> None:
        """Give the wire back."""

    def _rest(self) -> None:
        pause_s = self._quiet_until - time.monotonic()
        if pause_s > 0:
            time.sleep(pause_s)

    def _done(self, heard: Heard, started: float, gap_s: float) -> Heard:
        """After a silence the answer may still come: longer quiet then."""
        now = time.monotonic()
        lost = heard.how in (Hearing.SILENCE, Hearing.NOISE)
        self._quiet_until = now + max(gap_s, GENTLE_S) + (self.timeout_s / 2 if lost else 0.0)
        self.asked += 1
        return replace(heard, took_s=now - started)


class SerialLine(Line):
    """A serial port, opened so that nobody else has it. Raises LinkDown when that cannot be."""

    def __init__(self, path: str, setting: Setting | None = None, timeout_s: float = 0.3) -> None:
        import serial  # noqa: PLC0415 (only here)

        super().__init__(timeout_s)
        self.name, self.kind = path, "rtu"
        self.setting = setting or Setting()
        self._is_pseudo = os.path.realpath(path).startswith(_PSEUDO)
        try:
            self._port: Any = serial.Serial(path, self.setting.baud, exclusive=True, timeout=0)
        except (OSError, ValueError) as error:
            raise LinkDown(_why_not(path, error)) from error
        self.set(self.setting)

    def set(self, setting: Setting) -> None:
        """Another speed or parity from now on. Raises LinkDown when the port cannot do it."""
        self.setting = setting
        try:
            self._port.baudrate = setting.baud
            self._port.stopbits = setting.stop_bits
            if not self._is_pseudo:  # a pseudo-terminal has no parity
                self._port.parity = setting.parity
            self._port.reset_input_buffer()
        except (OSError, ValueError) as error:
            raise LinkDown(f"{self.name} does not take {setting}: {error}") from error

    def listen(self, seconds: float) -> bytes:
        """What is said while nobody asks."""
        return self._collect(time.monotonic() + seconds, lambda data: False)

    def ask(self, request: Request, *, trailing: bool = False) -> Heard:
        """Send and listen; an echo of our own bytes is taken off."""
        self._rest()
        frame = framed("rtu", request.unit, request.pdu)
        char_s = self.setting.char_s
        unasked = self._take()
        started = time.monotonic()
        self._send(frame)
        until = started + self.timeout_s + (len(frame) + request.reply_size + 6) * char_s
        data = self._collect(until, lambda data: rtu_answer(_after_echo(data, frame), request) is not None)
        rest = _after_echo(data, frame)
        answer = rtu_answer(rest, request)
        if answer is not None and trailing:
            rest += self._collect(time.monotonic() + _TRAILING_S + 4 * char_s, lambda data: False)
        heard = _judged(rest, answer, request, has_echo=len(rest) < len(data))
        return self._done(
            replace(heard, unasked=unasked), started, _GENTLE_SERIAL_S + _SILENT_CHARACTERS * char_s
        )

    def close(self) -> None:
        """Give the port back."""
        self._port.close()

    def _send(self, frame: bytes) -> None:
        try:
            self._port.write(frame)
            self._port.flush()
        except OSError as error:
            raise LinkDown(f"{self.name} is gone: {error}") from error

    def _take(self) -> bytes:
        try:
            return bytes(self._port.read(4096))
        except OSError as error:
            raise LinkDown(f"{self.name} is gone: {error}") from error

    def _collect(self, until: float, is_whole: Callable[[bytes], bool]) -> bytes:
        data = b""
        while (now := time.monotonic()) < until:
            data += self._take()
            if is_whole(data):
                break
            time.sleep(min(0.002, until - now))
        return data + self._take()


class TcpLine(Line):
    """A host and port; connects when it is first asked and again after a loss."""

    def __init__(self, host: str, port: int = 502, *, rtu: bool = False, timeout_s: float = 1.0) -> None:
        super().__init__(timeout_s)
        self.name, self.kind = f"{host}:{port}", "rtu-over-tcp" if rtu else "tcp"
        self._where = host, port
        self._is_rtu = rtu
        self._socket: socket.socket | None = None
        self._transaction = 0

    def ask(self, request: Request, *, trailing: bool = False) -> Heard:
        """Send and listen. Raises LinkDown when there is no connection."""
        self._rest()
        wire = self._open()
        self._transaction = self._transaction % 0xFFFF + 1
        started = time.monotonic()
        data = self._exchange(wire, request, started + self.timeout_s)
        answer = self._answer(data, request)
        if isinstance(answer, Misframed) or (answer is None and not self._is_rtu):
            self.close()  # what comes later must not be taken for the next answer
        found = answer if isinstance(answer, bytes) else None
        heard = _judged(data, found, request, framing="rtu" if self._is_rtu else "tcp")
        return self._done(heard, started, 0.0)

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _exchange(self, wire: socket.socket, request: Request, until: float) -> bytes:
        framing: Literal["rtu", "tcp"] = "rtu" if self._is_rtu else "tcp"
        data = b""
        try:
            self._drain(wire)
            wire.sendall(framed(framing, request.unit, request.pdu, self._transaction))
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
                raise LinkDown(f"no connection to {self.name}: {error.strerror or error}") from error
        return self._socket


def _after_echo(data: bytes, frame: bytes) -> bytes:
    """What follows our own bytes, where an adapter hears itself."""
    return data[len(frame) :] if data.startswith(frame) else data


def _judged(
    data: bytes,
    answer: bytes | None,
    request: Request,
    *,
    framing: Literal["rtu", "tcp"] = "rtu",
    has_echo: bool = False,
) -> Heard:
    if answer is None:
        quiet = Hearing.ECHO if has_echo else Hearing.SILENCE
        return Heard(Hearing.NOISE if data else quiet, data=data, has_echo=has_echo)
    frame: Frame | None = unframed(framing, answer)
    said = answer_of(frame, request)
    before, _, after = data.partition(answer)
    how = Hearing.ANSWER if said.exception is None else Hearing.REFUSED
    return Heard(how, said.values, said.exception, answer, before + after, has_echo=has_echo)


def _why_not(path: str, error: Exception) -> str:
    """In words that say what to do."""
    number = getattr(error, "errno", None)
    if number == 2:
        return f"there is no serial port {path}; plugged-in ones are under /dev/serial/by-id"
    if number == 13:
        return (
            f"no permission for {path}: run as root or as a member of the group that owns it (often dialout)"
        )
    if number in (11, 16):
        return f"{path} is in use by {_owner(path)}: one wire has one master. Stop it first"
    return f"{path} cannot be opened: {error}"


def _owner(path: str) -> str:
    """The process that holds the lock on a port, by its name; in plain words where that cannot be told."""
    try:
        port = os.stat(path)
        place = f"{os.major(port.st_dev):02x}:{os.minor(port.st_dev):02x}:{port.st_ino}"
        for row in Path("/proc/locks").read_text("ascii").splitlines():
            words = row.split()
            if words[1] == "FLOCK" and words[5] == place:
                command = Path(f"/proc/{words[4]}/cmdline").read_bytes().split(b"\0")
                return f"{b' '.join(command).decode('utf-8', 'replace').strip()} (process {words[4]})"
    except (OSError, IndexError):
        pass
    return "another program"
