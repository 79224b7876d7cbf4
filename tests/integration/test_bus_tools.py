"""`baywarden bus` as a technician runs it: real processes on pseudo-terminals and on simulated devices."""

import json
import os
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest
import serial

from support.commands import answer, baywarden, in_process, serving, simulated
from support.picky_line import PickyLine

pytestmark = pytest.mark.modbus

QUICK: Final = ("--setting", "9600/8N1", "--units", "1", "--timeout-ms", "150", "--quick")
"""Where silence is wanted."""
PATIENT: Final = ("--timeout-ms", "3000")
"""Where an answer is."""

SITE: Final = """
[[listener]]
name = "bus"
serial = "{path}"

[[meter]]
name = "main"
profile = "eastron-sdm630"
listener = "bus"
unit = 1

[[charger]]
name = "box"
profile = "heidelberg-energy-control"
listener = "bus"
unit = 2
outlets = ["bay"]
"""


REST_OF_THE_SITE: Final = """
[site]
id = "s"
name = "S"
time_zone = "Europe/Berlin"
currency = "EUR"
[[circuits]]
id = "main"
limit_a = 35
"""


Done = subprocess.CompletedProcess[str]


def scanned(folder: Path) -> tuple[Path, Done]:
    """A scan of a line with two devices."""
    line, site = folder / "line", folder / "site.toml"
    site.write_text(SITE.format(path=line), "utf-8")
    with serving("simulate", "--site", site):
        return line, baywarden("bus", "scan", line, "--units", "1-2", *PATIENT)


@pytest.fixture(scope="module", autouse=True)
def scan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Future[tuple[Path, Done]]]:
    """The longest test of all, mostly waiting: it begins with the first test of this file, beside the others."""
    with ThreadPoolExecutor(1) as beside:
        yield beside.submit(scanned, tmp_path_factory.mktemp("scan"))


# Scan.


def test_a_scan_finds_the_speed_and_then_leaves_the_others_alone(tmp_path: Path) -> None:
    with PickyLine(tmp_path / "line", 1, baud=19200) as line:
        words = (
            "--setting",
            "9600/8N1",
            "--setting",
            "19200/8N1",
            "--setting",
            "38400/8N1",
            "--units",
            "1",
            "--quick",
        )
        wire = answer("bus", "scan", line.path, *words, "--timeout-ms", "1000")["wires"][0]
    assert [(one["unit"], one["setting"]["baud"]) for one in wire["found"]] == [(1, 19200)]
    assert wire["settings_tried"] == ["9600/8N1", "19200/8N1"]


def test_a_device_that_keeps_silent_about_the_first_question_is_asked_another(tmp_path: Path) -> None:
    with PickyLine(tmp_path / "line", 1, only=3) as line:
        wire = answer(
            "bus",
            "scan",
            line.path,
            "--setting",
            "9600/8N1",
            "--units",
            "1",
            "--quick",
            "--timeout-ms",
            "600",
        )
    assert [one["unit"] for one in wire["wires"][0]["found"]] == [1]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (PickyLine, "A and B are swapped"),
        (lambda path: PickyLine(path, echoes=True), "local echo"),
        (lambda path: PickyLine(path, 1, garbles=True), "speed or parity"),
        (lambda path: PickyLine(path, chatter=b"\x05\x04\x00\x00\x00\x02\x70\x4f"), "another master"),
    ],
    ids=["silence", "echo only", "garbled", "another master"],
)
def test_a_line_on_which_nobody_answers_is_judged_in_words_that_say_what_to_do(
    make: Callable[[Path], PickyLine], said: str, tmp_path: Path
) -> None:
    with make(tmp_path / "line") as line:
        done = in_process("bus", "scan", line.path, *QUICK)
    assert done.returncode == 1
    assert said in done.stdout
    assert "no devices" in done.stdout
    assert line.requests > 0


