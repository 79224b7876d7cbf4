"""Links against real Modbus servers, and against hand-made peers that answer late, wrong, half or not at all."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from baywarden_drivers import (
    Garbled,
    Link,
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
from support.modbus_peer import (
    PtyPeer,
    Registers,
    Reply,
    TcpPeer,
    rtu_reply,
    serial_server,
    tcp_reply,
    tcp_server,
    with_crc,
)
from support.serial_pair import SerialPair
from support.sync_site import until

QUICK = Pacing(response_timeout_s=0.15)
"""Where silence is wanted."""
PATIENT = Pacing(response_timeout_s=10)
"""Where an answer is."""
LONG_S = 30.0
"""A pause that no test waits for."""


@asynccontextmanager
async def opened(
    link: Link, *units: int, pacing: Pacing = PATIENT, silent: Iterable[int] = ()
) -> AsyncIterator[Link]:
    """A link with units of that pacing (1 if none is named) and some that stay silent, closed at the end."""
    for unit in units or (() if silent else (1,)):
        link.pace(unit, pacing)
    for unit in silent:
        link.pace(unit, QUICK)
    try:
        yield link
    finally:
        await link.close()


def address_of(request: bytes) -> int:
    """The address in an RTU request."""
    return int.from_bytes(request[2:4], "big")


def count_of(request: bytes) -> int:
    """The number of registers in an RTU request."""
    return int.from_bytes(request[4:6], "big")


def filled(*units: int) -> Registers:
    """Units whose holding registers 100 to 119 hold their own address."""
    registers = Registers(*(units or (1,)))
    for unit in units or (1,):
        registers.set(unit, "holding", 100, *range(100, 120))
    return registers


# Real servers.


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


async def patiently(link: Link) -> tuple[int, ...]:
    """The first answer, whatever comes before it."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await link.read(1, "holding", 100, 1)
            except (LinkDown, NoAnswer, Garbled):
                await asyncio.sleep(0.05)


# Hand-made peers.


@pytest.mark.serial
async def test_a_late_answer_over_rtu_is_never_taken_for_that_of_the_next_read() -> None:
    def late(request: bytes) -> Iterable[Reply]:
        if len(peer.requests) > 1:
            yield 0, rtu_reply(request, *[address_of(request)] * count_of(request))

    async with PtyPeer(late) as peer, opened(SerialLink(peer.path, 115200), silent=[1]) as link:
        with pytest.raises(NoAnswer):
            await link.read(1, "holding", 2000, 2)
        await until(lambda: bool(peer.requests))
        link.pace(1, PATIENT)
        peer.say(rtu_reply(peer.requests[0], 2000, 2000))
        for address in (1000, 3000, 4000):
            assert await link.read(1, "holding", address, 2) == (address, address)


@pytest.mark.serial
async def test_an_answer_that_comes_later_than_every_pause_is_still_not_taken() -> None:
    def very_late(request: bytes) -> Iterable[Reply]:
        # The first answer comes while the second request is on the wire.
        if len(peer.requests) == 2:
            yield 0, rtu_reply(peer.requests[0], 2000, 2000)
        if len(peer.requests) > 1:
            yield 0.08, rtu_reply(request, *[address_of(request)] * count_of(request))

    async with PtyPeer(very_late) as peer, opened(SerialLink(peer.path, 115200), silent=[1]) as link:
        with pytest.raises(NoAnswer):
            await link.read(1, "holding", 2000, 2)
        await until(lambda: bool(peer.requests))
        link.pace(1, PATIENT)
        for address in (1000, 3000):
            assert await link.read(1, "holding", address, 2) == (address, address)
        assert [count_of(request) for request in peer.requests] == [2, 1, 2, 2]


@pytest.mark.serial
async def test_a_constantly_slow_device_never_gives_the_value_of_another_register() -> None:
    def slow(request: bytes) -> Iterable[Reply]:
        yield 0.2, rtu_reply(request, *[address_of(request)] * count_of(request))

    async with PtyPeer(slow) as peer, opened(SerialLink(peer.path, 115200), pacing=QUICK) as link:
        for address in range(1000, 1012):
            try:
                assert await link.read(1, "holding", address, 2) == (address, address)
            except (NoAnswer, Garbled, LinkDown):
                await asyncio.sleep(0.05)


