"""The real daemon as a process of its own, with a service manager's ear, and devices that misbehave."""

import json
import resource
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

from baywarden.control.client import ControlClient, DaemonUnreachable
from baywarden_config.demo.child import Child
from baywarden_config.demo.clock import SiteClock

SITE_ID: Final = "real"
UP_S: Final = 30.0

HEAD: Final = """\
[site]
id = "real"
name = "Where the daemon is real"
time_zone = "Europe/Berlin"
currency = "EUR"
stale_after_s = 5
cycle_s = 0.5
[store]
folder = "{folder}/store"
[control]
socket = "{folder}/control.sock"
[[circuits]]
id = "yard"
limit_a = {limit_a}
"""
CLOUD: Final = """\
[cloud]
host = "127.0.0.1"
port = {port}
tls = false
keep_alive_s = 10
retry_first_s = 1
retry_max_s = 1
"""


def tcp_charger(name: str, port: int, *bays: str, profile: str = "phoenix-charx-sec") -> str:
    """A charger on a link of its own, as site.toml says it."""
    link = f'[[links]]\nid = "{name}"\ntype = "tcp"\nhost = "127.0.0.1"\nport = {port}\ntimeout_s = 0.5\n'
    return link + _charger(name, profile, bays)


def serial_charger(name: str, path: Path, bay: str) -> str:
    """A charger on a serial line."""
    link = f'[[links]]\nid = "{name}"\ntype = "rtu"\npath = "{path}"\ntimeout_s = 0.5\n'
    return link + _charger(name, "heidelberg-energy-control", (bay,))


def _charger(name: str, profile: str, bays: tuple[str, ...]) -> str:
    evses = "\n".join(
        f'  {{ id = "{bay}", label = "{bay}", connector = {place}, circuit = "yard" }},'
        for place, bay in enumerate(bays, 1)
    )
    return (
        f'[[chargers]]\nid = "{name}"\nprofile = "{profile}"\nlink = "{name}"\npoll_s = 0.5\n'
        f"evses = [\n{evses}\n]\n"
    )


class RealDaemon:
    """`baywarden run` on a site of its own folder; usable in `with`, which waits for READY."""

    def __init__(
        self,
        folder: Path,
        *chargers: str,
        broker_port: int | None = None,
        limit_a: int = 64,
        rate: float = 1.0,
    ) -> None:
        self.folder = folder
        self.clock = SiteClock.begin(rate)
        cloud = "" if broker_port is None else CLOUD.format(port=broker_port)
        self.config = folder / "site.toml"
        self.config.write_text(
            HEAD.format(folder=folder, limit_a=limit_a) + cloud + "".join(chargers), "utf-8"
        )
        self.socket = folder / "control.sock"
        self.told: list[str] = []
        """Every line told to the service manager."""
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._manager.bind(str(folder / "notify"))
        self._manager.settimeout(0.05)
        environ = {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "900000"}
        argv = [sys.executable, "-m", "baywarden", "run", "--config", str(self.config)]
        self.child = Child("daemon", [*argv, "--clock", self.clock.spec], folder, environ)
        self._client = ControlClient(self.socket)
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Self:
        self.child.start()
        try:
            self.wait(lambda: "READY=1" in self.told, "READY=1")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self.child.stop()
        self._manager.close()

    @property
    def log(self) -> str:
        """All that it wrote to its standard error."""
        return self.child.log.read_text("utf-8", "replace")

    def ask(self, name: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """A request on the control socket."""
        return self._client.call(name, params)

    def status(self) -> dict[str, Any]:
        """The data of `status`."""
        data: dict[str, Any] = self.ask("status")["data"]
        return data

    def bays(self) -> dict[str, dict[str, Any]]:
        """Every outlet of `status` by its id."""
        return {evse["evse_id"]: evse for evse in self.status()["evses"]}

    def wait(self, is_so: Callable[[], bool], what: str, timeout_s: float = UP_S) -> None:
        """Return as soon as it is so; AssertionError with the log's end when it never is."""
        until = time.monotonic() + timeout_s
        while not _without_fail(is_so):
            self.child.check()
            assert time.monotonic() < until, f"{what}: never; {self.child.last_words(8)}"
            time.sleep(0.03)

    def _listen(self) -> None:
        while self._manager.fileno() >= 0:
            try:
                self.told += self._manager.recv(4096).decode().splitlines()
            except TimeoutError:
                continue
            except OSError:
                return  # closed meanwhile

    def files_may_grow_to(self, most_bytes: int) -> None:
        """From now on no file may grow beyond that, as on a full disk; -1 is no limit."""
        assert self.child.pid is not None
        resource.prlimit(self.child.pid, resource.RLIMIT_FSIZE, (most_bytes, resource.RLIM_INFINITY))


def _without_fail(is_so: Callable[[], bool]) -> bool:
    try:
        return is_so()
    except DaemonUnreachable:
        return False


class Field:
    """Simulated chargers as a process, with its control socket."""

    def __init__(self, folder: Path, spec: str, rate: float = 1.0) -> None:
        (folder / "field.toml").write_text(spec, "utf-8")
        self._wire = folder / "cars.sock"
        words = ["simulate", "--site", str(folder / "field.toml"), "--control", str(self._wire)]
        argv = [sys.executable, "-m", "baywarden", *words, "--rate", f"{rate:g}"]
        self._child = Child("simulator", argv, folder)

    def __enter__(self) -> Self:
        self._child.start()
        until = time.monotonic() + UP_S
        while not self._wire.exists():
            self._child.check()
            assert time.monotonic() < until, self._child.last_words()
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._child.stop()

    def ask(self, **request: Any) -> dict[str, Any]:
        """The simulator's answer."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
            wire.settimeout(10)
            wire.connect(str(self._wire))
            wire.sendall(json.dumps(request).encode() + b"\n")
            answer: dict[str, Any] = json.loads(wire.makefile("rb").readline())
        assert answer["ok"], answer
        return answer

    def outlet(self, name: str) -> dict[str, Any]:
        """The truth of one outlet."""
        outlet: dict[str, Any] = self.ask(do="state")["outlets"][name]
        return outlet


@contextmanager
def bad_peer(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A TCP server that treats each caller as `talk` does; its port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                talk(self.request)
            except OSError:
                return  # the caller has hung up

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def says_nothing(caller: socket.socket) -> None:
    """Takes every request and never answers."""
    while caller.recv(4096):
        pass


def talks_nonsense(caller: socket.socket) -> None:
    """Greets with text and answers each request with other people's bytes."""
    caller.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    while request := caller.recv(4096):
        caller.sendall(bytes(255 - byte for byte in request) + b"\x00\xff" * 40)


def lies_about_lengths(caller: socket.socket) -> None:
    """Answers with the right header and a body that does not fit."""
    while request := caller.recv(4096):
        caller.sendall(request[:4] + b"\x00\x05" + request[6:8] + b"\xfe\x01\x02")
