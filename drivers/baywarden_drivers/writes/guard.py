"""The charger's own fail-safe: what it does when its master goes silent, armed, read back and kept fed."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

from baywarden_drivers.errors import DriverError, Refused, ValueRefused
from baywarden_drivers.mono import mono_s
from baywarden_drivers.polls.polling import Polling
from baywarden_drivers.profile.conduct import Failsafe
from baywarden_drivers.profile.points import WritePoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.values.value import PointValue
from baywarden_drivers.writes.control import Writing
from baywarden_drivers.writes.failsafe import CountDown, Shown, hides_a_setting, names_of, shown_by
from baywarden_drivers.writes.wording import exact, meaning_of, plain, sayable

_LOOK_AGAIN_S = 0.3
_LOOKS = 4
_PERIOD_S = 10.0
"""Between two feeds where nothing is documented."""
_UNSUPERVISED = ("none", "unknown")
_NO_SUCH_THING = (1, 2, 3)
_ZERO = Decimal(0)
_FOR_ZERO = ("pause", "off", "not documented")


@dataclass(frozen=True, slots=True)
class FailsafeReport:
    """What the device reads back; None means that it does not tell.

    `armed`: it would fall to at most the wanted current in at most the wanted time. `detail` is for people.
    `provable`: current and time-out can be read back at all; without that it is never armed, whatever it may do.
    """

    armed: bool
    current_a: Decimal | None
    timeout_s: Decimal | None
    detail: str
    provable: bool = True


class Guard:
    """Arms the fail-safe of one connector and keeps it fed."""

    def __init__(self, profile: Profile, writing: Writing, polling: Polling) -> None:
        self._writing = writing
        self._polling = polling
        self._report: FailsafeReport | None = None
        self._wanted_a: Decimal | None = None
        self._wanted_s: Decimal | None = None
        self._timeout_s: Decimal | None = None
        """What is written, as near to the wanted one as the device takes it."""
        self._count_down = CountDown()
        self._contact: int | None = None
        self._fed_at = float("-inf")
        self.use(profile)
        writing.before_limit = self._feed_if_heard

    def use(self, profile: Profile) -> None:
        """From now on by this profile: the same with its doubts decided."""
        self._profile = profile
        failsafe = profile.failsafe
        self._failsafe = None if failsafe is None or failsafe.trigger in _UNSUPERVISED else failsafe

    async def arm(self, current_a: Decimal, timeout_s: Decimal) -> FailsafeReport:
        """Write where it can be written, read back, judge. Raises DeviceError or ValueRefused.

        First what it falls to, then when, and last the switch that begins to supervise.
        """
        self._report = None
        failsafe = self._failsafe
        if failsafe is None:
            return FailsafeReport(False, None, None, "this device has no fail-safe that is known")
        self._wanted_a, self._wanted_s = current_a, timeout_s
        self._timeout_s = self._allowed(failsafe, timeout_s)
        for name in (failsafe.current_point, *failsafe.also_current, failsafe.power_point):
            await self._set_current(failsafe, name, current_a)
        await self._set(failsafe.timeout_point, self._timeout_s)
        for one in failsafe.enable:
            await self._set(one.point, one.value)
        report = await self._look(failsafe)
        for _ in range(_LOOKS - 1):
            if report.armed or (report.current_a is None and report.timeout_s is None):
                break
            await asyncio.sleep(_LOOK_AGAIN_S)
            report = await self._look(failsafe)
        self._report = report
        return report

    def look(self, values: Mapping[str, PointValue], contact: int) -> None:
        """Take note of a poll, of a count-down in it."""
        if contact != self._contact:
            self._count_down.forget()
            self._contact = contact
        if self._failsafe is not None and self._failsafe.remaining_point is not None:
            self._count(values.get(self._failsafe.remaining_point))

    def holds(self, values: Mapping[str, PointValue]) -> bool | None:
        """Whether by a poll's values the fail-safe is still what was armed last; None when that cannot be judged."""
        failsafe, report = self._failsafe, self._report
        if failsafe is None or report is None or (report.current_a is None and report.timeout_s is None):
            return None
        if not report.armed and report.provable:
            return False
        shown = self._shown(failsafe, values)
        if shown.faults(self._wanted_a, self._wanted_s, is_told_all=False):
            return False
        return None if shown.current_a is None or not report.armed else True

    async def keep_alive(self) -> None:
        """Feed what the charger's supervision wants; only after a valid decision. Raises DeviceError."""
        await self._writing.keep_limit()
        failsafe = self._failsafe
        if failsafe is None:
            return
        if failsafe.heartbeat != "rewrite_setpoint":
            await self._feed(failsafe)
        elif mono_s() - self._writing.limit_written_at >= self._period_s(failsafe):
            await self._writing.rewrite_limit()

    async def _feed_if_heard(self) -> None:
        """Before a limit: some chargers take none from a master that has not shown its life."""
        if self._failsafe is not None:
            with suppress(DriverError):  # the limit itself will tell, and a cut must not fail for this
                await self._feed(self._failsafe)

    async def _feed(self, failsafe: Failsafe) -> None:
        """Write the sign of life when it is due; of a device that wants requests only, none is."""
        name, value = failsafe.heartbeat_point, failsafe.heartbeat_value
        match failsafe.heartbeat:
            case "rewrite_timeout":
                name = name or failsafe.timeout_point
                value = value if self._timeout_s is None else self._timeout_s
            case "write_flag" | "write_flag_device_clears" | "write_token":
                pass
            case _:
                return
        if name is None or value is None or mono_s() - self._fed_at < self._period_s(failsafe):
            return
        before, self._fed_at = self._fed_at, mono_s()
        try:
            await self._writing.write(name, value)
        except DriverError:
            self._fed_at = before
            raise

    def _period_s(self, failsafe: Failsafe) -> float:
        """Between two feeds: what is documented, and never more than the profile's share of the time-out."""
        point = self._profile.writable.get(failsafe.heartbeat_point or "")
        known = [
            failsafe.heartbeat_period_s or (None if point is None else point.refresh_s),
            self._share_s(failsafe),
        ]
        return min((float(one) for one in known if one), default=_PERIOD_S)

    def _share_s(self, failsafe: Failsafe) -> Decimal | None:
        timeout_s = self._timeout_s
        if failsafe.timeout_point is None or timeout_s is None:
            timeout_s = Decimal(failsafe.default_timeout_s or 0)
        return timeout_s * failsafe.feed_share

    # What is written.

    def _allowed(self, failsafe: Failsafe, timeout_s: Decimal) -> Decimal:
        """The wanted time-out as near as the device takes it."""
        if failsafe.max_timeout_s is not None and failsafe.max_timeout_s > 0:
            timeout_s = min(timeout_s, Decimal(failsafe.max_timeout_s))
        timeout_s = max(timeout_s, Decimal(failsafe.min_timeout_s or 0))
        point = self._profile.writable.get(failsafe.timeout_point or "")
        if point is None:
            return timeout_s
        timeout_s = max(timeout_s, point.min or _ZERO)
        return sayable(point, timeout_s) or timeout_s

    async def _set_current(self, failsafe: Failsafe, name: str | None, current_a: Decimal) -> None:
        if name is None or name not in self._profile.writable:
            return
        point = self._writing.point(name)
        amount = self._writing.amperes.said(point, current_a)
        if amount or not current_a:
            await self._set(name, amount if amount else self._for_zero(failsafe, point))
        else:
            raise ValueRefused(f"{name}: {current_a} A is less than it takes; use {point.min} or more")

    def _for_zero(self, failsafe: Failsafe, point: WritePoint) -> Decimal:
        """What says 0 A to it."""
        if failsafe.pause_current is not None:
            return failsafe.pause_current
        meaning = meaning_of(point, _ZERO) or point.zero
        if meaning not in _FOR_ZERO:
            raise ValueRefused(f"{point.name}: 0 means {meaning!r} here; use {point.min} or more")
        return _ZERO

    async def _set(self, name: str | None, value: Decimal) -> None:
        """Write unless the device already says so: settings may be in flash. What an older device lacks is left out."""
        if name is None or name not in self._profile.writable:
            return
        if name in self._profile.readable and (await self._polling.read_point(name)).number == value:
            return
        try:
            await self._writing.write(name, value)
        except Refused as error:
            if not (self._writing.point(name).optional and error.code in _NO_SUCH_THING):
                raise

    # What is read back.

    async def _look(self, failsafe: Failsafe) -> FailsafeReport:
        names = [name for name in names_of(failsafe) if name in self._profile.readable]
        values = {name: await self._polling.read_point(name) for name in names}
        self._count(values.get(failsafe.remaining_point or ""))
        shown = self._shown(failsafe, values)
        faults = [*shown.faults(self._wanted_a, self._wanted_s), *self._takes_no_less()]
        if faults:
            is_provable = not hides_a_setting(self._profile, failsafe)
            detail = "not armed: " + "; ".join(faults)
            return FailsafeReport(False, shown.current_a, shown.timeout_s, detail, is_provable)
        detail = f"falls to {plain(shown.current_a)} A within {plain(shown.timeout_s)} s of silence"
        return FailsafeReport(True, shown.current_a, shown.timeout_s, detail)

    def _shown(self, failsafe: Failsafe, values: Mapping[str, PointValue]) -> Shown:
        counted_s = self._count_down.longest_s
        return shown_by(self._profile, failsafe, self._writing.amperes, values, counted_s)

    def _takes_no_less(self) -> list[str]:
        """A sentence where the device does not take so short a time-out as the site wants."""
        wanted_s, least_s = self._wanted_s, self._timeout_s
        if wanted_s is None or least_s is None or least_s <= wanted_s:
            return []
        return [f"it takes no less than {plain(least_s)} s"]

    def _count(self, found: PointValue | None) -> None:
        """Judge a count-down by when the newest set-point was sent."""
        self._count_down.look(found, self._writing.limit_written_at)


def wanted(current_a: Decimal | float, timeout_s: Decimal | float) -> tuple[Decimal, Decimal]:
    """Both figures as exact decimals. Raises ValueRefused for figures that no device can mean."""
    amps, seconds = exact(current_a), exact(timeout_s)
    if not (amps.is_finite() and seconds.is_finite()) or amps < 0 or seconds <= 0:
        raise ValueRefused(f"a fail-safe of {amps} A after {seconds} s cannot be meant")
    return amps, seconds
