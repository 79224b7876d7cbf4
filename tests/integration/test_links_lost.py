"""Links that go down and come back: dead hosts, silent units, reset connections."""

import asyncio
import time
from collections.abc import Iterable

import pytest

from baywarden_drivers import Link, LinkDown, NoAnswer, RtuOverTcpLink, SerialLink, TcpLink
from support.modbus_peer import PtyPeer, Reply, TcpPeer, rtu_reply, tcp_reply, tcp_server
from support.opened_links import PATIENT, address_of, count_of, filled, opened, patiently
from support.sync_site import until


@pytest.mark.modbus
async def test_silence_is_no_answer_and_is_not_repeated() -> None:
    registers = filled()
    registers.silent.add(1)
    async with tcp_server(registers) as port, opened(TcpLink("127.0.0.1", port), silent=[1]) as link:
        with pytest.raises(NoAnswer):
            await link.write(1, 6, 100, [7])
        await until(lambda: bool(registers.requests))
    assert registers.writes() == [(6, 100)]


@pytest.mark.modbus
async def test_a_dead_unit_is_left_in_peace_while_its_neighbour_is_read_on() -> None:
    registers = filled(1, 2)
    registers.silent.add(2)
    async with tcp_server(registers) as port, opened(TcpLink("127.0.0.1", port), 1, silent=[2]) as link:
        began_s = time.monotonic()
        asked = await asked_until_left_in_peace(link, 2)
        assert asked == 2 or time.monotonic() - began_s > 1.5, "the first time in peace is 1.6 s or more"
        assert link.statistics()[2].quarantined
        await until(lambda: len(registers.requests) == asked)
        assert await link.read(1, "holding", 100, 1) == (100,)
        assert not link.statistics()[1].quarantined


@pytest.mark.modbus
async def test_contact_rises_when_a_unit_is_heard_again_after_silence() -> None:
    registers = filled(1, 2)
    async with tcp_server(registers) as port, opened(TcpLink("127.0.0.1", port), 1, silent=[2]) as link:
        await link.read(1, "holding", 100, 1)
        await link.read(2, "holding", 100, 1)
        first = link.contact(2)
        registers.silent.add(2)
        for _ in range(2):
            with pytest.raises(NoAnswer):
                await link.read(2, "holding", 100, 1)
        registers.silent.clear()
        assert link.contact(2) == first
        await until(lambda: not link.statistics()[2].quarantined)
        await link.read(2, "holding", 100, 1)
        assert link.contact(2) == first + 1
        assert link.contact(1) == 1


async def asked_until_left_in_peace(link: Link, unit: int) -> int:
    """How often a silent unit is asked before a caller is told that it is not."""
    for asked in range(6):
        try:
            await link.read(unit, "holding", 100, 1)
        except LinkDown as down:
            assert f"silent {asked} times" in str(down)
            return asked
        except NoAnswer:
            continue
    raise AssertionError("it is asked again and again")


async def test_a_refused_connection_says_why_and_is_not_tried_again_at_once() -> None:
    async with TcpPeer(lambda _: ()) as peer:
        port = peer.port
    async with opened(TcpLink("127.0.0.1", port)) as link:
        with pytest.raises(LinkDown, match=f"127.0.0.1:{port}"):
            await link.read(1, "holding", 100, 1)
        outcomes = []
        for _ in range(20):
            with pytest.raises(LinkDown) as down:
                await link.read(1, "holding", 100, 1)
            outcomes.append("next try" in str(down.value))
        assert any(outcomes)


async def test_all_who_wait_for_a_dead_host_share_one_attempt() -> None:
    async with TcpPeer(lambda _: ()) as peer:
        port = peer.port
    async with opened(TcpLink("127.0.0.1", port), 1, 2, 3) as link:
        calls = [link.read(unit, "holding", 100, 1) for unit in (1, 2, 3)]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(one) for one in outcomes] == [LinkDown] * 3
    assert len({str(one) for one in outcomes}) == 1


async def test_a_gateway_on_which_nobody_answers_gets_a_new_connection() -> None:
    def mute_once(request: bytes) -> Iterable[Reply]:
        if len(peer.requests) > 1:
            yield 0, rtu_reply(request, *[address_of(request)] * count_of(request))

    async with TcpPeer(mute_once) as peer, opened(RtuOverTcpLink("127.0.0.1", peer.port), silent=[1]) as link:
        with pytest.raises(NoAnswer):
            await link.read(1, "holding", 7, 2)
        link.pace(1, PATIENT)
        assert await link.read(1, "holding", 8, 2) == (8, 8)
        assert peer.connections == 2


@pytest.mark.modbus
async def test_a_server_that_comes_back_is_found_again() -> None:
    registers = filled()
    async with tcp_server(registers) as port:
        link = TcpLink("127.0.0.1", port)
        async with opened(link):
            assert await link.read(1, "holding", 100, 1) == (100,)
        await link.close()
    link = TcpLink("127.0.0.1", port)
    async with opened(link):
        with pytest.raises(LinkDown):
            await link.read(1, "holding", 100, 1)
        async with tcp_server(registers, port=port):
            assert await patiently(link) == (100,)


@pytest.mark.serial
async def test_one_silent_unit_does_not_reopen_the_port() -> None:
    def only_two(request: bytes) -> Iterable[Reply]:
        if request[0] == 2:
            yield 0, rtu_reply(request, *[5] * count_of(request))

    async with PtyPeer(only_two) as peer, opened(SerialLink(peer.path, 115200), 2, silent=[1]) as link:
        await link.read(2, "holding", 1, 1)
        contact = link.contact(2)
        with pytest.raises(NoAnswer):
            await link.read(1, "holding", 1, 1)
        assert await link.read(2, "holding", 1, 1) == (5,)
        assert link.contact(2) == contact


async def test_a_reset_connection_is_noticed_at_once_and_mended_by_the_next_read() -> None:
    def reset_once(request: bytes) -> Iterable[Reply]:
        yield 0, b"" if len(peer.requests) == 1 else tcp_reply(request, 5)

    async with TcpPeer(reset_once) as peer:
        link = TcpLink("127.0.0.1", peer.port)
        async with opened(link):
            with pytest.raises(NoAnswer, match="closed the connection"):  # and not: no answer within 10 s
                await link.read(1, "holding", 1, 1)
            assert await link.read(1, "holding", 1, 1) == (5,)


async def test_a_lonely_silent_unit_over_tcp_gets_a_new_connection_for_its_next_request() -> None:
    def mute_once(request: bytes) -> Iterable[Reply]:
        if len(peer.requests) > 1:
            yield 0, tcp_reply(request, 5)

    async with TcpPeer(mute_once) as peer, opened(TcpLink("127.0.0.1", peer.port), silent=[1]) as link:
        with pytest.raises(NoAnswer):
            await link.read(1, "holding", 1, 1)
        link.pace(1, PATIENT)
        assert await link.read(1, "holding", 1, 1) == (5,)
        assert peer.connections == 2


async def test_a_connection_shared_by_units_is_not_dropped_for_one_silent_one() -> None:
    def only_two(request: bytes) -> Iterable[Reply]:
        if request[6] == 2:
            yield 0, tcp_reply(request, 5)

    async with TcpPeer(only_two) as peer, opened(TcpLink("127.0.0.1", peer.port), 2, silent=[1]) as link:
        assert await link.read(2, "holding", 1, 1) == (5,)
        with pytest.raises(NoAnswer):
            await link.read(1, "holding", 1, 1)
        assert await link.read(2, "holding", 1, 1) == (5,)
        assert peer.connections == 1