@pytest.mark.serial
async def test_an_answer_of_another_unit_or_length_or_function_does_not_count() -> None:
    def wrong(request: bytes) -> Iterable[Reply]:
        match address_of(request):
            case 1:
                yield 0, rtu_reply(request, 7, unit=9)
            case 2:
                yield 0, rtu_reply(request, 7, 7)
            case _:
                yield 0, with_crc(bytes([request[0], 4, 2, 0, 7]))

    async with PtyPeer(wrong) as peer:
        for address in (1, 2, 3):
            async with opened(SerialLink(peer.path, 115200), pacing=QUICK) as link:
                with pytest.raises(Garbled):
                    await link.read(1, "holding", address, 1)


@pytest.mark.serial
async def test_a_write_whose_echo_is_another_one_over_rtu_is_garbled() -> None:
    def stubborn(request: bytes) -> Iterable[Reply]:
        yield 0, with_crc(request[:4] + b"\x00\xa0") if request[1] == 6 else rtu_reply(request, 55)

    async with PtyPeer(stubborn) as peer, opened(SerialLink(peer.path, 115200), pacing=QUICK) as link:
        await link.read(1, "holding", 261, 1)
        with pytest.raises(Garbled):
            await link.write(1, 6, 261, [60])
        assert [request[1] for request in peer.requests] == [3, 6]
        assert link.statistics()[1].garbled == 1
        assert await link.read(1, "holding", 261, 1) == (55,)


async def test_a_write_whose_echo_is_another_one_over_tcp_is_garbled_and_costs_the_connection() -> None:
    def stubborn(request: bytes) -> Iterable[Reply]:
        yield 0, request[:-2] + b"\x00\xa0" if request[7] == 6 else tcp_reply(request, 55)

    async with TcpPeer(stubborn) as peer, opened(TcpLink("127.0.0.1", peer.port)) as link:
        with pytest.raises(Garbled):
            await link.write(1, 6, 261, [60])
        assert await link.read(1, "holding", 261, 1) == (55,)
        assert peer.connections == 2
        assert sum(request[7] == 6 for request in peer.requests) == 1


@pytest.mark.serial
async def test_noise_before_the_answer_is_skipped() -> None:
    def noisy(request: bytes) -> Iterable[Reply]:
        yield 0, b"\x01\x03\xff\x00" + rtu_reply(request, 55)

    async with PtyPeer(noisy) as peer, opened(SerialLink(peer.path, 115200)) as link:
        assert await link.read(1, "holding", 1, 1) == (55,)


@pytest.mark.serial
async def test_a_damaged_frame_is_garbled_and_counted() -> None:
    def damaged(request: bytes) -> Iterable[Reply]:
        frame = bytearray(rtu_reply(request, 55))
        frame[3] ^= 0x10
        yield 0, bytes(frame)

    async with PtyPeer(damaged) as peer, opened(SerialLink(peer.path, 115200), pacing=QUICK) as link:
        with pytest.raises(Garbled):
            await link.read(1, "holding", 1, 1)
        assert link.statistics()[1].garbled == 1
        assert link.statistics()[1].time_outs == 0


@pytest.mark.serial
async def test_half_a_frame_is_garbled_and_the_next_read_is_right() -> None:
    def half(request: bytes) -> Iterable[Reply]:
        reply = rtu_reply(request, *[address_of(request)] * count_of(request))
        yield 0, reply[:4] if address_of(request) == 1 and count_of(request) == 2 else reply

    async with PtyPeer(half) as peer, opened(SerialLink(peer.path, 115200), pacing=QUICK) as link:
        with pytest.raises(Garbled):
            await link.read(1, "holding", 1, 2)
        assert await link.read(1, "holding", 2, 2) == (2, 2)


@pytest.mark.serial
async def test_a_frame_in_pieces_is_put_together() -> None:
    def pieces(request: bytes) -> Iterable[Reply]:
        reply = rtu_reply(request, 1, 2, 3)
        for place, byte in enumerate(reply):
            yield place * 0.005, bytes([byte])

    async with PtyPeer(pieces) as peer, opened(SerialLink(peer.path, 115200)) as link:
        assert await link.read(1, "holding", 1, 3) == (1, 2, 3)


