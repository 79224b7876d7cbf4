"""`baywarden device` as a technician runs it, on simulated devices, with and without the daemon."""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest

from support.commands import ROOT, answer, baywarden, in_process, serving, simulated
from support.real_daemon import RealDaemon, tcp_charger

pytestmark = pytest.mark.modbus

METER: Final = "abb-b23"
CHARGER_PROFILE: Final = "phoenix-charx-sec"


@pytest.fixture(scope="module")
def meter() -> Iterator[str]:
    """A simulated meter with a load of 7 A; its host:port."""
    with simulated(METER, "--base-a", "7") as where:
        yield where


@pytest.fixture(scope="module")
def charger() -> Iterator[str]:
    """A simulated charger at which no car stands; its host:port."""
    with simulated(CHARGER_PROFILE) as where:
        yield where


def point(said: Any, name: str) -> Any:
    """The row of one point."""
    return next(row for row in said["values"] if row["point"] == name)


def until_drawing(where: str, amps: float) -> None:
    """Wait until a car draws that much."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        said = answer("device", "read", "--tcp", where, "--profile", CHARGER_PROFILE, "current_l1")
        if (point(said, "current_l1")["value"] or 0) >= amps:
            return
    raise AssertionError("no car ever drew that much")


def written_to(control: Path) -> list[Any]:
    """Everything that a simulated device was told since it began."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
        wire.settimeout(10)
        wire.connect(str(control))
        wire.sendall(b'{"do": "written", "since_s": 0}\n')
        told = json.loads(wire.makefile("rb").readline())
    assert told["ok"], told
    return list(told["writes"])


def walked_with_a_car() -> Any:
    """The report of a test with a car that charges."""
    with simulated(CHARGER_PROFILE, "--car", "need_wh=20000") as where:
        place = ("--tcp", where, "--profile", CHARGER_PROFILE, "--yes")
        answer("device", "write", *place, "set_current_limit", "10")
        until_drawing(where, 9)
        return answer(
            "device", "test", "--tcp", where, "--profile", CHARGER_PROFILE, "--yes", "--failsafe-s", "2"
        )


@pytest.fixture(scope="module", autouse=True)
def walk() -> Iterator[Future[Any]]:
    """The longest test of all, mostly waiting: it begins with the first test of this file, beside the others."""
    with ThreadPoolExecutor(1) as beside:
        yield beside.submit(walked_with_a_car)


# The catalogue.


def test_the_list_filters_by_words_and_tells_what_each_can() -> None:
    done = in_process("device", "list", "meter", "eastron")
    assert done.returncode == 0
    rows = [line.split()[0] for line in done.stdout.splitlines()[1:]]
    assert "eastron-sdm630" in rows and all(row.startswith("eastron-") for row in rows)
    profiles = json.loads(in_process("device", "list", "keba-p30", "--json").stdout)["profiles"]
    assert {"limit in A", "read back", "fail-safe", "energy"} <= set(profiles[0]["capabilities"])
    assert in_process("device", "list", "no such thing").returncode == 1


def test_the_page_of_devices_is_up_to_date() -> None:
    page = (ROOT / "docs" / "devices.md").read_text("utf-8")
    made = in_process("device", "list", "--markdown").stdout
    assert page == made, "run: baywarden device list --markdown > docs/devices.md"


# Reading.


def test_who_answers_is_found_out_without_a_profile(meter: str) -> None:
    said = answer("device", "identify", "--tcp", meter)
    first = said["candidates"][0]
    assert first["profile"] == METER
    assert first["confidence"] > 0.9
    assert any("voltage_l1" in reason for reason in first["reasons"])


def test_who_it_is_by_its_profile(charger: str) -> None:
    said = answer("device", "identify", "--tcp", charger, "--profile", CHARGER_PROFILE)
    assert (said["vendor"], said["profile"]) == ("Phoenix Contact", CHARGER_PROFILE)
    assert point(said, "firmware")["value"] == said["firmware"] != ""


def test_a_reading_has_unit_quality_and_age(meter: str) -> None:
    said = answer("device", "read", "--tcp", meter, "--profile", METER)
    current = point(said, "current_l1")
    assert current["value"] == pytest.approx(7, abs=1)
    assert (current["unit"], current["quality"]) == ("A", "good")
    assert 0 <= current["age_s"] < 30
    assert all(row["quality"] == "good" or row["reason"] for row in said["values"])


def test_named_points_are_read_alone_and_a_wrong_name_is_mended(meter: str) -> None:
    said = answer("device", "read", "--tcp", meter, "--profile", METER, "frequency", "power")
    assert {row["point"] for row in said["values"]} == {"frequency", "power"}
    wrong = in_process("device", "read", "--tcp", meter, "--profile", METER, "frequenzy")
    assert wrong.returncode == 2
    assert "did you mean 'frequency'" in wrong.stderr


