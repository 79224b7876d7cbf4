"""Several reads asked for at once: made in a row, and yet nobody waits longer for it than for single ones."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

import pytest

from baywarden_drivers import NoAnswer, Refused, TcpLink
from baywarden_drivers.links import Pacing
from baywarden_drivers.links.link import Question
from baywarden_drivers.links.queue import Heard
from baywarden_drivers.links.request import read_request
from baywarden_drivers.links.tcp import TcpWire
from support.modbus_peer import Reply, TcpPeer, tcp_reply
from support.opened_links import opened

pytestmark = pytest.mark.modbus


class Box:
    """A device whose registers hold their own addresses, and which notes what was asked of it."""

    def __init__(self, *, takes_s: float = 0.0, silent_at: int = -1, refuses_at: int = -1) -> None:
        self.takes_s, self.silent_at, self.refuses_at = takes_s, silent_at, refuses_at
        self.asked: list[tuple[int, int]] = []
        """Unit and address, in their order."""

    def __call__(self, request: bytes) -> Iterable[Reply]:
        """Answer one request."""
        unit, function, address = request[6], request[7], int.from_bytes(request[8:10], "big")
        self.asked.append((unit, address))
        if address == self.silent_at:
            return []
        if address == self.refuses_at:
            return [(0.0, request[:4] + b"\x00\x03" + bytes([unit, function | 0x80, 2]))]
        if function == 6:
            return [(self.takes_s, request)]
        return [(self.takes_s, tcp_reply(request, *range(address, address + request[11])))]


def round_of(unit: int, *addresses: int) -> list[Question]:
    """Reads of two registers each."""
    return [(unit, "holding", address, 2) for address in addresses]


async def test_all_reads_of_a_round_are_answered_in_their_order_each_with_its_own_time() -> None:
    box, heard = Box(takes_s=0.05), list[Heard]()
    async with TcpPeer(box) as peer, opened(TcpLink("127.0.0.1", peer.port)) as link:
        await link.read_round(round_of(1, 300, 100, 200), heard)
    assert [one.registers for one in heard] == [(300, 301), (100, 101), (200, 201)]
    assert heard[1].at_ms - heard[0].at_ms >= 40 and heard[2].at_ms - heard[1].at_ms >= 40


async def test_a_refusal_ends_the_round_and_what_was_heard_before_stays() -> None:
    box, heard = Box(refuses_at=200), list[Heard]()
    async with TcpPeer(box) as peer, opened(TcpLink("127.0.0.1", peer.port)) as link:
        with pytest.raises(Refused):
            await link.read_round(round_of(1, 100, 200, 300), heard)
    assert [one.registers for one in heard] == [(100, 101)]
    assert box.asked == [(1, 100), (1, 200)]


async def test_a_write_of_another_goes_between_two_reads_of_a_round() -> None:
    box, heard = Box(takes_s=0.1), list[Heard]()
    async with TcpPeer(box) as peer, opened(TcpLink("127.0.0.1", peer.port)) as link:
        reading = asyncio.create_task(link.read_round(round_of(1, 100, 200, 300), heard))
        async with asyncio.timeout(10):
            while not box.asked:
                await asyncio.sleep(0.001)
        await link.write(2, 6, 7, [1])
        await reading
    assert box.asked == [(1, 100), (2, 7), (1, 200), (1, 300)]


async def test_of_a_round_whose_caller_is_gone_no_more_is_asked() -> None:
    box = Box(takes_s=0.1)
    async with TcpPeer(box) as peer, opened(TcpLink("127.0.0.1", peer.port)) as link:
        reading = asyncio.create_task(link.read_round(round_of(1, 100, 200, 300), []))
        async with asyncio.timeout(10):
            while not box.asked:
                await asyncio.sleep(0.001)
        reading.cancel()
        assert await link.read(2, "holding", 7, 1) == (7,)
    assert box.asked == [(1, 100), (2, 7)]


async def test_while_a_device_rests_between_two_reads_of_its_round_others_are_served() -> None:
    box, heard = Box(), list[Heard]()
    async with TcpPeer(box) as peer, opened(TcpLink("127.0.0.1", peer.port)) as link:
        link.pace(1, Pacing(min_request_gap_s=0.5))
        link.pace(2, Pacing())
        reading = asyncio.create_task(link.read_round(round_of(1, 100, 200), heard))
        async with asyncio.timeout(10):
            while not box.asked:
                await asyncio.sleep(0.001)
            assert await link.read(2, "holding", 7, 1) == (7,)
            await reading
    assert box.asked == [(1, 100), (2, 7), (1, 200)]


@asynccontextmanager
async def wired(box: Box) -> AsyncIterator[TcpWire]:
    """An open connection to it, for one exchange after another."""
    async with TcpPeer(box) as peer:
        wire = TcpWire("127.0.0.1", peer.port)
        await wire.open()
        try:
            yield wire
        finally:
            wire.close()
            await asyncio.sleep(0)


async def test_a_request_gets_its_whole_time_although_an_earlier_one_was_given_less() -> None:
    async with wired(Box(silent_at=900)) as wire:
        with suppress(NoAnswer):  # on a busy machine that is too short
            await wire.exchange(read_request(1, "holding", 100, 1), 0.3)
        asked_at = time.monotonic()
        with pytest.raises(NoAnswer):
            await wire.exchange(read_request(1, "holding", 900, 1), 0.6)
    assert time.monotonic() - asked_at >= 0.59


async def test_a_request_need_not_wait_for_the_time_of_an_earlier_one_that_was_given_more() -> None:
    async with wired(Box(silent_at=900)) as wire:
        await wire.exchange(read_request(1, "holding", 100, 1), 60.0)
        async with asyncio.timeout(10):
            with pytest.raises(NoAnswer):
                await wire.exchange(read_request(1, "holding", 900, 1), 0.2)
