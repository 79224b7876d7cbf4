"""The daemon as it is really run: a process on a real broker and real Modbus, among peers and files that fail it."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from support.broker import Broker, BrokerKind, free_port
from support.cloud_ear import CloudEar
from support.real_daemon import (
    SITE_ID,
    Field,
    RealDaemon,
    bad_peer,
    lies_about_lengths,
    says_nothing,
    serial_charger,
    talks_nonsense,
    tcp_charger,
)

ROW: Final = ("bay-1", "bay-2")
FIELD: Final = """\
[[listener]]
name = "lan"
tcp = {port}
[[charger]]
name = "row"
profile = "phoenix-charx-sec"
listener = "lan"
outlets = ["bay-1", "bay-2"]
max_current_a = 16
"""


class Row:
    """Two simulated bays and where they listen."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.field = Field(folder, FIELD.format(port=self.port))

    @property
    def charger(self) -> str:
        """The same, as site.toml says it."""
        return tcp_charger("row", self.port, *ROW)


@pytest.fixture(scope="module")
def row(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Row]:
    """Simulated bays for all tests of this file."""
    row = Row(tmp_path_factory.mktemp("field"))
    with row.field:
        yield row


def booking(daemon: RealDaemon, name: str = "b-1", in_min: float = 60, **changes: Any) -> dict[str, Any]:
    """Params of a booking of half an hour."""
    start_at = daemon.clock.now() + timedelta(minutes=in_min)
    return {
        "booking_id": name,
        "evse_id": "bay-1",
        "start_at": start_at.isoformat(),
        "end_at": (start_at + timedelta(minutes=30)).isoformat(),
        "token": f"TOKEN-{name}",
    } | changes


def command(daemon: RealDaemon, command_id: str, params: Any, valid_s: float = 600) -> bytes:
    """The bytes of a command from the cloud."""
    expires_at = daemon.clock.now() + timedelta(seconds=valid_s)
    return json.dumps({"id": command_id, "expires_at": expires_at.isoformat(), "params": params}).encode()


# Devices that fail