def test_a_wrong_profile_is_told_by_its_refusals(meter: str) -> None:
    done = baywarden("device", "read", "--tcp", meter, "--profile", "abl-em4", "--unit", "1")
    assert done.returncode == 1
    assert "exception 2" in done.stderr


def test_a_reading_never_writes_what_the_profile_wants_at_start_up(tmp_path: Path) -> None:
    control = tmp_path / "c.sock"
    profile = "heidelberg-energy-control"
    with simulated(profile, "--control", control) as where:
        said = answer("device", "read", "--tcp", where, "--profile", profile)
        assert said["status"]["state"] == "available"
        assert written_to(control) == []


def test_a_watch_shows_readings_until_it_has_enough(meter: str) -> None:
    done = baywarden(
        "device",
        "watch",
        "--tcp",
        meter,
        "--profile",
        METER,
        "frequency",
        "--every",
        "0.1",
        "--count",
        "3",
        "--json",
    )
    assert done.returncode == 0
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 3
    assert all(49 < point(row, "frequency")["value"] < 51 for row in rows)


def test_a_watch_that_runs_until_ctrl_c_is_done_then(meter: str) -> None:
    with serving("device", "watch", "--tcp", meter, "--profile", METER, "frequency") as watch:
        code, _, errors = watch.end()
    assert (code, errors) == (0, "")


# Writing.


def test_a_write_is_read_back(charger: str) -> None:
    words = ("device", "write", "--tcp", charger, "--profile", CHARGER_PROFILE, "--yes", "set_current_limit")
    said = answer(*words, "9")
    assert (said["written"], said["after"]) == (9, 9)
    assert answer(*words, "11")["before"] == 9


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("set_current_limit", "9"), "add --yes"),
        (("set_current_limi", "9", "--yes"), "did you mean 'set_current_limit'"),
        (("set_current_limit", "much", "--yes"), "takes a number"),
        (("set_current_limit", "900", "--yes"), "outside"),
    ],
)
def test_what_cannot_be_written_ends_with_2_and_nothing_is_sent(
    words: tuple[str, ...], said: str, charger: str, tmp_path: Path
) -> None:
    trace = tmp_path / "t"
    done = baywarden(
        "device", "write", "--tcp", charger, "--profile", CHARGER_PROFILE, *words, "--trace", trace
    )
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert not trace.exists()


def test_what_the_device_stores_is_only_written_when_that_is_meant() -> None:
    words = ("device", "write", "--tcp", "127.0.0.1:1", "--profile", "keba-p30", "--yes")
    done = in_process(*words, "failsafe_persist", "1")
    assert done.returncode == 2
    assert "--stored" in done.stderr


# Testing.


def test_a_test_that_is_broken_off_puts_back_what_it_changed(charger: str) -> None:
    place = ("--tcp", charger, "--profile", CHARGER_PROFILE)
    answer("device", "write", *place, "--yes", "set_current_limit", "13")
    with serving("device", "test", *place, "--yes", "--failsafe-s", "60") as test:
        lines = iter(test.next_line, "")
        assert any("fail-safe armed" in line for line in lines)
        code, out, _ = test.end()
    assert code == 130
    assert "put back" in out
    rows = answer("device", "read", *place, "limit_modbus", "failsafe_timeout")
    assert (point(rows, "limit_modbus")["value"], point(rows, "failsafe_timeout")["value"]) == (13, 65535)


def test_a_test_that_may_change_nothing_only_reads(charger: str, tmp_path: Path) -> None:
    trace = tmp_path / "t"
    words = ("--tcp", charger, "--profile", CHARGER_PROFILE, "--read-only", "--trace", trace)
    said = answer("device", "test", *words)
    verdicts = {step["name"]: step["verdict"] for step in said["steps"]}
    assert (verdicts["status"], verdicts["limit"], verdicts["fail-safe"]) == ("pass", "skipped", "skipped")
    assert "put back" not in verdicts
    assert ": write" not in trace.read_text("utf-8")


def test_a_test_of_nobody_fails_at_the_first_step() -> None:
    said = answer("device", "test", "--tcp", "127.0.0.1:1", "--profile", "keba-p30", "--yes", code=1)
    assert [step["verdict"] for step in said["steps"]] == ["fail"]


def test_a_test_asks_nobody_where_nobody_sits() -> None:
    done = baywarden("device", "test", "--tcp", "127.0.0.1:1", "--profile", "keba-p30")
    assert done.returncode == 2
    assert "--yes or --read-only" in done.stderr


