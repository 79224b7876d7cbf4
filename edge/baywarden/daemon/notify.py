"""Talking to the service manager (sd_notify), and feeding its watchdog only while there is progress."""

import asyncio
import logging
import os
import socket
from collections.abc import Mapping
from typing import Final

from baywarden.services.progress import Progress

_log: Final = logging.getLogger(__name__)

_SEND_S: Final = 0.1
"""A manager that does not take its mail blocks the sender, and with it everything here."""


class ServiceManager:
    """Sends to NOTIFY_SOCKET; without one (started by hand) it is silent."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        address = environ.get("NOTIFY_SOCKET")
        self._address = "\0" + address[1:] if address and address.startswith("@") else address
        watchdog_us = environ.get("WATCHDOG_USEC", "")
        for_us = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self.watchdog_s = int(watchdog_us) / 1e6 if watchdog_us.isdigit() and for_us else None

    def tell(self, state: str) -> None:
        """Send one state such as READY=1; a manager that is gone is no reason to stop."""
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to_manager:
                to_manager.settimeout(_SEND_S)
                to_manager.sendto(state.encode(), self._address)
        except OSError as error:
            _log.debug("the service manager did not take %s: %s", state, error)

    async def feed_watchdog(self, progress: Progress) -> None:
        """Ping at a third of the interval while nobody is late; name those who are, once."""
        if self.watchdog_s is None:
            return
        named: tuple[str, ...] = ()
        while True:
            late = progress.late()
            if not late:
                self.tell("WATCHDOG=1")
            elif late != named:
                _log.error("no progress, the watchdog is not fed: %s", ", ".join(late))
            named = late
            await asyncio.sleep(self.watchdog_s / 3)