def test_two_devices_with_one_number_are_noticed(tmp_path: Path) -> None:
    with PickyLine(tmp_path / "line", 1, twice=True) as line:
        done = baywarden(
            "bus", "scan", line.path, "--setting", "9600/8N1", "--units", "1", "--quick", *PATIENT
        )
    assert done.returncode == 0, done.stderr
    assert "two devices have the number 1" in done.stdout
    assert "The wiring is sound" not in done.stdout


def test_a_port_that_another_program_has_is_left_alone_and_that_program_is_named(tmp_path: Path) -> None:
    with PickyLine(tmp_path / "line", 1) as line, serial.Serial(str(line.path), exclusive=True):
        done = baywarden("bus", "scan", line.path, *QUICK)
        read = baywarden("device", "read", "--serial", line.path, "--profile", "abb-b23")
        assert line.requests == 0
    for one in (done, read):
        assert one.returncode == 1
        assert "in use by" in one.stderr and f"process {os.getpid()}" in one.stderr


def test_what_a_scan_of_a_relative_path_says_for_site_toml_holds_everywhere(tmp_path: Path) -> None:
    with PickyLine(tmp_path / "line", 1) as line:
        relative = os.path.relpath(line.path)
        found = answer("bus", "scan", relative, "--setting", "9600/8N1", "--units", "1", "--quick", *PATIENT)
    assert not os.path.isabs(relative)
    assert found["wires"][0]["where"] == str(line.path)


def test_a_scan_of_a_host_asks_only_what_was_named() -> None:
    with simulated("phoenix-charx-sec") as where:
        wire = answer("bus", "scan", "--tcp", where, "--units", "1", *PATIENT)["wires"][0]
    (found,) = wire["found"]
    assert found["candidates"][0]["profile"] == "phoenix-charx-sec"
    assert wire["settings_tried"] == []


def test_a_host_that_refuses_is_told_and_the_others_are_scanned() -> None:
    with simulated("eastron-sdm630") as where:
        words = ("--tcp", "127.0.0.1:1", "--tcp", where, "--units", "1", *PATIENT)
        refused, heard = answer("bus", "scan", *words, code=1)["wires"]
    assert "refused" in refused["trouble"] and refused["found"] == []
    assert [one["unit"] for one in heard["found"]] == [1]


def test_the_tables_of_two_scans_go_into_one_site_toml(tmp_path: Path) -> None:
    with simulated("phoenix-charx-sec") as charger, simulated("eastron-sdm630") as meter:
        words = ("--tcp", charger, "--tcp", meter, "--units", "1", *PATIENT)
        done = baywarden("bus", "scan", *words)
    assert done.returncode == 0, done.stderr
    blocks = [one.partition("For site.toml:")[2] for one in done.stdout.split(" questions asked")[1:]]
    tables = "".join(
        block.rpartition("127.0.0.1:")[0] if block is not blocks[-1] else block for block in blocks
    )
    site = tmp_path / "site.toml"
    site.write_text(REST_OF_THE_SITE + tables, "utf-8")
    said = json.loads(in_process("config", "check", site, "--json").stdout)
    assert said["faults"] == [] and (said["links"], said["chargers"], said["meters"]) == (2, 1, 1), said
    found = tomllib.loads(tables)
    assert {one["poll_s"] for one in (*found["chargers"], *found["meters"])} == {1}
    assert found["chargers"][0]["evses"][0]["label"] == f"Charger at {charger}"


def test_a_port_that_is_not_there_or_is_no_port_is_told() -> None:
    for path, said in (("/dev/nonesuch", "there is no serial port"), ("/dev/null", "cannot be opened")):
        done = baywarden("bus", "scan", path, *QUICK)
        assert done.returncode == 1
        assert said in done.stderr and "Traceback" not in done.stderr


# Budget.


def test_the_budget_of_a_line_that_is_too_slow_says_what_to_change() -> None:
    done = baywarden("bus", "budget", "--serial", "9600/8N1", "eastron-sdm630=12")
    assert done.returncode == 1
    assert "it cannot carry this" in done.stdout
    for cure in ("poll slower", "baud", "split the devices"):
        assert cure in done.stdout


