"""Drivers coming and going, told to the simulator over its control socket."""

import json
import socket
from pathlib import Path
from typing import Any, Final

_TIMEOUT_S: Final = 5.0


class CarsRefused(Exception):
    """The simulator did not do what was asked."""


class Cars:
    """The people at the site."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def arrive(self, bay: str, need_wh: float, battery_wh: float = 40_000.0) -> None:
        """A car that wants `need_wh` is plugged in; over its last twentieth of the battery it slows down."""
        self._tell({"do": "plug", "outlet": bay, "need_wh": need_wh, "battery_wh": battery_wh})

    def leave(self, bay: str) -> None:
        """The car at the bay is driven away."""
        self._tell({"do": "unplug", "outlet": bay})

    def _tell(self, request: dict[str, Any]) -> None:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
                wire.settimeout(_TIMEOUT_S)
                wire.connect(str(self._path))
                wire.sendall(json.dumps(request).encode() + b"\n")
                answer = json.loads(wire.makefile("rb").readline())
        except (OSError, ValueError) as error:
            raise CarsRefused(f"the simulator did not answer {request['do']}: {error}") from error
        if not answer.get("ok"):
            raise CarsRefused(f"the simulator refused {request}: {answer}")
