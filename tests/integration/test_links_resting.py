"""Connections that rest: closed when idle, opened when needed, and no new contact for it."""

import asyncio
from collections.abc import Iterable

import pytest

from baywarden_drivers import NoAnswer, TcpLink
from baywarden_drivers.links import Pacing
from support.modbus_peer import Reply, TcpPeer
from support.opened_links import opened
from support.rough_slave import expected, tcp_slave
from support.sync_site import until


async def test_a_connection_that_rests_is_closed_and_coming_back_is_no_new_contact() -> None:
    async with (
        TcpPeer(lambda request: [(0, tcp_slave(request))]) as peer,
        opened(TcpLink("127.0.0.1", peer.port)) as link,
    ):
        await link.read(1, "holding", 7, 2)
        contact = link.contact(1)
        for connections in (2, 3):
            await link.rest()
            assert not link.is_open
            assert await link.read(1, "holding", 7, 2) == expected(1, "holding", 7, 2)
            assert peer.connections == connections
        assert link.contact(1) == contact


async def test_nobody_rests_while_another_waits_for_an_answer() -> None:
    async with (
        TcpPeer(lambda request: [(0.05, tcp_slave(request))]) as peer,
        opened(TcpLink("127.0.0.1", peer.port)) as link,
    ):
        reads = [asyncio.create_task(link.read(1, "holding", address, 1)) for address in (1, 2)]
        await until(lambda: bool(peer.requests))
        await link.rest()
        assert await asyncio.gather(*reads) == [expected(1, "holding", address, 1) for address in (1, 2)]
        assert peer.connections == 1


async def test_a_device_that_closes_idle_connections_loses_neither_contact_nor_a_read() -> None:
    def closes_soon(request: bytes) -> Iterable[Reply]:
        yield 0, tcp_slave(request)
        yield 0.6, b""

    async with (
        TcpPeer(closes_soon) as peer,
        opened(
            TcpLink("127.0.0.1", peer.port), pacing=Pacing(response_timeout_s=10, idle_close_s=0.6)
        ) as link,
    ):
        await link.read(1, "holding", 7, 2)
        contact = link.contact(1)
        for _ in range(2):
            await until(lambda: not link.is_open)
            assert await link.read(1, "holding", 7, 2) == expected(1, "holding", 7, 2)
        assert link.contact(1) == contact
        assert peer.connections == 3


async def test_a_read_into_a_connection_that_is_just_being_closed_is_repeated_and_a_write_is_not() -> None:
    def closes_instead(request: bytes) -> Iterable[Reply]:
        if closing:
            closing.clear()
            yield 0, b""
        else:
            yield 0, tcp_slave(request)

    closing: list[bool] = []
    async with TcpPeer(closes_instead) as peer, opened(TcpLink("127.0.0.1", peer.port)) as link:
        await link.read(1, "holding", 7, 2)
        await asyncio.sleep(1.1)
        closing.append(True)
        assert await link.read(1, "holding", 8, 2) == expected(1, "holding", 8, 2)
        await asyncio.sleep(1.1)
        closing.append(True)
        with pytest.raises(NoAnswer):
            await link.write(1, 6, 8, [1])
        assert [request[7] for request in peer.requests] == [3, 3, 3, 6]
