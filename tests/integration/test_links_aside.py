"""Units that stay silent behind a shared Modbus TCP connection, and the others that go on meanwhile."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterable

import pytest

from baywarden_drivers import DeviceError, LinkDown, NoAnswer, TcpLink
from baywarden_drivers.links import Link, Pacing
from support.modbus_peer import Reply, TcpPeer
from support.opened_links import PATIENT, QUICK, opened
from support.rough_slave import expected, tcp_slave

LIVE, SILENT, DEAD = 1, 2, 3
MARK = 500
"""A read that begins here makes the host answer what it owes."""


class Host:
    """A script for a peer: answers of SILENT come late, of DEAD never.

    `crowded` is what another read gets while it is late: None for its answer, else an exception code or nothing at all.
    """

    def __init__(self, crowded: bytes | None = None) -> None:
        self.crowded = crowded
        self.owed: list[bytes] = []

    def __call__(self, request: bytes) -> Iterable[Reply]:
        unit, address = request[6], int.from_bytes(request[8:10], "big")
        if unit == SILENT:
            self.owed.append(request)
        elif unit == DEAD:
            return
        elif self.crowded is None or not self.owed:
            yield from self.late() if address == MARK else ()
            yield 0, tcp_slave(request)
        else:
            if self.crowded:
                yield 0, request[:5] + b"\x03" + request[6:7] + bytes([request[7] | 0x80]) + self.crowded
            yield from self.late()

    def late(self) -> Iterable[Reply]:
        """What is owed."""
        owed, self.owed = self.owed, []
        return [(0, tcp_slave(request)) for request in owed]


def units_asked(peer: TcpPeer) -> list[int]:
    """Which unit each request went to."""
    return [request[6] for request in peer.requests]


async def in_vain(link: Link, unit: int) -> None:
    """Ask a unit that stays silent."""
    with pytest.raises(NoAnswer):
        await link.read(unit, "holding", 0, 1)


async def until_asked(peer: TcpPeer, count: int) -> None:
    """Wait until so many requests have come."""
    async with asyncio.timeout(10):
        while len(peer.requests) < count:
            await asyncio.sleep(0.005)


async def test_others_are_read_on_while_the_answer_of_a_silent_unit_is_still_out() -> None:
    async with TcpPeer(Host()) as peer, opened(TcpLink("127.0.0.1", peer.port), LIVE, SILENT) as link:
        await link.read(LIVE, "holding", 0, 1)
        waiting = asyncio.create_task(link.read(SILENT, "holding", 7, 4))
        for address in range(20):
            assert await link.read(LIVE, "holding", address, 3) == expected(LIVE, "holding", address, 3)
        assert not waiting.done()
        await link.read(LIVE, "holding", MARK, 1)
        assert await waiting == expected(SILENT, "holding", 7, 4)
        assert peer.connections == 1


async def test_a_write_goes_beside_an_open_answer_only_where_that_was_seen_to_work() -> None:
    async with (
        TcpPeer(Host()) as peer,
        opened(TcpLink("127.0.0.1", peer.port), LIVE, SILENT, silent=[DEAD]) as link,
    ):
        await link.read(LIVE, "holding", 0, 1)
        dead = asyncio.create_task(in_vain(link, DEAD))
        await until_asked(peer, 2)
        await link.write(LIVE, 6, 3, [1])
        assert dead.done()  # not known yet: it had to wait

        late = asyncio.create_task(link.read(SILENT, "holding", 7, 4))
        await until_asked(peer, 4)
        await link.read(LIVE, "holding", 0, 1)
        await link.write(LIVE, 6, 3, [1])
        assert not late.done()
        await link.read(LIVE, "holding", MARK, 1)
        assert await late == expected(SILENT, "holding", 7, 4)
        await dead


@pytest.mark.parametrize("crowded", [b"", b"\x06", b"\x0a"], ids=["is lost", "is refused", "finds no path"])
async def test_a_read_that_a_gateway_for_one_at_a_time_loses_is_asked_again_alone(crowded: bytes) -> None:
    pacing = PATIENT if crowded else Pacing(response_timeout_s=3)
    async with (
        TcpPeer(Host(crowded)) as peer,
        opened(TcpLink("127.0.0.1", peer.port), LIVE, SILENT, pacing=pacing, silent=[DEAD]) as link,
    ):
        await link.read(LIVE, "holding", 0, 1)
        late = asyncio.create_task(link.read(SILENT, "holding", 7, 4))
        await until_asked(peer, 2)
        assert await link.read(LIVE, "holding", 9, 3) == expected(LIVE, "holding", 9, 3)
        assert await late == expected(SILENT, "holding", 7, 4)
        assert units_asked(peer) == [LIVE, SILENT, LIVE, LIVE]
        assert link.statistics()[LIVE].silences_in_row == 0

        dead = asyncio.create_task(in_vain(link, DEAD))
        await until_asked(peer, 5)
        await link.read(LIVE, "holding", 9, 3)
        assert dead.done()  # once was enough: now one at a time
        await dead


async def test_a_gateway_that_hangs_up_on_two_at_a_time_loses_one_connection_and_no_read() -> None:
    host = Host()

    def script(request: bytes) -> Iterable[Reply]:
        if request[6] == LIVE and host.owed:
            host.owed.clear()
            return [(0, b"")]
        return host(request)

    async with TcpPeer(script) as peer, opened(TcpLink("127.0.0.1", peer.port), LIVE, SILENT) as link:
        await link.read(LIVE, "holding", 0, 1)
        waiting = asyncio.create_task(in_vain(link, SILENT))
        await until_asked(peer, 2)
        assert await link.read(LIVE, "holding", 9, 3) == expected(LIVE, "holding", 9, 3)
        await waiting
        assert link.wire_statistics().hang_ups == 1
        assert peer.connections == 2


async def test_a_unit_that_is_known_to_answer_does_not_go_aside() -> None:
    async with TcpPeer(Host()) as peer, opened(TcpLink("127.0.0.1", peer.port), LIVE, 4, 5) as link:
        for unit in (LIVE, 4, 5):
            await link.read(unit, "holding", 0, 1)
        reads = [link.read(unit, "holding", address, 2) for address in range(5) for unit in (LIVE, 4, 5)]
        await asyncio.gather(*reads)
        assert units_asked(peer)[3:] == [LIVE, 4, 5] * 5


async def test_a_link_with_an_open_answer_is_closed_without_a_task_left() -> None:
    async with TcpPeer(Host()) as peer:
        link = TcpLink("127.0.0.1", peer.port)
        link.pace(LIVE, PATIENT)
        link.pace(DEAD, QUICK)
        await link.read(LIVE, "holding", 0, 1)
        waiting = asyncio.create_task(in_vain(link, DEAD))
        await until_asked(peer, 2)
        await link.close()
        await waiting
        assert not [task for task in asyncio.all_tasks() if "link" in task.get_name()]


async def test_an_unexpected_fault_of_the_owner_does_not_keep_a_link_from_resting() -> None:
    def broken(direction: str, data: bytes) -> None:
        raise RuntimeError(f"{direction} {len(data)}")

    async with TcpPeer(Host()) as peer, opened(TcpLink("127.0.0.1", peer.port)) as link:
        await link.read(LIVE, "holding", 0, 1)
        link.trace(broken)
        with pytest.raises(LinkDown):
            await link.read(LIVE, "holding", 0, 1)
        link.trace(None)
        await link.rest()
        assert not link.is_open
        assert await link.read(LIVE, "holding", 0, 1) == expected(LIVE, "holding", 0, 1)


async def test_whoever_is_late_or_silent_no_unit_gets_the_value_of_another() -> None:
    dice = random.Random(812)
    units = (1, 2, 3, 4, 5, 6)
    writers: dict[int, asyncio.StreamWriter] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers[len(writers)] = writer
        loop = asyncio.get_running_loop()
        while request := await reader.read(12):
            late_s = dice.choice([0.0] * request[6] + [0.02, 0.1, 0.3, 60.0])
            loop.call_later(late_s, writer.write, tcp_slave(request))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    link = TcpLink("127.0.0.1", server.sockets[0].getsockname()[1])
    answers: Counter[int] = Counter()

    async def poll(unit: int, until: float) -> None:
        while asyncio.get_running_loop().time() < until:
            address, count = dice.randrange(1000), dice.choice([1, 1, 4])
            try:
                values = await link.read(unit, "holding", address, count)
            except DeviceError:
                await asyncio.sleep(0.02)
                continue
            assert values == expected(unit, "holding", address, count)
            answers[unit] += 1

    async with opened(link, *units, pacing=QUICK):
        until = asyncio.get_running_loop().time() + 2.5
        await asyncio.gather(*(poll(unit, until) for unit in units))
    server.close()
    for writer in writers.values():
        writer.close()
    assert answers.total() > 10
