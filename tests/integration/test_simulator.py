"""Simulated devices over real wires, asked by a plain pymodbus client."""

import asyncio
import json
import random
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerType

from baywarden_drivers.profile import ReadPoint, place
from baywarden_drivers.simulator import (
    CannotServe,
    Car,
    FaultKind,
    HandClock,
    OutletState,
    Simulation,
    UnknownName,
    parse_site,
)
from baywarden_drivers.simulator.device import Device
from baywarden_drivers.values.codec import decode, encode
from support.serial_pair import SerialPair

SITE = """
[[listener]]
name = "lan"
tcp = 0

[[listener]]
name = "alfen"
tcp = 0

[[listener]]
name = "bender"
tcp = 0

[[listener]]
name = "gateway"
rtu_over_tcp = 0

[[listener]]
name = "bus"
serial = ""

[[charger]]
name = "keba"
profile = "keba-p30"
listener = "lan"
outlets = ["k"]

[[charger]]
name = "charx"
profile = "phoenix-charx-sec"
listener = "lan"
outlets = ["c1", "c2", "c3"]
max_current_a = 16

[[charger]]
name = "alfen"
profile = "alfen-eve"
listener = "alfen"
outlets = ["e1", "e2"]
failsafe_current_a = 7

[[charger]]
name = "bender"
profile = "bender-cc612"
listener = "bender"
outlets = ["b1", "b2"]

[[charger]]
name = "box"
profile = "heidelberg-energy-control"
listener = "bus"
unit = 3
outlets = ["h"]

[[meter]]
name = "mains"
profile = "eastron-sdm630"
listener = "bus"
unit = 2
base_a = [5, 6, 7]

[[meter]]
name = "row"
profile = "abb-b23"
listener = "gateway"
unit = 9
measures = ["c1", "c2"]

[[meter]]
name = "em24"
profile = "carlo-gavazzi-em24-ethernet"
listener = "alfen"
unit = 77
measures = ["c3"]
"""
PATIENCE_S = 10
"""Where an answer is expected."""
SILENCE_S = 0.3
"""Where silence is."""

pytestmark = pytest.mark.modbus

Client = AsyncModbusTcpClient | AsyncModbusSerialClient


class Site:
    """The running site, its clock and one client for each wire."""

    def __init__(self, simulation: Simulation, time: HandClock) -> None:
        self.simulation = simulation
        self.time = time
        self._clients: dict[tuple[str, int], Client] = {}

    async def client(self, listener: str, shift: int = 0) -> Client:
        """A connected client for a wire."""
        if (listener, shift) not in self._clients:
            client = self._make(listener, shift)
            assert await client.connect()
            self._clients[listener, shift] = client
        return self._clients[listener, shift]

    @asynccontextmanager
    async def silence(self, listener: str) -> AsyncIterator[Client]:
        """What is asked on that wire meanwhile gets no answer, or one that comes too late."""
        client = await self.client(listener)
        with pytest.raises(ModbusException):
            client.ctx.comm_params.timeout_connect = SILENCE_S
            try:
                yield client
            finally:
                client.ctx.comm_params.timeout_connect = PATIENCE_S

    def _make(self, listener: str, shift: int) -> Client:
        where = self.simulation.where(listener)
        if listener == "bus":
            return AsyncModbusSerialClient(where, baudrate=19_200, timeout=PATIENCE_S, retries=0)
        framer = FramerType.RTU if listener == "gateway" else FramerType.SOCKET
        port = self.simulation.port(listener) + shift
        return AsyncModbusTcpClient("127.0.0.1", port=port, framer=framer, timeout=PATIENCE_S, retries=0)

    async def ask(self, device: Device, point: ReadPoint, connector: int = 1) -> Any:
        """The answer to a read of exactly one point."""
        at = place(device.profile, point, connector, device.unit)
        client = await self.client(self._wire(device), at.port_shift)
        read = client.read_input_registers if point.type == "input" else client.read_holding_registers
        return await read(at.address, count=point.count, device_id=at.unit)

    async def read(self, device: str, name: str, connector: int = 1) -> Any:
        """The value of a point."""
        found = self.simulation.device(device)
        point = found.profile.readable[name]
        answer = await self.ask(found, point, connector)
        assert not answer.isError(), f"{device} {name}: {answer}"
        return decode(point, answer.registers, 0).value

    async def write(self, device: str, name: str, value: float, connector: int = 1) -> Any:
        """The answer to a write."""
        found = self.simulation.device(device)
        point = found.profile.writable[name]
        at = place(found.profile, point, connector, found.unit)
        client = await self.client(self._wire(found), at.port_shift)
        registers = encode(point, value)
        if 16 in (point.functions or ()):
            return await client.write_registers(at.address, registers, device_id=at.unit)
        return await client.write_register(at.address, registers[0], device_id=at.unit)

    def _wire(self, device: Device) -> str:
        site = self.simulation.site
        return next(spec.listener for spec in (*site.charger, *site.meter) if spec.name == device.name)

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


