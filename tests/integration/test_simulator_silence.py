"""Simulated devices that are silent, late, mute or gone, on request."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pymodbus.client import AsyncModbusTcpClient

from baywarden_drivers.simulator import Car, FaultKind
from support.simulated_site import PATIENCE_S, SILENCE_S, Site, running

pytestmark = pytest.mark.modbus


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with running() as running_site:
        yield running_site


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
        while not await client.connect():  # only trying tells when the port is open again
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
