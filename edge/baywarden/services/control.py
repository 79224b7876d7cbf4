"""The control socket: the technician's door. One JSON object a line in, one a line out, in order."""

import asyncio
import logging
import os
import stat
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from baywarden.control.wire import MAX_REQUEST_BYTES, ControlRequest, WireGarbled, decode_request, encode

_log: Final = logging.getLogger(__name__)

IDLE_S: Final = 300.0
SEND_S: Final = 10.0
FINISH_S: Final = 2.0

Handler = Callable[[ControlRequest], Awaitable[Mapping[str, Any]]]
"""The reply as plain JSON; the handler answers wrong requests itself."""


class ControlServer:
    """Serves a unix socket that only the owner and the group may open."""

    def __init__(self, path: Path, handler: Handler) -> None:
        self._path = path
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._own: tuple[int, int] | None = None
        """Device and inode of the file that this server made."""
        self._failures: set[tuple[str, type[Exception]]] = set()

    async def start(self) -> None:
        """Listen. A socket left by a killed process is replaced, a living daemon's or another thing is not.

        Raises RuntimeError that says what lies there.
        """
        await self._refuse_if_alive()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._remove_old_socket()
        self._server = await asyncio.start_unix_server(self._accept, self._path, limit=2 * MAX_REQUEST_BYTES)
        self._path.chmod(0o660)
        self._own = _identity(self._path)

    async def stop(self) -> None:
        """Take no new request, let the running ones answer, and remove the file."""
        if self._server is None:
            return
        self._stopping = True
        self._server.close()
        if self._talks:
            await asyncio.wait(self._talks, timeout=FINISH_S)
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        if self._own is not None and _identity(self._path) == self._own:
            self._path.unlink(missing_ok=True)

    def _remove_old_socket(self) -> None:
        try:
            mode = self._path.lstat().st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISSOCK(mode):
            raise RuntimeError(
                f"{self._path} is a {_kind_of(mode)}, and it is left alone: choose another [control] socket"
            )
        self._path.unlink(missing_ok=True)

    async def _refuse_if_alive(self) -> None:
        try:
            _, writer = await asyncio.open_unix_connection(self._path)
        except OSError:
            return
        writer.close()
        raise RuntimeError(
            f"another daemon answers at {self._path}: stop it first, or choose another [control] socket"
        )

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        try:
            await self._talk(reader, writer)
        except (ConnectionError, TimeoutError):
            _log.debug("a control client went away")
        except asyncio.CancelledError:
            if not self._stopping:  # stopping is our own doing; asyncio 3.11 would log it as an error
                raise
        finally:
            self._talks.discard(talk)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not self._stopping:
            try:
                line = await asyncio.wait_for(reader.readline(), IDLE_S)
            except ValueError:
                await self._send(writer, _refusal(None, f"more than {MAX_REQUEST_BYTES} bytes"))
                return
            if not line:
                return
            await self._send(writer, await self._answer(line))

    async def _answer(self, line: bytes) -> bytes:
        """The line to send; whatever happens inside becomes an answer."""
        try:
            request = decode_request(line)
        except WireGarbled as fault:
            return _refusal(fault.id, fault.detail)
        try:
            return encode(await self._handler(request))
        except Exception as error:  # noqa: BLE001 (the answer says so, the log has it, the next one is served)
            self._note_failure(request.name, error)
            return _line(request.id, "FAILED", "FAILED", "an internal error; it is logged on site")

    def _note_failure(self, name: str, error: Exception) -> None:
        """Each kind once with its traceback: somebody may ask every second."""
        kind = (name, type(error))
        if kind in self._failures:
            _log.debug("the request %r failed again: %r", name, error)
            return
        self._failures.add(kind)
        _log.error("the request %r failed in a way that was not foreseen", name, exc_info=error)

    @staticmethod
    async def _send(writer: asyncio.StreamWriter, line: bytes) -> None:
        writer.write(line)
        await asyncio.wait_for(writer.drain(), SEND_S)


def _refusal(request_id: str | None, detail: str) -> bytes:
    return _line(request_id, "REJECTED", "INVALID", detail)


def _line(request_id: str | None, result: str, reason: str, detail: str) -> bytes:
    return encode(
        {"id": request_id, "result": result, "reason": reason, "detail": detail, "rev": None, "data": {}}
    )


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells this file from one that took its name; None when there is none."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _kind_of(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISLNK(mode):
        return "symbolic link"
    return "file" if stat.S_ISREG(mode) else "device or pipe"
