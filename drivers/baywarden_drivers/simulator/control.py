"""The control socket: newline-delimited JSON, one answer for each request, in order."""

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from baywarden_drivers.simulator.errors import CannotServe, SimulatorError

LONGEST_LINE_BYTES = 65_536


class ControlSocket:
    """A unix socket of its owner. Answers are `{"ok": true, ...}` or `{"ok": false, "error": ...}`."""

    def __init__(self, path: Path, do: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
        self._path = path
        self._do = do
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Listen; a socket that an earlier run has left there is replaced. Raises CannotServe."""
        if self._path.is_socket():
            self._path.unlink()
        mask = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, self._path, limit=LONGEST_LINE_BYTES)
        except OSError as error:
            raise CannotServe(f"cannot open the control socket {self._path}: {error.strerror}") from error
        finally:
            os.umask(mask)

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for writer in self._writers:
            writer.close()
        self._path.unlink(missing_ok=True)

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
        except ValueError as error:
            return {"ok": False, "error": f"not JSON: {error}"}
        if not isinstance(request, dict):
            return {"ok": False, "error": 'a request is an object such as {"do": "state"}'}
        try:
            return {"ok": True, **self._do(request)}
        except SimulatorError as error:
            return {"ok": False, "error": str(error)}