def test_the_budget_of_a_site_weighs_every_link() -> None:
    links = answer("bus", "budget", "--config", Path("config/examples/site.toml").resolve())["links"]
    assert [one["link"] for one in links] == ["bay-1", "bay-2", "bus"]
    (bus,) = [one for one in links if one["link"] == "bus"]
    assert bus["setting"]["baud"] == 19200
    assert 0 < bus["load"] < 0.8
    assert {one["name"] for one in bus["devices"]} == {"bay-3", "bay-4", "grid"}


# Trace and replay.


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """A trace of one reading, and what the reading said."""
    trace = tmp_path_factory.mktemp("trace") / "meter.trace"
    with simulated("abb-b23", "--base-a", "7") as where:
        said = answer("device", "read", "--tcp", where, "--profile", "abb-b23", "--trace", trace)
    return trace, {row["point"]: row["value"] for row in said["values"]}


def test_a_reading_against_the_replay_of_its_trace_says_the_same(
    recorded: tuple[Path, dict[str, object]], tmp_path: Path
) -> None:
    trace, said = recorded
    port = tmp_path / "port"
    for where, word in ((("--tcp", "0"), "--tcp"), (("--serial", str(port)), "--serial")):
        with serving("bus", "replay", trace, *where, "--json") as replay:
            place = json.loads(replay.first)["where"]
            again = answer("device", "read", word, place, "--profile", "abb-b23")
            code, out, errors = replay.end()
        assert {row["point"]: row["value"] for row in again["values"]} == said
        tally = json.loads(out)
        assert (code, tally["unknown"], tally["unasked"]) == (0, {}, 0), errors


def test_a_replay_refuses_what_is_not_in_the_trace_and_says_so(
    recorded: tuple[Path, dict[str, object]],
) -> None:
    trace, _ = recorded
    with serving("bus", "replay", trace, "--tcp", "0", "--json") as replay:
        place = json.loads(replay.first)["where"]
        other = baywarden("device", "read", "--tcp", place, "--profile", "abb-b23", "--unit", "9", "power")
        code, _, errors = replay.end()
    assert other.returncode == 1
    assert code == 1
    assert "not in the trace: unit 9" in errors


def test_a_trace_names_points_and_values(recorded: tuple[Path, dict[str, object]]) -> None:
    rows = [json.loads(line) for line in recorded[0].read_text("utf-8").splitlines()]
    head, pieces = rows[0], rows[1:]
    assert (head["framing"], head["devices"][0]["profile"]) == ("tcp", "abb-b23")
    sent = next(row for row in pieces if "current_l1" in row.get("points", ()))
    received = pieces[pieces.index(sent) + 1]
    assert (sent["direction"], received["direction"]) == ("sent", "received")
    assert sent["what"].startswith("unit 1: read holding")
    assert received["values"]["current_l1"].endswith(" A")


# What was begun at first.


def test_a_scan_names_the_devices_of_a_serial_line_and_begins_its_site_toml(
    scan: Future[tuple[Path, Done]], tmp_path: Path
) -> None:
    line, done = scan.result(timeout=90)
    site = tmp_path / "site.toml"
    assert done.returncode == 0, done.stderr
    rows = {row.split()[0]: row for row in done.stdout.splitlines() if row.strip()[:1].isdigit()}
    assert "9600/8N1" in rows["1"] and "eastron-sdm630" in rows["1"]
    assert "heidelberg-energy-control" in rows["2"]
    assert "The wiring is sound" in done.stdout
    for piece in ('type = "rtu"', f'path = "{line}"', "[[meters]]", 'profile = "eastron-sdm630"', "unit = 2"):
        assert piece in done.stdout
    site.write_text(REST_OF_THE_SITE + done.stdout.partition("For site.toml:")[2], "utf-8")
    checked = in_process("config", "check", site)
    assert checked.returncode == 0, checked.stderr
