"""Links on both event loops: the one of Python, and uvloop where it is installed."""

import asyncio
import importlib.util
import os
import resource
import socket
import threading
import time
import tty
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from baywarden_drivers import DeviceError, SerialLink, TcpLink
from baywarden_drivers.links import Link, Pacing, UnitStatistics
from support.modbus_peer import PtyPeer, TcpPeer
from support.rough_slave import expected, rtu_slave, tcp_slave

Run = Callable[[Coroutine[Any, Any, None]], None]
LOOPS = ["asyncio", "uvloop"]


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine on a loop of this kind."""
    if request.param == "asyncio":
        return asyncio.run
    if importlib.util.find_spec("uvloop") is None:
        pytest.skip("uvloop is not installed")
    import uvloop  # noqa: PLC0415 (optional)

    return uvloop.run


@pytest.mark.serial
def test_serial_ports_and_connections_work_on_either_loop(run: Run) -> None:
    async def talk() -> None:
        async with (
            PtyPeer(lambda request: [(0, rtu_slave(request, (1,)) or b"")]) as line,
            TcpPeer(lambda request: [(0, tcp_slave(request))]) as host,
        ):
            links = SerialLink(line.path, 115_200), TcpLink("127.0.0.1", host.port)
            for link in links:
                link.pace(1, Pacing(response_timeout_s=10))
                for address in range(20):
                    assert await link.read(1, "holding", address, 4) == expected(1, "holding", address, 4)
                await link.write(1, 6, 7, [5])
                await link.close()

    run(talk())


@pytest.fixture
def many_files() -> Iterator[None]:
    """More files open than select() knows descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2000:
        pytest.skip("this machine allows too few open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2000), hard))
    files = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        yield
    finally:
        for one in files:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.serial
@pytest.mark.usefixtures("many_files")
def test_a_serial_port_works_beside_a_thousand_open_files(run: Run) -> None:
    async def talk() -> None:
        async with PtyPeer(lambda request: [(0, rtu_slave(request, (1,)) or b"")]) as line:
            link = SerialLink(line.path, 115_200)
            link.pace(1, Pacing(response_timeout_s=10))
            assert await link.read(1, "holding", 7, 4) == expected(1, "holding", 7, 4)
            line.unplug()
            with pytest.raises(DeviceError):
                await link.read(1, "holding", 7, 4)
            await link.close()

    run(talk())


@contextmanager
def prompt_host(before_s: float = 0.0) -> Iterator[int]:
    """A host that answers after that time from a thread of its own, whatever happens to the loop."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            while request := connection.recv(300):
                time.sleep(before_s)
                connection.sendall(tcp_slave(request))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        thread.join(10)
        server.close()


@contextmanager
def prompt_line(before_s: float, noise: bytes = b"") -> Iterator[str]:
    """A serial line with such a device; `noise` comes at once."""
    master, slave = os.openpty()
    tty.setraw(slave)

    def serve() -> None:
        with suppress(OSError):
            while request := os.read(master, 300):
                os.write(master, noise)
                time.sleep(before_s)
                os.write(master, rtu_slave(request, (1, 2)) or b"")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        os.close(slave)
        thread.join(10)
        os.close(master)


async def read_while_standing_still(link: Link, pacing: Pacing, other_port: int) -> UnitStatistics:
    """Read twice, and each time let the answer of another wire stop the whole process until ours is there.

    uvloop looks at its timers then, before it looks at our wire.
    """
    other = TcpLink("127.0.0.1", other_port)
    for one in (link, other):
        one.pace(1, Pacing(response_timeout_s=10))
        await one.read(1, "holding", 0, 1)
    other.trace(lambda direction, _: time.sleep(0.7) if direction == "received" else None)
    link.pace(2, pacing)
    for address in range(2):
        values, _ = await asyncio.gather(link.read(2, "holding", address, 4), other.read(1, "holding", 0, 1))
        assert values == expected(2, "holding", address, 4)
    figures = link.statistics()[2]
    for one in (link, other):
        await one.close()
    return figures


def test_an_answer_that_came_while_this_process_stood_still_is_no_silence(run: Run) -> None:
    async def talk(port: int, other_port: int) -> None:
        figures = await read_while_standing_still(
            TcpLink("127.0.0.1", port), Pacing(response_timeout_s=0.5), other_port
        )
        assert (figures.answers, figures.time_outs) == (2, 0)

    with prompt_host(0.05) as port, prompt_host() as other_port:
        run(talk(port, other_port))


@pytest.mark.serial
@pytest.mark.parametrize("noise", [b"", bytes(40)], ids=["alone", "behind noise"])
def test_an_answer_over_a_serial_line_that_came_while_this_process_stood_still_is_no_silence(
    run: Run, noise: bytes
) -> None:
    async def talk(path: str, other_port: int) -> None:
        pacing = Pacing(response_timeout_s=10 if noise else 0.5)
        figures = await read_while_standing_still(SerialLink(path, 115_200), pacing, other_port)
        assert (figures.answers, figures.time_outs, figures.garbled) == (2, 0, 0)

    with prompt_line(0.05, noise) as path, prompt_host() as other_port:
        run(talk(path, other_port))
