"""The client of the control socket, for the command line and the page."""

import socket
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from baywarden.control.wire import DEFAULT_PATH, MAX_REPLY_BYTES, WireGarbled, decode, encode

_CHUNK_BYTES: Final = 65_536


class DaemonUnreachable(Exception):
    """Nobody answers on the socket (exit code 3). `may_have_acted` says that the request was sent."""

    def __init__(self, text: str, *, may_have_acted: bool = False) -> None:
        super().__init__(text)
        self.may_have_acted = may_have_acted


class ControlClient:
    """One conversation with the daemon, opened by the first call. Not for several threads at once."""

    def __init__(self, path: Path | str = DEFAULT_PATH) -> None:
        self._path = str(path)
        self._socket: socket.socket | None = None
        self._unread = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the conversation; a later call opens a new one."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._unread.clear()

    def call(
        self,
        name: str,
        params: Mapping[str, Any] | None = None,
        timeout_s: float = 10.0,
        *,
        request_id: str | None = None,
    ) -> dict[str, Any]:
        """The daemon's reply. Raises DaemonUnreachable; asking again with the same `request_id` is safe."""
        request_id = request_id or uuid.uuid4().hex
        line = encode({"id": request_id, "name": name, "params": dict(params or {})})
        until_s = time.monotonic() + timeout_s
        wire = self._open(timeout_s)
        try:
            wire.settimeout(timeout_s)
            wire.sendall(line)
            return self._reply_to(wire, request_id, until_s)
        except TimeoutError as error:
            self.close()
            text = f"the daemon at {self._path} did not answer within {timeout_s:g} s"
            raise DaemonUnreachable(text, may_have_acted=True) from error
        except (OSError, WireGarbled) as error:
            self.close()
            text = f"the conversation with the daemon at {self._path} broke off: {error}"
            raise DaemonUnreachable(text, may_have_acted=True) from error

    def _open(self, timeout_s: float) -> socket.socket:
        if self._socket is not None:
            return self._socket
        wire = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        wire.settimeout(timeout_s)
        try:
            wire.connect(self._path)
        except OSError as error:
            wire.close()
            raise DaemonUnreachable(_why_not(self._path, error)) from error
        self._socket = wire
        return wire

    def _reply_to(self, wire: socket.socket, request_id: str, until_s: float) -> dict[str, Any]:
        while True:
            reply = decode(self._line(wire, until_s))
            if reply.get("id") in (
                request_id,
                None,
            ):  # null: the daemon could not even read whose request it was
                return reply

    def _line(self, wire: socket.socket, until_s: float) -> bytes:
        searched = 0
        while (end := self._unread.find(b"\n", searched)) < 0:
            searched = len(self._unread)
            if searched > MAX_REPLY_BYTES:
                raise WireGarbled(f"a reply of more than {MAX_REPLY_BYTES} bytes")
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            wire.settimeout(left_s)
            chunk = wire.recv(_CHUNK_BYTES)
            if not chunk:
                raise ConnectionResetError("the daemon closed the socket")
            self._unread += chunk
        line = bytes(self._unread[:end])
        del self._unread[: end + 1]
        return line


def _why_not(path: str, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no socket at {path}: is the daemon running?"
    if isinstance(error, ConnectionRefusedError):
        return f"nobody listens on {path}: is the daemon running?"
    if isinstance(error, PermissionError):
        return f"no permission for {path}: run as root or as a member of the group that owns it"
    return f"cannot open {path}: {error}"
