"""A daemon's control socket that answers as it was told and remembers what it was asked."""

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingUnixStreamServer
from types import TracebackType
from typing import Any, Self

Answer = Mapping[str, Any] | Callable[[Mapping[str, Any]], Mapping[str, Any]]


class FakeDaemon:
    """Answers each name with its reply (or the reply made from the params); an unknown name is hung up on."""

    def __init__(self, path: Path, answers: Mapping[str, Answer]) -> None:
        self.path = path
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self._answers = answers
        self._server = ThreadingUnixStreamServer(str(path), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[StreamRequestHandler]:
        daemon = self

        class Handler(StreamRequestHandler):
            def handle(self) -> None:
                for line in self.rfile:
                    request = json.loads(line)
                    name, params = request["name"], request["params"]
                    daemon.asked.append((name, params))
                    if name not in daemon._answers:
                        return
                    answer = daemon._answers[name]
                    reply = answer(params) if callable(answer) else answer
                    whole = {
                        "result": "ACCEPTED",
                        "reason": None,
                        "detail": "",
                        "rev": None,
                        "data": {},
                        **reply,
                    }
                    self.wfile.write(json.dumps({"id": request["id"], **whole}).encode() + b"\n")

        return Handler
