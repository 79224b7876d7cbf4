"""A serial line with one or more devices that only understand their own speed, and every fault of a bad wiring.

It is the far end of a pseudo-terminal, which knows at what speed the near end was opened.
"""

import os
import select
import termios
import threading
import tty
from pathlib import Path
from typing import Final, Self

from pymodbus.framer.rtu import FramerRTU

_SPEEDS: Final = {9600: termios.B9600, 19200: termios.B19200, 38400: termios.B38400, 2400: termios.B2400}
_OUTPUT_SPEED: Final = 5
_REQUEST_BYTES: Final = 8


class PickyLine:
    """Every register of a device is its unit number, so that anybody's answer can be told from another's."""

    def __init__(
        self,
        path: Path,
        *units: int,
        baud: int = 9600,
        echoes: bool = False,
        garbles: bool = False,
        twice: bool = False,
        chatter: bytes = b"",
        only: int | None = None,
    ) -> None:
        self.path = path
        self.requests = 0
        self._units, self._speed = units, _SPEEDS[baud]
        self._echoes, self._garbles, self._twice, self._chatter = echoes, garbles, twice, chatter
        self._only = only
        """The only function that is answered; None: reads of registers."""
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        path.symlink_to(os.ttyname(self._slave))
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._run, name="picky line", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.write(self._wake_write, b"x")
        self._thread.join()
        for descriptor in (self._master, self._slave, self._wake_read, self._wake_write):
            os.close(descriptor)
        self.path.unlink()

    def _run(self) -> None:
        heard = b""
        while True:
            ready, _, _ = select.select([self._master, self._wake_read], [], [], 0.05)
            if self._wake_read in ready:
                return
            if not ready:
                heard = b""
                if self._chatter:
                    os.write(self._master, self._chatter)
                continue
            heard += os.read(self._master, 1024)
            if len(heard) >= _REQUEST_BYTES:
                self._take(heard[:_REQUEST_BYTES])
                heard = heard[_REQUEST_BYTES:]

    def _take(self, request: bytes) -> None:
        self.requests += 1
        if self._echoes:
            os.write(self._master, request)
        is_understood = termios.tcgetattr(self._master)[_OUTPUT_SPEED] == self._speed
        if not is_understood or request[0] not in self._units:
            return
        if self._only is not None and request[1] != self._only:
            return
        frame = _answer(request)
        if self._garbles:
            frame = bytes(byte ^ 0x55 for byte in frame)
        os.write(self._master, frame * (2 if self._twice else 1))


def _answer(request: bytes) -> bytes:
    unit, function, count = request[0], request[1], int.from_bytes(request[4:6], "big")
    if function not in (3, 4):
        body = bytes([unit, function | 0x80, 1])
    else:
        body = bytes([unit, function, 2 * count]) + unit.to_bytes(2, "big") * count
    return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")
