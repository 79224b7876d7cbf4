"""`baywarden status`: what is known, what is not, and what is wrong."""

import json
from pathlib import Path

from support.commands import baywarden
from support.fake_daemon import FakeDaemon
from support.site_status import STATUS


def row(text: str, first: str) -> list[str]:
    """The words of the line that begins with `first`."""
    return next(line.split() for line in text.splitlines() if line.startswith(f"{first} "))


def test_the_status_shows_what_is_not_known_as_a_dash(tmp_path: Path) -> None:
    with FakeDaemon(tmp_path / "c.sock", {"status": {"data": STATUS}}) as daemon:
        done = baywarden("status", "--socket", daemon.path)
    assert done.returncode == 0, done.stderr
    charging = [
        "occupied",
        "charging",
        "2026-06-15",
        "08:30:00Z",
        "0.4",
        "s",
        "ago",
        "8.1/-/0",
        "1840",
        "8",
        "s-1",
        "-",
    ]
    assert row(done.stdout, "bay-1") == ["bay-1", "Bay", "1", *charging]
    silent = ["unknown", "silent", "2026-06-15", "08:30:00Z", "never", "-", "-", "-", "-", "-"]
    assert row(done.stdout, "bay-2") == ["bay-2", "Bay", "2", *silent]
    assert row(done.stdout, "grid") == ["grid", "silent", "1", "min", "15", "s", "ago", "-", "-"]
    assert row(done.stdout, "carpark") == ["carpark", "32", "8/-/0"]
    assert row(done.stdout, "booking") == ["booking", "12", "9", "1", "3"]
    assert "bay-1: circuit carpark, phase L1" in done.stdout
    assert "not connected since 2026-06-15 08:00:00Z: connection refused" in done.stdout


def test_the_status_says_what_is_wrong_with_a_meter(tmp_path: Path) -> None:
    with FakeDaemon(tmp_path / "c.sock", {"status": {"data": STATUS}}) as daemon:
        done = baywarden("status", "--socket", daemon.path)
    assert "grid: grid: poll: unit 1 gave no answer" in done.stdout.splitlines()


def test_the_status_as_json_is_what_the_daemon_said(tmp_path: Path) -> None:
    with FakeDaemon(tmp_path / "c.sock", {"status": {"data": STATUS}}) as daemon:
        done = baywarden("status", "--json", BAYWARDEN_SOCKET=str(daemon.path))
    assert json.loads(done.stdout) == STATUS


def test_an_empty_status_is_no_crash(tmp_path: Path) -> None:
    with FakeDaemon(tmp_path / "c.sock", {"status": {"data": {}}}) as daemon:
        done = baywarden("status", "--socket", daemon.path)
    assert done.returncode == 0, done.stderr
    assert "No outlets." in done.stdout


def test_the_status_says_what_devices_have_shown_of_what_their_profiles_leave_open(tmp_path: Path) -> None:
    shown = "limit scale: 0.01 A, because limit_modbus reads 16.00 A; A would read 1600 A"
    decisions = [
        {"name": "limit_scale", "choice": "0.01 A", "decided": True, "why": "", "text": shown},
        {"name": "unit_number", "choice": "", "decided": False, "why": "", "text": "unit number: 1 or 2"},
    ]
    data = {"evses": [{"evse_id": "bay-1", "decisions": decisions}], "meters": []}
    with FakeDaemon(tmp_path / "c.sock", {"status": {"data": data}}) as daemon:
        done = baywarden("status", "--socket", daemon.path)
    assert done.returncode == 0, done.stderr
    assert f"bay-1: {shown}" in done.stdout.splitlines()
    assert "unit number" not in done.stdout, "nothing can decide it, so it is no news"
