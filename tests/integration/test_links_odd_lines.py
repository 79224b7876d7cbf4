"""Lines that say more than they should: adapters that hear themselves, devices that repeat themselves, chatter."""

import asyncio
from collections.abc import Iterable

import pytest

from baywarden_drivers import Garbled, LinkDown, NoAnswer, SerialLink
from support.line_of_slaves import slaves
from support.modbus_peer import PtyPeer, Reply, with_crc
from support.opened_links import QUICK, opened
from support.rough_slave import expected, rtu_slave


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
