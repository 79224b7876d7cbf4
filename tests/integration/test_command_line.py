"""The command `baywarden` as people and scripts run it: real processes, a real socket, exit codes."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from baywarden import __version__
from support.fake_daemon import FakeDaemon
from support.site_toml import SOUND, changed

ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = [str(ROOT / folder) for folder in ("edge", "drivers", "config")]
EXAMPLE: Final = ROOT / "config" / "examples" / "site.toml"

STATUS: Final[Mapping[str, Any]] = {
    "site_id": "harbour-7",
    "version": "0.1.0",
    "clock": {"at": "2026-06-15T09:00:00Z", "quality": "S"},
    "boot_id": "b",
    "epoch": 2,
    "broker": {"connected": False, "reason": "connection refused", "since_at": "2026-06-15T08:00:00Z"},
    "evses": [
        {
            "evse_id": "bay-1",
            "label": "Bay 1",
            "availability": "occupied",
            "reason": "charging",
            "detail": "",
            "since_at": "2026-06-15T08:30:00Z",
            "age_s": 0.4,
            "state": "charging",
            "current_a": [8.1, None, 0.0],
            "power_w": 1840,
            "energy_wh": 950,
            "limit_a": 8,
            "why": "circuit carpark, phase L1",
            "session_id": "s-1",
            "booking_id": None,
        },
        {
            "evse_id": "bay-2",
            "label": "Bay 2",
            "availability": "unknown",
            "reason": "silent",
            "detail": "",
            "since_at": "2026-06-15T08:30:00Z",
            "age_s": None,
            "state": None,
            "current_a": [None, None, None],
            "power_w": None,
            "energy_wh": None,
            "limit_a": None,
            "why": None,
            "session_id": None,
            "booking_id": None,
        },
    ],
    "meters": [
        {
            "meter_id": "grid",
            "contact": "silent",
            "contact_reason": "grid: poll: unit 1 gave no answer",
            "power_w": None,
            "current_a": [None, None, None],
            "age_s": 75,
        }
    ],
    "circuits": [{"circuit_id": "carpark", "limit_a": 32, "worst_a": [8, None, 0]}],
    "streams": [{"stream": "booking", "epoch": 2, "last_seq": 12, "acked_seq": 9, "oldest_seq": 1}],
    "store": {"bytes": 4096},
    "counters": {"cycles": 7},
}


def baywarden(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("BAYWARDEN_")}
    env = {**kept, "PYTHONPATH": os.pathsep.join(SOURCES), "COLUMNS": "200", **environment}
    command = [sys.executable, "-m", "baywarden", *map(str, words)]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


def row(text: str, first: str) -> list[str]:
    """The words of the line that begins with `first`."""
    return next(line.split() for line in text.splitlines() if line.startswith(f"{first} "))


def test_the_version_is_told() -> None:
    done = baywarden("--version")
    assert (done.returncode, done.stdout) == (0, f"baywarden {__version__}\n")


@pytest.mark.parametrize(
    "words", [(), ("nonsense",), ("bookings",), ("status", "--nonsense"), ("sessions", "stop")]
)
def test_wrong_use_ends_with_2_and_says_how(words: tuple[str, ...]) -> None:
    done = baywarden(*words)
    assert done.returncode == 2
    assert "usage: baywarden" in done.stderr


def test_the_help_names_every_command() -> None:
    done = baywarden("--help")
    assert done.returncode == 0
    for name in ("run", "status", "bookings", "sessions", "penalties", "config", "simulate", "demo"):
        assert f"\n    {name}" in done.stdout


def test_without_a_daemon_every_question_ends_with_3(tmp_path: Path) -> None:
    path = tmp_path / "no.sock"
    done = baywarden("status", "--socket", path)
    assert (done.returncode, done.stdout) == (3, "")
    assert str(path) in done.stderr


def test_a_daemon_that_hangs_up_ends_with_3_and_a_warning_that_it_may_have_acted(tmp_path: Path) -> None:
    with FakeDaemon(tmp_path / "c.sock", {}) as daemon:
        done = baywarden("sessions", "stop", "s-1", "--socket", daemon.path)
    assert done.returncode == 3
    assert "look before repeating" in done.stderr


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
    assert "rejected: FINAL_STATE: it is over" in plain.stderr
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


def test_the_starter_file_is_sound_and_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    made = baywarden("config", "init", "--out", file, "--site-id", "quay-3", "--currency", "CHF")
    assert made.returncode == 0, made.stderr
    assert tomllib.loads(file.read_text())["site"]["currency"] == "CHF"
    checked = baywarden("config", "check", file)
    assert checked.returncode == 0, checked.stderr
    assert "warning" not in checked.stdout
    again = baywarden("config", "init", "--out", file, "--site-id", "other")
    assert again.returncode == 1
    assert "--force" in again.stderr
    assert "quay-3" in file.read_text()
    forced = baywarden("config", "init", "--out", file, "--site-id", "other", "--force")
    assert forced.returncode == 0
    assert "quay-3" not in file.read_text()


def test_a_starter_file_with_a_wrong_word_is_not_written(tmp_path: Path) -> None:
    done = baywarden("config", "init", "--out", tmp_path / "site.toml", "--time-zone", "Europe/Berln")
    assert done.returncode == 1
    assert "Europe/Berlin" in done.stderr
    assert not (tmp_path / "site.toml").exists()


def test_the_example_passes_the_check() -> None:
    done = baywarden("config", "check", EXAMPLE, "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["ok"], answer["warnings"]) == (0, True, [])
    assert (answer["chargers"], answer["outlets"], answer["meters"], answer["circuits"]) == (4, 4, 1, 2)


def test_the_check_tells_every_fault_with_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text(changed('link = "net"', 'link = "nett"').replace('"EUR"', '"ERU"'))
    done = baywarden("config", "check", file)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{file}:5: site.currency: " in done.stderr
    assert "chargers[0].link: there is no link 'nett'; did you mean 'net'?" in done.stderr
    assert "2 faults." in done.stderr
    as_json = json.loads(baywarden("config", "check", file, "--json").stdout)
    assert [fault["place"] for fault in as_json["faults"]] == ["site.currency", "chargers[0].link"]


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('profile = "keba-p30"', 'profile = "keba-p33"', "chargers[0].profile"),
        ('profile = "keba-p30"', 'profile = "abb-b23"', "chargers[0].profile"),
        ('profile = "abb-b23"', 'profile = "keba-p30"', "meters[0].profile"),
        ('circuit = "carpark"', 'circuit = "carpark"\nconnector = 2', "chargers[0].evses[0].connector"),
    ],
)
def test_the_check_knows_what_the_profiles_can_do(tmp_path: Path, old: str, new: str, place: str) -> None:
    file = tmp_path / "site.toml"
    file.write_text(changed(old, new))
    answer = json.loads(baywarden("config", "check", file, "--json").stdout)
    assert [fault["place"] for fault in answer["faults"]] == [place]


def test_a_charger_on_a_wire_it_does_not_speak_is_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text(changed('type = "tcp"', 'type = "rtu-over-tcp"'))
    done = baywarden("config", "check", file)
    assert done.returncode == 0
    assert "warning: chargers[0].link: 'keba-p30' is not known to speak rtu-over-tcp" in done.stdout


def test_what_is_shown_is_a_file_that_means_the_same(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(SOUND)
    shown = baywarden("config", "show", tmp_path / "site.toml")
    (tmp_path / "shown.toml").write_text(shown.stdout)
    again = baywarden("config", "show", tmp_path / "shown.toml")
    assert (shown.returncode, again.returncode) == (0, 0), again.stderr
    assert again.stdout == shown.stdout
    assert tomllib.loads(shown.stdout)["terms"]["staff"]["noshow_timeout_s"] == "never"


def test_what_is_shown_never_holds_a_secret(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    cloud = f'[cloud]\nhost = "h"\nusername = "u"\npassword_file = "{secret}"\n'
    (tmp_path / "site.toml").write_text(f"{SOUND}\n{cloud}")
    for words in (["show"], ["show", "--json"], ["check"], ["check", "--json"]):
        done = baywarden("config", *words, tmp_path / "site.toml")
        assert done.returncode == 0
        assert "hunter2" not in done.stdout + done.stderr


def test_the_schema_is_json_and_forbids_unknown_keys() -> None:
    schema = json.loads(baywarden("config", "schema").stdout)
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["SiteSettings"]["required"] == ["id", "name", "time_zone", "currency"]


def test_run_with_a_file_that_cannot_be_used_tells_all_faults_and_ends_with_2(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text(changed('"EUR"', '"ERU"'))
    done = baywarden("run", "--config", file)
    assert done.returncode == 2
    assert "did you mean 'EUR'?" in done.stderr


@pytest.mark.parametrize(
    ("words", "unwanted"),
    [
        (("--version",), {"argparse", "pydantic", "asyncio", "baywarden_config"}),
        (
            ("status", "--socket", "/nowhere/c.sock"),
            {"pydantic", "asyncio", "pymodbus", "paho", "sqlite3", "baywarden.daemon"},
        ),
        (("config", "check", str(EXAMPLE)), {"asyncio", "pymodbus", "paho", "sqlite3", "baywarden.daemon"}),
    ],
)
def test_a_command_loads_only_what_it_needs(words: tuple[str, ...], unwanted: set[str]) -> None:
    code = (
        "import sys\nfrom baywarden.__main__ import main\ntry: main(sys.argv[1:])\nexcept SystemExit: pass\n"
        "print('LOADED', *sys.modules)"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(SOURCES)}
    done = subprocess.run(
        [sys.executable, "-c", code, *words], env=env, capture_output=True, text=True, timeout=60, check=True
    )
    loaded = done.stdout.rpartition("LOADED")[2].split()
    assert unwanted.isdisjoint(loaded)
