"""Everything that the demo runs: broker, simulated devices and the real daemon as processes, and a cloud."""

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from baywarden_config.demo.broker import HOST, Broker, BrokerKind
from baywarden_config.demo.cars import Cars
from baywarden_config.demo.child import Child, ChildFailed
from baywarden_config.demo.clock import SiteClock
from baywarden_config.demo.cloud import Cloud
from baywarden_config.demo.ledger import LedgerReader
from baywarden_config.demo.site import SITE_ID, DemoSite, Ports

_UP_S: Final = 40.0
_LOOK_S: Final = 0.05


class Stage:
    """One run of the demo. `keep` is a folder that is left behind; without it everything is removed."""

    def __init__(
        self,
        *,
        rate: float,
        ports: Ports | None = None,
        keep: Path | None = None,
        broker: BrokerKind | None = None,
    ) -> None:
        self._keep = keep
        folder = keep or Path(tempfile.mkdtemp(prefix="baywarden-demo-"))
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder.resolve()
        self.site = DemoSite(self.folder, ports or Ports.free(), rate)
        self.site.write()
        self.clock = SiteClock.begin(rate)
        self.broker = Broker(self.folder / "broker", port=self.site.ports.broker, kind=broker)
        simulate = ("simulate", "--site", str(self.site.field), "--rate", f"{rate:g}")
        self.field = self._child("simulator", *simulate, "--control", str(self.site.cars))
        self.daemon = self._child(
            "daemon", "run", "--config", str(self.site.config), "--clock", self.clock.spec
        )
        self.cloud = Cloud(HOST, self.broker.port, SITE_ID, now=self.clock.now, mono=time.monotonic)
        self.cars = Cars(self.site.cars)
        self.ledger = LedgerReader(self.site.control)

    def open(self) -> None:
        """Start all of it; returns once the daemon answers and the cloud listens. Raises ChildFailed."""
        self.broker.start()
        self.field.start()
        self.wait("the simulator opens its wires", self.site.cars.exists)
        self.cloud.start()
        self.wait("the cloud reaches the broker", lambda: self.cloud.subscribed)
        self.start_daemon()

    def start_daemon(self) -> None:
        """Start it and return once it has tried every device."""
        self.daemon.start()
        self.wait("the daemon has tried every device", self.ledger.is_at_work)

    def kill_daemon(self) -> int | None:
        """SIGKILL; the process id that is gone."""
        pid = self.daemon.pid
        self.daemon.kill()
        return pid

    def check(self) -> None:
        """Raise ChildFailed when a process ended by itself."""
        self.broker.check()
        self.field.check()
        self.daemon.check()

    def wait(self, what: str, done: Callable[[], bool], timeout_s: float = _UP_S) -> None:
        """Return once it is so. Raises ChildFailed when a process died meanwhile or it takes too long."""
        until = time.monotonic() + timeout_s
        while not done():
            self.check()
            if time.monotonic() > until:
                raise ChildFailed(f"{what}: still not so after {timeout_s:g} s; {self._last_words()}")
            time.sleep(_LOOK_S)

    def close(self) -> int | None:
        """End everything, each by its own id, the daemon first; the daemon's exit code."""
        self.ledger.close()
        code = self.daemon.stop()
        with suppress(RuntimeError):
            self.cloud.stop()
        self.field.stop()
        self.broker.stop()
        if self._keep is None:
            shutil.rmtree(self.folder, ignore_errors=True)
        return code

    def _child(self, name: str, *words: str) -> Child:
        return Child(name, [sys.executable, "-m", "baywarden", *words], self.folder)

    def _last_words(self) -> str:
        return "; ".join(f"{child.name}: {child.last_words(2)}" for child in (self.field, self.daemon))
