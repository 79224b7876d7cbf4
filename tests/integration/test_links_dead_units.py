"""What a dead unit costs its neighbours, and how it is found again."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

import pytest

from baywarden_drivers import Link, LinkDown, NoAnswer, Refused, SerialLink, TcpLink
from baywarden_drivers.links import ROUND_TRIP_BUCKETS_MS, Pacing
from support.line_of_slaves import slaves
from support.modbus_peer import PtyPeer, Reply, TcpPeer
from support.opened_links import QUICK, opened
from support.rough_slave import expected, tcp_slave
from support.sync_site import until


@pytest.mark.serial
async def test_the_first_silence_ends_the_round_of_its_unit_and_of_no_other() -> None:
    bus = slaves(1, 2)
    async with PtyPeer(bus) as peer, opened(SerialLink(peer.path, 115_200), 2) as link:
        link.pace(1, QUICK)
        bus.silent.add(1)
        dead = [link.read(1, "holding", address, 2) for address in (0, 10, 20, 30)]
        alive = [link.read(2, "holding", address, 2) for address in (0, 10, 20, 30)]
        outcomes = await asyncio.gather(*dead, *alive, return_exceptions=True)
    assert [type(one) for one in outcomes[:4]] == [NoAnswer, LinkDown, LinkDown, LinkDown]
    assert "rest of its round" in str(outcomes[1])
    assert outcomes[4:] == [expected(2, "holding", address, 2) for address in (0, 10, 20, 30)]
    assert sum(request[0] == 1 for request in peer.requests) == 1


@pytest.mark.serial
async def test_a_device_that_is_known_to_be_quick_is_waited_for_less_long_but_only_once() -> None:
    bus = slaves(1)
    pacing = Pacing(response_timeout_s=1.0)
    async with PtyPeer(bus) as peer, opened(SerialLink(peer.path, 115_200), pacing=pacing) as link:
        for _ in range(8):
            await link.read(1, "holding", 7, 2)
        wait_s = []
        bus.silent.add(1)
        for _ in range(2):
            with pytest.raises(NoAnswer) as silence:
                await link.read(1, "holding", 7, 2)
            wait_s.append(float(str(silence.value).split()[-2]))
    assert 0.25 <= wait_s[0] < wait_s[1]
    assert wait_s[1] >= 1.0


@pytest.mark.serial
async def test_a_unit_back_from_the_dead_is_first_asked_for_the_shortest_read_that_has_worked() -> None:
    bus = slaves(1)
    async with PtyPeer(bus) as peer, opened(SerialLink(peer.path, 115_200), pacing=QUICK) as link:
        for count in (60, 3, 20):
            await link.read(1, "holding", 7, count)
        bus.silent.add(1)
        while not link.statistics()[1].quarantined:
            with pytest.raises((NoAnswer, LinkDown)):
                await link.read(1, "holding", 7, 60)
        bus.silent.clear()
        asked = len(peer.requests)
        await until(lambda: not link.statistics()[1].quarantined)
        assert await link.read(1, "holding", 7, 60) == expected(1, "holding", 7, 60)
        probe, real = [request[5] for request in peer.requests[asked:]]
        assert (probe in (3, 20), real) == (True, 60)


@pytest.mark.serial
async def test_dead_units_cost_their_neighbours_no_more_than_a_tenth_of_the_line() -> None:
    bus = slaves(1, 2, 3, 4, 5)
    bus.silent |= {4, 5}
    pacing = Pacing(response_timeout_s=0.3)
    ended = asyncio.Event()

    async def device(link: Link, unit: int) -> None:
        while not ended.is_set():
            try:
                await link.read(unit, "holding", 7, 10)
            except (NoAnswer, LinkDown):
                await asyncio.sleep(0.02)

    async with (
        PtyPeer(bus) as peer,
        opened(SerialLink(peer.path, 115_200), 1, 2, 3, 4, 5, pacing=pacing) as link,
    ):
        tasks = [asyncio.create_task(device(link, unit)) for unit in (1, 2, 3, 4, 5)]
        await until(lambda: all(unit in link.statistics() for unit in (4, 5)))
        await until(lambda: all(link.statistics()[unit].time_outs >= 2 for unit in (4, 5)))
        figures = link.statistics()
        await until(lambda: all(link.statistics()[unit].answers > 50 for unit in (1, 2, 3)))
        ended.set()
        await asyncio.gather(*tasks)
    # Each of the two may take a twentieth of the time: 19 time-outs of rest, of which some may have passed.
    assert all(figures[unit].retry_in_s > 10 * pacing.response_timeout_s for unit in (4, 5))


@pytest.mark.serial
async def test_when_a_whole_line_was_silent_the_first_to_be_heard_again_frees_the_others() -> None:
    bus = slaves(1, 2, 3)
    async with PtyPeer(bus) as peer, opened(SerialLink(peer.path, 115_200), 1, 2, 3, pacing=QUICK) as link:
        for unit in (1, 2, 3):
            await link.read(unit, "holding", 7, 2)
        bus.silent |= {1, 2, 3}
        for unit in (3, 2, 1):
            while not link.statistics()[unit].quarantined:
                with suppress(NoAnswer, LinkDown):
                    await link.read(unit, "holding", 7, 2)
        bus.silent.clear()
        await until(lambda: any(not one.quarantined for one in link.statistics().values()))
        free = next(unit for unit, one in link.statistics().items() if not one.quarantined)
        await link.read(free, "holding", 7, 2)
        assert not any(one.quarantined for one in link.statistics().values())
        for unit in (1, 2, 3):
            assert await link.read(unit, "holding", 7, 2) == expected(unit, "holding", 7, 2)


async def test_units_behind_a_host_that_was_away_are_asked_again_as_soon_as_it_is_back() -> None:
    def answer(request: bytes) -> Iterable[Reply]:
        if not mute:
            yield 0, tcp_slave(request)

    mute = [True]
    async with TcpPeer(answer) as peer, opened(TcpLink("127.0.0.1", peer.port), 1, 2, pacing=QUICK) as link:
        while not link.statistics()[1].quarantined:
            with suppress(NoAnswer, LinkDown):
                await link.read(1, "holding", 7, 2)
        await peer.stop()
        mute.clear()
        with pytest.raises(LinkDown):
            await link.read(2, "holding", 7, 2)
        await peer.start()
        async with asyncio.timeout(30):
            while not link.is_open:
                await asyncio.sleep(0.05)
                with suppress(LinkDown):
                    await link.read(2, "holding", 7, 2)
        assert await link.read(1, "holding", 7, 2) == expected(1, "holding", 7, 2)


@pytest.mark.serial
async def test_a_gateway_that_says_that_a_unit_is_silent_ends_its_round_too() -> None:
    def nobody_there(request: bytes) -> Iterable[Reply]:
        pdu = bytes([request[6], request[7] | 0x80, 11])
        yield 0, request[:4] + len(pdu).to_bytes(2, "big") + pdu

    async with TcpPeer(nobody_there) as peer, opened(TcpLink("127.0.0.1", peer.port)) as link:
        outcomes = await asyncio.gather(
            *(link.read(1, "holding", address, 1) for address in (0, 10)), return_exceptions=True
        )
        assert [type(one) for one in outcomes] == [Refused, LinkDown]
        assert link.statistics()[1].silences_in_row == 1


async def test_a_connection_on_which_two_units_fall_silent_one_after_the_other_is_given_up() -> None:
    mute: list[int] = []

    def answer(request: bytes) -> Iterable[Reply]:
        if peer.connections not in mute:
            yield 0, tcp_slave(request)

    async with (
        TcpPeer(answer) as peer,
        opened(TcpLink("127.0.0.1", peer.port), 1, 2, 3, pacing=QUICK) as link,
    ):
        for unit in (1, 2, 3):
            await link.read(unit, "holding", 7, 1)
        mute.append(1)
        for unit in (1, 2):
            with pytest.raises(NoAnswer):
                await link.read(unit, "holding", 7, 1)
        assert await link.read(3, "holding", 7, 1) == expected(3, "holding", 7, 1)
        assert peer.connections == 2


async def test_a_host_that_closes_each_connection_is_left_alone_for_a_while_and_its_units_are_not_dead() -> (
    None
):
    async with TcpPeer(lambda _: [(0, b"")]) as peer, opened(TcpLink("127.0.0.1", peer.port)) as link:
        outcomes = set()
        for _ in range(12):
            with pytest.raises((NoAnswer, LinkDown)) as error:
                await link.read(1, "holding", 7, 1)
            outcomes.add("next try" in str(error.value))
        assert outcomes == {True, False}
        assert link.statistics()[1].silences_in_row == 0
        assert link.wire_statistics().hang_ups == peer.connections


@pytest.mark.serial
async def test_the_figures_of_a_bus_tell_what_happened_on_it() -> None:
    bus = slaves(1, 2)
    async with PtyPeer(bus) as peer, opened(SerialLink(peer.path, 115_200), 1) as link:
        link.pace(2, QUICK)
        for _ in range(5):
            await link.read(1, "holding", 7, 2)
        with pytest.raises(Refused):
            await link.read(1, "holding", 59_999, 2)
        bus.silent.add(2)
        with pytest.raises(NoAnswer):
            await link.read(2, "holding", 7, 2)
        one, two = link.statistics()[1], link.statistics()[2]
        wire = link.wire_statistics()
    assert (one.requests, one.answers, one.exceptions, one.time_outs, one.garbled) == (6, 6, 1, 0, 0)
    assert (two.requests, two.answers, two.time_outs, two.silences_in_row) == (1, 0, 1, 1)
    assert sum(one.round_trips) == 6
    assert one.round_trip_ms(0.5) in (*ROUND_TRIP_BUCKETS_MS, float("inf"))
    assert two.round_trip_ms(0.5) is None
    assert two.busy_s >= 0.15
    assert wire.busy_s == pytest.approx(one.busy_s + two.busy_s)
    assert 0 < wire.utilisation <= 1
    assert (wire.connections, wire.failures, wire.requests) == (1, 0, 7)
    assert wire.bytes_sent == 7 * 8
    assert wire.bytes_received == 5 * 9 + 5
