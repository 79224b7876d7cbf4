"""A wire as the bench uses it: one question at a time, and whatever comes back is told, also noise and echo."""

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal

from baywarden_drivers.bench.frames import Framing, answer_of, unframed
from baywarden_drivers.links.request import Request

GENTLE_S = 0.02


class Hearing(Enum):
    """What came back."""

    ANSWER = "answer"
    REFUSED = "refused"
    SILENCE = "silence"
    NOISE = "noise"
    ECHO = "echo"
    """Only our own question."""
    HUNG_UP = "hung up"
    """The connection was closed or reset instead of an answer."""


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
        """As it is typed, too: `--setting 9600/8N1`."""
        return f"{self.baud}/8{self.parity}{self.stop_bits}"


class Line(ABC):
    """Asks one question after the other. `name` is what people call the wire, `kind` what site.toml does."""

    name: str
    kind: Literal["rtu", "tcp", "rtu-over-tcp"]

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self.asked = self.hung_up = 0
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
        self.hung_up += heard.how is Hearing.HUNG_UP
        return replace(heard, took_s=now - started)


def judged(
    data: bytes,
    answer: bytes | None,
    request: Request,
    *,
    framing: Framing = "rtu",
    has_echo: bool = False,
) -> Heard:
    """What `data` is as the reply to a request; `answer` is the frame in it that answers, where there is one."""
    if answer is None:
        quiet = Hearing.ECHO if has_echo else Hearing.SILENCE
        return Heard(Hearing.NOISE if data else quiet, data=data, has_echo=has_echo)
    said = answer_of(unframed(framing, answer), request)
    before, _, after = data.partition(answer)
    how = Hearing.ANSWER if said.exception is None else Hearing.REFUSED
    return Heard(how, said.values, said.exception, answer, before + after, has_echo=has_echo)
