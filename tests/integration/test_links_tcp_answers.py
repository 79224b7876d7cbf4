"""A TCP answer counts only if it belongs to the request: old, cut and strange ones do not."""

import asyncio
from collections.abc import Iterable

import pytest

from baywarden_drivers import Garbled, LinkDown, NoAnswer, RtuOverTcpLink, TcpLink
from support.modbus_peer import Reply, TcpPeer, rtu_reply, tcp_reply
from support.opened_links import QUICK, opened


async def test_a_write_whose_echo_is_another_one_over_tcp_is_garbled_and_costs_the_connection() -> None:
    def stubborn(request: bytes) -> Iterable[Reply]:
        yield 0, request[:-2] + b"\x00\xa0" if request[7] == 6 else tcp_reply(request, 55)

    async with TcpPeer(stubborn) as peer, opened(TcpLink("127.0.0.1", peer.port)) as link:
        with pytest.raises(Garbled):
            await link.write(1, 6, 261, [60])
        assert await link.read(1, "holding", 261, 1) == (55,)
        assert peer.connections == 2
        assert sum(request[7] == 6 for request in peer.requests) == 1


async def test_an_answer_with_an_old_transaction_number_is_skipped() -> None:
    def old_first(request: bytes) -> Iterable[Reply]:
        number = int.from_bytes(request[:2], "big")
        yield 0, tcp_reply(request, 666, transaction=number - 1) + tcp_reply(request, 5)

    async with TcpPeer(old_first) as peer, opened(TcpLink("127.0.0.1", peer.port)) as link:
        assert await link.read(1, "holding", 1, 1) == (5,)
        assert await link.read(1, "holding", 1, 1) == (5,)


async def test_a_stream_out_of_step_is_dropped_and_the_next_read_is_right() -> None:
    def cut_once(request: bytes) -> Iterable[Reply]:
        reply = tcp_reply(request, int.from_bytes(request[8:10], "big"))
        yield 0, reply[1:] if len(peer.requests) == 1 else reply

    async with TcpPeer(cut_once) as peer, opened(TcpLink("127.0.0.1", peer.port)) as link:
        with pytest.raises(Garbled):
            await link.read(1, "holding", 7, 1)
        for address in (8, 9, 10):
            assert await link.read(1, "holding", address, 1) == (address,)
        assert peer.connections == 2


async def test_an_answer_of_the_wrong_unit_over_tcp_is_garbled() -> None:
    def stranger(request: bytes) -> Iterable[Reply]:
        yield 0, tcp_reply(request, 5, unit=9)

    async with TcpPeer(stranger) as peer, opened(TcpLink("127.0.0.1", peer.port)) as link:
        with pytest.raises(Garbled):
            await link.read(1, "holding", 1, 1)


async def test_a_silent_line_behind_a_gateway_costs_a_connection_but_no_wrong_value() -> None:
    def late(request: bytes) -> Iterable[Reply]:
        values = [int.from_bytes(request[2:4], "big")] * request[5]
        yield (0.4 if len(peer.requests) == 3 else 0.0), rtu_reply(request, *values)

    async with TcpPeer(late) as peer, opened(RtuOverTcpLink("127.0.0.1", peer.port), pacing=QUICK) as link:
        for address in range(1, 12):
            try:
                assert await link.read(1, "holding", address, 2) == (address, address)
            except (NoAnswer, LinkDown):
                await asyncio.sleep(0.02)
        assert peer.connections == 2


async def test_an_answer_that_has_lost_a_byte_is_not_completed_by_the_next_one() -> None:
    def cut_and_more(request: bytes) -> Iterable[Reply]:
        right = tcp_reply(request, 1, 2, 3)
        yield 0, (right[:-4] + right[-3:] + right) if len(peer.requests) == 1 else right

    async with TcpPeer(cut_and_more) as peer, opened(TcpLink("127.0.0.1", peer.port)) as link:
        with pytest.raises(Garbled):
            await link.read(1, "holding", 7, 3)
        assert await link.read(1, "holding", 7, 3) == (1, 2, 3)
