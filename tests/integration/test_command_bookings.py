"""`baywarden bookings`, `sessions` and `penalties`: questions in local times, answers as tables."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from support.commands import SOURCES, baywarden
from support.fake_daemon import FakeDaemon
from support.site_status import STATUS


def row(text: str, first: str) -> list[str]:
    """The words of the line that begins with `first`."""
    return next(line.split() for line in text.splitlines() if line.startswith(f"{first} "))


def test_a_booking_is_put_in_utc_with_its_end_counted_from_its_start(tmp_path: Path) -> None:
    answers = {"booking.put": {"rev": 1, "data": {"evse_id": "bay-2"}}}
    with FakeDaemon(tmp_path / "c.sock", answers) as daemon:
        done = baywarden(
            "bookings", "put", "--socket", daemon.path, "--id", "b-1", "--token", "AB12",
            "--start", "2026-06-15T14:30+02:00", "--for", "1h30m", "--power-w", "3700",
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert daemon.asked == [
        (
            "booking.put",
            {
                "booking_id": "b-1",
                "start_at": "2026-06-15T12:30:00Z",
                "end_at": "2026-06-15T14:00:00Z",
                "token": "AB12",
                "power_w": 3700,
            },
        )
    ]
    assert "Outlet bay-2, 2026-06-15 12:30:00Z to 2026-06-15 14:00:00Z." in done.stdout


@pytest.mark.parametrize("start", ["soon", "2026-06-15T14:30", "25:00", "+5x"])
def test_a_time_that_cannot_be_understood_is_wrong_use_and_nothing_is_asked(
    tmp_path: Path, start: str
) -> None:
    with FakeDaemon(tmp_path / "c.sock", {}) as daemon:
        words = ["--token", "AB12", "--start", start, "--for", "1h"]
        done = baywarden("bookings", "put", "--socket", daemon.path, *words)
    assert (done.returncode, daemon.asked) == (2, [])
    assert start.lstrip("+") in done.stderr


def test_a_refusal_ends_with_1_and_its_reason(tmp_path: Path) -> None:
    refusal = {"result": "REJECTED", "reason": "FINAL_STATE", "detail": "it is over"}
    with FakeDaemon(tmp_path / "c.sock", {"booking.cancel": refusal}) as daemon:
        plain = baywarden("bookings", "cancel", "b-1", "--reason", "TRAFFIC", "--socket", daemon.path)
        as_json = baywarden("bookings", "cancel", "b-1", "--json", "--socket", daemon.path)
    assert (plain.returncode, plain.stdout) == (1, "")
    assert "the daemon refuses: it is over (final state)" in plain.stderr
    assert as_json.returncode == 1
    assert json.loads(as_json.stdout)["reason"] == "FINAL_STATE"
    assert daemon.asked[0] == ("booking.cancel", {"booking_id": "b-1", "reason": "TRAFFIC"})


def test_now_is_what_the_clock_of_the_site_shows(tmp_path: Path) -> None:
    answers: Mapping[str, Mapping[str, Any]] = {"status": {"data": STATUS}, "booking.put": {"rev": 1}}
    with FakeDaemon(tmp_path / "c.sock", answers) as daemon:
        words = ["--token", "AB12", "--start", "now", "--end", "+2h", "--id", "b-1"]
        done = baywarden("bookings", "put", "--socket", daemon.path, *words)
    assert done.returncode == 0, done.stderr
    assert [name for name, _ in daemon.asked] == ["status", "booking.put"]
    asked = daemon.asked[1][1]
    assert (asked["start_at"], asked["end_at"]) == ("2026-06-15T09:00:00Z", "2026-06-15T11:00:00Z")


def test_free_times_are_a_table(tmp_path: Path) -> None:
    slot = {
        "evse_id": "bay-1",
        "start_at": "2026-06-15T10:00:00Z",
        "end_at": "2026-06-15T11:00:00Z",
        "power_w": 11040,
    }
    with FakeDaemon(tmp_path / "c.sock", {"booking.find": {"data": {"slots": [slot]}}}) as daemon:
        words = ["--from", "2026-06-15T10:00Z", "--to", "2026-06-16T10:00Z", "--for", "60m"]
        done = baywarden("bookings", "find", "--socket", daemon.path, *words)
    assert row(done.stdout, "bay-1") == [
        "bay-1",
        "2026-06-15",
        "10:00:00Z",
        "2026-06-15",
        "11:00:00Z",
        "11040",
    ]
    asked = {"from_at": "2026-06-15T10:00:00Z", "to_at": "2026-06-16T10:00:00Z", "duration_s": 3600}
    assert daemon.asked == [("booking.find", asked)]


def test_when_nothing_is_free_the_next_window_is_told(tmp_path: Path) -> None:
    data = {"slots": [], "next_at": "2026-06-17T08:00:00Z"}
    with FakeDaemon(tmp_path / "c.sock", {"booking.find": {"data": data}}) as daemon:
        words = ["--from", "2026-06-15T10:00Z", "--to", "2026-06-16T10:00Z", "--for", "60m"]
        done = baywarden("bookings", "find", "--socket", daemon.path, *words)
    assert done.stdout == "Nothing is free then.\nThe next one begins at 2026-06-17 08:00:00Z.\n"


def pages(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """250 sessions in pages; the cursor is the number of the next one."""
    first = int(params["after"] or 0) if "after" in params else 0
    last = min(first + params["limit"], 250)
    items = [
        {"id": f"s-{at}", "evse_id": "bay-1", "status": "ACTIVE", "energy_wh": None}
        for at in range(first, last)
    ]
    return {"data": {"items": items, "next": str(last) if last < 250 else None}}


@pytest.mark.parametrize(("limit", "found", "cursor"), [(20, 20, "20"), (230, 230, "230"), (1000, 250, None)])
def test_a_list_is_gathered_from_short_pages(
    tmp_path: Path, limit: int, found: int, cursor: str | None
) -> None:
    with FakeDaemon(tmp_path / "c.sock", {"sessions.list": pages}) as daemon:
        done = baywarden(
            "sessions", "list", "--limit", str(limit), "--evse", "bay-1", "--json", "--socket", daemon.path
        )
    answer = json.loads(done.stdout)
    assert [item["id"] for item in answer["items"]] == [f"s-{at}" for at in range(found)]
    assert answer["next"] == cursor
    assert all(
        params["limit"] <= 100 and params["where"] == {"evse_id": "bay-1"} for _, params in daemon.asked
    )


def test_penalties_are_shown_in_the_digits_of_their_currency(tmp_path: Path) -> None:
    items = [
        {"id": "p-1", "amount_minor": 1205, "currency": "EUR", "minor_digits": 2, "token": "DEADBEEF01"},
        {"id": "p-2", "amount_minor": 300, "currency": "JPY", "minor_digits": 0},
        {"id": "p-3"},
    ]
    with FakeDaemon(
        tmp_path / "c.sock", {"penalties.list": {"data": {"items": items, "next": None}}}
    ) as daemon:
        done = baywarden("penalties", "list", "--status", "final", "--socket", daemon.path)
    assert "12.05 EUR" in done.stdout
    assert "300 JPY" in done.stdout
    assert row(done.stdout, "p-3") == ["p-3"] + ["-"] * 9
    assert "DEADBEEF" not in done.stdout
    assert daemon.asked[0][1]["where"] == {"status": "FINAL"}


def test_a_reader_that_goes_away_is_no_crash(tmp_path: Path) -> None:
    with FakeDaemon(tmp_path / "c.sock", {"sessions.list": pages}) as daemon:
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(SOURCES)}
        words = ["sessions", "list", "--limit", "250", "--json", "--socket", str(daemon.path)]
        command = [sys.executable, "-m", "baywarden", *words]
        with subprocess.Popen(
            command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout and process.stderr
            process.stdout.close()
            assert "Traceback" not in process.stderr.read()
            assert process.wait(timeout=30) == 1
