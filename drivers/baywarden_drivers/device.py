"""One connector of a charger, or a meter, by the names of its profile."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

from baywarden_drivers.doubts.decision import Decision, Remembered
from baywarden_drivers.errors import DeviceError, DriverError, LinkDown, Refused, ValueRefused
from baywarden_drivers.links.link import Link
from baywarden_drivers.links.pool import Endpoint, LinkPool
from baywarden_drivers.links.units import Pacing
from baywarden_drivers.mono import mono_ms, mono_s
from baywarden_drivers.pause import sleep_until
from baywarden_drivers.polls.poll import Identity, Poll
from baywarden_drivers.polls.polling import Polling
from baywarden_drivers.profile.addressing import place, port_shift
from baywarden_drivers.profile.conduct import PointWrite
from baywarden_drivers.profile.points import Point
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.values.quality import Watch
from baywarden_drivers.values.status import ChargerStatus, judge_of
from baywarden_drivers.values.value import PointValue, Value
from baywarden_drivers.writes.cautious import sure
from baywarden_drivers.writes.control import Writing
from baywarden_drivers.writes.failsafe import names_of
from baywarden_drivers.writes.guard import FailsafeReport, Guard, wanted
from baywarden_drivers.writes.startup import StartingUp
from baywarden_drivers.writes.wording import exact

if TYPE_CHECKING:
    from baywarden_drivers.doubts.learning import Learning


class Device:
    """Polls, limits and guards one connector. Its DeviceErrors carry its name and what was tried."""

    def __init__(
        self, profile: Profile, *, link: Link, unit: int | None = None, connector: int = 1, name: str = ""
    ) -> None:
        if not 1 <= connector <= profile.connectors.count:
            raise ValueRefused(
                f"{profile.name} has {profile.connectors.count} connectors, not a number {connector}"
            )
        self.name = name or f"{profile.name} at {link.name}"
        base = profile.default_unit if unit is None else unit
        self._link = link
        self._learning = _learning(profile, link, base, connector)
        self._profile = profile = profile if self._learning is None else self._learning.profile
        self._polling = Polling(profile, link, base, connector)
        self._writing = Writing(profile, link, base, connector, self._polling)
        self._guard = Guard(profile, self._writing, self._polling)
        self._watch = Watch(profile)
        self._judge = None if profile.status is None else judge_of(profile.status)
        self._starting_up = StartingUp(profile.startup, self._start_up)
        self._unit = place(profile, _own_point(profile), connector, base).unit
        self._contact_learned = -1
        self._contact_seen = 0
        self._contacts = 0
        self._counter: int | Decimal | None = None
        self._next_poll_at = 0.0
        self.last_poll: Poll | None = None
        """What the last poll that was answered has found."""
        self._pace(base, connector)

    @property
    def profile(self) -> Profile:
        """The profile as far as this device has been seen to fit it: doubts decided, SunSpec addresses found."""
        return self._profile

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """What the device has shown of what its profile leaves open, and what is open still."""
        learned = () if self._learning is None else self._learning.decisions
        return (*learned, *self._polling.decisions())

    @property
    def memory(self) -> tuple[Remembered, ...]:
        """Those decisions that are worth keeping for the next run: give them to `recall` then."""
        return () if self._learning is None else self._learning.memory

    def recall(self, remembered: Sequence[Remembered]) -> None:
        """What was kept of an earlier run; used only where the same device answers, until it shows it anew."""
        if self._learning is not None:
            self._learning.remembered = tuple(remembered)

    def _pace(self, base: int, connector: int) -> None:
        protocol = self.profile.protocol
        pacing = Pacing(
            protocol.min_request_gap_ms / 1000,
            protocol.min_read_interval_ms / 1000,
            protocol.min_write_interval_ms / 1000,
            protocol.response_timeout_ms / 1000,
            protocol.discard_first_read_after_connect,
            protocol.count_even,
            protocol.idle_close_s or 0.0,
        )
        points: list[Point] = [*self.profile.read, *self.profile.write]
        self.units = frozenset(place(self.profile, one, connector, base).unit for one in points)
        """At which units of the link its points are."""
        for unit in self.units:
            self._link.pace(unit, pacing)

    async def poll(self) -> Poll:
        """Read the hot points and a little of the others. Raises DeviceError when none was readable."""
        with self._told("poll", is_read=True):
            await sleep_until(self._next_poll_at)
            self._next_poll_at = mono_s() + self.profile.protocol.min_poll_interval_ms / 1000
            try:
                return self._finished(await self._read_round())
            finally:
                if self.profile.protocol.connection == "short":
                    await self._link.rest()

    async def read_all(self) -> Poll:
        """Like a poll, with all that is slow as well. Raises DeviceError when no hot point was readable."""
        with self._told("read all", is_read=True):
            return self._finished([*await self._read_round(), *await self._polling.read_rest()])

    async def _read_round(self) -> list[str]:
        """Everything that one poll reads; sentences on what went wrong. The first silence ends it."""
        await self._learned()
        faults, refusal = await self._read_hot()
        if (news := await self._learn_again()) is not None:
            faults, refusal = await self._polling.read_hot() + news, None
        if refusal is not None:
            raise refusal
        if unheard := await self._greet():
            return faults + unheard
        if self._polling.fell_silent:
            return faults + self._starting_up.faults
        return faults + self._starting_up.faults + await self._read_slow()

    async def _read_hot(self) -> tuple[list[str], Refused | None]:
        """A device that refuses everything is heard at least: it may be another one by now."""
        try:
            return await self._polling.read_hot(), None
        except Refused as error:
            return [], error

    def _finished(self, faults: list[str]) -> Poll:
        now_ms = mono_ms()
        values, doubted = self._watch.judge(self._polling.finished(), now_ms)
        faults += doubted
        faults += self._writing.look(values, self._contacts)
        self._guard.look(values, self._contacts)
        self.last_poll = Poll(values, self._contacts, tuple(faults), now_ms)
        return self.last_poll

    async def _learned(self) -> None:
        """Make sure that the points are where the profile says, before any of them is read."""
        learning = self._learning
        if learning is not None and not learning.is_done:
            await learning.at_contact()
            self._contact_learned = self._link.contact(self._unit)
            self._take_over(learning.profile)

    async def _learn_again(self) -> list[str] | None:
        """After a new contact look at everything anew; sentences when something is different, so read again."""
        learning = self._learning
        if learning is None or self._link.contact(self._unit) == self._contact_learned:
            return None
        sentences = await learning.at_contact()
        self._contact_learned = self._link.contact(self._unit)
        return sentences if self._take_over(learning.profile) else None

    def _take_over(self, profile: Profile) -> bool:
        """Go on with another profile, as with another device; whether it is another."""
        if self._learning is None or profile == self._profile:
            return False
        self._profile = profile
        self._polling.learned(profile, self._learning.absent)
        self._writing.use(profile)
        self._guard.use(profile)
        self._watch = Watch(profile)
        self._contact_seen = -1
        return True

    async def _greet(self) -> list[str]:
        """After a new contact or a restart: the start-up writes, and everything that is read once."""
        has_restarted = self._has_restarted()
        if self._link.contact(self._unit) == self._contact_seen and not has_restarted:
            return await self._tried_again()
        try:
            await self._starting_up.begin()
        except DeviceError as error:
            self._contact_seen = -1
            return [f"start-up writes: {error.detail}"]
        self._contact_seen = self._link.contact(self._unit)
        self._contacts += 1
        self._polling.forget_once()
        return []

    async def _tried_again(self) -> list[str]:
        try:
            await self._starting_up.again(self._polling.values)
        except DeviceError as error:
            return [f"start-up writes: {error.detail}"]
        return []

    async def _start_up(self, one: PointWrite) -> None:
        self._mean_to_write([one.point])
        await self._writing.write(one.point, one.value)

    async def _read_slow(self) -> list[str]:
        """One read beside the hot ones: of something open, or of a slow point."""
        if self._learning is not None and self._learning.is_waiting:
            sentences = await self._learning.slowly(self._polling.finished())
            if sentences is not None:
                self._take_over(self._learning.profile)
                return sentences
        return await self._polling.read_slow()

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
        if point not in self.profile.readable and point not in self._polling.values:
            raise ValueRefused(f"{self.profile.name} has no read point {point!r}")
        with self._told(f"read {point}"):
            await self._learned()
            return await self._polling.read_point(point)

    async def write(self, point: str, value: Value | float) -> None:
        """Write a value in the point's unit, at most once. Raises DeviceError or ValueRefused."""
        with self._told(f"write {point} = {value!r}"):
            await self._learned()
            self._mean_to_write([point])
            await self._writing.write(point, value)

    def _mean_to_write(self, points: Sequence[str]) -> None:
        """Raises ValueRefused while it is open how a number stands in their registers."""
        if self._learning is None:
            return
        for name in points:
            if why := self._learning.why_unclear(name):
                raise ValueRefused(why)
        self._learning.wrote(points)

    def _sure_limit_a(self, amps: Decimal | float) -> Decimal | float:
        """At most `amps`, and the same under all that is still open of the device. Raises ValueRefused."""
        control, learning = self._profile.control, self._learning
        if control is None or learning is None:
            return amps
        layouts = learning.layouts(control.limit)
        if len(layouts) > 1 and layouts[0].unit == "A":
            sure_a = sure(layouts, exact(amps))
            if sure_a is not None:
                self._mean_to_write([one.point for one in (*control.pause, *control.resume)])
                learning.wrote([control.limit])
                return sure_a
        self._mean_to_write([control.limit, *(one.point for one in (*control.pause, *control.resume))])
        return amps

    async def set_current_limit(self, amps: Decimal | float) -> Decimal:
        """Limit the current to at most `amps`; the limit that the device then shows.

        Rounded down to what the device can say, and to 0 below its minimum; 0 pauses in the profile's way.
        Raises ValueRefused where it has none, NotApplied when it reads back a higher one, or another DeviceError.
        """
        with self._told(f"limit to {amps} A"):
            await self._learned()
            return await self._writing.set_limit(self._sure_limit_a(amps))

    def limit_shown(self, values: Mapping[str, PointValue]) -> Decimal | None:
        """The limit in A per phase by the values of a poll, else what was last in force; None when neither is known.

        What a pause leaves while the charger is paused; a limit in W counts as on the fewest phases it may be on.
        """
        return self._writing.shown_limit_a(values)

    async def arm_failsafe(self, current_a: Decimal | float, timeout_s: Decimal | float) -> FailsafeReport:
        """Set the fail-safe where possible, read it back and judge it. Raises DeviceError or ValueRefused."""
        with self._told(f"arm the fail-safe with {current_a} A after {timeout_s} s"):
            await self._learned()
            self._mean_to_write(names_of(self._profile.failsafe) if self._profile.failsafe else [])
            return await self._guard.arm(*wanted(current_a, timeout_s))

    def failsafe_holds(self, values: Mapping[str, PointValue]) -> bool | None:
        """Whether by a poll's values the fail-safe is still as it was armed; None when that cannot be judged."""
        return self._guard.holds(values)

    async def keep_alive(self) -> None:
        """Feed the charger's supervision; only after a valid decision. Raises DeviceError."""
        with self._told("keep alive"):
            await self._guard.keep_alive()

    async def identify(self) -> Identity:
        """Read who it is, now. Raises DeviceError when it does not answer."""
        with self._told("identify"):
            await self._learned()
            await self._polling.read_once()
        once = [
            one.name for one in self.profile.read if one.poll == "once" and one.name in self._polling.values
        ]
        values = {name: self._polling.values[name] for name in once}
        says_itself = any(one.name == "sunspec" for one in self.decisions)
        return Identity(
            (says_itself and _shown(values, "vendor_name")) or self.profile.vendor,
            (says_itself and _shown(values, "model_name")) or self.profile.model,
            _shown(values, "serial"),
            _shown(values, "firmware"),
            values,
            self.decisions,
        )

    @contextmanager
    def _told(self, tried: str, *, is_read: bool = False) -> Iterator[None]:
        """Put the device's name and what was tried into every DeviceError.

        Whoever only reads gave no value that could be refused: what cannot be asked for is then LinkDown.
        """
        try:
            yield
        except DeviceError as error:
            error.device, error.tried = self.name, tried
            raise
        except DriverError as error:
            if not is_read:
                raise
            raise LinkDown(str(error), device=self.name, tried=tried) from error


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


def _learning(profile: Profile, link: Link, unit: int, connector: int) -> "Learning | None":
    """What finds out about the device; nothing is loaded for a profile that leaves nothing open."""
    if profile.protocol.sunspec is None and not profile.doubt:
        return None
    from baywarden_drivers.doubts.learning import Learning  # noqa: PLC0415 (few profiles need it)

    return Learning(profile, link, unit, connector)


def _own_point(profile: Profile) -> Point:
    """A point that every poll reads from the connector itself."""
    return next(
        (one for one in profile.read if one.poll == "hot" and one.scope == "connector"), profile.read[0]
    )


def _shown(values: Mapping[str, PointValue], name: str) -> str | None:
    found = values.get(name)
    return None if found is None or found.value is None else str(found.value)