@pytest.mark.serial
async def test_bytes_that_came_unasked_are_not_part_of_the_next_answer() -> None:
    def chatty(request: bytes) -> Iterable[Reply]:
        yield 0, rtu_reply(request, *[address_of(request)] * count_of(request))
        yield 0.02, rtu_reply(request, 666)

    async with PtyPeer(chatty) as peer, opened(SerialLink(peer.path, 115200)) as link:
        unasked = rtu_reply(bytes([1, 3]), 666)
        heard: list[bytes] = []
        link.trace(lambda _, packet: heard.append(packet))
        for address in (1, 2, 3):
            assert await link.read(1, "holding", address, 1) == (address,)
            await until(lambda: heard[-1].endswith(unasked))


@pytest.mark.serial
async def test_no_request_goes_out_within_the_silence_after_an_answer() -> None:
    def prompt(request: bytes) -> Iterable[Reply]:
        yield 0, rtu_reply(request, 1)

    moments: list[tuple[str, float]] = []
    async with PtyPeer(prompt) as peer, opened(SerialLink(peer.path, 1200)) as link:
        link.trace(lambda direction, _: moments.append((direction, time.monotonic())))
        for _ in range(4):
            await link.read(1, "holding", 1, 1)
    gaps = [
        later - earlier
        for (before, earlier), (after, later) in itertools.pairwise(moments)
        if (before, after) == ("received", "sent")
    ]
    assert len(gaps) == 3
    assert min(gaps) >= 3.5 * 10 / 1200 - 0.001


@pytest.mark.serial
async def test_a_serial_port_is_not_shared() -> None:
    def prompt(request: bytes) -> Iterable[Reply]:
        yield 0, rtu_reply(request, 1)

    async with PtyPeer(prompt) as peer, opened(SerialLink(peer.path, 115200)) as link:
        await link.read(1, "holding", 1, 1)
        async with opened(SerialLink(peer.path, 115200)) as second:
            with pytest.raises(LinkDown, match="lock"):
                await second.read(1, "holding", 1, 1)


@pytest.mark.serial
async def test_a_simulated_line_takes_the_settings_of_a_real_one() -> None:
    def prompt(request: bytes) -> Iterable[Reply]:
        yield 0, rtu_reply(request, 1)

    async with PtyPeer(prompt) as peer, opened(SerialLink(peer.path, 19200, "E", 1)) as link:
        assert await link.read(1, "holding", 1, 1) == (1,)


@pytest.mark.serial
async def test_a_path_that_is_no_serial_port_is_a_link_down(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "nothing"):
        async with opened(SerialLink(str(path))) as link:
            with pytest.raises(LinkDown, match=str(path)):
                await link.read(1, "holding", 1, 1)


@pytest.mark.serial
async def test_a_pulled_adapter_is_a_lost_link_and_a_new_one_is_found(tmp_path: Path) -> None:
    def prompt(request: bytes) -> Iterable[Reply]:
        yield 0, rtu_reply(request, 1)

    port = tmp_path / "tty"
    async with opened(SerialLink(str(port), 115200)) as link:
        async with PtyPeer(prompt) as peer:
            port.symlink_to(peer.path)
            assert await link.read(1, "holding", 100, 1) == (1,)
            port.unlink()
        with pytest.raises((LinkDown, NoAnswer)):
            await link.read(1, "holding", 100, 1)
        async with PtyPeer(prompt) as peer:
            port.symlink_to(peer.path)
            assert await patiently(link) == (1,)


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


async def test_whoever_names_the_same_wire_shares_its_owner() -> None:
    async with LinkPool() as pool:
        link = pool.link(TcpEndpoint("127.0.0.1", 1502))
        assert pool.link(TcpEndpoint("127.0.0.1", 1502)) is link
        assert pool.link(TcpEndpoint("127.0.0.1", 1501), 1) is link
        with pytest.raises(ValueRefused, match="one framing"):
            pool.link(RtuOverTcpEndpoint("127.0.0.1", 1502))
