"""Walks a device through what a site will ask of it, one step after the other, and puts back what it changed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from baywarden_drivers.bench.capabilities import has_failsafe
from baywarden_drivers.device import Device, Poll
from baywarden_drivers.errors import DeviceError, DriverError
from baywarden_drivers.mono import mono_s
from baywarden_drivers.value import PointValue

Verdict = Literal["pass", "fail", "unclear", "skipped"]

Agree = Callable[[str], Awaitable[bool]]
"""Asks whether something may be done that a person on site would notice."""
Tell = Callable[["Step"], None]

CONTACT_POLLS = 5
_LEAST_A = Decimal(6)
_DRAWING_A = Decimal(2)
"""More than this is a car that charges."""
_LEEWAY_A = Decimal(1)
"""Above a limit this much is measured at the limit (IEC 61851-1 leaves it to the car)."""
_SILENCE_MARGIN_S = 8.0
_LONGEST_SILENCE_S = 180.0
_FAILSAFE_TIMEOUT_S = Decimal(10)
_PHASES = ("current_l1", "current_l2", "current_l3")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried: `figures` are what was seen."""

    name: str
    verdict: Verdict
    detail: str
    figures: Mapping[str, object] = field(default_factory=dict)


class Walk:
    """`max_a` bounds the limit that is tried, where the device does not show a limit of its own."""

    def __init__(
        self,
        device: Device,
        *,
        agree: Agree,
        tell: Tell,
        max_a: Decimal = Decimal(10),
        settle_s: float | None = None,
    ) -> None:
        self._device = device
        self._agree, self._tell = agree, tell
        self._max_a = max_a
        control = device.profile.control
        self._settle_s = settle_s if settle_s is not None else float(control.settle_s if control else 0)
        self._start_a: Decimal | None = None
        self._has_limited = False
        self._settings: dict[str, Decimal] = {}
        """Settings of the fail-safe as they were found."""
        self.steps: list[Step] = []

    async def run(self) -> list[Step]:
        """All steps that this device allows. What was changed is put back, also when the walk is broken off."""
        if not await self._contact():
            return self.steps
        await self._identity()
        await self._values()
        if self._device.profile.kind == "charger":
            try:
                await self._control()
            finally:
                await self._restore()
        return self.steps

    def _note(self, name: str, verdict: Verdict, detail: str, **figures: object) -> None:
        step = Step(name, verdict, detail, figures)
        self.steps.append(step)
        self._tell(step)

    # Reading.

    async def _contact(self) -> bool:
        """Whether it answers at all."""
        took_ms, faults = [], []
        for _ in range(CONTACT_POLLS):
            began = mono_s()
            try:
                await self._device.poll()
            except DeviceError as error:
                faults.append(error.detail)
            else:
                took_ms.append((mono_s() - began) * 1000)
        good = len(took_ms)
        if not good:
            self._note("contact", "fail", f"no poll was answered: {faults[0]}")
            return False
        detail = f"{good} of {CONTACT_POLLS} polls answered, in {min(took_ms):.0f} to {max(took_ms):.0f} ms"
        self._note(
            "contact",
            "fail" if faults else "pass",
            "; ".join([detail, *faults[:1]]),
            polls_ms=_rounded(took_ms),
        )
        return True

    async def _identity(self) -> None:
        try:
            who = await self._device.identify()
        except DeviceError as error:
            self._note("identity", "unclear", error.detail)
            return
        said = ", ".join(
            f"{name} {value}" for name, value in (("serial", who.serial), ("firmware", who.firmware)) if value
        )
        open_ones = [str(one) for one in self._device.decisions if not one.decided]
        self._note(
            "identity",
            "unclear" if open_ones else "pass",
            "; ".join([said or "it says neither serial nor firmware", *open_ones]),
            serial=who.serial,
            firmware=who.firmware,
        )

    async def _values(self) -> None:
        """Every point that it must have, and whether the status can be understood."""
        poll = await self._device.poll()
        values = dict(poll)
        for name, point in self._device.profile.readable.items():
            if not values[name].good and not point.optional:
                try:
                    values[name] = await self._device.read(name)
                except DeviceError as error:
                    values[name] = PointValue(
                        None, values[name].quality, values[name].read_mono_ms, error.detail
                    )
        sure = [name for name, point in self._device.profile.readable.items() if not point.optional]
        bad = {
            name: values[name].reason or values[name].quality.value for name in sure if not values[name].good
        }
        self._note(
            "values",
            "unclear" if bad else "pass",
            f"{len(sure) - len(bad)} of {len(sure)} points have a value"
            + "".join(f"; {name}: {why}" for name, why in list(bad.items())[:5]),
            missing=bad,
        )
        if self._device.profile.kind == "charger":
            status = self._device.status(values)
            is_known = status.state is not None
            self._note(
                "status", "pass" if is_known else "fail", status.state or status.detail, iec=status.iec
            )

    # Limits.

    async def _control(self) -> None:
        poll = await self._device.poll()
        self._start_a = self._device.limit_shown(poll)
        is_charging = _drawn_a(poll) > _DRAWING_A
        if self._device.profile.control is None:
            self._note("limit", "skipped", "this device cannot be limited")
        elif await self._may_limit(is_charging=is_charging):
            await self._limits(is_charging=is_charging)
        await self._failsafe(is_charging=is_charging)

    async def _may_limit(self, *, is_charging: bool) -> bool:
        shown = "is not shown" if self._start_a is None else f"is {self._start_a} A now"
        car = "A car is charging. " if is_charging else ""
        question = f"{car}The limit {shown}; it will be set to {_LEAST_A} A and then to {self._high_a} A, and put back."
        if await self._agree(question):
            return True
        self._note("limit", "skipped", "not agreed to")
        return False

    @property
    def _high_a(self) -> Decimal:
        """Never above the limit that was found."""
        start_a = self._start_a
        return start_a if start_a is not None and start_a > _LEAST_A else max(_LEAST_A, self._max_a)

    async def _limits(self, *, is_charging: bool) -> None:
        self._has_limited = True
        await self._limit_to("limit down", _LEAST_A, is_charging=is_charging, rises=False)
        await self._limit_to("limit up", self._high_a, is_charging=is_charging, rises=True)

    async def _limit_to(self, name: str, amps: Decimal, *, is_charging: bool, rises: bool) -> None:
        try:
            shown_a = await self._device.set_current_limit(amps)
        except DriverError as error:
            self._note(name, "fail", str(error))
            return
        if not is_charging:
            reads_back = self._device.profile.control is not None and self._device.profile.control.readback
            detail = f"{amps} A written, {shown_a} A read back; no car draws current, so the effect was not measured"
            self._note(name, "pass" if reads_back else "unclear", detail, limit_a=float(shown_a))
            return
        drawn_a = await self._settled_a(shown_a, rises=rises)
        figures = {"limit_a": float(shown_a), "drawn_a": float(drawn_a)}
        detail = f"{amps} A written, {shown_a} A read back, {drawn_a:.1f} A measured"
        if drawn_a > shown_a + _LEEWAY_A:
            self._note(name, "fail", f"{detail}: it draws more than it may", **figures)
        elif rises and shown_a > _LEAST_A and drawn_a <= _LEAST_A + _LEEWAY_A:
            self._note(name, "unclear", f"{detail}: the car may take no more", **figures)
        else:
            self._note(name, "pass", detail, **figures)

    async def _settled_a(self, limit_a: Decimal, *, rises: bool) -> Decimal:
        """The largest phase current, once it obeys, or at the end of the time to settle."""
        until = mono_s() + self._settle_s
        while True:
            poll = await self._device.poll()
            drawn_a = _drawn_a(poll)
            is_there = (
                limit_a - _LEEWAY_A <= drawn_a <= limit_a + _LEEWAY_A
                if rises
                else drawn_a <= limit_a + _LEEWAY_A
            )
            if is_there or mono_s() >= until:
                return drawn_a
            await self._device.keep_alive()
            await asyncio.sleep(0.5)

    # Fail-safe.

    async def _failsafe(self, *, is_charging: bool) -> None:
        profile = self._device.profile
        if not has_failsafe(profile):
            self._note(
                "fail-safe", "skipped", "this device is not known to have one: it keeps its last limit"
            )
            return
        timeout_s = self._timeout_s()
        if timeout_s > _LONGEST_SILENCE_S:
            self._note("fail-safe", "skipped", f"its shortest time-out is {timeout_s} s")
            return
        question = (
            f"{'A car is charging. ' if is_charging else ''}The fail-safe will be set to {_LEAST_A} A after {timeout_s} s; "
            f"then nothing is sent for {float(timeout_s) + _SILENCE_MARGIN_S:.0f} s, and everything is put back."
        )
        if not await self._agree(question):
            self._note("fail-safe", "skipped", "not agreed to")
            return
        try:
            await self._keep_settings()
            report = await self._device.arm_failsafe(_LEAST_A, timeout_s)
        except DriverError as error:
            self._note("fail-safe armed", "fail", str(error))
            return
        self._note("fail-safe armed", "pass" if report.armed else "fail", report.detail)
        if report.armed:
            await self._be_silent(timeout_s)

    def _timeout_s(self) -> Decimal:
        failsafe = self._device.profile.failsafe
        least = 0 if failsafe is None or failsafe.min_timeout_s is None else failsafe.min_timeout_s
        return max(_FAILSAFE_TIMEOUT_S, Decimal(least))

    async def _keep_settings(self) -> None:
        """Remember what arming will change."""
        failsafe = self._device.profile.failsafe
        names = (
            ()
            if failsafe is None
            else (failsafe.timeout_point, failsafe.current_point, *failsafe.also_current)
        )
        for name in names:
            if (
                name in self._device.profile.readable
                and name in self._device.profile.writable
                and name is not None
            ):
                number = (await self._device.read(name)).number
                if number is not None:
                    self._settings[name] = Decimal(number)

    async def _be_silent(self, timeout_s: Decimal) -> None:
        """Set a limit above the fail-safe current, say nothing, and look what has become of it."""
        try:
            self._has_limited = True
            before_a = await self._device.set_current_limit(self._high_a)
            drawn_before_a = _drawn_a(await self._device.poll())
            await asyncio.sleep(float(timeout_s) + _SILENCE_MARGIN_S)
            poll = await self._device.poll()
        except DriverError as error:
            self._note("fail-safe by silence", "fail", str(error))
            return
        after_a, drawn_a = self._device.limit_shown(poll), _drawn_a(poll)
        figures = {"limit_a": None if after_a is None else float(after_a), "drawn_a": float(drawn_a)}
        if drawn_a > _LEAST_A + _LEEWAY_A:
            self._note(
                "fail-safe by silence", "fail", f"after the silence it still draws {drawn_a:.1f} A", **figures
            )
        elif drawn_before_a > _LEAST_A + _LEEWAY_A:
            detail = f"{drawn_before_a:.1f} A before the silence, {drawn_a:.1f} A after it"
            self._note("fail-safe by silence", "pass", detail, **figures)
        elif after_a is not None and before_a > _LEAST_A >= after_a:
            detail = f"the limit fell from {before_a} A to {after_a} A"
            self._note("fail-safe by silence", "pass", detail, **figures)
        else:
            detail = "no car drew more than the fail-safe current, so there was nothing to see"
            self._note("fail-safe by silence", "unclear", detail, **figures)

    async def _restore(self) -> None:
        """Put back the fail-safe's settings and the limit; whatever cannot be put back is a failure that says so."""
        if not self._has_limited and not self._settings:
            return
        faults, done = [], []
        for name, value in self._settings.items():
            try:
                if (await self._device.read(name)).number != value:
                    await self._device.write(name, value)
                done.append(f"{name} {value}")
            except DriverError as error:
                faults.append(f"{name} was {value}: {error}")
        limit_a = self._high_a if self._start_a is None else self._start_a
        if self._has_limited:
            try:
                shown_a = await self._device.set_current_limit(limit_a)
                done.append(
                    f"limit {shown_a} A" + ("" if self._start_a is not None else " (it showed none before)")
                )
            except DriverError as error:
                faults.append(f"the limit was {limit_a} A: {error}")
        if faults:
            self._note("put back", "fail", "NOT as it was: " + "; ".join(faults))
        else:
            self._note("put back", "pass", ", ".join(done))


def _drawn_a(poll: Poll) -> Decimal:
    """The largest of the phase currents that are known; 0 where none is."""
    numbers = [poll[name].number for name in _PHASES if name in poll]
    return max((Decimal(one) for one in numbers if one is not None), default=Decimal(0))


def _rounded(figures: list[float]) -> list[float]:
    return [round(one, 1) for one in figures]
