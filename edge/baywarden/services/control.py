"""The control socket: the technician's door. One JSON object a line in, one a line out, in order."""

import asyncio
import logging
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

    async def start(self) -> None:
        """Listen. A socket file left by a killed process is replaced, a living daemon's is not (RuntimeError)."""
        await self._refuse_if_alive()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._accept, self._path, limit=2 * MAX_REQUEST_BYTES)
        self._path.chmod(0o660)

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

    async def _answer(self, line: bytes) -> Mapping[str, Any]:
        try:
            request = decode_request(line)
        except WireGarbled as fault:
            return _refusal(fault.id, fault.detail)
        return await self._handler(request)

    @staticmethod
    async def _send(writer: asyncio.StreamWriter, reply: Mapping[str, Any]) -> None:
        writer.write(encode(reply))
        await asyncio.wait_for(writer.drain(), SEND_S)


def _refusal(request_id: str | None, detail: str) -> Mapping[str, Any]:
    return {
        "id": request_id,
        "result": "REJECTED",
        "reason": "INVALID",
        "detail": detail,
        "rev": None,
        "data": {},
    }