# Through the daemon.


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDaemon]:
    """A daemon that polls one charger."""
    with simulated(CHARGER_PROFILE) as where:
        port = int(where.rpartition(":")[2])
        with RealDaemon(tmp_path_factory.mktemp("daemon"), tcp_charger("row", port, "bay-1")) as running:
            yield running


def test_the_daemon_tells_what_it_reads_without_asking_the_device_again(daemon: RealDaemon) -> None:
    said = answer("device", "read", "--evse", "bay-1", "--socket", daemon.socket)
    assert said["status"]["state"] == "available"
    assert point(said, "status")["quality"] == "good"
    named = answer("device", "read", "--charger", "row", "--socket", daemon.socket, "voltage_l1")
    assert point(named, "voltage_l1")["age_s"] < 30
    who = answer("device", "identify", "--evse", "bay-1", "--socket", daemon.socket)
    assert who["vendor"] == "Phoenix Contact"


def test_what_the_daemon_steers_is_not_written_behind_its_back(daemon: RealDaemon) -> None:
    words = ("device", "write", "--evse", "bay-1", "--socket", daemon.socket, "--yes")
    limit = in_process(*words, "set_current_limit", "32")
    assert limit.returncode == 2
    assert "the daemon sets this itself" in limit.stderr
    lost = in_process(*words, "no_such_point", "1")
    assert lost.returncode == 2
    assert "no write point" in lost.stderr


def test_a_test_through_the_daemon_changes_nothing(daemon: RealDaemon) -> None:
    said = answer("device", "test", "--evse", "bay-1", "--socket", daemon.socket)
    assert {step["name"]: step["verdict"] for step in said["steps"]}["limit"] == "skipped"


def test_a_device_that_the_daemon_does_not_have_is_told_with_those_that_it_has(daemon: RealDaemon) -> None:
    done = in_process("device", "read", "--evse", "bay-9", "--socket", daemon.socket)
    assert done.returncode == 2
    assert "there is no device 'bay-9'; there are: bay-1, row" in done.stderr


def test_a_link_is_traced_while_the_daemon_uses_it(daemon: RealDaemon, tmp_path: Path) -> None:
    out = tmp_path / "row.trace"
    done = in_process("bus", "trace", "row", "--socket", daemon.socket, "--out", out, "--for", "2s")
    assert done.returncode == 0, done.stderr
    head, *rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert head["devices"] == [{"unit": 1, "profile": CHARGER_PROFILE, "connector": 1}]
    assert {row["direction"] for row in rows} == {"sent", "received"}
    assert any("status" in row.get("values", {}) for row in rows)
    again = in_process("bus", "trace", "row", "--socket", daemon.socket, "--out", out, "--for", "1s")
    assert (again.returncode, "--force" in again.stderr) == (1, True)
    lost = in_process("bus", "trace", "nowhere", "--socket", daemon.socket, "--for", "1s")
    assert (lost.returncode, "links with devices are: row" in lost.stderr) == (2, True)


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("device.read", {}, "device: must be text"),
        ("device.read", {"device": "bay-1", "points": "all"}, "points: must be a list"),
        ("device.read", {"device": "bay-1", "points": ["nothing"]}, "has no point 'nothing'"),
        ("device.write", {"device": "bay-1", "point": "x", "value": 3}, "value: must be text"),
        ("device.write", {"device": "bay-1", "point": "x", "value": "3", "stored": 1}, "true or false"),
        ("link.trace", {"link": "row", "after": -1}, "after: must be a whole number"),
        ("link.trace", {"link": "row", "wait_ms": 60000}, "at most 5000"),
        ("link.trace", {"link": "row", "x": 1}, "x: is not known"),
    ],
)
def test_a_question_to_the_daemon_that_makes_no_sense_is_rejected_with_the_right_way(
    name: str, params: dict[str, Any], said: str, daemon: RealDaemon
) -> None:
    reply = daemon.ask(name, params)
    assert (reply["result"], reply["reason"]) == ("REJECTED", "INVALID")
    assert said in reply["detail"]


# What was begun at first.


def test_a_charging_car_is_limited_let_go_and_cut_by_the_fail_safe_and_all_is_put_back(
    walk: Future[Any],
) -> None:
    said = walk.result(timeout=90)
    verdicts = {step["name"]: step["verdict"] for step in said["steps"]}
    figures = {step["name"]: step["figures"] for step in said["steps"]}
    assert said["passed"], said
    assert verdicts == {
        "contact": "pass",
        "identity": "pass",
        "values": "pass",
        "status": "pass",
        "limit down": "pass",
        "limit up": "pass",
        "fail-safe armed": "pass",
        "fail-safe by silence": "pass",
        "put back": "pass",
    }
    assert figures["limit down"]["drawn_a"] <= 7 < figures["limit up"]["drawn_a"]
