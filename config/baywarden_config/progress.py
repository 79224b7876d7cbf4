"""A bar on standard error, only where somebody sits at a terminal."""

import shutil
import sys
import time
from typing import Final

_EVERY_S: Final = 0.1
_BAR: Final = 24


class Bar:
    """Redrawn in place, gone when it is done."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()
        self._drawn_at = 0.0
        self._width = 0

    def __call__(self, done: int, total: int, doing: str) -> None:
        """So many of so many, and what is being done."""
        now = time.monotonic()
        if not self._is_shown or now - self._drawn_at < _EVERY_S:
            return
        self._drawn_at = now
        share = min(1.0, done / total) if total else 0.0
        bar = ("#" * round(_BAR * share)).ljust(_BAR, ".")
        line = f"[{bar}] {share:4.0%}  {doing}"[: shutil.get_terminal_size().columns - 1]
        print(f"\r{line.ljust(self._width)}", end="", file=sys.stderr, flush=True)
        self._width = len(line)

    def clear(self) -> None:
        """Take it away."""
        if self._width:
            print(f"\r{' ' * self._width}\r", end="", file=sys.stderr, flush=True)
            self._width = 0
