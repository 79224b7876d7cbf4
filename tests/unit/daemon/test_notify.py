"""The service manager hears of readiness, and of life only while there is progress."""

import asyncio
import socket
import threading
from contextlib import suppress
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
        now_s = 0.0
        progress = Progress(lambda: now_s)
        progress.expect("heart", 10)
        feeding = asyncio.create_task(service.feed_watchdog(progress))
        loop = asyncio.get_running_loop()
        for _ in range(2):
            assert await asyncio.wait_for(loop.sock_recv(manager, 100), 10) == b"WATCHDOG=1"
        now_s = 11.0
        with suppress(BlockingIOError):
            while manager.recv(100):
                pass  # sent before
        await asyncio.sleep(0.2)
        feeding.cancel()
        with pytest.raises(BlockingIOError):
            manager.recv(100)


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
        service = ServiceManager({"NOTIFY_SOCKET": str(path)})
        telling = threading.Thread(target=service.tell, args=("WATCHDOG=1",), daemon=True)
        telling.start()
        telling.join(10)
        assert not telling.is_alive()
