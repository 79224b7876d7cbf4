"""The command `baywarden` as a process: run to its end, or serving until it is told to stop."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Final

from baywarden.__main__ import main

ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = [str(ROOT / folder) for folder in ("edge", "drivers", "config")]
PATIENCE_S: Final = 60.0


def _environ(**more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("BAYWARDEN_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(SOURCES), "COLUMNS": "200", **more}


def _argv(words: tuple[str | Path, ...]) -> list[str]:
    return [sys.executable, "-m", "baywarden", *map(str, words)]


def baywarden(
    *words: str | Path, timeout_s: float = PATIENCE_S, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end; nobody sits at its terminal."""
    return subprocess.run(
        _argv(words),
        env=_environ(**environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def in_process(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """The same without a process of its own, for words that end before anything is done."""
    out, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(errors):
        try:
            code = main([str(word) for word in words])
        except SystemExit as end:
            code = int(end.code or 0)
    return subprocess.CompletedProcess([str(word) for word in words], code, out.getvalue(), errors.getvalue())


def answer(*words: str | Path, code: int = 0) -> Any:
    """What the command prints as JSON."""
    done = baywarden(*words, "--json")
    assert done.returncode == code, done.stderr or done.stdout
    return json.loads(done.stdout)


class Serving:
    """A command that serves: its first line, and at the end all that it said."""

    def __init__(self, process: "subprocess.Popen[str]", first: str) -> None:
        self._process = process
        self.first = first
        self.pid = process.pid

    def next_line(self) -> str:
        """The next line that it prints; empty when it has ended."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def end(self) -> tuple[int, str, str]:
        """Tell it to stop; its exit code, what it printed after the first line, and what it said of faults."""
        self._process.send_signal(signal.SIGINT)
        out, errors = self._process.communicate(timeout=PATIENCE_S)
        return self._process.returncode, out, errors


@contextmanager
def serving(*words: str | Path) -> Iterator[Serving]:
    """The command from its first line on until the end of the block."""
    process = subprocess.Popen(
        _argv(words),
        env=_environ(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first, process.communicate(timeout=PATIENCE_S)[1]
        yield Serving(process, first)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)


@contextmanager
def simulated(profile: str, *words: str | Path) -> Iterator[str]:
    """A simulated device on Modbus TCP; its host:port."""
    with serving("simulate", profile, "--tcp", "0", "--json", *words) as served:
        yield json.loads(served.first)["listeners"]["wire"]
