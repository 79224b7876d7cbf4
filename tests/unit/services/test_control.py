"""The control socket answers everything that comes in, and only its owner and group get in."""

import asyncio
import json
import logging
import os
import socket
import stat
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from baywarden.control.client import ControlClient, DaemonUnreachable
from baywarden.control.wire import MAX_REQUEST_BYTES, ControlRequest
from baywarden.services.control import ControlServer


async def _echo(request: ControlRequest) -> Mapping[str, Any]:
    return {
        "id": request.id,
        "result": "ACCEPTED",
        "reason": None,
        "detail": "",
        "rev": None,
        "data": request.params,
    }


@pytest.fixture
async def socket_path(tmp_path: Path) -> AsyncIterator[Path]:
    path = tmp_path / "control.sock"
    server = ControlServer(path, _echo)
    await server.start()
    yield path
    await server.stop()


async def _talk(path: Path, *lines: bytes) -> list[dict[str, Any]]:
    reader, writer = await asyncio.open_unix_connection(path)
    for line in lines:
        writer.write(line)
    writer.write_eof()
    answers = [json.loads(line) async for line in reader]
    writer.close()
    await writer.wait_closed()
    return answers


async def test_the_client_gets_the_answer_to_its_request(socket_path: Path) -> None:
    with ControlClient(socket_path) as client:
        reply = await asyncio.to_thread(client.call, "status", {"a": 1})
    assert reply["data"] == {"a": 1}


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        (b"not json\n", "not a line of JSON"),
        (b"[1]\n", "object"),
        (b'{"name": "status"}\n', "id"),
        (b'{"id": "1"}\n', "name"),
        (b'{"id": "1", "name": "status", "params": 3}\n', "params"),
        (b"[" * 50_000 + b"\n", "not a line of JSON"),
    ],
)
async def test_a_malformed_line_is_answered_and_the_next_one_is_served(
    socket_path: Path, line: bytes, hint: str
) -> None:
    wrong, right = await _talk(socket_path, line, b'{"id": "2", "name": "x"}\n')
    assert wrong["result"] == "REJECTED" and hint in wrong["detail"]
    assert right["id"] == "2" and right["result"] == "ACCEPTED"


async def test_an_endless_line_is_refused_and_the_conversation_ends(socket_path: Path) -> None:
    answers = await _talk(socket_path, b"x" * (3 * MAX_REQUEST_BYTES))
    assert [answer["result"] for answer in answers] == ["REJECTED"]


async def test_the_socket_is_closed_to_others(socket_path: Path) -> None:
    assert stat.S_IMODE(os.stat(socket_path).st_mode) == 0o660


async def test_a_second_daemon_does_not_take_the_socket_of_a_living_one(socket_path: Path) -> None:
    with pytest.raises(RuntimeError, match="another daemon"):
        await ControlServer(socket_path, _echo).start()


async def test_a_socket_left_by_a_killed_daemon_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    server = ControlServer(path, _echo)
    await server.start()
    assert await _talk(path, b'{"id": "1", "name": "x"}\n')
    await server.stop()
    assert not path.exists()


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
async def test_what_is_no_socket_is_never_removed(tmp_path: Path, kind: str) -> None:
    path, precious = tmp_path / "control.sock", tmp_path / "precious"
    precious.write_text("kept")
    match kind:
        case "file":
            path.write_text("kept")
        case "folder":
            path.mkdir()
        case _:
            path.symlink_to(precious)
    with pytest.raises(RuntimeError, match=f"{path} is a .*{kind}"):
        await ControlServer(path, _echo).start()
    assert path.is_dir() or path.read_text() == "kept"


async def test_a_stop_removes_no_socket_but_its_own(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    first, second = ControlServer(path, _echo), ControlServer(path, _echo)
    await first.start()
    path.unlink()
    await second.start()
    await first.stop()
    assert await _talk(path, b'{"id": "1", "name": "x"}\n')
    await second.stop()
    assert not path.exists()


async def _broken(request: ControlRequest) -> Mapping[str, Any]:
    match request.name:
        case "late":
            raise TimeoutError
        case "gone":
            raise ConnectionResetError
        case "unsayable":
            return {"id": request.id, "data": {"a": "\ud800"}}
    raise KeyError("bay-1")


async def test_a_request_that_breaks_the_daemon_is_answered_and_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = ControlServer(tmp_path / "control.sock", _broken)
    await server.start()
    names = ("late", "gone", "unsayable", "other", "other", "other")
    lines = [
        json.dumps({"id": str(place), "name": name}).encode() + b"\n" for place, name in enumerate(names)
    ]
    with caplog.at_level(logging.WARNING):
        answers = await _talk(tmp_path / "control.sock", *lines)
    await server.stop()
    assert [(answer["id"], answer["result"], answer["reason"]) for answer in answers] == [
        (str(place), "FAILED", "FAILED") for place in range(6)
    ]
    told = [record for record in caplog.records if record.exc_info is not None]
    assert len(told) == 4
    assert "'bay-1'" in str(told[-1].exc_info)


async def test_a_stopped_daemon_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(DaemonUnreachable):
        ControlClient(tmp_path / "none.sock").call("status")