@asynccontextmanager
async def running(text: str = SITE, **settings: Any) -> AsyncIterator[Site]:
    time = HandClock()
    async with Simulation(parse_site(text), clock=time, **settings) as simulation:
        site = Site(simulation, time)
        try:
            yield site
        finally:
            site.close()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with running() as running_site:
        yield running_site


@pytest.mark.serial
async def test_every_point_of_every_device_reads_as_the_truth_on_its_wire(site: Site) -> None:
    luck = random.Random(11)
    for name in site.simulation.outlets:
        site.simulation.plug(
            name, Car(soc=luck.uniform(0.1, 0.8), phases=luck.choice([1, 3]), tag="04A1B2C3")
        )
    site.time.advance(luck.randrange(300, 900))
    asked = 0
    for device in site.simulation.devices.values():
        for point in device.profile.read:
            connector = None if point.scope == "station" else 1
            answer = await site.ask(device, point)
            assert not answer.isError(), f"{device.name} {point.name}: {answer}"
            told, truth = decode(point, answer.registers, 0).value, device.truth(point, connector)
            asked += 1
            if isinstance(truth, str | tuple):
                assert told == truth
                continue
            assert isinstance(told, int | Decimal)
            exact = Decimal(str(truth))
            step = abs(exact) / 2**22 if point.dtype == "f32" else max(point.scale, abs(exact) / 2**50)
            assert 0 <= exact - told <= step, f"{device.name} {point.name}: {told} for {truth}"
    assert asked > 200


async def test_a_car_charges_by_the_limit_that_is_written(site: Site) -> None:
    site.simulation.plug("k", Car())
    site.time.advance(60)
    assert await site.read("keba", "current_l1") == 16
    assert not (await site.write("keba", "set_current_limit", 8)).isError()
    assert await site.read("keba", "limit_feedback") == 8
    site.time.advance(10)
    assert await site.read("keba", "current_l1") == 8
    assert not (await site.write("keba", "set_current_limit", 0)).isError()
    site.time.advance(10)
    assert site.simulation.outlets["k"].state is OutletState.SUSPENDED_EVSE
    assert await site.read("keba", "power") == 0
    energy_wh = await site.read("keba", "energy_total")
    site.time.advance(3_600)
    assert await site.read("keba", "energy_total") == energy_wh


async def test_connectors_behind_one_device_do_not_touch_each_other(site: Site) -> None:
    for device, second, untouched in (("charx", "c2", "c1"), ("alfen", "e2", "e1"), ("bender", "b2", "b1")):
        await site.write(device, "set_current_limit", 9, connector=2)
        assert site.simulation.outlets[second].allowance.written_a == 9
        assert site.simulation.outlets[untouched].allowance.written_a is None
        assert await site.read(device, "limit_modbus", connector=2) == 9


@pytest.mark.serial
async def test_devices_on_one_serial_bus_answer_at_their_units_and_nobody_else_does(site: Site) -> None:
    assert await site.read("box", "map_version") == 0x0108
    assert float(await site.read("mains", "current_l3")) == pytest.approx(7, abs=0.06)
    async with site.silence("bus") as client:
        await client.read_input_registers(0, count=2, device_id=5)
    assert await site.read("box", "map_version") == 0x0108


