"""Links to real Modbus servers: what is written is read, whoever asks is served in turn, and closing leaves nothing."""

import asyncio
import time
from pathlib import Path

import pytest

from baywarden_drivers import (
    LinkDown,
    LinkPool,
    NoAnswer,
    Refused,
    RtuOverTcpEndpoint,
    RtuOverTcpLink,
    SerialLink,
    TcpEndpoint,
    TcpLink,
    ValueRefused,
)
from baywarden_drivers.links import Pacing
from support.modbus_peer import Registers, TcpPeer, serial_server, tcp_reply, tcp_server
from support.opened_links import QUICK, filled, opened
from support.serial_pair import SerialPair
from support.sync_site import until

LONG_S = 30.0
"""A pause that no test waits for."""


@pytest.mark.modbus
async def test_what_is_written_over_tcp_is_read_back() -> None:
    registers = filled()
    async with tcp_server(registers) as port, opened(TcpLink("127.0.0.1", port)) as link:
        await link.write(1, 6, 100, [7])
        await link.write(1, 16, 101, [8, 9])
        assert await link.read(1, "holding", 100, 4) == (7, 8, 9, 103)


@pytest.mark.modbus
async def test_bits_are_read_and_written() -> None:
    registers = Registers(1)
    registers.set(1, "coil", 5, 0, 1, 1)
    registers.set(1, "discrete", 9, 1)
    async with tcp_server(registers) as port, opened(TcpLink("127.0.0.1", port)) as link:
        await link.write(1, 5, 5, [1])
        await link.write(1, 15, 6, [0, 1])
        assert await link.read(1, "coil", 5, 3) == (1, 0, 1)
        assert await link.read(1, "discrete", 9, 1) == (1,)


@pytest.mark.modbus
async def test_rtu_frames_travel_over_tcp() -> None:
    async with tcp_server(filled(), rtu=True) as port, opened(RtuOverTcpLink("127.0.0.1", port)) as link:
        await link.write(1, 6, 100, [7])
        assert await link.read(1, "holding", 100, 2) == (7, 101)


@pytest.mark.serial
@pytest.mark.modbus
async def test_what_is_written_over_a_serial_line_is_read_back(tmp_path: Path) -> None:
    with SerialPair(tmp_path / "line", use_socat=False) as line:
        link = SerialLink(str(line.left), 115200)
        async with serial_server(filled(), line.right), opened(link):
            await link.write(1, 16, 100, [7, 8])
            assert await link.read(1, "holding", 100, 3) == (7, 8, 102)
            with pytest.raises(Refused) as refused:
                await link.read(1, "holding", 500, 2)
    assert refused.value.code == 2


@pytest.mark.modbus
async def test_a_refusal_keeps_the_code_of_the_device() -> None:
    registers = filled()
    registers.refuse[105] = 4
    async with tcp_server(registers) as port, opened(TcpLink("127.0.0.1", port)) as link:
        with pytest.raises(Refused, match="exception 4") as refused:
            await link.read(1, "holding", 104, 3)
        assert refused.value.code == 4
        assert link.statistics()[1].exceptions == 1
        assert await link.read(1, "holding", 100, 1) == (100,)


@pytest.mark.modbus
async def test_writes_go_before_reads_that_wait() -> None:
    registers = filled()
    async with tcp_server(registers) as port, opened(TcpLink("127.0.0.1", port)) as link:
        reads = [asyncio.create_task(link.read(1, "holding", 100 + n, 1)) for n in range(5)]
        write = asyncio.create_task(link.write(1, 6, 119, [1]))
        await asyncio.gather(*reads, write)
    places = [function for _, function, _, _ in registers.requests]
    assert places.index(6) <= 1


@pytest.mark.modbus
async def test_the_pause_that_one_device_needs_does_not_delay_another() -> None:
    registers = filled(1, 2)
    async with tcp_server(registers) as port, opened(TcpLink("127.0.0.1", port), 2) as link:
        link.pace(1, Pacing(min_read_interval_s=LONG_S, response_timeout_s=10))
        await link.read(1, "holding", 100, 1)
        slow = asyncio.create_task(link.read(1, "holding", 101, 1))
        for _ in range(5):
            await link.read(2, "holding", 100, 1)
        assert not slow.done()
        slow.cancel()
    assert [unit for unit, *_ in registers.requests] == [1, 2, 2, 2, 2, 2]


