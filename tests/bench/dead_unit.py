"""What a dead unit costs its neighbours: polls of five live devices with and without one, on RTU and on TCP.

The serial line takes the time that its characters and a turnaround need; everybody wants it all the time. Over TCP
each device has a connection of its own and is polled as often as it answers. Run as `make bench ARGS=dead_unit`.
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from baywarden_drivers import DeviceError, Link, SerialLink, TcpLink  # noqa: E402 (the folder above goes first)
from support.modbus_peer import PtyPeer, Reply, TcpPeer  # noqa: E402
from support.rough_slave import rtu_slave, tcp_slave  # noqa: E402

LIVE: Final = (1, 2, 3, 4, 5)
DEAD: Final = 6
BAUD: Final = 19_200
CHAR_S: Final = 10 / BAUD
TURNAROUND_S: Final = 0.005
REGISTERS: Final = 20
RUN_S: Final = 40.0


async def device(link: Link, unit: int, end_at: float, answers: Counter[int], pause_s: float) -> None:
    """Asks again as soon as it was answered; a dead one as soon as it may."""
    while time.monotonic() < end_at:
        try:
            await link.read(unit, "holding", 7, REGISTERS)
            answers[unit] += 1
        except DeviceError:
            await asyncio.sleep(0.1)
        await asyncio.sleep(pause_s)


async def on_a_line(has_dead_unit: bool, falls_silent_after_s: float) -> int:
    """Answers of the live units; the dead one has worked for a while, or never."""
    dies_at = time.monotonic() + falls_silent_after_s
    answers: Counter[int] = Counter()

    def slaves(request: bytes) -> Iterable[Reply]:
        is_alive = request[0] in LIVE or time.monotonic() < dies_at
        answer = rtu_slave(request, (*LIVE, DEAD)) if is_alive else None
        if answer is not None:
            yield (len(request) + len(answer)) * CHAR_S + TURNAROUND_S, answer

    async with PtyPeer(slaves) as peer:
        link = SerialLink(peer.path, BAUD)
        units = (*LIVE, DEAD) if has_dead_unit else LIVE
        if falls_silent_after_s:
            await asyncio.gather(*(device(link, unit, dies_at, Counter(), 0) for unit in units))
        end_at = time.monotonic() + RUN_S
        await asyncio.gather(*(device(link, unit, end_at, answers, 0) for unit in units))
        await link.close()
    return sum(answers[unit] for unit in LIVE)


async def over_tcp(has_dead_unit: bool) -> int:
    """The same with a connection for each, polled with a pause between."""
    answers: Counter[int] = Counter()

    def devices(request: bytes) -> Iterable[Reply]:
        if request[6] != DEAD:
            yield 0, tcp_slave(request)

    async with AsyncExitStack() as stack:
        end_at = time.monotonic() + RUN_S / 4
        tasks = []
        for unit in (*LIVE, DEAD) if has_dead_unit else LIVE:
            peer = await stack.enter_async_context(TcpPeer(devices))
            link = TcpLink("127.0.0.1", peer.port)
            stack.push_async_callback(link.close)
            tasks.append(device(link, unit, end_at, answers, 0.01))
        await asyncio.gather(*tasks)
    return sum(answers[unit] for unit in LIVE)


async def main() -> None:
    """Print the figures."""
    alone = await on_a_line(False, 0)
    for title, after_s in (("was never there", 0.0), ("fell silent", 3.0)):
        beside = await on_a_line(True, after_s)
        cost = 100 * (1 - beside / alone)
        print(
            f"RTU at {BAUD} baud, {RUN_S:.0f} s, the dead unit {title}: {beside} polls, {alone} without: {cost:.1f} %"
        )
    alone, beside = await over_tcp(False), await over_tcp(True)
    print(f"TCP, {RUN_S / 4:.0f} s: {beside} polls, {alone} without: {100 * (1 - beside / alone):.1f} %")


if __name__ == "__main__":
    asyncio.run(main())
