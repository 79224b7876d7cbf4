"""One connector of a charger, or a meter, by the names of its profile."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

from baywarden_drivers.control import Writing
from baywarden_drivers.errors import DeviceError, ValueRefused
from baywarden_drivers.guard import FailsafeReport, Guard, wanted
from baywarden_drivers.links.link import Link
from baywarden_drivers.links.pool import Endpoint, LinkPool
from baywarden_drivers.links.units import Pacing
from baywarden_drivers.mono import mono_s
from baywarden_drivers.pause import sleep_until
from baywarden_drivers.polling import Polling
from baywarden_drivers.profile.addressing import place, port_shift
from baywarden_drivers.profile.points import Point
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.status import ChargerStatus, judge_of
from baywarden_drivers.value import PointValue, Value


@dataclass(frozen=True, slots=True)
class Poll(Mapping[str, PointValue]):
    """The values of one poll by name; every point of the profile is there, unread ones as MISSING.

    `contact` rises whenever the device was newly connected, came back from silence or restarted: arm it then.
    `faults` are sentences on what could not be read.
    """

    points: Mapping[str, PointValue]
    contact: int
    faults: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> PointValue:
        return self.points[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.points)

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answers; None where the device does not say. `values` are all points that are read once."""

    vendor: str
    model: str
    serial: str | None
    firmware: str | None
    values: Mapping[str, PointValue] = field(default_factory=dict)


class Device:
    """Polls, limits and guards one connector. Its DeviceErrors carry its name and what was tried."""

    def __init__(
        self, profile: Profile, *, link: Link, unit: int | None = None, connector: int = 1, name: str = ""
    ) -> None:
        if not 1 <= connector <= profile.connectors.count:
            raise ValueRefused(
                f"{profile.name} has {profile.connectors.count} connectors, not a number {connector}"
            )
        self.profile = profile
        self.name = name or f"{profile.name} at {link.name}"
        base = profile.default_unit if unit is None else unit
        self._link = link
        self._polling = Polling(profile, link, base, connector)
        self._writing = Writing(profile, link, base, connector, self._polling)
        self._guard = Guard(profile, self._writing, self._polling)
        self._judge = None if profile.status is None else judge_of(profile.status)
        self._unit = place(profile, _own_point(profile), connector, base).unit
        self._contact_seen = 0
        self._contacts = 0
        self._counter: int | Decimal | None = None
        self._next_poll_at = 0.0
        self._pace(base, connector)

    def _pace(self, base: int, connector: int) -> None:
        protocol = self.profile.protocol
        pacing = Pacing(
            protocol.min_request_gap_ms / 1000,
            protocol.min_read_interval_ms / 1000,
            protocol.min_write_interval_ms / 1000,
            protocol.response_timeout_ms / 1000,
            protocol.discard_first_read_after_connect,
            protocol.count_even,
        )
        points: list[Point] = [*self.profile.read, *self.profile.write]
        for unit in {place(self.profile, one, connector, base).unit for one in points}:
            self._link.pace(unit, pacing)

    async def poll(self) -> Poll:
        """Read the hot points and a little of the others. Raises DeviceError when none was readable."""
        with self._told("poll"):
            await sleep_until(self._next_poll_at)
            self._next_poll_at = mono_s() + self.profile.protocol.min_poll_interval_ms / 1000
            faults = await self._polling.read_hot()
            faults += await self._greet()
            faults += await self._polling.read_slow()
            return Poll(self._polling.finished(), self._contacts, tuple(faults))

    async def _greet(self) -> list[str]:
        """After a new contact or a restart: the start-up writes, and everything that is read once."""
        has_restarted = self._has_restarted()
        if self._link.contact(self._unit) == self._contact_seen and not has_restarted:
            return []
        try:
            await self._writing.write_all(self.profile.startup.writes)
        except DeviceError as error:
            self._contact_seen = -1
            return [f"start-up writes: {error.detail}"]
        self._contact_seen = self._link.contact(self._unit)
        self._contacts += 1
        self._polling.forget_once()
        return []

    def _has_restarted(self) -> bool:
        """Whether the counter that only falls with a restart has fallen."""
        name = self.profile.startup.falls_on_restart
        if name is None:
            return False
        before, now = self._counter, self._polling.values[name].number
        if now is not None:
            self._counter = now
        return before is not None and now is not None and now < before

    def status(self, values: Mapping[str, PointValue]) -> ChargerStatus:
        """What the charger is doing, by the values of a poll."""
        if self._judge is None:
            return ChargerStatus(None, None, f"{self.profile.name} is a meter")
        return self._judge(values)

    async def read(self, point: str) -> PointValue:
        """Read one point now. Raises DeviceError or ValueRefused."""
        if point not in self.profile.readable:
            raise ValueRefused(f"{self.profile.name} has no read point {point!r}")
        with self._told(f"read {point}"):
            return await self._polling.read_point(point)

    async def write(self, point: str, value: Value | float) -> None:
        """Write a value in the point's unit, at most once. Raises DeviceError or ValueRefused."""
        with self._told(f"write {point} = {value!r}"):
            await self._writing.write(point, value)

    async def set_current_limit(self, amps: Decimal | float) -> Decimal:
        """Limit the current to at most `amps`; the limit that the device then shows.

        Rounded down to what the device can say, and to 0 below its minimum; 0 pauses in the profile's way.
        Raises ValueRefused where it has none, NotApplied when it reads back a higher one, or another DeviceError.
        """
        with self._told(f"limit to {amps} A"):
            return await self._writing.set_limit(amps)

    async def arm_failsafe(self, current_a: Decimal | float, timeout_s: Decimal | float) -> FailsafeReport:
        """Set the fail-safe where possible, read it back and judge it. Raises DeviceError or ValueRefused."""
        with self._told(f"arm the fail-safe with {current_a} A after {timeout_s} s"):
            return await self._guard.arm(*wanted(current_a, timeout_s))

    async def keep_alive(self) -> None:
        """Feed the charger's supervision; only after a valid decision. Raises DeviceError."""
        with self._told("keep alive"):
            await self._guard.keep_alive()

    async def identify(self) -> Identity:
        """Read who it is, now. Raises DeviceError when it does not answer."""
        with self._told("identify"):
            await self._polling.read_once()
        once = [
            one.name for one in self.profile.read if one.poll == "once" and one.name in self._polling.values
        ]
        values = {name: self._polling.values[name] for name in once}
        return Identity(
            self.profile.vendor,
            self.profile.model,
            _shown(values, "serial"),
            _shown(values, "firmware"),
            values,
        )

    @contextmanager
    def _told(self, tried: str) -> Iterator[None]:
        """Put the device's name and what was tried into every DeviceError."""
        try:
            yield
        except DeviceError as error:
            error.device, error.tried = self.name, tried
            raise


def open_device(
    pool: LinkPool,
    endpoint: Endpoint,
    profile: Profile,
    *,
    unit: int | None = None,
    connector: int = 1,
    name: str = "",
) -> Device:
    """A device on the pool's link to `endpoint`, or on the port that belongs to its connector."""
    link = pool.link(endpoint, port_shift(profile, connector))
    return Device(profile, link=link, unit=unit, connector=connector, name=name)


def _own_point(profile: Profile) -> Point:
    """A point that every poll reads from the connector itself."""
    return next(
        (one for one in profile.read if one.poll == "hot" and one.scope == "connector"), profile.read[0]
    )


def _shown(values: Mapping[str, PointValue], name: str) -> str | None:
    found = values.get(name)
    return None if found is None or found.value is None else str(found.value)
