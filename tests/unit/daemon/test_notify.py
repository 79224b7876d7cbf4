"""The service manager hears of readiness, and of life only while there is progress."""

import asyncio
import socket
import time
from pathlib import Path

import pytest

from baywarden.daemon.notify import ServiceManager
from baywarden.services.progress import Progress


async def test_the_watchdog_is_fed_while_all_is_well_and_starved_when_somebody_hangs(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.setblocking(False)
        service = ServiceManager({"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "60000"})
        progress = Progress()
        progress.expect("heart", 0.2)
        feeding = asyncio.create_task(service.feed_watchdog(progress))
        loop = asyncio.get_running_loop()
        assert await asyncio.wait_for(loop.sock_recv(manager, 100), 5) == b"WATCHDOG=1"
        await asyncio.sleep(0.4)
        while True:
            try:
                manager.recv(100)
            except BlockingIOError:
                break
        await asyncio.sleep(0.2)
        feeding.cancel()
        try:
            silence = manager.recv(100)
        except BlockingIOError:
            silence = b""
    assert silence == b""


def test_without_a_service_manager_nothing_is_sent() -> None:
    ServiceManager({}).tell("READY=1")


def test_a_manager_that_does_not_take_its_mail_does_not_stop_the_house(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as neighbour:
            neighbour.setblocking(False)
            with pytest.raises(BlockingIOError):
                while True:
                    neighbour.sendto(b"X", str(path))
        began = time.monotonic()
        ServiceManager({"NOTIFY_SOCKET": str(path)}).tell("WATCHDOG=1")
        assert time.monotonic() - began < 1
