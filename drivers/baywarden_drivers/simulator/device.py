"""What chargers and meters have in common: a profile, registers, faults and a memory of what was written."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from zlib import crc32

from baywarden_drivers.profile.points import ReadPoint, WritePoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.simulator.bank import Bank, banks_of
from baywarden_drivers.simulator.failsafe import Sign
from baywarden_drivers.simulator.faults import FaultKind, Faults
from baywarden_drivers.simulator.truth import ARRAYS, NUMBERS, TEXTS, Truth, power_factor
from baywarden_drivers.value import Value

MOST_WRITES = 50_000
"""How many writes are remembered."""
BOOT_S = 10.0
"""How long a restarting device does not answer."""


@dataclass(frozen=True, slots=True)
class Written:
    """A value written, as the device understood it; `connector` is None for points of the station."""

    at_s: float
    device: str
    connector: int | None
    point: str
    value: Value


class Device:
    """A simulated device. Subclasses say what is true (`measured`) and what a write does (`obey`)."""

    def __init__(
        self,
        name: str,
        profile: Profile,
        *,
        unit: int | None = None,
        connectors: int = 1,
        values: Mapping[str, Truth] | None = None,
        without: frozenset[str] = frozenset(),
    ) -> None:
        self.name = name
        self.profile = profile
        self.unit = profile.default_unit if unit is None else unit
        self.faults = Faults()
        self.written: deque[Written] = deque(maxlen=MOST_WRITES)
        self.now_s = 0.0
        self._values = dict(values or {})
        self._without = without
        self._memory: dict[tuple[str, int | None], Value] = {}
        self._booted_s = 0.0
        self.banks: dict[tuple[int, int], Bank] = banks_of(self, connectors, self.unit)

    # For the bank

    def has(self, name: str) -> bool:
        """Whether this device has the point."""
        return name not in self._without

    def truth(self, point: ReadPoint, connector: int | None) -> Truth:
        """What the point says now: set by the site, measured, written before, or made up."""
        if point.name in self._values:
            return self._values[point.name]
        known = self.measured(point, connector)
        if known is not None:
            return known
        return self._memory.get((point.name, connector), self._made_up(point))

    def take(self, point: WritePoint, connector: int | None, value: Value) -> None:
        """Keep what was written and do it, unless the device ignores writes."""
        self.written.append(Written(self.now_s, self.name, connector, point.name, value))
        if self.faults.holds(FaultKind.IGNORE_WRITES, self.now_s):
            return
        self._memory[point.name, connector] = value
        self.obey(point, connector, value)

    # For subclasses

    def measured(self, point: ReadPoint, connector: int | None) -> Truth:
        """What physics says; None where it says nothing."""
        raise NotImplementedError

    def obey(self, point: WritePoint, connector: int | None, value: Value) -> None:
        """Do what was written."""

    def hear(self, connectors: set[int], sign: Sign) -> None:
        """The controller showed a sign of life to these connectors."""

    def at(self, now_s: float) -> None:
        """Look at the clock before anything else is asked."""
        self.now_s = now_s
        for bank in self.banks.values():
            bank.frozen = self.faults.holds(FaultKind.FROZEN, now_s)

    @property
    def uptime_s(self) -> float:
        return self.now_s - self._booted_s

    def reboot(self) -> None:
        """Restart: silent for a while, and what was written is forgotten unless it is kept in the device."""
        self._booted_s = self.now_s
        self.faults.set(FaultKind.SILENCE, self.now_s, for_s=BOOT_S)
        keeps = {point.name for point in self.profile.write if point.persistent}
        self._memory = {key: value for key, value in self._memory.items() if key[0] in keeps}

    def _made_up(self, point: ReadPoint) -> Truth:
        if point.dtype == "string":
            return self._text(point.name)[: _capacity(point)]
        if point.dtype in ("u16", "i16", "bool") and point.count > 1:
            return (*ARRAYS.get(point.name, ()), *[0] * point.count)[: point.count]
        if point.name == "serial":
            return crc32(self.name.encode()) % 100_000_000
        factor = power_factor(point.name, point.unit)
        if factor is not None:
            return factor
        number = NUMBERS.get(point.name, 0)
        return number % (1 << 16 * point.count) if isinstance(number, int) else number

    def _text(self, name: str) -> str:
        by_name = {
            "serial": f"SIM{crc32(self.name.encode()) % 100_000_000:08d}",
            "model_name": self.profile.model,
            "device_name": self.profile.model,
            "logistic_text": self.profile.model,
            "vendor_name": self.profile.vendor,
        }
        return TEXTS.get(name) or by_name.get(name, "")


def _capacity(point: ReadPoint) -> int:
    """How many characters fit."""
    return point.count if point.encoding in ("ascii_low_byte", "utf16") else 2 * point.count
