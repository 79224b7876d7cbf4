"""What the bench hears on a network: an answer, silence, or a connection that is closed instead of an answer."""

import asyncio
from collections.abc import Iterable

import pytest

from baywarden_drivers.bench.identify import identify
from baywarden_drivers.bench.line import Heard, Hearing
from baywarden_drivers.bench.sweep import sweep_tcp
from baywarden_drivers.bench.tcp_line import TcpLine
from baywarden_drivers.links.request import Request
from baywarden_drivers.profile import load_profile
from support.modbus_peer import Reply, TcpPeer, tcp_reply

pytestmark = pytest.mark.modbus

QUESTION = Request(1, 3, 0, 1)
HANG_UP = (0.0, b"")


def hangs_up(request: bytes) -> Iterable[Reply]:
    yield HANG_UP


def says_nothing(request: bytes) -> Iterable[Reply]:
    return ()


async def asked(line: TcpLine, times: int = 1) -> list[Heard]:
    return [await asyncio.to_thread(line.ask, QUESTION) for _ in range(times)]


@pytest.mark.parametrize("hard", [False, True], ids=["closed", "reset"])
async def test_a_connection_that_is_broken_off_is_not_taken_for_silence(hard: bool) -> None:
    async with TcpPeer(hangs_up, hard=hard) as peer:
        line = TcpLine("127.0.0.1", peer.port, timeout_s=10)
        heard = await asked(line, 2)
        line.close()
    assert [one.how for one in heard] == [Hearing.HUNG_UP, Hearing.HUNG_UP]
    assert not any(one.is_device for one in heard)
    assert line.hung_up == 2


async def test_silence_stays_silence() -> None:
    async with TcpPeer(says_nothing) as peer:
        line = TcpLine("127.0.0.1", peer.port, timeout_s=0.1)
        [heard] = await asked(line)
        line.close()
    assert (heard.how, line.hung_up) == (Hearing.SILENCE, 0)


async def test_a_device_that_closes_after_every_answer_is_asked_on_a_new_connection() -> None:
    def closes_after_it(request: bytes) -> Iterable[Reply]:
        yield 0, tcp_reply(request, 7)
        yield HANG_UP

    async with TcpPeer(closes_after_it) as peer:
        line = TcpLine("127.0.0.1", peer.port, timeout_s=10)
        heard = await asked(line, 3)
        line.close()
    assert [(one.how, one.registers) for one in heard] == [(Hearing.ANSWER, (7,))] * 3
    assert peer.connections == 3


async def test_a_scan_of_a_port_that_hangs_up_says_so_and_finds_nobody() -> None:
    async with TcpPeer(hangs_up) as peer:
        line = TcpLine("127.0.0.1", peer.port, timeout_s=10)
        sweep = await asyncio.to_thread(sweep_tcp, line, (1, 255), [])
        line.close()
    assert (sweep.found, sweep.asked, sweep.hung_up) == ([], 4, 4)


async def test_nobody_is_named_who_only_hangs_up() -> None:
    async with TcpPeer(hangs_up) as peer:
        line = TcpLine("127.0.0.1", peer.port, timeout_s=10)
        who = await asyncio.to_thread(identify, line, 1, [load_profile("keba-p30")])
        line.close()
    assert (who.candidates, who.heard) == ((), 0)
    assert line.hung_up == who.questions > 0
