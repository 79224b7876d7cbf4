"""The control socket: newline-delimited JSON, one answer for each request, in order."""

import asyncio
import errno
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from baywarden_drivers.reasons import reason_of
from baywarden_drivers.simulator.errors import CannotServe, SimulatorError

LONGEST_LINE_BYTES = 65_536
PATIENCE_S = 10.0
"""For somebody who has the socket and is slow to take us."""


class ControlSocket:
    """A unix socket of its owner. Answers are `{"ok": true, ...}` or `{"ok": false, "error": ...}`."""

    def __init__(self, path: Path, do: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
        self._path = path
        self._do = do
        self._server: asyncio.Server | None = None
        self._file = 0
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Listen; a socket that an earlier run has left there is replaced. Raises CannotServe."""
        await self._make_way()
        mask = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, self._path, limit=LONGEST_LINE_BYTES)
            self._file = self._path.stat().st_ino
        except OSError as error:
            raise CannotServe(f"cannot open the control socket {self._path}: {_why_not(error)}") from error
        finally:
            os.umask(mask)

    async def _make_way(self) -> None:
        """Remove what nobody listens on any more; raises CannotServe where somebody does."""
        try:
            if not self._path.is_socket():
                return
            _, writer = await asyncio.wait_for(asyncio.open_unix_connection(self._path), PATIENCE_S)
        except (ConnectionRefusedError, FileNotFoundError):
            self._path.unlink(missing_ok=True)
            return
        except PermissionError as error:
            raise CannotServe(f"no permission for the control socket {self._path}") from error
        except (OSError, TimeoutError) as error:
            raise CannotServe(
                f"somebody has the control socket {self._path}: {reason_of(error)}; end it first, or name another path"
            ) from error
        writer.close()
        raise CannotServe(
            f"another simulator answers at the control socket {self._path}: end it first, or name another path"
        )

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for writer in self._writers:
            writer.close()
        with suppress(OSError):  # what stands there may be another's by now
            if self._path.stat().st_ino == self._file:
                self._path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while line := await reader.readline():
                writer.write(json.dumps(self._answer(line)).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass  # the client is gone, or its line has no end
        finally:
            self._writers.discard(writer)
            writer.close()

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
        except ValueError:
            return {"ok": False, "error": 'a request is a line of JSON such as {"do": "state"}'}
        if not isinstance(request, dict):
            return {"ok": False, "error": 'a request is an object such as {"do": "state"}'}
        try:
            return {"ok": True, **self._do(request)}
        except SimulatorError as error:
            return {"ok": False, "error": str(error)}


def _why_not(error: OSError) -> str:
    """In words; a path that is too long has no number of its own."""
    if error.errno == errno.EADDRINUSE:
        return "a file that is no socket stands there"
    return "its path is too long" if "too long" in str(error) else reason_of(error)
