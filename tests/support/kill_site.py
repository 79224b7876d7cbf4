"""A site whose daemon is killed: broker, simulated devices and daemon as processes, cars that come and go."""

import random
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Self

from baywarden.model.overstay import Basis, OverstayPolicy
from baywarden_config.demo.child import Child
from baywarden_config.demo.clock import SiteClock
from baywarden_config.demo.cloud import Cloud
from baywarden_config.demo.ledger import LedgerReader
from support.booking_witness import BookingWitness
from support.broker import Broker, free_port
from support.car_park import CarPark

SITE_ID: Final = "kills"
RATE: Final = 60.0
POLICY: Final = OverstayPolicy(
    "standard", "EUR", "Europe/Berlin", Basis.CHARGE_END, Decimal("0.20"), grace_s=60, idle_debounce_s=30
)
NO_SHOW_FEE_MINOR: Final = 500
LIMITS_A: Final[Mapping[str, float]] = {"yard": 46, "row-a": 20, "row-b": 20}
BASE_A: Final = 9.0
"""What else the building draws on its worst phase; the simulator lets it ripple by 0.05 A."""
ROWS: Final[Mapping[str, tuple[str, ...]]] = {
    "row-a": ("bay-1", "bay-2", "bay-3"),
    "row-b": ("bay-4", "bay-5", "bay-6"),
}
BAYS: Final = tuple(bay for row in ROWS.values() for bay in row)
UP_S: Final = 30.0
STOP_S: Final = 0.3
"""Everybody is looked after ten times in that time, unless the machine stands still."""

_FIELD: Final = """\
[[listener]]
name = "charx"
tcp = {charx}
[[listener]]
name = "alfen"
tcp = {alfen}
[[listener]]
name = "em24"
tcp = {em24}
[[listener]]
name = "bus"
serial = "{folder}/bus"
[[charger]]
name = "charx"
profile = "phoenix-charx-sec"
listener = "charx"
outlets = ["bay-1", "bay-2", "bay-3"]
max_current_a = 16
[[charger]]
name = "alfen"
profile = "alfen-eve"
listener = "alfen"
outlets = ["bay-4", "bay-5"]
max_current_a = 16
failsafe_timeout_s = 600
[[charger]]
name = "box"
profile = "heidelberg-energy-control"
listener = "bus"
unit = 1
outlets = ["bay-6"]
max_current_a = 16
failsafe_timeout_s = 65
[[meter]]
name = "mains"
profile = "carlo-gavazzi-em24-ethernet"
listener = "em24"
base_a = [{base}, 7, 8]
"""

_SITE: Final = """\
[site]
id = "kills"
name = "Where the daemon is killed"
time_zone = "Europe/Berlin"
currency = "EUR"
stale_after_s = 360
cycle_s = 12
[store]
folder = "{folder}/store"
[control]
socket = "{folder}/control.sock"
[cloud]
host = "127.0.0.1"
port = {broker}
tls = false
keep_alive_s = 10
retry_first_s = 1
retry_max_s = 2
[[links]]
id = "charx"
type = "tcp"
host = "127.0.0.1"
port = {charx}
[[links]]
id = "alfen"
type = "tcp"
host = "127.0.0.1"
port = {alfen}
[[links]]
id = "em24"
type = "tcp"
host = "127.0.0.1"
port = {em24}
[[links]]
id = "bus"
type = "rtu"
path = "{folder}/bus"
baud = 19200
[[chargers]]
id = "charx"
profile = "phoenix-charx-sec"
link = "charx"
poll_s = 30
failsafe_timeout_s = 600
evses = [
  {{ id = "bay-1", label = "Bay 1", connector = 1, circuit = "row-a" }},
  {{ id = "bay-2", label = "Bay 2", connector = 2, circuit = "row-a" }},
  {{ id = "bay-3", label = "Bay 3", connector = 3, circuit = "row-a" }},
]
[[chargers]]
id = "alfen"
profile = "alfen-eve"
link = "alfen"
poll_s = 60
failsafe_timeout_s = 600
evses = [
  {{ id = "bay-4", label = "Bay 4", connector = 1, circuit = "row-b" }},
  {{ id = "bay-5", label = "Bay 5", connector = 2, circuit = "row-b" }},
]
[[chargers]]
id = "box"
profile = "heidelberg-energy-control"
link = "bus"
unit = 1
poll_s = 20
failsafe_timeout_s = 65
evses = [{{ id = "bay-6", label = "Bay 6", circuit = "row-b" }}]
[[meters]]
id = "mains"
profile = "carlo-gavazzi-em24-ethernet"
link = "em24"
poll_s = 30
[[circuits]]
id = "yard"
limit_a = {yard}
meter = "mains"
base_load_a = {base}
[[circuits]]
id = "row-a"
limit_a = {row_a}
parent = "yard"
[[circuits]]
id = "row-b"
limit_a = {row_b}
parent = "yard"
[terms.standard]
early_start_s = 60
noshow_timeout_s = 90
noshow_fee_minor = {no_show_fee}
min_duration_s = 300
remind_before_s = [60]
[overstay.standard]
basis = "{basis}"
rate_per_min = "{rate_per_min}"
grace_s = {grace_s}
idle_debounce_s = {idle_debounce_s}
notify_before_s = [30]
"""


