"""`baywarden simulate` and `baywarden simulate do` as real processes."""

import asyncio
import json
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

PATIENCE_S = 20.0
CODE = "import sys; from baywarden_config.cli import main; sys.exit(main(sys.argv[1:]))"

pytestmark = pytest.mark.modbus


async def started(*words: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", CODE, "simulate", *words, stdout=PIPE, stderr=PIPE
    )


async def said(*words: str) -> tuple[int, str, str]:
    """Exit code, output and complaints of a command that ends by itself."""
    process = await started(*words)
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    return process.returncode or 0, out.decode(), err.decode()


@asynccontextmanager
async def serving(*words: str) -> AsyncIterator[dict[str, str]]:
    """A simulator; yields where its listeners are."""
    process = await started(*words, "--json")
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)
    assert line, (await process.communicate())[1].decode()
    try:
        yield json.loads(line)["listeners"]
    finally:
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0


async def test_a_running_simulator_is_told_what_to_do_in_human_words(tmp_path: Path) -> None:
    path = str(tmp_path / "control")
    words = (
        "keba-p30",
        "--tcp",
        "0",
        "--control",
        path,
        "--rate",
        "60",
        "--timeline",
        str(timeline(tmp_path)),
    )
    async with serving(*words):
        told = await asyncio.gather(
            said("do", path, "plug", "outlet-1", "--battery", "60kWh", "--soc", "40%"),
            said("do", path, "delay", "300ms", "--for", "2min"),
            said("do", path, "state", "--json"),
            said("do", path, "plug", "--batery", "60kWh"),
            said("do", path, "plgu", "outlet-1"),
            said("do", path, "unplug", "outlet-2"),
        )
    codes = [code for code, _, _ in told]
    assert codes == [0, 0, 0, 2, 2, 2]
    assert "car at 40 %" in told[0][1]
    assert told[1][1] == "done\n"
    assert json.loads(told[2][1])["outlets"]["outlet-1"]["device"] == "keba-p30"
    assert "unknown key; did you mean 'battery'?" in told[3][2]
    assert "unknown request 'plgu'; did you mean 'plug'?" in told[4][2]
    assert "no outlet 'outlet-2'; there are: outlet-1" in told[5][2]


def timeline(folder: Path) -> Path:
    path = folder / "timeline.toml"
    path.write_text(
        '[[car]]\nat = "5s"\nneed = "8kWh"\n\n[[event]]\nat = "1h"\ndo = "reboot"\n', encoding="utf-8"
    )
    return path


async def test_where_nobody_listens_that_is_a_failure_and_too_few_words_are_wrong_use(tmp_path: Path) -> None:
    nobody, few = await asyncio.gather(said("do", str(tmp_path / "none"), "state"), said("do"))
    assert nobody[0] == 1
    assert "no simulator answers at" in nobody[2]
    assert few[0] == 2
    assert "do PATH REQUEST" in few[2]


async def test_sunspec_meters_are_served_by_one_name() -> None:
    async with serving("sunspec-meter", "--tcp", "0", "--model", "213", "--base", "50000") as listeners:
        host, port = listeners["wire"].split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(bytes.fromhex("0001 0000 0006 01 03 c350 0002".replace(" ", "")))
        answer = await asyncio.wait_for(reader.readexactly(13), PATIENCE_S)
        assert answer[-4:] == b"SunS"
        writer.close()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("keba-p40", "--tcp", "0", "--choice", "energy_scale=kWh"), "no choice 'kWh'; did you mean 'Wh'?"),
        (("keba-p40", "--tcp", "0", "--choice", "Wh"), "--choice Wh: write NAME=VALUE"),
        (("keba-p40", "--tcp", "0", "--set", "colour=red"), "unknown key"),
        (("--tcp", "0", "keba-p41", "--unit", "3"), "did you mean 'keba-p40'?"),
    ],
)
async def test_wrong_words_are_told_before_anything_is_served(words: tuple[str, ...], sentence: str) -> None:
    code, _, complaint = await said(*words)
    assert code == 2
    assert sentence in complaint


async def test_a_second_simulator_leaves_the_control_socket_to_the_first(tmp_path: Path) -> None:
    path = str(tmp_path / "control")
    async with serving("keba-p30", "--tcp", "0", "--control", path):
        code, _, complaint = await said("abb-b23", "--tcp", "0", "--control", path)
        state, told, _ = await said("do", path, "state")
    assert code == 1
    assert f"another simulator answers at the control socket {path}" in complaint
    assert (state, "outlet-1" in told) == (0, True)


async def test_a_control_socket_that_nobody_listens_on_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "control"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    async with serving("keba-p30", "--tcp", "0", "--control", str(path)):
        assert (await said("do", str(path), "state"))[0] == 0
    assert not path.exists()


async def test_what_is_no_socket_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("mine", "utf-8")
    code, _, complaint = await said("keba-p30", "--tcp", "0", "--control", str(path))
    assert (code, path.read_text("utf-8")) == (1, "mine")
    assert "a file that is no socket stands there" in complaint
    code, _, complaint = await said("do", str(path), "state")
    assert (code, "Errno" in complaint, "it is no socket" in complaint) == (1, False, True)
