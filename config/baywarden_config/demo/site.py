"""The demo's site: nine bays on four charger models, two meters, TCP and one serial line, as a site.toml."""

import random
import socket
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template
from typing import Final

SITE_ID: Final = "demo"
TIME_ZONE: Final = "Europe/Berlin"
CURRENCY: Final = "EUR"

LABELS: Final = {f"bay-{number}": f"Bay {number}" for number in range(1, 10)}

NO_SHOW_FEE_MINOR: Final = 500
NO_SHOW_S: Final = 240
GRACE_S: Final = 300
RATE_PER_MIN: Final = "0.20"
FAILSAFE_S: Final = 300
SETPOINT_REFRESH_S: Final = 25
"""The Alfen's set-point is repeated this often by the wires' own clock, which nobody speeds up."""
BOX_FAILSAFE_S: Final = 65
"""The Heidelberg counts it in milliseconds, in 16 bits."""

_PORTS: Final = 6


@dataclass(frozen=True, slots=True)
class Ports:
    """TCP ports on 127.0.0.1. The Bender controller has one for each connector."""

    charx: int
    alfen: int
    bender: int
    em24: int
    broker: int

    @classmethod
    def from_base(cls, base: int) -> "Ports":
        """Six ports in a row."""
        return cls(base, base + 1, base + 2, base + 4, base + 5)

    @classmethod
    def free(cls) -> "Ports":
        """Six in a row that nobody listens on now."""
        for base in random.sample(range(20_000, 32_000, _PORTS), 200):
            if all(_is_free(port) for port in range(base, base + _PORTS)):
                return cls.from_base(base)
        raise OSError("no six free TCP ports in a row: choose them with --port-base")


@dataclass(frozen=True, slots=True)
class DemoSite:
    """Where everything of one run is. `rate` says how fast its time runs."""

    folder: Path
    ports: Ports
    rate: float

    @property
    def config(self) -> Path:
        """The daemon's site.toml."""
        return self.folder / "site.toml"

    @property
    def control(self) -> Path:
        """The daemon's control socket."""
        return self.folder / "control.sock"

    @property
    def cars(self) -> Path:
        """The simulator's control socket."""
        return self.folder / "cars.sock"

    @property
    def serial(self) -> Path:
        """The serial line: a pseudo-terminal that the simulator makes."""
        return self.folder / "rs485"

    @property
    def field(self) -> Path:
        """The simulated devices."""
        return self.folder / "field.toml"

    def write(self) -> None:
        """Write both files."""
        self.config.write_text(self.toml(), "utf-8")
        self.field.write_text(self.simulated(), "utf-8")

    def toml(self) -> str:
        """The daemon's configuration."""
        return self._filled("site.toml.in")

    def simulated(self) -> str:
        """What stands behind the wires, for `baywarden simulate`."""
        return self._filled("field.toml.in")

    def _filled(self, name: str) -> str:
        ports, rate = self.ports, self.rate
        words: dict[str, object] = {
            "folder": self.folder / "store",
            "control": self.control,
            "serial": self.serial,
            "charx": ports.charx,
            "alfen": ports.alfen,
            "bender": ports.bender,
            "em24": ports.em24,
            "broker": ports.broker,
            "poll": max(2.0, 0.5 * rate),
            "slow": max(2.0, 1.2 * rate),
            "stale": max(20.0, 6 * rate),
            "cycle": max(1.0, rate / 5),
            "rate": rate,
            "box": min(max(2.0, 0.7 * rate), BOX_FAILSAFE_S / 3),
            "failsafe": FAILSAFE_S,
            "setpoint_valid": max(FAILSAFE_S, round(SETPOINT_REFRESH_S * 2 * rate)),
            "box_failsafe": BOX_FAILSAFE_S,
            "no_show": NO_SHOW_S,
            "no_show_fee": NO_SHOW_FEE_MINOR,
            "grace": GRACE_S,
            "per_min": RATE_PER_MIN,
            "site_id": SITE_ID,
            "zone": TIME_ZONE,
            "currency": CURRENCY,
        }
        template = resources.files(__package__).joinpath(name).read_text("utf-8")
        return Template(template).substitute({key: str(word) for key, word in words.items()})


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
