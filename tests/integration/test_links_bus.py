"""How a link treats a bus: dead units, adapters that hear themselves, unplugged ones, and connections that rest."""

import asyncio
import fcntl
import os
import termios
import tty
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from baywarden_drivers import Garbled, Link, LinkDown, NoAnswer, Refused, RtuOverTcpLink, SerialLink, TcpLink
from baywarden_drivers.links import ROUND_TRIP_BUCKETS_MS, Pacing
from baywarden_drivers.links.serial import claim
from support.modbus_peer import PtyPeer, Reply, TcpPeer, rtu_reply, tcp_reply, with_crc
from support.rough_slave import expected, rtu_slave, tcp_slave
from support.sync_site import until

QUICK = Pacing(response_timeout_s=0.15)
PATIENT = Pacing(response_timeout_s=10)
TIOCGEXCL = 0x80045440
"""Asks whether a terminal is claimed (asm-generic/ioctls.h)."""


@asynccontextmanager
async def opened(link: Link, *units: int, pacing: Pacing = PATIENT) -> AsyncIterator[Link]:
    """A link with units of that pacing, closed at the end."""
    for unit in units or (1,):
        link.pace(unit, pacing)
    try:
        yield link
    finally:
        await link.close()


def slaves(*units: int) -> "Slaves":
    """Those that answer."""
    return Slaves(set(units))


class Slaves:
    """A script: devices on one line that can fall silent, behind an adapter that may hear itself."""

    def __init__(self, units: set[int]) -> None:
        self.units = units
        self.silent: set[int] = set()
        self.echoes = False

    def __call__(self, request: bytes) -> Iterable[Reply]:
        answer = rtu_slave(request, self.units - self.silent)
        if self.echoes:
            yield 0, request
        if answer is not None:
            yield 0, answer


# Dead units.


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


# Adapters that hear themselves.


@pytest.mark.serial
@pytest.mark.parametrize("echoes", [False, True])
async def test_a_write_counts_only_when_the_device_has_answered_it(echoes: bool) -> None:
    bus = slaves(1)
    bus.echoes = echoes
    async with PtyPeer(bus) as peer, opened(SerialLink(peer.path, 115_200)) as link:
        assert await link.read(1, "holding", 7, 2) == expected(1, "holding", 7, 2)
        assert link.wire_statistics().hears_itself is echoes
        await link.write(1, 6, 100, [5])
        await link.write(1, 5, 100, [1])
        await link.write(1, 16, 100, [5, 6])
        link.pace(2, QUICK)
        with pytest.raises((NoAnswer, Garbled)):
            await link.write(2, 6, 100, [5])


@pytest.mark.serial
async def test_before_the_first_write_of_all_a_read_shows_what_kind_of_adapter_it_is() -> None:
    bus = slaves(1)
    bus.echoes = True
    bus.silent.add(1)
    async with PtyPeer(bus) as peer, opened(SerialLink(peer.path, 115_200), pacing=QUICK) as link:
        with pytest.raises(LinkDown, match="not sent"):
            await link.write(1, 6, 100, [5])
        assert [request[1] for request in peer.requests] == [3]
        assert link.wire_statistics().hears_itself is True
        with pytest.raises((NoAnswer, Garbled, LinkDown)):
            await link.write(1, 6, 100, [5])


# Devices that say things twice, and lines that are never quiet.


@pytest.mark.serial
async def test_a_device_that_was_heard_to_say_things_twice_gives_no_value_of_another_register() -> None:
    def twice(request: bytes) -> Iterable[Reply]:
        answer = rtu_slave(request, (1,)) or b""
        yield 0, answer
        if len(peer.requests) == 1 or len(peer.requests) % 2:
            yield 0.003, answer

    async with PtyPeer(twice) as peer, opened(SerialLink(peer.path, 115_200)) as link:
        await link.read(1, "holding", 7, 2)
        await asyncio.sleep(0.05)
        for address in range(100, 160):
            assert await link.read(1, "holding", address, 2) == expected(1, "holding", address, 2)


@pytest.mark.serial
async def test_a_line_that_is_never_quiet_is_no_line() -> None:
    async with PtyPeer(lambda _: ()) as peer, opened(SerialLink(peer.path, 9600)) as link:

        async def babble() -> None:
            while True:
                peer.say(b"\x55\xaa")
                await asyncio.sleep(0)

        noise = asyncio.create_task(babble())
        with pytest.raises((LinkDown, Garbled)):
            await link.read(1, "holding", 7, 2)
        noise.cancel()


@pytest.mark.serial
async def test_the_late_refusal_of_one_read_is_not_that_of_the_next() -> None:
    def late_refusal(request: bytes) -> Iterable[Reply]:
        answer = rtu_slave(request, (1,)) or b""
        if int.from_bytes(request[2:4], "big") == 666:
            held.append(with_crc(bytes([1, 0x83, 2])))
        elif held:
            yield 0, held.pop()
            yield 0.01, answer
        else:
            yield 0, answer

    held: list[bytes] = []
    async with PtyPeer(late_refusal) as peer, opened(SerialLink(peer.path, 115_200), pacing=QUICK) as link:
        await link.read(1, "holding", 7, 2)
        with pytest.raises(NoAnswer):
            await link.read(1, "holding", 666, 4)
        with pytest.raises(Garbled, match="earlier request"):
            await link.read(1, "holding", 9, 2)
        for address in range(10, 20):
            assert await link.read(1, "holding", address, 2) == expected(1, "holding", address, 2)


# Serial ports.


@pytest.mark.serial
async def test_a_name_that_leads_to_another_adapter_is_followed(tmp_path: Path) -> None:
    name, bus = tmp_path / "by-id", slaves(1)
    link = SerialLink(str(name), 115_200)
    async with PtyPeer(bus) as first, PtyPeer(bus) as second, opened(link, pacing=QUICK):
        name.symlink_to(first.path)
        await link.read(1, "holding", 7, 2)
        first.script = lambda _: ()
        name.unlink()
        with pytest.raises(NoAnswer):
            await link.read(1, "holding", 7, 2)
        name.symlink_to(second.path)

        async with asyncio.timeout(30):
            while not second.requests:
                await asyncio.sleep(0.05)
                with suppress(LinkDown, NoAnswer, Garbled):
                    await link.read(1, "holding", 7, 2)
        assert await link.read(1, "holding", 7, 2) == expected(1, "holding", 7, 2)


@pytest.mark.serial
async def test_a_port_in_use_says_so_to_the_second_that_wants_it() -> None:
    async with PtyPeer(slaves(1)) as peer, opened(SerialLink(peer.path, 115_200)) as link:
        await link.read(1, "holding", 7, 2)
        async with opened(SerialLink(peer.path, 115_200)) as second:
            with pytest.raises(LinkDown, match="locked by another program"):
                await second.read(1, "holding", 7, 2)
        assert await link.read(1, "holding", 7, 2) == expected(1, "holding", 7, 2)


def test_a_claimed_terminal_is_marked_for_programs_that_ask_for_no_lock() -> None:
    master, slave = os.openpty()
    try:
        tty.setraw(slave)
        is_claimed = bytearray(4)
        for wanted in (0, 1):
            fcntl.ioctl(slave, TIOCGEXCL, is_claimed)
            assert int.from_bytes(is_claimed, "little") == wanted
            claim(slave)
        fcntl.ioctl(slave, termios.TIOCNXCL)
    finally:
        os.close(master)
        os.close(slave)


# Connections that rest.


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


# Figures.


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