async def test_a_meter_sees_the_outlets_behind_it(site: Site) -> None:
    site.simulation.plug("c1", Car())
    site.simulation.plug("c3", Car())
    site.time.advance(60)
    assert await site.read("row", "current_l1") == 16
    site.simulation.unplug("c1")
    site.time.advance(1)
    assert await site.read("row", "current_l1") == 0
    assert await site.read("em24", "current_l2") == 16


async def test_a_station_point_answers_at_its_own_unit(site: Site) -> None:
    assert await site.read("alfen", "connector_count") == 2
    client = await site.client("alfen")
    assert (await client.read_holding_registers(1105, count=1, device_id=1)).isError()


async def test_refusals_come_as_the_codes_of_the_protocol(site: Site) -> None:
    client = await site.client("lan")
    assert (await client.read_holding_registers(999, count=2, device_id=255)).exception_code == 2
    assert (await client.read_holding_registers(1000, count=4, device_id=255)).exception_code == 3
    assert (await client.write_registers(5004, [8_000], device_id=255)).exception_code == 1
    assert (await client.write_register(5004, 70, device_id=255)).exception_code == 3
    assert (await client.read_coils(0, count=1, device_id=255)).exception_code == 2
    assert (await client.mask_write_register(address=5004, device_id=255)).exception_code == 1


async def test_a_silent_device_says_nothing_and_comes_back_by_itself(site: Site) -> None:
    site.simulation.inject("keba", FaultKind.SILENCE, for_s=60)
    async with site.silence("lan"):
        await site.read("keba", "status")
    assert await site.read("charx", "connector_count") == 3
    site.time.advance(60)
    assert await site.read("keba", "status") is not None


async def test_a_mute_device_does_what_it_is_told_without_an_answer(site: Site) -> None:
    site.simulation.inject("k", FaultKind.MUTE)
    async with site.silence("lan"):
        await site.write("keba", "set_current_limit", 10)
    assert site.simulation.outlets["k"].allowance.allowed_a == 10


async def test_a_late_answer_is_that_to_its_own_request(site: Site) -> None:
    site.simulation.inject("keba", FaultKind.DELAY, value=int(SILENCE_S * 1000) + 100)
    async with site.silence("lan"):
        await site.read("keba", "voltage_l1")
    site.simulation.clear("keba")
    assert await site.read("keba", "max_current_hw") == 32
    await asyncio.sleep(0.15)
    assert await site.read("keba", "max_current_hw") == 32


@pytest.mark.serial
async def test_on_a_serial_line_a_late_answer_arrives_while_the_next_one_is_awaited(site: Site) -> None:
    site.simulation.inject("box", FaultKind.DELAY, value=int(SILENCE_S * 1000) + 200)
    async with site.silence("bus") as client:
        await client.read_input_registers(10, count=1, device_id=3)
    answer = await client.read_input_registers(4, count=1, device_id=3)
    assert answer.registers[0] in (229, 230), "the voltage that was asked for before, not the map version"


async def test_an_exception_a_freeze_and_deafness_can_be_ordered(site: Site) -> None:
    site.simulation.plug("k", Car())
    site.time.advance(100)
    site.simulation.inject("keba", FaultKind.EXCEPTION, value=6)
    answer = await site.ask(
        site.simulation.device("keba"), site.simulation.device("keba").profile.readable["power"]
    )
    assert answer.exception_code == 6
    site.simulation.clear("keba", FaultKind.EXCEPTION)
    energy_wh = await site.read("keba", "energy_total")
    site.simulation.inject("keba", FaultKind.FROZEN)
    site.time.advance(600)
    assert await site.read("keba", "energy_total") == energy_wh
    site.simulation.clear("keba", FaultKind.FROZEN)
    assert await site.read("keba", "energy_total") > energy_wh
    site.simulation.inject("keba", FaultKind.IGNORE_WRITES)
    assert not (await site.write("keba", "set_current_limit", 8)).isError()
    assert await site.read("keba", "limit_feedback") == 32


