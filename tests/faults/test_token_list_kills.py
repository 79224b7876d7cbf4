"""The list of tokens under kill -9: it is always a whole list, and what was acknowledged is in it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support import killed_tokens


def killed(folder: Path, rounds: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, killed_tokens.__file__, str(folder), str(rounds), "7"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_killed_daemon_has_the_list_of_tokens_that_it_acknowledged(tmp_path: Path) -> None:
    found = killed(tmp_path, rounds=25)
    assert found["wrong"] == []
    assert found["changes"] > 25, "it was killed before it did anything"


@pytest.mark.campaign
def test_a_daemon_killed_a_thousand_times_has_the_list_that_it_acknowledged(tmp_path: Path) -> None:
    assert killed(tmp_path, rounds=1000)["wrong"] == []
