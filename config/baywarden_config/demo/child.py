"""A program of the demo as a process of its own, ended by its own id and nothing else."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

STOP_S: Final = 15.0


class ChildFailed(Exception):
    """A program ended by itself; the text names it and shows its last words."""


class Child:
    """One program. Its output goes to a file; a Ctrl-C in the terminal does not reach it."""

    def __init__(
        self, name: str, argv: Sequence[str], folder: Path, environ: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._argv = list(argv)
        self._environ = {**os.environ, **(environ or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._ended_by_us = False

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process is not None and self.running else None

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Run it; what it says is appended to its log."""
        if self.running:
            raise RuntimeError(f"{self.name} is already running")
        self._ended_by_us = False
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environ,
                start_new_session=True,
            )

    def check(self) -> None:
        """Raise ChildFailed when it has ended by itself."""
        if self._process is not None and not self.running and not self._ended_by_us:
            raise ChildFailed(f"{self.name} ended with code {self._process.returncode}: {self.last_words()}")

    def stop(self, timeout_s: float = STOP_S, by: signal.Signals = signal.SIGTERM) -> int | None:
        """Ask it to end, end it (SIGKILL) when it does not; its exit code, None if it never ran."""
        if self._process is None:
            return None
        if self.running:
            self._ended_by_us = True
            self._process.send_signal(by)
            try:
                self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
        return self._process.wait()

    def kill(self) -> None:
        """End it at once (SIGKILL), as a power cut would."""
        if self._process is not None:
            self._ended_by_us = True
            self._process.kill()
            self._process.wait()

    def last_words(self, lines: int = 5) -> str:
        """The end of its log."""
        try:
            text = self.log.read_text("utf-8", "replace")
        except FileNotFoundError:
            return "(it said nothing)"
        return " | ".join(text.splitlines()[-lines:]) or "(it said nothing)"