@pytest.mark.parametrize(
    ("request_hex", "answer_hex"),
    [
        ("1234 0000 0006 ff 03 03e7 0001", "1234 0000 0003 ff 83 02"),
        ("1235 0000 0006 ff 06 138c 1f40", "1235 0000 0006 ff 06 138c 1f40"),
        ("1236 0000 0006 ff 03 0456 0002", "1236 0000 0007 ff 03 04 0000 7d00"),
    ],
)
async def test_answers_carry_the_transaction_and_unit_of_their_request(
    site: Site, request_hex: str, answer_hex: str
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.simulation.port("lan"))
    writer.write(bytes.fromhex(request_hex))
    answer = bytes.fromhex(answer_hex)
    assert await asyncio.wait_for(reader.readexactly(len(answer)), PATIENCE_S) == answer
    writer.close()


async def test_a_hung_up_port_refuses_until_its_time_is_over(site: Site) -> None:
    assert await site.read("keba", "max_current_hw") == 32
    port = site.simulation.port("lan")
    site.simulation.disconnect("lan", for_s=30)
    await asyncio.sleep(0.02)
    with pytest.raises(OSError, match="Connect"):
        await asyncio.open_connection("127.0.0.1", port)
    site.time.advance(31)
    client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=PATIENCE_S, retries=0)
    async with asyncio.timeout(PATIENCE_S):
        while not await client.connect():  # noqa: ASYNC110 (only trying tells when the port is open again)
            await asyncio.sleep(0.01)
    assert (await client.read_holding_registers(1110, count=2, device_id=255)).registers == [0, 32_000]
    client.close()


async def test_broken_connections_can_be_made_again_at_once(site: Site) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.simulation.port("lan"))
    writer.write(bytes.fromhex("1234 0000 0006 ff 03 03e7 0001"))
    assert await asyncio.wait_for(reader.readexactly(9), PATIENCE_S)
    site.simulation.disconnect("lan")
    assert await asyncio.wait_for(reader.read(1), PATIENCE_S) == b""
    writer.close()
    assert await site.read("charx", "connector_count") == 3


async def test_a_restarted_charger_is_silent_for_a_while_and_has_forgotten_its_limit(site: Site) -> None:
    await site.write("charx", "set_current_limit", 8)
    site.simulation.reboot("charx")
    async with site.silence("lan"):
        await site.read("charx", "limit_modbus")
    site.time.advance(11)
    assert await site.read("charx", "limit_modbus") == 16


async def test_what_clients_wrote_is_remembered_with_its_time(site: Site) -> None:
    site.time.advance(7)
    await site.write("alfen", "set_current_limit", 12, connector=2)
    told = site.simulation.do({"do": "written"})
    assert {"at_s": 7, "device": "alfen", "outlet": "e2", "point": "set_current_limit", "value": 12} in told[
        "writes"
    ]
    assert {"at_s": 7, "outlet": "e2", "allowed_a": 12, "why": "written"} in told["allowed"]


async def test_cars_and_events_of_the_file_come_at_their_seconds() -> None:
    text = (
        SITE
        + """
[[car]]
outlet = "k"
at_s = 100
leave_at_s = 700
need_wh = 5000

[[event]]
at_s = 300
do = "fault"
outlet = "k"
code = 3
"""
    )
    async with running(text) as site:
        site.time.advance(99)
        assert site.simulation.outlets["k"].car is None
        site.time.advance(100)
        assert site.simulation.outlets["k"].state is OutletState.CHARGING
        site.time.advance(150)
        assert site.simulation.outlets["k"].error_code == 3
        site.time.advance(400)
        outlet = site.simulation.outlets["k"]
        assert outlet.car is None
        assert outlet.session_duration_s == 600
        assert outlet.energy_session_wh > 500


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
        assert "not JSON" in json.loads(await reader.readline())["error"]
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


async def test_asking_for_a_name_that_nobody_has_lists_those_there_are(site: Site) -> None:
    with pytest.raises(UnknownName, match="there are: b1, b2, c1, c2, c3, e1, e2, h, k"):
        site.simulation.plug("zz", Car())


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
    with pytest.raises(CannotServe, match="other: File exists"):
        async with running(SITE.replace('serial = ""', f'serial = "{other}"')):
            pass
    assert other.is_symlink()


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
