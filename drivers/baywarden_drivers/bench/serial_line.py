"""A serial port as the bench uses it, opened so that nobody else has it."""

import errno
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from baywarden_drivers.bench.frames import framed
from baywarden_drivers.bench.line import Heard, Line, Setting, judged
from baywarden_drivers.errors import LinkDown
from baywarden_drivers.links.match import rtu_answer
from baywarden_drivers.links.request import Request
from baywarden_drivers.reasons import reason_of

_GENTLE_S = 0.06
"""Quiet between two questions: some meters lose what comes sooner (Eastron asks for 100 ms at full load)."""
_SILENT_CHARACTERS = 3.5
_TRAILING_S = 0.03
"""After a whole answer: a second device at the same unit would still be talking."""
_LOOK_EVERY_S = 0.002
_PSEUDO = "/dev/pts/"


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
            raise LinkDown(f"{self.name} does not take {setting}: {reason_of(error)}") from error

    @classmethod
    def check(cls, path: str) -> None:
        """Whether the port could be opened now. Raises LinkDown, which says who has it or what to do."""
        cls(path).close()

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
        heard = judged(rest, answer, request, has_echo=len(rest) < len(data))
        return self._done(replace(heard, unasked=unasked), started, _GENTLE_S + _SILENT_CHARACTERS * char_s)

    def close(self) -> None:
        """Give the port back."""
        self._port.close()

    def _send(self, frame: bytes) -> None:
        try:
            self._port.write(frame)
            self._port.flush()
        except OSError as error:
            raise LinkDown(f"{self.name} is gone: {reason_of(error)}") from error

    def _take(self) -> bytes:
        try:
            return bytes(self._port.read(4096))
        except OSError as error:
            raise LinkDown(f"{self.name} is gone: {reason_of(error)}") from error

    def _collect(self, until: float, is_whole: Callable[[bytes], bool]) -> bytes:
        data = b""
        while (now := time.monotonic()) < until:
            data += self._take()
            if is_whole(data):
                break
            time.sleep(min(_LOOK_EVERY_S, until - now))
        return data + self._take()


def _after_echo(data: bytes, frame: bytes) -> bytes:
    """What follows our own bytes, where an adapter hears itself."""
    return data[len(frame) :] if data.startswith(frame) else data


def _why_not(path: str, error: Exception) -> str:
    """In words that say what to do."""
    number = getattr(error, "errno", None)
    if number == errno.ENOENT:
        return f"there is no serial port {path}; plugged-in ones are under /dev/serial/by-id"
    if number == errno.EACCES:
        return (
            f"no permission for {path}: run as root or as a member of the group that owns it (often dialout)"
        )
    if number in (errno.EAGAIN, errno.EBUSY):
        return (
            f"{path} is in use by {_owner(path)}: one wire has one master. Stop it first, or where it is the daemon, "
            "ask it: baywarden device read --evse ID"
        )
    return f"{path} cannot be opened as a serial port: {_no_port(error)}"


def _no_port(error: Exception) -> str:
    """What it is instead, as far as the machine tells."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(getattr(cause, "errno", None), int):
        cause = cause.__cause__ or cause.__context__
    is_told = cause is not None and "Errno" not in reason_of(cause)
    return reason_of(cause) if cause is not None and is_told else "it is no serial port"


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
