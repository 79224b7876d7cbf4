"""The charger's own fail-safe: what it does when its master goes silent, armed and read back."""

import asyncio
from dataclasses import dataclass
from decimal import Decimal

from baywarden_drivers.control import Writing, exact
from baywarden_drivers.errors import ValueRefused
from baywarden_drivers.mono import mono_s
from baywarden_drivers.polling import Polling
from baywarden_drivers.profile.conduct import Failsafe
from baywarden_drivers.profile.schema import Profile

_LOOK_AGAIN_S = 0.3
_LOOKS = 4


@dataclass(frozen=True, slots=True)
class FailsafeReport:
    """What the device reads back; None means that it does not tell.

    `armed`: it would fall to at most the wanted current in at most the wanted time. `detail` is for people.
    """

    armed: bool
    current_a: Decimal | None
    timeout_s: Decimal | None
    detail: str


class Guard:
    """Arms the fail-safe of one connector and keeps it fed."""

    def __init__(self, profile: Profile, writing: Writing, polling: Polling) -> None:
        self._profile = profile
        self._failsafe = profile.failsafe
        self._writing = writing
        self._polling = polling
        self._timeout_s: Decimal | None = None
        self._fed_at = 0.0

    async def arm(self, current_a: Decimal, timeout_s: Decimal) -> FailsafeReport:
        """Write where it can be written, read back, judge. Raises DeviceError or ValueRefused."""
        failsafe = self._failsafe
        if failsafe is None or failsafe.trigger in ("none", "unknown"):
            return FailsafeReport(False, None, None, "this device has no fail-safe that is known")
        timeout_s = _allowed(failsafe, timeout_s)
        await self._set(failsafe.current_point, current_a)
        await self._set(failsafe.timeout_point, timeout_s)
        self._timeout_s = timeout_s
        report = await self._look(failsafe, current_a, timeout_s)
        for _ in range(_LOOKS - 1):
            if report.armed:
                break
            await asyncio.sleep(_LOOK_AGAIN_S)
            report = await self._look(failsafe, current_a, timeout_s)
        return report

    async def keep_alive(self) -> None:
        """Feed what the charger's supervision wants; only after a valid decision. Raises DeviceError."""
        failsafe = self._failsafe
        if failsafe is None:
            return
        now = mono_s()
        match failsafe.heartbeat:
            case "rewrite_setpoint":
                if now - self._writing.limit_written_at >= self._period_s(failsafe):
                    await self._writing.rewrite_limit()
            case "rewrite_timeout":
                name, timeout_s = failsafe.timeout_point, self._timeout_s
                if name is not None and timeout_s is not None and now - self._fed_at >= float(timeout_s) / 2:
                    self._fed_at = now
                    await self._writing.write(name, timeout_s)
            case "write_flag" | "write_flag_device_clears" | "write_token":
                name, value = failsafe.heartbeat_point, failsafe.heartbeat_value
                if name is not None and value is not None and now - self._fed_at >= self._period_s(failsafe):
                    self._fed_at = now
                    await self._writing.write(name, value)
            case _:
                pass  # polling is enough

    def _period_s(self, failsafe: Failsafe) -> float:
        if failsafe.heartbeat_period_s is not None:
            return failsafe.heartbeat_period_s
        point = self._profile.writable.get(failsafe.heartbeat_point or "")
        return point.refresh_s if point is not None and point.refresh_s is not None else 10.0

    async def _set(self, name: str | None, value: Decimal) -> None:
        """Write unless the device already says so: settings may be in flash."""
        if name is None or name not in self._profile.writable:
            return
        point = self._writing.point(name)
        if not value and point.zero not in ("pause", "off", "not documented"):
            raise ValueRefused(f"{name}: 0 means {point.zero!r} here; use {point.min} or more")
        if name in self._profile.readable and (await self._polling.read_point(name)).number == value:
            return
        await self._writing.write(name, value)

    async def _look(self, failsafe: Failsafe, current_a: Decimal, timeout_s: Decimal) -> FailsafeReport:
        shown_a = await self._number(failsafe.current_point)
        shown_s = await self._number(failsafe.timeout_point)
        rest_s = await self._number(failsafe.remaining_point)
        told_s = shown_s if shown_s is not None else rest_s
        faults = [
            *_faults_of_current(shown_a, current_a),
            *_faults_of_time(failsafe, shown_s, rest_s, timeout_s),
        ]
        if faults:
            return FailsafeReport(False, shown_a, told_s, "not armed: " + "; ".join(faults))
        return FailsafeReport(True, shown_a, told_s, f"falls to {shown_a} A within {told_s} s of silence")

    async def _number(self, name: str | None) -> Decimal | None:
        if name is None or name not in self._profile.readable:
            return None
        number = (await self._polling.read_point(name)).number
        return None if number is None else Decimal(number)


def _allowed(failsafe: Failsafe, timeout_s: Decimal) -> Decimal:
    """The wanted time-out as near as the device takes it."""
    if failsafe.max_timeout_s is not None and failsafe.max_timeout_s > 0:
        timeout_s = min(timeout_s, Decimal(failsafe.max_timeout_s))
    if failsafe.min_timeout_s is not None:
        timeout_s = max(timeout_s, Decimal(failsafe.min_timeout_s))
    return timeout_s


def _faults_of_current(shown_a: Decimal | None, wanted_a: Decimal) -> list[str]:
    if shown_a is None:
        return ["the fail-safe current cannot be read"]
    return [f"the fail-safe current is {shown_a} A, not {wanted_a} A or less"] if shown_a > wanted_a else []


def _faults_of_time(
    failsafe: Failsafe, shown_s: Decimal | None, rest_s: Decimal | None, wanted_s: Decimal
) -> list[str]:
    if shown_s is None and rest_s is None:
        return ["the time-out cannot be read"]
    if shown_s is not None and shown_s in failsafe.off_values:
        return [f"the time-out is {shown_s} s, which means off"]
    told_s = shown_s if shown_s is not None else rest_s
    return (
        [f"the time-out is {told_s} s, not {wanted_s} s or less"]
        if told_s is not None and told_s > wanted_s
        else []
    )


def wanted(current_a: Decimal | float, timeout_s: Decimal | float) -> tuple[Decimal, Decimal]:
    """Both figures as exact decimals. Raises ValueRefused for figures that no device can mean."""
    amps, seconds = exact(current_a), exact(timeout_s)
    if not (amps.is_finite() and seconds.is_finite()) or amps < 0 or seconds <= 0:
        raise ValueRefused(f"a fail-safe of {amps} A after {seconds} s cannot be meant")
    return amps, seconds
