"""What chargers and meters have in common: a profile, registers, faults and a memory of what was written."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from zlib import crc32

from baywarden_drivers.profile.points import ReadPoint, WritePoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.simulator.bank import Bank, BankHabits, banks_of
from baywarden_drivers.simulator.failsafe import Sign
from baywarden_drivers.simulator.faults import FaultKind, Faults
from baywarden_drivers.simulator.made_up import made_up
from baywarden_drivers.simulator.truth import Teller, Truth
from baywarden_drivers.values.value import Value

MOST_WRITES = 50_000
"""How many writes are remembered."""
BOOT_S = 10.0
"""How long a restarting device does not answer."""
OTHER_PHASES = {1: ("_l2", "_l3", "_l3_l1"), 2: ("_l3", "_l3_l1"), 3: ()}
"""Endings of the names that a device with so many phases has nothing to say for."""


@dataclass(frozen=True, slots=True)
class Written:
    """A value written, as the device understood it; `connector` is None for points of the station."""

    at_s: float
    device: str
    connector: int | None
    point: str
    value: Value


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """What a site says of one device. `without` takes names, also with `*`."""

    unit: int | None = None
    values: Mapping[str, Truth] = field(default_factory=dict)
    without: frozenset[str] = frozenset()
    habits: BankHabits = field(default_factory=BankHabits)
    seed: int | None = None


class Device:
    """A simulated device. Subclasses say what is true (`physics`) and what a write does (`obey`)."""

    def __init__(
        self,
        name: str,
        profile: Profile,
        settings: DeviceSettings,
        *,
        connectors: int = 1,
        missing: tuple[str, ...] = (),
    ) -> None:
        """`missing` are endings of names for which this device has no value."""
        self.name = name
        self.profile = profile
        self.unit = profile.default_unit if settings.unit is None else settings.unit
        self.habits = settings.habits
        self.faults = Faults(seed=crc32(name.encode()) if settings.seed is None else settings.seed)
        self.written: deque[Written] = deque(maxlen=MOST_WRITES)
        self.now_s = 0.0
        self.memory: dict[tuple[str, int | None], Value] = {}
        self.said: dict[str, tuple[Truth, float]] = {}
        """What points say on command, and until when."""
        self._settings = settings
        self._missing = missing
        self._tellers: dict[tuple[str, int | None], Teller] = {}
        self._booted_s = 0.0
        self.banks: dict[tuple[int, int], Bank] = banks_of(self, connectors, self.unit)

    # For the bank

    def has(self, name: str) -> bool:
        """Whether this device has the point."""
        if any(fnmatchcase(name, pattern) for pattern in self._settings.without):
            return False
        point = self.profile.readable.get(name)
        return point is None or not (point.optional and self._is_missing(name))

    def truth(self, point: ReadPoint, connector: int | None) -> Truth:
        """What the point says now: set by the site, measured, written before, or made up."""
        if self.said and point.name in self.said:
            told, until_s = self.said[point.name]
            if self.now_s < until_s:
                return told
            del self.said[point.name]
        key = (point.name, connector)
        teller = self._tellers.get(key)
        if teller is None:
            teller = self._tellers[key] = self._teller(point, connector)
        return teller()

    def take(self, point: WritePoint, connector: int | None, value: Value) -> None:
        """Keep what was written and do it, unless the device ignores writes."""
        self.written.append(Written(self.now_s, self.name, connector, point.name, value))
        if self.faults.holds(FaultKind.IGNORE_WRITES, self.now_s):
            return
        self.memory[point.name, connector] = value
        self.obey(point, connector, value)

    def _teller(self, point: ReadPoint, connector: int | None) -> Teller:
        if point.name in self._settings.values:
            fixed = self._settings.values[point.name]
            return lambda: fixed
        if self._is_missing(point.name):
            nothing: Truth = None if point.nan else 0
            return lambda: nothing
        known = self.physics(point, connector)
        if known is not None:
            return known
        usual, key, memory = made_up(self.profile, self.name, point), (point.name, connector), self.memory
        return lambda: memory.get(key, usual)

    def _is_missing(self, name: str) -> bool:
        return bool(self._missing) and name.endswith(self._missing)

    # For subclasses

    def physics(self, point: ReadPoint, connector: int | None) -> Teller | None:
        """Tells what physics says; None where it says nothing."""
        raise NotImplementedError

    def obey(self, point: WritePoint, connector: int | None, value: Value) -> None:
        """Do what was written."""

    def hear(self, connectors: set[int], sign: Sign) -> None:
        """The controller showed a sign of life to these connectors."""

    def is_status(self, point: ReadPoint) -> bool:
        """Whether the point tells what the device is doing."""
        return False

    def at(self, now_s: float) -> None:
        """Look at the clock before anything else is asked."""
        self.now_s = now_s
        active = self.faults.active
        frozen = bool(active) and self.faults.holds(FaultKind.FROZEN, now_s)
        stuck = bool(active) and self.faults.holds(FaultKind.STUCK, now_s)
        for bank in self.banks.values():
            bank.hold(frozen=frozen, stuck=stuck)

    @property
    def uptime_s(self) -> float:
        return self.now_s - self._booted_s

    def reboot(self) -> None:
        """Restart: silent for a while, and what was written is forgotten unless it is kept in the device."""
        self._booted_s = self.now_s
        self.faults.set(FaultKind.SILENCE, self.now_s, for_s=BOOT_S)
        keeps = {point.name for point in self.profile.write if point.persistent}
        for key in [key for key in self.memory if key[0] not in keeps]:
            del self.memory[key]
