"""Exit codes: 0 done, 1 it failed or is faulty, 2 wrong use, 3 no daemon; whichever way the question goes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from support.commands import baywarden, in_process
from support.fake_daemon import FakeDaemon
from support.site_status import STATUS


def test_a_time_of_day_is_one_by_the_clock_on_the_wall_of_the_site(tmp_path: Path) -> None:
    answers: Mapping[str, Mapping[str, Any]] = {"status": {"data": STATUS}, "booking.put": {"rev": 1}}
    with FakeDaemon(tmp_path / "c.sock", answers) as daemon:
        words = ["--token", "AB12", "--start", "19:30", "--for", "1h", "--id", "b-1"]
        done = baywarden("bookings", "put", "--socket", daemon.path, *words, TZ="America/New_York")
    assert done.returncode == 0, done.stderr
    assert daemon.asked[1][1]["start_at"] == "2026-06-15T10:30:00Z"


@pytest.mark.parametrize(
    ("what", "known"), [("bookings", "NO_SHOW"), ("sessions", "COMPLETED"), ("penalties", "WAIVED")]
)
def test_a_status_that_there_is_not_is_refused_with_those_that_there_are(
    what: str, known: str, tmp_path: Path
) -> None:
    done = baywarden(what, "list", "--status", "lost", "--socket", tmp_path / "no.sock")
    assert done.returncode == 2
    assert "'LOST'" in done.stderr and known in done.stderr


@pytest.mark.parametrize("reason", ["INVALID", "EVSE_UNKNOWN", "UNKNOWN_RESERVATION"])
def test_what_makes_no_sense_to_the_daemon_is_wrong_use_and_said_without_its_codes(
    reason: str, tmp_path: Path
) -> None:
    refusal = {"result": "REJECTED", "reason": reason, "detail": "there is no outlet 'bay-9'"}
    with FakeDaemon(tmp_path / "c.sock", {"booking.cancel": refusal}) as daemon:
        done = baywarden("bookings", "cancel", "b-1", "--socket", daemon.path)
    assert done.returncode == 2
    assert "there is no outlet 'bay-9'" in done.stderr
    assert "INVALID" not in done.stderr and "REJECTED" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("config", "check"),
        ("config", "show"),
        ("device", "check"),
        ("bus", "budget", "--config"),
        ("simulate", "--site"),
        ("simulate", "keba-p30", "--tcp", "0", "--timeline"),
    ],
)
def test_a_file_that_cannot_be_read_ends_with_2_and_one_with_faults_with_1(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "x.toml"
    lost = in_process(*words, file)
    assert (lost.returncode, f"{file} cannot be read: it is not there" in lost.stderr) == (2, True)
    file.write_text("nonsense = 1\n")
    assert in_process(*words, file).returncode == 1