@pytest.mark.modbus
@pytest.mark.serial
@pytest.mark.broker
def test_a_site_starts_with_whatever_answers_and_says_what_is_wrong_with_the_rest(
    row: Row, broker: Broker, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        silent, nonsense, liar = (
            stack.enter_context(bad_peer(talk)) for talk in (says_nothing, talks_nonsense, lies_about_lengths)
        )
        daemon = RealDaemon(
            tmp_path,
            row.charger,
            tcp_charger("absent", free_port(), "absent"),
            tcp_charger("silent", silent, "silent"),
            tcp_charger("nonsense", nonsense, "nonsense", profile="alfen-eve"),
            tcp_charger("liar", liar, "liar", profile="bender-cc612"),
            serial_charger("unplugged", tmp_path / "no-such-port", "unplugged"),
            broker_port=broker.port,
        )
        stack.enter_context(daemon)
        stack.enter_context(ear := CloudEar(broker.host, broker.port, SITE_ID))
        bays = daemon.bays()
        for bay in ROW:
            assert (bays[bay]["availability"], bays[bay]["contact"]) == ("available", "ok")
        for bay in ("absent", "silent", "nonsense", "liar", "unplugged"):
            assert bays[bay]["availability"] in ("unknown", "out_of_service"), bay
            assert bays[bay]["reason"] not in ("", "not_polled"), bay
            assert bays[bay]["contact_reason"], bay
            assert bays[bay]["energy_wh"] is None, bay
        assert bays["absent"]["contact"] == bays["unplugged"]["contact"] == "link_down"
        assert bays["silent"]["contact"] == "silent"
        units = [unit for link in daemon.status()["links"] for unit in link["units"]]
        figures = {name: unit for unit in units for name in unit["devices"]}
        assert figures["bay-1"]["answers"] > 0 and figures["bay-1"]["round_trip_ms"]["p99_under"]
        assert figures["silent"]["time_outs"] > 0 and figures["silent"]["answers"] == 0
        daemon.wait(lambda: bool(ear.objects("evse/nonsense/status")), "the cloud hears of it")
        assert ear.objects("evse/nonsense/status")[-1]["availability"] in ("unknown", "out_of_service")
        assert daemon.ask("booking.put", booking(daemon))["result"] == "ACCEPTED"
        daemon.wait(lambda: daemon.bays()["bay-1"]["age_s"] < 2.5, "the others polled as if nothing were")


@pytest.mark.modbus
def test_a_device_that_falls_silent_later_makes_only_its_own_outlet_unknown(row: Row, tmp_path: Path) -> None:
    port = free_port()
    other = FIELD.format(port=port).replace("bay-1", "bay-3").replace("bay-2", "bay-4")
    with (
        Field(tmp_path, other) as field,
        RealDaemon(tmp_path, row.charger, tcp_charger("other", port, "bay-3", "bay-4")) as daemon,
    ):
        assert daemon.bays()["bay-3"]["availability"] == "available"
        field.ask(do="silence", device="row", for_s=60)
        daemon.wait(lambda: daemon.bays()["bay-3"]["availability"] == "unknown", "bay-3 unknown")
        bays = daemon.bays()
        assert bays["bay-3"]["reason"] in ("silent", "link_down"), bays["bay-3"]
        assert bays["bay-1"]["availability"] == "available"
        field.ask(do="clear", device="row")
        daemon.wait(lambda: daemon.bays()["bay-3"]["availability"] == "available", "bay-3 again")


# Files that are wrong


def test_a_broken_file_lists_every_fault_with_its_line_and_starts_nothing(tmp_path: Path) -> None:
    daemon = RealDaemon(tmp_path, tcp_charger("row", 502, *ROW, profile="no-such-box"), broker_port=1)
    text = daemon.config.read_text().replace("limit_a = 64", "limit_a = -1\ncolour = 'red'")
    daemon.config.write_text(text.replace('"Europe/Berlin"', '"Europe/Atlantis"'))
    done = subprocess.run(
        [sys.executable, "-m", "baywarden", "run", "--config", str(daemon.config)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    for place in ("time_zone", "limit_a", "colour", "profile"):
        assert any(line.startswith(f"{daemon.config}:") and place in line for line in lines), place
    assert "Traceback" not in done.stderr
    assert not daemon.socket.exists()
    assert not (tmp_path / "store").exists()


@pytest.mark.modbus
def test_a_second_daemon_on_the_same_store_says_so_and_leaves_the_first_alone(
    row: Row, tmp_path: Path
) -> None:
    with RealDaemon(tmp_path, row.charger) as first:
        done = _run_again(first)
        assert done.returncode == 1
        assert "another daemon has the store" in done.stderr
        assert "Traceback" not in done.stderr
        assert first.status()["site_id"] == SITE_ID


@pytest.mark.modbus
def test_a_second_daemon_on_the_same_socket_says_so_and_leaves_the_first_alone(
    row: Row, tmp_path: Path
) -> None:
    with RealDaemon(tmp_path, row.charger) as first:
        first.config.write_text(first.config.read_text().replace("/store", "/other-store"))
        done = _run_again(first)
        assert done.returncode == 1
        assert "another daemon answers at" in done.stderr
        assert first.status()["site_id"] == SITE_ID


def _run_again(daemon: RealDaemon) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "baywarden", "run", "--config", str(daemon.config)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


# Start and stop


@pytest.mark.modbus
@pytest.mark.broker
def test_sigterm_ends_it_cleanly_and_the_broker_keeps_the_goodbye(
    row: Row, broker: Broker, tmp_path: Path
) -> None:
    with RealDaemon(tmp_path, row.charger, broker_port=broker.port) as daemon:
        daemon.wait(lambda: daemon.status()["broker"]["connected"], "the broker")
        assert daemon.ask("booking.put", booking(daemon))["result"] == "ACCEPTED"
        assert daemon.child.stop(timeout_s=20) == 0
        assert not daemon.socket.exists()
        assert "STOPPING=1" in daemon.told
        for trouble in ("Traceback", "ERROR", "CRITICAL"):
            assert trouble not in daemon.log
    with CloudEar(broker.host, broker.port, SITE_ID) as ear:
        ear.wait(lambda: bool(ear.objects("state")))
    assert [(one["online"], one["reason"]) for one in ear.objects("state")] == [(False, "stopped")]
    assert [retained for topic, _, retained in ear.heard if topic.endswith("/state")] == [True]
    with closing(sqlite3.connect(tmp_path / "store" / "ledger.db")) as books:
        assert books.execute("SELECT count(*) FROM bookings").fetchone() == (1,)


@pytest.mark.modbus
def test_a_hang_up_ends_it_as_cleanly(row: Row, tmp_path: Path) -> None:
    with RealDaemon(tmp_path, row.charger) as daemon:
        assert daemon.child.stop(timeout_s=20, by=signal.SIGHUP) == 0
        assert not daemon.socket.exists()
        assert "STOPPING=1" in daemon.told


@pytest.mark.modbus
def test_ready_comes_once_every_device_was_tried_and_the_watchdog_is_fed_until_it_hangs(
    row: Row, tmp_path: Path
) -> None:
    with RealDaemon(tmp_path, row.charger) as daemon:
        assert all(bay["contact"] != "never" for bay in daemon.bays().values())
        daemon.wait(lambda: daemon.told.count("WATCHDOG=1") >= 3, "three pings")
        assert daemon.told.count("READY=1") == 1
        pid = daemon.child.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            before = len(daemon.told)
            time.sleep(1.2)
            # One ping may have been on its way; four were due.
            assert len(daemon.told) <= before + 1, "a daemon that hangs must not be fed for"
        finally:
            os.kill(pid, signal.SIGCONT)
        daemon.wait(lambda: len(daemon.told) > before, "pings again")


# The cloud


@pytest.mark.modbus
@pytest.mark.broker
def test_no_wrong_command_changes_anything_or_stops_the_next(
    row: Row, broker: Broker, tmp_path: Path
) -> None:
    with (
        RealDaemon(tmp_path, row.charger, broker_port=broker.port) as daemon,
        CloudEar(broker.host, broker.port, SITE_ID) as ear,
    ):
        daemon.wait(lambda: daemon.status()["broker"]["connected"], "the broker")
        rsp = ear.root + "rsp/test"
        right = booking(daemon)
        backwards = right | {"end_at": right["start_at"]}
        late = command(daemon, "late", right, valid_s=-1)
        refused: dict[str, tuple[str, bytes, str]] = {
            "unknown": ("booking.steal", command(daemon, "unknown", right), "NOT_SUPPORTED"),
            "late": ("booking.put", late, "COMMAND_EXPIRED"),
            "endless": ("booking.put", b'{"id":"endless","params":' + json.dumps(right).encode() + b"}", "INVALID"),
            "backwards": ("booking.put", command(daemon, "backwards", backwards), "INVALID"),
            "extra": ("booking.put", command(daemon, "extra", right | {"free": True}), "INVALID"),
            "typed": ("booking.put", command(daemon, "typed", right | {"power_w": "lots"}), "INVALID"),
            "nowhere": ("booking.put", command(daemon, "nowhere", right | {"evse_id": "bay-99"}), "EVSE_UNKNOWN"),
            "past": ("booking.put", command(daemon, "past", booking(daemon, in_min=-90)), "IN_PAST"),
            "nobody": ("booking.cancel", command(daemon, "nobody", {"booking_id": "b-99"}), "UNKNOWN_RESERVATION"),
            "no-session": ("session.stop", command(daemon, "no-session", {"session_id": "s"}), "UNKNOWN_SESSION"),
            "huge": ("booking.put", command(daemon, "huge", right | {"token": "x" * 70_000}), "INVALID"),
        }  # fmt: skip
        for name, payload, _ in refused.values():
            ear.say(f"cmd/{name}", payload, response_topic=rsp)
        for payload in (
            b"",
            b"\xff\xfe",
            b"{",
            b"[]",
            b"null",
            b'{"id": 7}',
            b"[" * 5000,
            b'{"id":"a","id":"a"}',
        ):
            ear.say("cmd/booking.put", payload, response_topic=rsp)
        if broker.kind is BrokerKind.MOSQUITTO:  # the other one knows no "retain as published"
            ear.say("cmd/booking.put", command(daemon, "kept", right), retain=True, response_topic=rsp)
            ear.say("cmd/booking.put", b"", retain=True)
        ear.say("cmd/a/b/c", command(daemon, "deep", right), response_topic=rsp)
        ear.say(
            "cmd/booking.put", command(daemon, "right", right | {"booking_id": "b-2"}), response_topic=rsp
        )
        ear.wait(lambda: any(one["id"] == "right" for one in ear.objects("rsp/test")))
        answers = {one["id"]: one for one in ear.objects("rsp/test") if one["id"]}
        for command_id, (_, _, reason) in refused.items():
            assert answers[command_id]["result"] == "REJECTED", command_id
            assert answers[command_id]["reason"] == reason, answers[command_id]
            assert answers[command_id]["detail"], command_id
        assert answers["right"]["result"] == "ACCEPTED"
        counters = daemon.status()["broker"]["counters"]
        assert counters["refused_invalid"] >= 8
        held = {row["id"] for row in daemon.ask("bookings.list")["data"]["items"]}
        assert held == {"b-2"}, held
        assert not {"kept", "deep"} & {key for key, one in answers.items() if one["result"] == "ACCEPTED"}
        assert counters.get("retained_commands", 0) >= (broker.kind is BrokerKind.MOSQUITTO)


@pytest.mark.modbus
@pytest.mark.broker
def test_a_retained_command_is_never_acted_on_however_often_the_daemon_connects(
    row: Row, broker: Broker, tmp_path: Path
) -> None:
    with CloudEar(broker.host, broker.port, SITE_ID) as ear:
        daemon = RealDaemon(tmp_path, row.charger, broker_port=broker.port)
        ear.say("cmd/booking.put", command(daemon, "kept", booking(daemon)), retain=True)
        with daemon:
            daemon.wait(
                lambda: daemon.status()["broker"].get("counters", {}).get("retained_commands", 0) > 0,
                "counted",
            )
            assert daemon.ask("bookings.list")["data"]["items"] == []


@pytest.mark.modbus
@pytest.mark.broker
def test_a_site_works_without_its_broker_and_tells_everything_later(row: Row, tmp_path: Path) -> None:
    port = free_port()
    with RealDaemon(tmp_path, row.charger, broker_port=port) as daemon:
        assert not daemon.status()["broker"]["connected"]
        for number in range(1, 4):
            asked = booking(daemon, f"b-{number}", in_min=60 * number)
            assert daemon.ask("booking.put", asked)["result"] == "ACCEPTED"
        with Broker(tmp_path / "broker", port=port) as broker, CloudEar(broker.host, port, SITE_ID) as ear:
            ear.wait(lambda: len(ear.payloads("evt/booking")) >= 3)
            events = ear.objects("evt/booking")
            assert [event["id"] for event in events] == ["1-1", "1-2", "1-3"]
            assert [event["data"]["booking_id"] for event in events] == ["b-1", "b-2", "b-3"]
            assert all(event["offline"] for event in events)
            ear.wait(lambda: bool(ear.objects("evse/bay-1/status")))


# The disk


@pytest.mark.modbus
@pytest.mark.broker
def test_a_site_without_its_secret_works_says_so_and_connects_as_soon_as_it_is_there(
    row: Row, broker: Broker, tmp_path: Path
) -> None:
    daemon, secret = RealDaemon(tmp_path, row.charger, broker_port=broker.port), tmp_path / "secret"
    text = daemon.config.read_text("utf-8")
    wanted = f'[cloud]\nusername = "{SITE_ID}"\npassword_file = "secret"\n'
    daemon.config.write_text(text.replace("[cloud]\n", wanted), "utf-8")
    with daemon:
        daemon.wait(
            lambda: str(secret) in daemon.status()["broker"]["reason"], "a reason that names the file"
        )
        assert str(secret) in daemon.status()["broker"]["alarm"]
        assert daemon.ask("booking.put", booking(daemon))["result"] == "ACCEPTED"
        secret.write_text("x\n")
        daemon.wait(lambda: daemon.status()["broker"]["connected"], "the broker")
        assert daemon.status()["broker"]["alarm"] is None


@pytest.mark.modbus
def test_a_full_disk_refuses_bookings_keeps_control_and_recovers_by_itself(row: Row, tmp_path: Path) -> None:
    with RealDaemon(tmp_path, row.charger, limit_a=16, rate=4) as daemon:
        assert daemon.ask("booking.put", booking(daemon))["result"] == "ACCEPTED"
        log = tmp_path / "store" / "ledger.db-wal"
        daemon.files_may_grow_to(log.stat().st_size)
        try:
            reply = daemon.ask("booking.put", booking(daemon, "b-2", in_min=120))
            assert (reply["result"], reply["reason"]) == ("REJECTED", "STORE_FULL"), reply
            row.field.ask(do="plug", outlet="bay-1", need_wh=20_000)
            daemon.wait(lambda: row.field.outlet("bay-1")["allowed_a"] >= 6, "the car gets current")
            row.field.ask(do="plug", outlet="bay-2", need_wh=20_000)
            daemon.wait(lambda: row.field.outlet("bay-2")["allowed_a"] >= 6, "so does the second", 40)
            both = [row.field.outlet(bay)["allowed_a"] for bay in ROW]
            assert sum(both) <= 16, both
            status = daemon.status()
            assert status["store"]["refuses"]
            assert daemon.ask("sessions.list")["data"]["items"] == []
            assert daemon.ask("booking.put", booking(daemon, "b-2", in_min=120))["reason"] == "STORE_FULL"
            daemon.files_may_grow_to(-1)
            daemon.wait(lambda: daemon.status()["store"]["refuses"] is None, "it takes writes again")
            daemon.wait(
                lambda: len(daemon.ask("sessions.list")["data"]["items"]) == 2, "the sessions are kept"
            )
            assert daemon.ask("booking.put", booking(daemon, "b-2", in_min=120))["result"] == "ACCEPTED"
        finally:
            for bay in ROW:
                row.field.ask(do="unplug", outlet=bay)
        daemon.wait(lambda: all(bay["session_id"] is None for bay in daemon.bays().values()), "all gone")
