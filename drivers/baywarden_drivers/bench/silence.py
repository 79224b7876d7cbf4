"""The fail-safe, tried by silence: the very first question after it asks for what the charger's own fail-safe shows.

Most chargers take any question for a sign of life and let the car rise again at once, so nothing may come before it.
"""

import asyncio
from dataclasses import dataclass
from decimal import Decimal

from baywarden_drivers.bench.capabilities import has_failsafe
from baywarden_drivers.bench.drawing import DRAWING_A, LEAST_A, LEEWAY_A, Drawing, amps_of
from baywarden_drivers.bench.walk import Agree, Report, Verdict
from baywarden_drivers.device import Device
from baywarden_drivers.errors import DeviceError, DriverError
from baywarden_drivers.profile.conduct import Failsafe
from baywarden_drivers.writes.guard import FailsafeReport
from baywarden_drivers.writes.wording import check_range, plain

LONGEST_MARGIN_S = 8.0
"""After the time-out: a charger takes some seconds to react, and its car too."""
LONGEST_SILENCE_S = Decimal(180)
_UNKNOWN_S = Decimal(20)
"""Taken for a time-out that is neither documented nor shown."""
_BEATS = 5
"""Or so many heartbeats."""
_NAME = "fail-safe by silence"
_SAFE_A = LEAST_A + LEEWAY_A


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was drawn and in force before the silence, and what the first answers after it said."""

    before_a: Decimal | None
    after_a: Decimal | None
    limit_before_a: Decimal
    limit_after_a: Decimal | None
    state: str | None
    silence_s: float

    @property
    def figures(self) -> dict[str, float | None]:
        """For JSON."""
        known = {"before_a": self.before_a, "drawn_a": self.after_a, "limit_a": self.limit_after_a}
        return {name: None if amps is None else float(amps) for name, amps in known.items()}


class Silence:
    """Arms the fail-safe of one connector, keeps silent, and judges what has become of current and limit."""

    def __init__(
        self, device: Device, report: Report, drawing: Drawing, *, agree: Agree, wanted_s: Decimal
    ) -> None:
        self._device = device
        self._report = report
        self._drawing = drawing
        self._agree = agree
        self._wanted_s = wanted_s
        self.settings: dict[str, Decimal] = {}
        """Settings of the fail-safe as they were found, and can be written again."""
        self.lost: dict[str, str] = {}
        """Settings that arming will change and nobody can put back, each with the reason."""

    async def run(self, high_a: Decimal) -> None:
        """The whole trial, at a limit of `high_a`. Raises DeviceError when the device is lost."""
        failsafe = self._device.profile.failsafe
        if failsafe is None or not has_failsafe(self._device.profile):
            self._report.note(
                "fail-safe", "skipped", "none is known: it keeps its last limit when we are silent"
            )
            return
        timeout_s = _timeout_s(failsafe, self._wanted_s)
        if timeout_s > LONGEST_SILENCE_S:
            self._report.note("fail-safe", "skipped", f"its shortest time-out is {plain(timeout_s)} s")
            return
        silence_s = float(timeout_s) + min(LONGEST_MARGIN_S, float(timeout_s) + 2)
        await self._find_settings(failsafe)
        if not await self._agree(self._question(failsafe, timeout_s, silence_s)):
            self.settings, self.lost = {}, {}
            self._report.note("fail-safe", "skipped", "not agreed to")
            return
        try:
            limit_a = await self._device.set_current_limit(high_a)
            before_a = await self._drawing.settled_a(limit_a, rises=True) if self._drawing.can_show else None
            armed = await self._device.arm_failsafe(LEAST_A, timeout_s)
        except DriverError as error:
            self._report.note("fail-safe armed", "fail", str(error))
            return
        if self._is_worth_trying(failsafe, armed):
            await self._keep_silent(before_a, limit_a, silence_s)

    def _question(self, failsafe: Failsafe, timeout_s: Decimal, silence_s: float) -> str:
        can_set = failsafe.timeout_point in self._device.profile.writable
        change = f"The fail-safe becomes {LEAST_A} A after {plain(timeout_s)} s, then nothing"
        text = change if can_set else "Nothing"
        lost = "".join(f" {name} {why}: it will keep the new one." for name, why in self.lost.items())
        return f"{text} is sent for {silence_s:.0f} s, and all is put back.{lost}"

    async def _find_settings(self, failsafe: Failsafe) -> None:
        """Remember what arming will change; what cannot be put back is not passed over in silence."""
        names = (failsafe.timeout_point, failsafe.current_point, failsafe.power_point, *failsafe.also_current)
        for name in names:
            if name is None or name not in self._device.profile.writable:
                continue
            value, why = await self._found(name)
            if value is None:
                self.lost[name] = f"could not be read ({why})"
            elif _can_be_said(self._device, name, value):
                self.settings[name] = value
            else:
                self.lost[name] = f"was {plain(value)}, which it does not take back"

    async def _found(self, name: str) -> tuple[Decimal | None, str]:
        """The value of a setting; None with the reason where it has none."""
        if name not in self._device.profile.readable:
            return None, "it can only be written"
        try:
            read = await self._device.read(name)
        except DeviceError as error:
            return None, error.detail
        return (
            (None, read.reason or read.quality.value) if read.number is None else (Decimal(read.number), "")
        )

    def _is_worth_trying(self, failsafe: Failsafe, armed: FailsafeReport) -> bool:
        """Note how it was armed; False where its own settings say already that it would not hold."""
        if armed.armed:
            self._report.note("fail-safe armed", "pass", armed.detail)
            return True
        if _hides_settings(self._device, failsafe, armed):
            told = armed.detail.removeprefix("not armed: ")
            self._report.note(
                "fail-safe armed", "unclear", f"{told}: it is set at the charger, or not at all"
            )
            return True
        self._report.note("fail-safe armed", "fail", armed.detail)
        return False

    async def _keep_silent(self, before_a: Decimal | None, limit_a: Decimal, silence_s: float) -> None:
        """Say nothing, then look at once; what shows the fail-safe best is asked first."""
        try:
            await asyncio.sleep(silence_s)
            after_a, shown_a = await self._first_look()
            poll = await self._drawing.look()
        except DriverError as error:
            self._report.note(_NAME, "fail", str(error))
            return
        shown_a = self._device.limit_shown(poll) if shown_a is None else shown_a
        seen = _Seen(before_a, after_a, limit_a, shown_a, self._drawing.state, silence_s)
        failsafe = self._device.profile.failsafe
        knows_time = failsafe is not None and _known_timeout_s(failsafe) is not None
        verdict, detail = _verdict(seen, knows_time=knows_time)
        self._report.note(_NAME, verdict, detail + self._drawing.how, **seen.figures)

    async def _first_look(self) -> tuple[Decimal | None, Decimal | None]:
        """By one question alone: the current of the phase that drew the most, or else the limit in force."""
        if self._drawing.can_show:
            point = self._drawing.point
            return amps_of(point, await self._device.read(point)), None
        control = self._device.profile.control
        name = None if control is None else control.readback
        if name is None or name not in self._device.profile.readable:
            return None, None
        return None, self._device.limit_shown({name: await self._device.read(name)})


def _verdict(seen: _Seen, *, knows_time: bool) -> tuple[Verdict, str]:
    """What was seen, in words, and what it means."""
    after = f"after {seen.silence_s:.0f} s of silence"
    before_a, after_a, limit_a = seen.before_a, seen.after_a, seen.limit_after_a
    if after_a is not None and after_a > _SAFE_A:
        still = f"{after} it still draws {after_a:.1f} A"
        return (
            ("fail", still)
            if knows_time
            else ("unclear", f"{still}, but how long it waits is not known: look into its own settings")
        )
    if before_a is not None and before_a > _SAFE_A and after_a is not None:
        detail = f"{before_a:.1f} A before, {after_a:.1f} A {after}"
        if after_a < DRAWING_A and seen.state in ("suspended_ev", "finishing", "available"):
            return "unclear", f"{detail}: but the car has ended by itself ({seen.state})"
        return "pass", detail
    if limit_a is not None and seen.limit_before_a > LEAST_A >= limit_a:
        return "pass", f"the limit fell from {plain(seen.limit_before_a)} A to {plain(limit_a)} A {after}"
    if before_a is None and after_a is None:
        return "unclear", "no car is there and the limit shows nothing of it: try again while a car charges"
    took = "nothing" if before_a is None else f"only {before_a:.1f} A"
    return "unclear", f"the car took {took} before: too little for a fall to be seen"


def _known_timeout_s(failsafe: Failsafe) -> Decimal | None:
    """The time-out where it is set by us or documented; None where nobody knows it."""
    if failsafe.timeout_point is not None or failsafe.remaining_point is not None:
        return Decimal(failsafe.default_timeout_s or 0)
    return None if failsafe.default_timeout_s is None else Decimal(failsafe.default_timeout_s)


def _timeout_s(failsafe: Failsafe, wanted_s: Decimal) -> Decimal:
    """The wanted time-out where it can be set, as near as it is taken; else the charger's own."""
    if failsafe.timeout_point is not None:
        return max(wanted_s, Decimal(failsafe.min_timeout_s or 0))
    own_s = failsafe.default_timeout_s
    beats_s = Decimal(_BEATS * (failsafe.heartbeat_period_s or 0))
    return max(wanted_s, Decimal(own_s) if own_s is not None else max(beats_s, _UNKNOWN_S))


def _hides_settings(device: Device, failsafe: Failsafe, armed: FailsafeReport) -> bool:
    """Whether it is only that current or time-out cannot be read here; what can be read is as it was wanted."""
    readable = device.profile.readable
    currents = (failsafe.current_point, failsafe.power_point, *failsafe.also_current)
    hides_a = not any(name in readable for name in currents)
    hides_s = _known_timeout_s(failsafe) is None or (
        failsafe.timeout_point is not None and failsafe.timeout_point not in readable
    )
    fits_a = hides_a or (armed.current_a is not None and armed.current_a <= LEAST_A)
    return (hides_a or hides_s) and fits_a and (hides_s or armed.timeout_s is not None)


def _can_be_said(device: Device, name: str, value: Decimal) -> bool:
    """Whether the device takes this number: some show one that they do not take."""
    try:
        check_range(device.profile.writable[name], value)
    except DriverError:
        return False
    return True
