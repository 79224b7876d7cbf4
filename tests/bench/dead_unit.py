"""What dead units cost the others: polls of the live ones of twenty, with none, one, two and three dead, by wire.

Each unit is polled once a second, and then as fast as the wire goes. The wires: a serial line that takes the time
that its characters and a turnaround need; one Modbus TCP connection to a host that answers each request by itself;
one to a gateway that serves one request at a time and waits a second for a dead unit before it says so; and
connections of their own. The first seconds, in which the dead are found out, do not count. Goal: at most 10 % on RTU,
nothing on TCP. It takes a quarter of an hour. Run as `make bench ARGS=dead_unit`.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from baywarden_drivers import DeviceError, Link, SerialLink, TcpLink
from support.modbus_peer import PtyPeer, Reply, TcpPeer
from support.rough_slave import rtu_slave, tcp_slave

UNITS: Final = range(1, 21)
DEAD: Final = (0, 1, 2, 3, 0)
"""Without any twice, for what a machine does changes within such a time."""
BAUD: Final = 19_200
CHAR_S: Final = 10 / BAUD
TURNAROUND_S: Final = 0.005
REGISTERS: Final = 20
FOUND_OUT_S: Final = 10.0
RUN_S: Final = 30.0
EVERY_S: Final = 1.0
GATEWAY_WAITS_S: Final = 1.0
NO_ANSWER: Final = 11


async def device(link: Link, unit: int, every_s: float, answers: Counter[int]) -> None:
    """Polled on its own grid, or again as soon as it was answered."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    due = began + every_s * unit / len(UNITS)
    while True:
        await asyncio.sleep(max(0.0, due - loop.time()))
        try:
            await link.read(unit, "holding", 7, REGISTERS)
            answers[unit] += 1
        except DeviceError:
            await asyncio.sleep(0 if every_s else 0.1)
        now = loop.time()
        due = due + every_s * max(1, (now - due) // every_s + 1) if every_s else now


async def polls_a_second(links: Callable[[int], Link], dead: int, every_s: float) -> float:
    """Answers of one live unit in a second, on the average of them and of the whole run."""
    answers: Counter[int] = Counter()
    tasks = [asyncio.create_task(device(links(unit), unit, every_s, answers)) for unit in UNITS]
    await asyncio.sleep(FOUND_OUT_S)
    answers.clear()
    await asyncio.sleep(RUN_S)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for link in {links(unit) for unit in UNITS}:
        await link.close()
    live = len(UNITS) - dead
    return sum(answers[unit] for unit in list(UNITS)[:live]) / RUN_S / live


def is_dead(unit: int, dead: int) -> bool:
    """The last ones are, from the begin."""
    return unit > len(UNITS) - dead


async def on_a_line(dead: int, every_s: float) -> float:
    """RTU on a serial line."""

    def slaves(request: bytes) -> Iterable[Reply]:
        answer = None if is_dead(request[0], dead) else rtu_slave(request, UNITS)
        if answer is not None:
            yield (len(request) + len(answer)) * CHAR_S + TURNAROUND_S, answer

    async with PtyPeer(slaves) as peer:
        link = SerialLink(peer.path, BAUD)
        return await polls_a_second(lambda _: link, dead, every_s)


async def behind_a_host(dead: int, every_s: float) -> float:
    """One TCP connection; dead units cost the host nothing."""

    def host(request: bytes) -> Iterable[Reply]:
        if not is_dead(request[6], dead):
            yield TURNAROUND_S, tcp_slave(request)

    async with TcpPeer(host) as peer:
        link = TcpLink("127.0.0.1", peer.port)
        return await polls_a_second(lambda _: link, dead, every_s)


async def behind_a_gateway(dead: int, every_s: float) -> float:
    """One TCP connection; the gateway serves one request after the other."""

    def gateway(data: bytes) -> Iterable[Reply]:
        while data:  # a request that came while it was busy is at the end of what it reads next
            request, data = data[:12], data[12:]
            if is_dead(request[6], dead):
                yield (
                    GATEWAY_WAITS_S,
                    request[:5] + bytes([3, request[6], request[7] | 0x80, NO_ANSWER]),
                )
            else:
                yield TURNAROUND_S, tcp_slave(request)

    async with TcpPeer(gateway) as peer:
        link = TcpLink("127.0.0.1", peer.port)
        return await polls_a_second(lambda _: link, dead, every_s)


async def by_themselves(dead: int, every_s: float) -> float:
    """A TCP connection for each."""

    def host(request: bytes) -> Iterable[Reply]:
        if not is_dead(request[6], dead):
            yield TURNAROUND_S, tcp_slave(request)

    async with AsyncExitStack() as stack:
        links = {}
        for unit in UNITS:
            peer = await stack.enter_async_context(TcpPeer(host))
            links[unit] = TcpLink("127.0.0.1", peer.port)
        return await polls_a_second(links.__getitem__, dead, every_s)


SHARED: Final = {
    f"RTU at {BAUD} baud": on_a_line,
    "one TCP connection, each by itself": behind_a_host,
    "one TCP gateway, one at a time": behind_a_gateway,
}
OWN: Final = {"TCP connections of their own": by_themselves}
Wire = Callable[[int, float], Awaitable[float]]


async def measure(title: str, wire: Wire, every_s: float, *, is_shared: bool) -> None:
    """Print a line of figures."""
    rates = [await wire(dead, every_s) for dead in DEAD]
    if is_shared and not every_s:  # the wire's whole rate, whoever shares it
        rates = [rate * (len(UNITS) - dead) / len(UNITS) for rate, dead in zip(rates, DEAD, strict=True)]
    alone = (rates[0] + rates[-1]) / 2
    costs = ", ".join(f"{100 * (1 - rate / alone):.1f} %" for rate in rates[1:-1])
    print(
        f"{title}, {f'every {every_s:g} s' if every_s else 'saturated'}: {rates[0]:.2f} and {rates[-1]:.2f} polls a "
        f"second each without, 1 to 3 dead cost {costs}",
        flush=True,
    )


async def main() -> None:
    """The shared wires all at once, for they are slow; those that only the processor limits by themselves."""
    for every_s in (EVERY_S, 0.0):
        await asyncio.gather(
            *(measure(title, wire, every_s, is_shared=True) for title, wire in SHARED.items())
        )
        for title, wire in OWN.items():
            await measure(title, wire, every_s, is_shared=False)


if __name__ == "__main__":
    asyncio.run(main())