@dataclass(slots=True)
class Kills:
    """What the killing itself saw, in seconds of ours, and when nobody was at work, in the site's."""

    count: int = 0
    back_s: list[float] = field(default_factory=list)
    """From the start of the process until every device had been tried again."""
    off: list[tuple[float, float]] = field(default_factory=list)
    """From and to, as POSIX time of the site; in order and apart from each other."""

    def nobody_worked(self, from_at: float, to_at: float) -> None:
        """Note a stretch; with those that it meets it becomes one."""
        met = [one for one in self.off if one[0] <= to_at and from_at <= one[1]]
        whole = (min([from_at, *(one[0] for one in met)]), max([to_at, *(one[1] for one in met)]))
        self.off = sorted([*(one for one in self.off if one not in met), whole])


class KillSite:
    """Everything of one campaign; usable in `with`."""

    def __init__(self, folder: Path, dice: random.Random) -> None:
        self.folder = folder
        self.dice = dice
        self.clock = SiteClock.begin(RATE)
        self.broker = Broker(folder / "broker")
        self._write_files()
        self.simulator = self._child(
            "simulator", "simulate", "--site", "field.toml", "--rate", f"{RATE:g}", "--control", "cars.sock"
        )
        self.daemon = self._child("daemon", "run", "--config", "site.toml", "--clock", self.clock.spec)
        self.cloud = Cloud(
            self.broker.host, self.broker.port, SITE_ID, now=self.clock.now, mono=time.monotonic
        )
        self.books = LedgerReader(folder / "control.sock")
        self.cars = CarPark(folder / "cars.sock", BAYS, random.Random(dice.random()), self.clock.now)
        self.kills = Kills()
        self._simulator_began_at = 0.0
        self._looked_at: float | None = None
        self._witness: BookingWitness | None = None

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.books.close()
        self.daemon.stop()
        self.cloud.stop()
        if self._witness is not None:
            self._witness.stop()
        self.simulator.stop()
        self.broker.stop()

    @property
    def witness(self) -> BookingWitness:
        """Who books and writes down what was promised."""
        assert self._witness is not None
        return self._witness

    @property
    def ledger(self) -> Path:
        """The daemon's database."""
        return self.folder / "store" / "ledger.db"

    def simulated_s(self, at: float) -> float:
        """A moment of the site (POSIX seconds) on the simulator's own clock."""
        return at - self._simulator_began_at

    def start_daemon(self) -> None:
        """Start it and return once it has tried every device."""
        began = time.monotonic()
        self.daemon.start()
        self.wait("the daemon has tried every device", self.books.is_at_work)
        self.kills.back_s.append(time.monotonic() - began)

    def live_for(self, seconds: float) -> None:
        """Let the site live for so many seconds of ours."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.look()
            time.sleep(0.03)

    def look(self) -> None:
        """Everybody does what is due."""
        self._note_a_stop()
        self.broker.check()
        self.simulator.check()
        self.daemon.check()
        self.cars.step()
        self.witness.step()
        self.cloud.tend()

    def kill(self) -> None:
        """SIGKILL at a random moment, in the middle of a start now and then; then start it again."""
        off_from = self.clock.now().timestamp()
        self._kill()
        if self.dice.random() < 0.3:
            self.daemon.start()
            self.live_for(self.dice.uniform(0.05, 1.0))
            self._kill()
        self.live_for(self.dice.uniform(0.0, 0.4))
        self.start_daemon()
        self.kills.nobody_worked(off_from, self.clock.now().timestamp())

    def drain(self) -> Mapping[str, tuple[int, int]]:
        """Nobody asks or comes any more; where each stream stood when the cloud had all of it."""
        self.cars.send_all_away()
        self.witness.wishing = False
        self.wait("every command is answered", lambda: not self.witness.unanswered)
        self.wait("every session ends", lambda: all(not e["session_id"] for e in self._evses()))
        heads = self.books.heads()
        self.wait("everything reaches the cloud", lambda: self.cloud.expect(heads))
        return heads

    def wait(self, what: str, done: Callable[[], bool], timeout_s: float = UP_S) -> None:
        """Return once it is so while life goes on; AssertionError when it never is."""
        until = time.monotonic() + timeout_s
        while not done():
            self.simulator.check()
            if self._witness is not None:
                self.look()
            assert time.monotonic() < until, f"{what}: never; {self.daemon.last_words(8)}"
            time.sleep(0.03)

    def _open(self) -> None:
        self.broker.start()
        self.simulator.start()
        self.wait("the simulator opens its wires", (self.folder / "cars.sock").exists)
        began_s = self.cars.ask({"do": "state"})["now_s"]
        self._simulator_began_at = self.clock.now().timestamp() - began_s
        self.cloud.start()
        self._witness = BookingWitness(
            self.broker.host,
            self.broker.port,
            SITE_ID,
            bays=BAYS,
            now=self.clock.now,
            dice=random.Random(self.dice.random()),
            notebook=self.folder / "witness.jsonl",
        )
        self.wait("the cloud listens", lambda: self.cloud.subscribed and self.witness.listening)
        self.start_daemon()

    def _note_a_stop(self) -> None:
        """Where the whole machine stood still, its clock went on and nobody worked."""
        before_at, self._looked_at = self._looked_at, self.clock.now().timestamp()
        if before_at is not None and self._looked_at - before_at > STOP_S * RATE:
            self.kills.nobody_worked(before_at, self._looked_at)

    def _kill(self) -> None:
        self.daemon.kill()
        self.books.close()
        self.kills.count += 1

    def _evses(self) -> list[dict[str, Any]]:
        evses: list[dict[str, Any]] = self.books.status()["evses"]
        return evses

    def _write_files(self) -> None:
        words = {
            "folder": self.folder,
            "broker": self.broker.port,
            "charx": free_port(),
            "alfen": free_port(),
            "em24": free_port(),
            "base": BASE_A,
            "yard": LIMITS_A["yard"],
            "row_a": LIMITS_A["row-a"],
            "row_b": LIMITS_A["row-b"],
            "no_show_fee": NO_SHOW_FEE_MINOR,
            "basis": POLICY.basis.value,
            "rate_per_min": POLICY.rate_per_min,
            "grace_s": POLICY.grace_s,
            "idle_debounce_s": POLICY.idle_debounce_s,
        }
        (self.folder / "field.toml").write_text(_FIELD.format(**words))
        (self.folder / "site.toml").write_text(_SITE.format(**words))

    def _child(self, name: str, *words: str) -> Child:
        paths = [str(self.folder / w) if w.endswith((".toml", ".sock")) else w for w in words]
        return Child(name, [sys.executable, "-m", "baywarden", *paths], self.folder)
