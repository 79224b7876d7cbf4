"""Lines in the terminal: the site's time, who, what."""

import sys
from collections.abc import Callable
from datetime import datetime
from typing import TextIO
from zoneinfo import ZoneInfo

from baywarden_config.demo.site import TIME_ZONE

_ZONE = ZoneInfo(TIME_ZONE)


class Console:
    """Writes at once, so that the story is told as it happens. `now` is the site's time."""

    def __init__(self, now: Callable[[], datetime], out: TextIO = sys.stdout) -> None:
        self._now = now
        self._out = out

    def say(self, who: str, text: str) -> None:
        """One line."""
        self._write(f"{local(self._now())}  {who:<7} {text}")

    def plain(self, text: str = "") -> None:
        """A line without a time."""
        self._write(text)

    def _write(self, line: str) -> None:
        self._out.write(line + "\n")
        self._out.flush()


def local(at: datetime) -> str:
    """The time of day at the site."""
    return f"{at.astimezone(_ZONE):%H:%M:%S}"
