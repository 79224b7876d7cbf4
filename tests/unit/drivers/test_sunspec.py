"""SunSpec: the chain of models is found and walked, and a meter is read by it wherever it stands."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from baywarden_drivers import (
    Device,
    Garbled,
    LinkDown,
    LinkPool,
    NoAnswer,
    Poll,
    Profile,
    Quality,
    Refused,
    TcpEndpoint,
    load_profile,
    open_device,
)
from baywarden_drivers.sunspec import Chain, Model, discover, pick, resolve
from support.modbus_peer import Registers, TcpPeer, tcp_reply, tcp_server
from support.sunspec_chain import COMMON, END, MARK, WYE_FLOAT, WYE_INT, lay_chain, put_at

pytestmark = pytest.mark.modbus

BASES = (40_000, 50_000, 0)
INT = load_profile("sunspec-meter-int")
FLOAT = load_profile("sunspec-meter-float")


@dataclass
class Bench:
    """Registers on a server, and a pool to reach them."""

    registers: Registers
    pool: LinkPool
    port: int

    def device(self, profile: Profile, connector: int = 1) -> Device:
        """A device on that server."""
        return open_device(
            self.pool, TcpEndpoint("127.0.0.1", self.port), profile, connector=connector, name="grid"
        )

    async def chain(self) -> Chain:
        """What discovery finds."""
        return await discover(self.pool.link(TcpEndpoint("127.0.0.1", self.port)), 1, BASES)


@asynccontextmanager
async def bench(models: Sequence[tuple[int, int]] = (), **where: Any) -> AsyncIterator[Bench]:
    """A server with a chain of these models; an empty one without."""
    registers = Registers(1)
    if models or where:
        lay_chain(registers, models, **where)
    async with tcp_server(registers) as port, LinkPool() as pool:
        yield Bench(registers, pool, port)


@pytest.mark.parametrize("base", BASES)
async def test_the_chain_is_found_wherever_its_mark_stands(base: int) -> None:
    async with bench([COMMON, WYE_INT], base=base) as it:
        chain = await it.chain()
        assert chain == Chain(base, (Model(1, base + 2, 66), Model(203, base + 70, 105)))
        assert not chain.ends_unmarked


async def test_only_the_mark_and_the_head_of_each_model_are_read() -> None:
    async with bench([COMMON, (103, 50), WYE_FLOAT]) as it:
        await it.chain()
        assert [(address, count) for _, _, address, count in it.registers.requests] == [
            (40_000, 2), (40_002, 2), (40_070, 2), (40_122, 2), (40_248, 2),
        ]  # fmt: skip


async def test_a_device_without_the_mark_is_no_sunspec_device() -> None:
    async with bench() as it:
        it.registers.set(1, "holding", 40_000, 0x5375, 0x6E54)
        with pytest.raises(Refused, match="its mark stands at none of 40000, 50000, 0"):
            await it.chain()


@pytest.mark.parametrize(
    ("models", "end", "fault"),
    [
        ([COMMON], (0, 0), "breaks at 40070: no model stands there"),
        ([], (), "breaks at 40002: no model stands there"),
        ([COMMON], (203, 30_000), "breaks at 40070: model 203 has 30000 registers"),
        ([(7, 0)] * 200, END, "breaks at 40402: 200 models and no end"),
    ],
)
async def test_a_broken_chain_ends_in_a_clear_error(
    models: list[tuple[int, int]], end: tuple[int, ...], fault: str
) -> None:
    async with bench(models, end=end) as it:
        with pytest.raises(Garbled, match=fault):
            await it.chain()


async def test_a_chain_may_end_with_one_register_or_with_a_refusal() -> None:
    async with bench([COMMON, WYE_INT], end=(0xFFFF,)) as it:
        assert not (await it.chain()).ends_unmarked
    async with bench([COMMON, WYE_INT], end=()) as it:
        chain = await it.chain()
        assert chain.ends_unmarked
        assert [one.number for one in chain.models] == [1, 203]


async def test_a_chain_that_fills_the_last_register_ends_there() -> None:
    length = 65_536 - 50_002 - 2
    async with bench([(203, length)], base=50_000, end=()) as it:
        with pytest.raises(Garbled, match="breaks at 65536"):
            await it.chain()


def test_points_behind_the_end_of_a_model_are_left_out() -> None:
    chain = Chain(0, (Model(1, 2, 65), Model(203, 69, 60)))
    here = resolve(INT, chain)
    assert here.readable["energy_sf"].address == 69 + 54
    assert "error_code" not in here.readable
    assert "error_code" in INT.readable, "the bundled profile stays as it is"
    assert here.readable["serial"].address == 2 + 50
    assert all(one.end <= 69 + 62 for one in here.read)


def test_a_meter_without_a_common_model_has_no_names() -> None:
    here = resolve(INT, Chain(0, (Model(203, 2, 105),)))
    assert "serial" not in here.readable
    assert here.readable["power"].address == 2 + 18


def test_no_read_runs_across_models_that_are_not_the_meters_own() -> None:
    here = resolve(
        INT, Chain(40_000, (Model(1, 40_002, 66), Model(103, 40_070, 50), Model(203, 40_122, 105)))
    )
    assert not here.protocol.gaps_readable
    assert [(one.first, one.last) for one in here.protocol.blocks] == [(40_002, 40_069), (40_122, 40_228)]


def test_of_both_forms_the_one_with_more_meters_is_taken() -> None:
    both = Chain(0, (Model(203, 2, 105), Model(213, 109, 124)))
    assert pick(both, (INT, FLOAT)) is INT
    assert pick(Chain(0, (*both.models, Model(213, 235, 124))), (INT, FLOAT)) is FLOAT


async def test_any_meter_is_read_without_a_profile_of_its_own() -> None:
    profile = load_profile("sunspec-meter")
    async with bench([COMMON, WYE_INT]) as it:
        put_at(it.registers, INT, 40_002, vendor_name="ACME", model_name="Counter 7", serial="77-1")
        put_at(it.registers, INT, 40_070, current_l1=163, current_sf=-1, power=-1234, power_sf=0)
        put_at(it.registers, INT, 40_070, energy_total=123_456, energy_sf=1, frequency=None, voltage_sf=-2)
        device = it.device(profile)
        poll = await device.poll()
        assert poll["current_l1"].value == Decimal("16.3")
        assert poll["power"].value == -1234
        assert poll["energy_total"].value == 1_234_560, "in Wh, by its scale factor, in the very first poll"
        who = await device.identify()
        assert (who.vendor, who.model, who.serial) == ("ACME", "Counter 7", "77-1")
        assert "model 203 at 40070, because the chain at 40000 holds 1, 203" in str(who.decisions[0])
        assert (await device.read("frequency")).quality is Quality.NOT_AVAILABLE


async def test_the_float_form_is_read_where_the_device_has_that() -> None:
    async with bench([COMMON, WYE_FLOAT], base=50_000) as it:
        put_at(it.registers, FLOAT, 50_070, power=4567, current_l2=Decimal("7.5"), energy_total=1000)
        poll = await it.device(load_profile("sunspec-meter")).poll()
        assert poll["power"].value == 4567
        assert poll["current_l2"].value == Decimal("7.5")


async def test_the_second_meter_in_a_chain_is_found_by_its_number() -> None:
    async with bench([COMMON, (103, 50), WYE_INT, COMMON, WYE_INT]) as it:
        second = 40_122 + 107 + 68
        put_at(it.registers, INT, 40_122, power=100)
        put_at(it.registers, INT, second, power=200)
        put_at(it.registers, INT, 40_002, serial="first")
        put_at(it.registers, INT, second - 68, serial="second")
        profile = load_profile("sunspec-meter")
        first = it.device(profile)
        assert (await first.poll())["power"].value == 100
        assert (await first.identify()).serial == "first"
        device = it.device(profile, connector=2)
        assert (await device.poll())["power"].value == 200
        assert (await device.identify()).serial == "second"
        with pytest.raises(Refused, match="only 2"):
            await it.device(profile, connector=3).poll()


async def test_a_point_that_the_model_is_too_short_for_is_missing_with_its_reason() -> None:
    async with bench([COMMON, (203, 60)]) as it:
        put_at(it.registers, INT, 40_070, power=100)
        device = it.device(load_profile("sunspec-meter"))
        for _ in range(6):
            poll = await device.poll()
        assert poll["power"].value == 100
        assert poll["error_code"].quality is Quality.MISSING
        assert poll["error_code"].reason == "model 203 of this device ends before it"
        assert (await device.read("error_code")).quality is Quality.MISSING
        assert max(address + count for _, _, address, count in it.registers.requests) <= 40_070 + 62 + 2


async def test_a_meter_without_a_scale_has_no_value_rather_than_a_wrong_one() -> None:
    async with bench([COMMON, WYE_INT]) as it:
        put_at(it.registers, INT, 40_070, power=1234, power_sf=None, current_l1=5, current_sf=77)
        poll = await it.device(INT).poll()
        assert poll["power"].value is None
        assert "power_sf" in poll["power"].reason
        assert poll["current_l1"].quality is Quality.INVALID


async def test_a_meter_that_comes_back_with_another_chain_is_read_by_that() -> None:
    before, after = Registers(1), Registers(1)
    lay_chain(before, [COMMON, WYE_INT])
    put_at(before, INT, 40_070, power=100)
    lay_chain(after, [COMMON, (103, 50), WYE_INT], base=50_000)
    put_at(after, INT, 50_122, power=300)
    async with LinkPool() as pool:
        async with tcp_server(before) as port:
            device = open_device(pool, TcpEndpoint("127.0.0.1", port), load_profile("sunspec-meter"))
            first = await device.poll()
            assert first["power"].value == 100
        async with tcp_server(after, port=port):
            second = await polled_again(device)
    assert second["power"].value == 300
    assert second.contact > first.contact


async def polled_again(device: Device) -> Poll:
    """The first poll that succeeds after a connection was cut."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await device.poll()
            except (LinkDown, NoAnswer):
                await asyncio.sleep(0.05)


async def test_a_device_that_is_silent_at_one_place_is_asked_at_the_next() -> None:
    """It answers nothing at 40000, and has its chain at 50000."""
    cells = Registers(1)
    lay_chain(cells, [COMMON, WYE_INT], base=50_000)
    put_at(cells, INT, 50_070, power=77)

    def script(request: bytes) -> list[tuple[float, bytes]]:
        address, count = int.from_bytes(request[8:10], "big"), int.from_bytes(request[10:12], "big")
        if address < 50_000:
            return []
        values = [cells.cells[1].get(("holding", at), 0) for at in range(address, address + count)]
        return [(0.0, tcp_reply(request, *values))]

    protocol = INT.protocol.model_copy(update={"response_timeout_ms": 300})
    async with TcpPeer(script) as peer, LinkPool() as pool:
        meter = open_device(pool, TcpEndpoint("127.0.0.1", peer.port), INT.changed(protocol=protocol))
        with pytest.raises(NoAnswer):
            await meter.poll()
        assert (await meter.poll())["power"].value == 77


def test_the_mark_is_the_text_suns() -> None:
    assert b"".join(one.to_bytes(2, "big") for one in MARK) == b"SunS"
