"""An RTU answer counts only if it belongs to the request: late, strange, damaged and half ones do not."""

import asyncio
from collections.abc import Iterable

import pytest

from baywarden_drivers import Garbled, LinkDown, NoAnswer, SerialLink
from support.modbus_peer import PtyPeer, Reply, rtu_reply, with_crc
from support.opened_links import PATIENT, QUICK, address_of, count_of, opened
from support.sync_site import until


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