@pytest.mark.modbus
async def test_the_pause_between_writes_does_not_hold_up_reads() -> None:
    registers = filled()
    async with tcp_server(registers) as port, opened(TcpLink("127.0.0.1", port)) as link:
        link.pace(1, Pacing(min_write_interval_s=LONG_S))
        await link.write(1, 6, 100, [1])
        waiting = asyncio.create_task(link.write(1, 6, 100, [2]))
        await asyncio.sleep(0)
        await link.read(1, "holding", 100, 1)
        assert not waiting.done()
        waiting.cancel()
    assert [function for _, function, *_ in registers.requests] == [6, 3]


@pytest.mark.modbus
async def test_the_pauses_are_kept() -> None:
    async with tcp_server(filled()) as port, opened(TcpLink("127.0.0.1", port)) as link:
        link.pace(1, Pacing(min_read_interval_s=0.3, min_write_interval_s=0.2))
        started = time.monotonic()
        for _ in range(2):
            await link.write(1, 6, 100, [1])
        assert time.monotonic() - started >= 0.19
        started = time.monotonic()
        for _ in range(2):
            await link.read(1, "holding", 100, 1)
        assert time.monotonic() - started >= 0.29


@pytest.mark.modbus
async def test_the_first_answer_after_a_connect_is_asked_for_twice_where_it_may_be_nonsense() -> None:
    registers = filled()
    pacing = Pacing(response_timeout_s=10, discard_first_read=True)
    async with tcp_server(registers) as port, opened(TcpLink("127.0.0.1", port), pacing=pacing) as link:
        assert await link.read(1, "holding", 100, 2) == (100, 101)
        assert await link.read(1, "holding", 102, 2) == (102, 103)
    assert [address for _, _, address, _ in registers.requests] == [100, 100, 102]


@pytest.mark.modbus
async def test_a_cancelled_caller_leaves_the_link_usable() -> None:
    registers = filled(1, 2)
    registers.held[2] = asyncio.Event()
    async with tcp_server(registers) as port, opened(TcpLink("127.0.0.1", port), 1, 2) as link:
        await link.read(1, "holding", 100, 1)
        on_the_wire = asyncio.create_task(link.read(2, "holding", 100, 1))
        queued = asyncio.create_task(link.read(1, "holding", 101, 1))
        await until(lambda: (2, 3, 100, 1) in registers.requests)
        on_the_wire.cancel()
        queued.cancel()
        await asyncio.sleep(0)
        registers.held[2].set()
        assert await link.read(1, "holding", 102, 1) == (102,)
    assert (1, 3, 101, 1) not in registers.requests


@pytest.mark.modbus
async def test_closing_refuses_those_who_wait_and_leaves_no_task() -> None:
    registers = filled(1, 2)
    registers.silent.add(1)
    async with tcp_server(registers) as port:
        before = asyncio.all_tasks()
        link = TcpLink("127.0.0.1", port)
        link.pace(1, QUICK)
        link.pace(2, Pacing(min_read_interval_s=LONG_S, response_timeout_s=10))
        await link.read(2, "holding", 100, 1)
        calls = [asyncio.create_task(link.read(unit, "holding", 101, 1)) for unit in (1, 2, 2)]
        await until(lambda: (1, 3, 101, 1) in registers.requests)
        await link.close()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(one) for one in outcomes] == [NoAnswer, LinkDown, LinkDown]
        assert asyncio.all_tasks() == before
        with pytest.raises(LinkDown):
            await link.read(1, "holding", 100, 1)


async def test_every_packet_can_be_watched() -> None:
    seen: list[tuple[str, bytes]] = []
    async with (
        TcpPeer(lambda request: [(0, tcp_reply(request, 5))]) as peer,
        opened(TcpLink("127.0.0.1", peer.port)) as link,
    ):
        link.trace(lambda direction, packet: seen.append((direction, packet)))
        await link.read(1, "holding", 100, 1)
    assert [direction for direction, _ in seen] == ["sent", "received"]
    assert seen[0][1].endswith(bytes([1, 3, 0, 100, 0, 1]))


async def test_whoever_names_the_same_wire_shares_its_owner() -> None:
    async with LinkPool() as pool:
        link = pool.link(TcpEndpoint("127.0.0.1", 1502))
        assert pool.link(TcpEndpoint("127.0.0.1", 1502)) is link
        assert pool.link(TcpEndpoint("127.0.0.1", 1501), 1) is link
        with pytest.raises(ValueRefused, match="one framing"):
            pool.link(RtuOverTcpEndpoint("127.0.0.1", 1502))
