"""Where a simulator listens: ports, pseudo-terminals and its control socket, taken, given and left clean."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import AsyncModbusSerialClient

from baywarden_drivers.simulator import CannotServe
from support.commands import baywarden
from support.serial_pair import SerialPair
from support.simulated_site import PATIENCE_S, SITE, Site, running

pytestmark = pytest.mark.modbus


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with running() as running_site:
        yield running_site


async def test_the_control_socket_answers_each_line(tmp_path: Path) -> None:
    path = tmp_path / "control"
    async with running(control=path) as site:
        reader, writer = await asyncio.open_unix_connection(path)

        async def tell(request: object) -> dict[str, Any]:
            writer.write(json.dumps(request).encode() + b"\n")
            answer: dict[str, Any] = json.loads(await asyncio.wait_for(reader.readline(), PATIENCE_S))
            return answer

        assert (await tell({"do": "plug", "outlet": "c1", "need_wh": 500, "tag": "AB"}))["ok"]
        site.time.advance(30)
        state = await tell({"do": "state"})
        assert state["outlets"]["c1"]["state"] == "charging"
        assert state["outlets"]["c1"]["id_tag"] == "AB"
        assert state["meters"]["row"]["power_w"] == pytest.approx(state["outlets"]["c1"]["power_w"], abs=0.2)
        assert await tell({"do": "silence", "device": "c1", "for_s": 5}) == {"ok": True}
        assert "no outlet 'zz'; there are" in (await tell({"do": "unplug", "outlet": "zz"}))["error"]
        assert "unknown request 'dance'" in (await tell({"do": "dance"}))["error"]
        assert "need_wh" in (await tell({"do": "plug", "outlet": "c1", "need_wh": -1}))["error"]
        assert not (await tell(["no", "object"]))["ok"]
        writer.write(b"{\n")
        assert "a line of JSON" in json.loads(await reader.readline())["error"]
        writer.close()
        assert path.stat().st_mode & 0o077 == 0
    assert not path.exists()


async def test_a_taken_port_is_told_and_nothing_is_left_open(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        link = tmp_path / "line"
        text = SITE.replace('serial = ""', f'serial = "{link}"')
        text += f'\n[[listener]]\nname = "late"\ntcp = {port}\n'
        with pytest.raises(CannotServe, match=str(port)):
            async with running(text):
                pass
        assert not link.is_symlink()


@pytest.mark.serial
async def test_a_serial_port_that_is_there_is_used_as_it_is(serial_pair: SerialPair) -> None:
    text = SITE.replace('serial = ""', f'serial = "{serial_pair.left}"')
    async with running(text) as site:
        assert site.simulation.where("bus") == str(serial_pair.left)
        client = AsyncModbusSerialClient(
            str(serial_pair.right), baudrate=19_200, timeout=PATIENCE_S, retries=0
        )
        assert await client.connect()
        assert (await client.read_input_registers(4, count=1, device_id=3)).registers == [0x0108]
        client.close()


@pytest.mark.serial
async def test_the_link_of_a_run_that_was_killed_is_replaced_and_nothing_else_is(tmp_path: Path) -> None:
    stale, other = tmp_path / "stale", tmp_path / "other"
    stale.symlink_to("/dev/pts/99999")
    other.symlink_to(tmp_path / "missing")
    async with running(SITE.replace('serial = ""', f'serial = "{stale}"')) as site:
        assert stale.exists()
        assert site.simulation.where("bus") == str(stale)
    with pytest.raises(CannotServe, match="other: it is there already"):
        async with running(SITE.replace('serial = ""', f'serial = "{other}"')):
            pass
    assert other.is_symlink()


@pytest.mark.serial
async def test_a_second_simulator_on_a_served_port_is_refused_and_harms_nobody(tmp_path: Path) -> None:
    link = tmp_path / "port"
    text = SITE.replace('serial = ""', f'serial = "{link}"')
    async with running(text):
        for served in (link, link.resolve()):
            done = await asyncio.to_thread(baywarden, "simulate", "evse-din", "--serial", served)
            assert (done.returncode, done.stdout) == (1, "")
            assert f"another simulator serves the serial port {served}: end it first" in done.stderr
        client = AsyncModbusSerialClient(str(link), baudrate=19_200, timeout=PATIENCE_S, retries=0)
        assert await client.connect()
        assert (await client.read_input_registers(4, count=1, device_id=3)).registers == [0x0108]
        client.close()
    async with running(text) as site:
        assert site.simulation.where("bus") == str(link), "it is free again"


@pytest.mark.serial
async def test_two_simulators_do_not_share_one_end_of_a_serial_pair(serial_pair: SerialPair) -> None:
    text = SITE.replace('serial = ""', f'serial = "{serial_pair.left}"')
    async with running(text):
        with pytest.raises(CannotServe, match="another simulator serves the serial port"):
            async with running(text):
                pass
    async with running(text):
        pass


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    link = tmp_path / "nowhere" / "port"
    with pytest.raises(CannotServe, match=f"there is no folder {link.parent}"):
        async with running(SITE.replace('serial = ""', f'serial = "{link}"')):
            pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may do everything")
async def test_a_control_socket_in_a_closed_folder_is_no_other_simulator(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    with pytest.raises(CannotServe, match="no permission for the control socket"):
        async with running(control=closed / "control"):
            pass


@pytest.mark.serial
async def test_the_command_serves_a_pseudo_terminal_until_it_is_told_to_stop(tmp_path: Path) -> None:
    link, control = tmp_path / "port", tmp_path / "control"
    words = ["simulate", "heidelberg-energy-control", "--serial", str(link), "--unit", "4", "--rate", "200"]
    code = "import sys; from baywarden_config.cli import main; sys.exit(main(sys.argv[1:]))"
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, *words, "--car", "need_wh=9000,phases=1", "--control", str(control), "--json",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None
    said = json.loads(await asyncio.wait_for(child.stdout.readline(), 30))
    assert said["listeners"] == {"wire": str(link)}
    client = AsyncModbusSerialClient(str(link), baudrate=19_200, timeout=PATIENCE_S, retries=0)
    assert await client.connect()
    registers: Sequence[int] = (0, 0)
    async with asyncio.timeout(PATIENCE_S):
        while not (registers[0] == 7 and registers[1] >= 159):
            await asyncio.sleep(0.02)
            registers = (await client.read_input_registers(5, count=2, device_id=4)).registers
    assert registers[1] <= 160
    client.close()
    child.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(child.wait(), 30) == 0
    assert not link.is_symlink()
    assert not control.exists()
