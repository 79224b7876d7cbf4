"""The whole house at once: the demo's story on real wires, through a broker outage and a SIGKILL."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

RATE = 45
"""The story takes 33 minutes of the site's time."""


def processes_of(folder: Path) -> list[int]:
    """Processes that were started for the run in `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if os.fsencode(folder) in words:
                found.append(int(entry.name))
    return found


def performed(folder: Path, *words: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    report = folder / "report.json"
    argv = [
        sys.executable,
        "-m",
        "baywarden",
        "demo",
        "--report",
        str(report),
        "--keep",
        str(folder / "kept"),
        *words,
    ]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done, json.loads(report.read_text())


@pytest.mark.modbus
@pytest.mark.serial
@pytest.mark.broker
def test_the_story_ends_with_every_event_in_the_cloud_and_every_fee_exact(tmp_path: Path) -> None:
    done, report = performed(tmp_path, "--rate", str(RATE))
    assert (report["lost"], report["gaps"], report["altered"], report["differences"]) == (0, 0, 0, [])
    assert report["events_received"] == report["events_sent"] > 50
    assert Counter(row["status"] for row in report["bookings"]) == {
        "FULFILLED": 1,
        "NO_SHOW": 1,
        "CANCELED": 1,
    }
    assert {row["status"] for row in report["sessions"]} == {"COMPLETED"}
    fees = {row["kind"]: row for row in report["penalties"]}
    assert set(fees) == {"NO_SHOW", "OVERSTAY"}
    assert fees["NO_SHOW"]["amount_minor"] == 500
    overstay = fees["OVERSTAY"]
    idle_ms = sum(one["duration_ms"] for one in overstay["evidence"] if one["state"] == "SUSPENDED_EV")
    assert overstay["amount_minor"] == -(-(idle_ms // 1000 - 300) // 60) * 20 > 0
    assert "SLOT_TAKEN" in done.stdout
    assert "killed with SIGKILL" in done.stdout
    assert processes_of(tmp_path) == []


@pytest.mark.modbus
@pytest.mark.serial
@pytest.mark.broker
def test_a_run_that_ends_early_still_gives_a_verdict_with_the_broker_of_the_extra(tmp_path: Path) -> None:
    done, report = performed(tmp_path, "--rate", str(RATE), "--for", "4", "--broker", "iotcore")
    assert (report["lost"], report["gaps"]) == (0, 0)
    assert "The cloud holds what the site holds." in done.stdout
    assert processes_of(tmp_path) == []
