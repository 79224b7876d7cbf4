"""A pseudo-terminal that looks like a serial port to whoever opens its other end."""

import asyncio
import os
import socket
import tty
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from baywarden_drivers.reasons import reason_of
from baywarden_drivers.simulator.errors import CannotServe

READ_BYTES = 1024
TERMINALS = Path("/dev/pts")


class Claim:
    """Tells other simulators that this pseudo-terminal is served. Raises CannotServe where one serves it already.

    A lock on the port itself would keep out those for whom it is made. The kernel forgets the name with its process.
    """

    def __init__(self, port: Path) -> None:
        told = os.stat(port)
        self._name = socket.socket(socket.AF_UNIX)
        try:
            self._name.bind(f"\0baywarden simulator on terminal {told.st_dev}:{told.st_rdev}")
        except OSError as error:
            self._name.close()
            raise CannotServe(
                f"another simulator serves the serial port {port}: end it first, or name another path"
            ) from error

    def close(self) -> None:
        """Let others have it."""
        self._name.close()


class Pty:
    """A pair of ends. We keep one; `path` is the other, and `link` (when given) a symbolic link to it."""

    def __init__(self, link: Path | None = None) -> None:
        self.master, self._slave = os.openpty()
        # Held open by us too: a master whose other end nobody has open reads as hung up.
        tty.setraw(self._slave)
        os.set_blocking(self.master, False)
        self.path = Path(os.ttyname(self._slave))
        self._claim = Claim(self.path)
        self.link = link
        if link is not None:
            self._point(link)

    def _point(self, link: Path) -> None:
        try:
            if link.is_symlink() and not link.exists() and link.readlink().is_relative_to(TERMINALS):
                link.unlink()  # what an earlier run has left when it was killed
            link.symlink_to(self.path)
        except FileNotFoundError as error:
            self.close()
            raise CannotServe(
                f"cannot make the serial port {link}: there is no folder {link.parent}"
            ) from error
        except OSError as error:
            self.close()
            raise CannotServe(f"cannot make the serial port {link}: {reason_of(error)}") from error

    def close(self) -> None:
        """Hang up: whoever has the port open sees an input/output error."""
        if self.link is not None and self.link.is_symlink() and os.readlink(self.link) == str(self.path):
            self.link.unlink()
        self._claim.close()
        for end in (self.master, self._slave):
            with suppress(OSError):
                os.close(end)


class PtyTransport(asyncio.Transport):
    """The master end of a pseudo-terminal as an asyncio transport."""

    def __init__(self, pty: Pty, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._pty = pty
        self._protocol = protocol
        self._is_open = True
        self._loop.add_reader(pty.master, self._read)
        self._loop.call_soon(protocol.connection_made, self)

    def _read(self) -> None:
        try:
            data = os.read(self._pty.master, READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(error)
            return
        self._protocol.data_received(data)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send at once; what nobody reads for long is lost, as on a real bus."""
        if self._is_open:
            with suppress(BlockingIOError):
                os.write(self._pty.master, data)

    def is_closing(self) -> bool:
        return not self._is_open

    def close(self) -> None:
        self._end(None)

    def abort(self) -> None:
        self._end(None)

    def _end(self, error: Exception | None) -> None:
        if not self._is_open:
            return
        self._is_open = False
        self._loop.remove_reader(self._pty.master)
        self._pty.close()
        if error is not None:
            self._loop.call_soon(self._protocol.connection_lost, error)


async def open_pty(
    link: Path | None, make_protocol: Callable[[], asyncio.Protocol]
) -> tuple[PtyTransport, asyncio.Protocol, Pty]:
    """Make a pseudo-terminal and put a protocol on our end of it. Raises CannotServe."""
    pty = Pty(link)
    protocol = make_protocol()
    return PtyTransport(pty, protocol), protocol, pty
