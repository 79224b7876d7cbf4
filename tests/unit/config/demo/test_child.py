"""A program of the demo ends when it is told to, and is noticed when it ends by itself."""

import os
import sys
import time
from pathlib import Path

import pytest

from baywarden_config.demo.child import Child, ChildFailed

SLEEPS = "import time; print('up', flush=True); time.sleep(60)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}"


def started(folder: Path, program: str) -> Child:
    child = Child("child", [sys.executable, "-c", program], folder)
    child.start()
    while child.running and "up" not in child.last_words():
        time.sleep(0.01)
    return child


def test_a_stopped_child_is_gone_and_no_failure(tmp_path: Path) -> None:
    child = started(tmp_path, SLEEPS)
    pid = child.pid
    assert pid is not None
    child.stop()
    child.check()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_child_that_does_not_listen_is_ended_all_the_same(tmp_path: Path) -> None:
    child = started(tmp_path, DEAF)
    assert child.stop(timeout_s=0.2) == -9


def test_a_child_that_ends_by_itself_is_named_with_its_last_words(tmp_path: Path) -> None:
    child = Child("child", [sys.executable, "-c", "raise SystemExit('no such port')"], tmp_path)
    child.start()
    while child.running:
        time.sleep(0.01)
    with pytest.raises(ChildFailed, match=r"child ended with code 1: .*no such port"):
        child.check()


def test_a_killed_child_may_be_started_again(tmp_path: Path) -> None:
    child = started(tmp_path, SLEEPS)
    child.kill()
    child.check()
    child.start()
    assert child.running
    child.stop()
