"""Two ends of one serial line: socat where installed, else Python's own pseudo-terminals with a relay."""

import os
import select
import shutil
import subprocess
import threading
import time
import tty
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

_READY_S: Final = 15.0
_CHUNK: Final = 4096


class SerialPair:
    """`left` and `right` are paths to open as serial ports; what goes in at one comes out at the other.

    `unplug` takes the line away as a pulled adapter would, `replug` brings the same paths back.
    """

    def __init__(self, folder: Path, *, use_socat: bool | None = None) -> None:
        self._wants_socat = shutil.which("socat") is not None if use_socat is None else use_socat
        folder.mkdir(parents=True, exist_ok=True)
        self.left, self.right = folder / "left", folder / "right"
        self._line: _SocatLine | _PtyLine | None = None

    @property
    def kind(self) -> str:
        """What carries the bytes."""
        return "socat" if self._wants_socat else "pty"

    def __enter__(self) -> Self:
        self.replug()
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()

    def replug(self) -> None:
        """Make the line."""
        self.unplug()
        maker = _SocatLine if self._wants_socat else _PtyLine
        self._line = maker(self.left, self.right)

    def unplug(self) -> None:
        """Take the line away; who has it open gets an input/output error or an end of file."""
        if self._line is not None:
            self._line.close()
            self._line = None
        for end in (self.left, self.right):
            end.unlink(missing_ok=True)


class _SocatLine:
    def __init__(self, left: Path, right: Path) -> None:
        ends = [f"pty,raw,echo=0,link={end}" for end in (left, right)]
        self._process = subprocess.Popen(
            ["socat", *ends], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + _READY_S
        while not (left.exists() and right.exists()):
            if time.monotonic() > until or self._process.poll() is not None:
                self.close()
                raise RuntimeError("socat did not make the serial pair")
            time.sleep(0.01)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


class _PtyLine:
    """The relay keeps both far ends open itself, so that a port may be closed and opened again."""

    def __init__(self, left: Path, right: Path) -> None:
        self._masters: list[int] = []
        self._slaves: list[int] = []
        for end in (left, right):
            master, slave = os.openpty()
            tty.setraw(slave)
            os.set_blocking(master, False)
            end.unlink(missing_ok=True)
            end.symlink_to(os.ttyname(slave))
            self._masters.append(master)
            self._slaves.append(slave)
        self._wake_read, self._wake_write = os.pipe()
        self._relay = threading.Thread(target=self._run, name="serial-pair", daemon=True)
        self._relay.start()

    def close(self) -> None:
        os.write(self._wake_write, b"x")
        self._relay.join()
        for descriptor in (*self._masters, *self._slaves, self._wake_read, self._wake_write):
            os.close(descriptor)

    def _run(self) -> None:
        one, other = self._masters
        while True:
            ready, _, _ = select.select([one, other, self._wake_read], [], [])
            if self._wake_read in ready:
                return
            for source, sink in ((one, other), (other, one)):
                if source in ready:
                    _copy(source, sink)


def _copy(source: int, sink: int) -> None:
    """A full line loses bytes, as a real one does."""
    with suppress(BlockingIOError):
        os.write(sink, os.read(source, _CHUNK))
