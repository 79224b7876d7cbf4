"""The client against a socket that behaves well and badly."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from baywarden.control.client import ControlClient, DaemonUnreachable

Answer = Callable[[bytes], list[bytes]]

NOBODY: Final = 65_534


@contextmanager
def daemon(path: Path, answer: Answer) -> Iterator[Path]:
    """Answers each line with some chunks; the chunk b"" ends the conversation."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    listener.settimeout(5)

    def serve() -> None:
        try:
            while True:
                wire, _ = listener.accept()
                with wire, wire.makefile("rb") as lines:
                    for line in lines:
                        chunks = answer(line)
                        for chunk in chunks:
                            wire.sendall(chunk)
                        if b"" in chunks:
                            break
        except OSError:
            return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield path
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


@contextmanager
def plain_user() -> Iterator[None]:
    """Root may open everything, so it does without its rights for a while."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def accept(line: bytes) -> list[bytes]:
    request = json.loads(line)
    reply = {
        "id": request["id"],
        "result": "ACCEPTED",
        "data": {"asked": request["name"], **request["params"]},
    }
    return [json.dumps(reply).encode() + b"\n"]


def test_a_call_returns_the_reply_and_the_conversation_goes_on(tmp_path: Path) -> None:
    with daemon(tmp_path / "s", accept) as path, ControlClient(path) as client:
        assert client.call("status")["data"] == {"asked": "status"}
        assert client.call("bookings.list", {"limit": 2})["data"] == {"asked": "bookings.list", "limit": 2}


def test_a_reply_in_pieces_and_behind_an_older_one_is_found(tmp_path: Path) -> None:
    def dribble(line: bytes) -> list[bytes]:
        [reply] = accept(line)
        return [b'{"id":"older"}\n', reply[:5], reply[5:20], reply[20:]]

    with daemon(tmp_path / "s", dribble) as path, ControlClient(path) as client:
        assert client.call("status")["data"] == {"asked": "status"}
        assert client.call("status")["data"] == {"asked": "status"}


def test_a_refusal_that_names_nobody_is_for_us(tmp_path: Path) -> None:
    with daemon(tmp_path / "s", lambda line: [b'{"id":null,"result":"REJECTED"}\n']) as path:
        assert ControlClient(path).call("status")["result"] == "REJECTED"


def test_the_same_request_can_be_asked_again_by_its_id(tmp_path: Path) -> None:
    asked = []

    def note(line: bytes) -> list[bytes]:
        asked.append(json.loads(line)["id"])
        return accept(line)

    with daemon(tmp_path / "s", note) as path, ControlClient(path) as client:
        client.call("booking.put", request_id="b-1")
        client.call("booking.put", request_id="b-1")
        client.call("booking.put")
    assert asked[:2] == ["b-1", "b-1"]
    assert len(asked[2]) == 32


def test_no_socket_means_no_daemon(tmp_path: Path) -> None:
    with pytest.raises(DaemonUnreachable, match="is the daemon running") as caught:
        ControlClient(tmp_path / "none").call("status")
    assert not caught.value.may_have_acted


def test_a_socket_left_behind_means_no_daemon(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "s"))
    with pytest.raises(DaemonUnreachable, match="nobody listens"):
        ControlClient(tmp_path / "s").call("status")


def test_a_socket_that_may_not_be_opened_says_what_to_do() -> None:
    # pytest's own folders are closed to others, who would then not even come to the socket.
    with TemporaryDirectory() as folder, daemon(Path(folder, "s"), accept) as path:
        path.parent.chmod(0o755)
        path.chmod(0)
        with plain_user(), pytest.raises(DaemonUnreachable, match="member of the group"):
            ControlClient(path).call("status")


def test_silence_ends_in_time_and_warns_that_it_may_have_been_done(tmp_path: Path) -> None:
    with daemon(tmp_path / "s", lambda line: []) as path:
        with pytest.raises(DaemonUnreachable, match=r"within 0.1 s") as caught:
            ControlClient(path).call("booking.put", timeout_s=0.1)
        assert caught.value.may_have_acted


def test_a_daemon_that_goes_away_is_found_again_by_the_next_call(tmp_path: Path) -> None:
    answers: list[Answer] = [lambda line: [b'{"id', b""], accept]

    def next_answer(line: bytes) -> list[bytes]:
        return answers.pop(0)(line)

    with daemon(tmp_path / "s", next_answer) as path, ControlClient(path) as client:
        with pytest.raises(DaemonUnreachable, match="broke off"):
            client.call("status")
        assert client.call("status")["result"] == "ACCEPTED"


def test_an_answer_without_end_is_cut_off(tmp_path: Path) -> None:
    endless = daemon(tmp_path / "s", lambda line: [b"x" * 1_000_000] * 5)
    with endless as path, pytest.raises(DaemonUnreachable, match="more than"):
        ControlClient(path).call("status")


def test_the_client_loads_neither_pydantic_nor_the_mqtt_client() -> None:
    heavy = "('pydantic', 'paho', 'asyncio')"
    code = f"import sys, baywarden.control.client; print([name for name in sys.modules if name in {heavy}])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        check=True,
    )
    assert done.stdout.strip() == b"[]"
