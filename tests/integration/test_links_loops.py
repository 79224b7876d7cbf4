"""Links on both event loops: the one of Python, and uvloop where it is installed."""

import asyncio
import importlib.util
import os
import resource
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from baywarden_drivers import DeviceError, SerialLink, TcpLink
from baywarden_drivers.links import Pacing
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
def prompt_host() -> Iterator[int]:
    """A host that answers from a thread of its own, whatever happens to the loop."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            while request := connection.recv(300):
                connection.sendall(tcp_slave(request))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        thread.join(10)
        server.close()


def test_an_answer_that_came_while_this_process_stood_still_is_no_silence(run: Run) -> None:
    async def talk(port: int) -> None:
        link = TcpLink("127.0.0.1", port)
        link.pace(1, Pacing(response_timeout_s=0.2))
        for address in range(3):
            asking = asyncio.create_task(link.read(1, "holding", address, 4))
            sent = link.wire_statistics().bytes_sent
            while link.wire_statistics().bytes_sent == sent:  # noqa: ASYNC110 (a turn of the loop is meant)
                await asyncio.sleep(0)
            time.sleep(0.5)  # noqa: ASYNC251 (a stop of the whole process)
            assert await asking == expected(1, "holding", address, 4)
        assert link.statistics()[1].time_outs == 0
        await link.close()

    with prompt_host() as port:
        run(talk(port))
