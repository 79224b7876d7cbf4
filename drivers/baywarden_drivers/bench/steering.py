"""The part of a walk that changes something: limits, judged by what is drawn, and the fail-safe, by silence."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal

from baywarden_drivers.bench.capabilities import has_failsafe
from baywarden_drivers.bench.walk import Agree, Report
from baywarden_drivers.device import Device
from baywarden_drivers.errors import DriverError
from baywarden_drivers.mono import mono_s
from baywarden_drivers.values.value import PointValue
from baywarden_drivers.writes.wording import plain

LEAST_A = Decimal(6)
"""The lowest current that a car may be offered (IEC 61851-1)."""
DRAWING_A = Decimal(2)
"""More than this is a car that charges."""
LEEWAY_A = Decimal(1)
LONGEST_MARGIN_S = 8.0
"""After the time-out: a charger takes some seconds to react, and its car too."""
LONGEST_SILENCE_S = Decimal(180)
_LOOK_EVERY_S = 0.5
_STEADY_A = Decimal("0.5")
_STEADY_S = 4.0
_PHASES = ("current_l1", "current_l2", "current_l3")


class Steering:
    """Steers one connector and puts back what it changed."""

    def __init__(
        self,
        device: Device,
        report: Report,
        *,
        agree: Agree,
        max_a: Decimal,
        settle_s: float | None,
        failsafe_s: Decimal,
    ) -> None:
        self._device = device
        self._report = report
        self._agree = agree
        self._max_a = max_a
        self._failsafe_s = failsafe_s
        control = device.profile.control
        usual_s = float(control.settle_s) if control is not None else 0.0
        self._settle_s = usual_s if settle_s is None else settle_s
        self._start_a: Decimal | None = None
        self._drawn_a: Decimal | None = None
        self._says_charging = False
        self._has_limited = False
        self._settings: dict[str, Decimal] = {}
        """Settings of the fail-safe as they were found."""

    async def run(self) -> None:
        """Limits first, then the fail-safe. Raises DeviceError when the device is lost."""
        poll = await self._device.poll()
        self._start_a = self._device.limit_shown(poll)
        self._drawn_a = drawn_a(poll)
        self._says_charging = self._device.status(poll).state == "charging"
        if self._device.profile.control is None:
            self._report.note("limit", "skipped", "this device cannot be limited")
        elif await self._may("limit", self._limit_question()):
            self._has_limited = True
            await self._limit_to("limit down", LEAST_A, rises=False)
            await self._limit_to("limit up", self._high_a, rises=True)
        await self._failsafe()

    @property
    def _high_a(self) -> Decimal:
        """Never above the limit that was found."""
        start_a = self._start_a
        return start_a if start_a is not None and start_a > LEAST_A else max(LEAST_A, self._max_a)

    @property
    def _car(self) -> str:
        """A warning for whoever is asked."""
        if self._says_charging or self._is_drawing:
            return "A car is charging. "
        return "Whether a car is charging cannot be measured. " if self._drawn_a is None else ""

    @property
    def _is_drawing(self) -> bool:
        """Whether there is a current by which a limit can be judged."""
        return self._drawn_a is not None and self._drawn_a > DRAWING_A

    async def _may(self, name: str, question: str) -> bool:
        if await self._agree(self._car + question):
            return True
        self._report.note(name, "skipped", "not agreed to")
        return False

    # Limits.

    def _limit_question(self) -> str:
        shown = "is not shown" if self._start_a is None else f"is {plain(self._start_a)} A now"
        return f"The limit {shown}; it becomes {LEAST_A} A and then {plain(self._high_a)} A, and is put back."

    async def _limit_to(self, name: str, amps: Decimal, *, rises: bool) -> None:
        try:
            shown_a = await self._device.set_current_limit(amps)
            drawn = await self._settled_a(shown_a, rises=rises) if self._is_drawing else None
        except DriverError as error:
            self._report.note(name, "fail", str(error))
            return
        detail = f"{plain(amps)} A written, {plain(shown_a)} A in force"
        if drawn is None:
            control = self._device.profile.control
            reads_back = control is not None and control.readback is not None
            why = f"{detail}; nothing is drawn, so the effect was not measured"
            self._report.note(name, "pass" if reads_back else "unclear", why, limit_a=float(shown_a))
            return
        self._judge_effect(name, f"{detail}, {drawn:.1f} A drawn", shown_a, drawn, rises=rises)

    def _judge_effect(self, name: str, detail: str, shown_a: Decimal, drawn: Decimal, *, rises: bool) -> None:
        figures = {"limit_a": float(shown_a), "drawn_a": float(drawn)}
        if drawn > shown_a + LEEWAY_A:
            self._report.note(name, "fail", f"{detail}: more than it may", **figures)
        elif rises and shown_a > LEAST_A + LEEWAY_A and drawn <= LEAST_A + LEEWAY_A:
            self._report.note(name, "unclear", f"{detail}: the car may take no more", **figures)
        else:
            self._report.note(name, "pass", detail, **figures)

    async def _settled_a(self, limit_a: Decimal, *, rises: bool) -> Decimal | None:
        """The largest phase current once it obeys, or has risen and rises no more; else at the end of the time."""
        until = mono_s() + self._settle_s
        steady_a, steady_since = Decimal(0), mono_s()
        while True:
            drawn = drawn_a(await self._device.poll())
            now = mono_s()
            if drawn is not None and abs(drawn - steady_a) > _STEADY_A:
                steady_a, steady_since = drawn, now
            obeys = drawn is not None and drawn <= limit_a + LEEWAY_A
            is_there = (
                not rises or steady_a >= limit_a - LEEWAY_A or self._has_topped(steady_a, now - steady_since)
            )
            if (obeys and is_there) or now >= until:
                return drawn
            await self._device.keep_alive()
            await asyncio.sleep(_LOOK_EVERY_S)

    @staticmethod
    def _has_topped(drawn: Decimal, steady_s: float) -> bool:
        """Whether this is all that the car takes."""
        return drawn > LEAST_A + LEEWAY_A and steady_s >= _STEADY_S

    # Fail-safe.

    async def _failsafe(self) -> None:
        if not has_failsafe(self._device.profile):
            self._report.note(
                "fail-safe", "skipped", "none is known: it keeps its last limit when we are silent"
            )
            return
        timeout_s = self._timeout_s()
        if timeout_s > LONGEST_SILENCE_S:
            self._report.note("fail-safe", "skipped", f"its shortest time-out is {timeout_s} s")
            return
        silence_s = float(timeout_s) + min(LONGEST_MARGIN_S, float(timeout_s) + 2)
        question = (
            f"The fail-safe becomes {LEAST_A} A after {timeout_s} s, then nothing is sent for {silence_s:.0f} s, "
            "and all is put back."
        )
        if not await self._may("fail-safe", question):
            return
        try:
            await self._keep_settings()
            report = await self._device.arm_failsafe(LEAST_A, timeout_s)
        except DriverError as error:
            self._report.note("fail-safe armed", "fail", str(error))
            return
        self._report.note("fail-safe armed", "pass" if report.armed else "fail", report.detail)
        if report.armed:
            await self._be_silent(silence_s)

    def _timeout_s(self) -> Decimal:
        failsafe = self._device.profile.failsafe
        least_s = 0 if failsafe is None or failsafe.min_timeout_s is None else failsafe.min_timeout_s
        return max(self._failsafe_s, Decimal(least_s))

    async def _keep_settings(self) -> None:
        """Remember what arming will change."""
        profile = self._device.profile
        failsafe = profile.failsafe
        if failsafe is None:
            return
        for name in (failsafe.timeout_point, failsafe.current_point, *failsafe.also_current):
            if name is not None and name in profile.readable and name in profile.writable:
                number = (await self._device.read(name)).number
                if number is not None:
                    self._settings[name] = Decimal(number)

    async def _be_silent(self, silence_s: float) -> None:
        """Set a limit above the fail-safe current, say nothing, and look what has become of it."""
        self._has_limited = True
        try:
            limit_before_a = await self._device.set_current_limit(self._high_a)
            before_a = await self._settled_a(limit_before_a, rises=True) if self._is_drawing else None
            await asyncio.sleep(silence_s)
            poll = await self._device.poll()
        except DriverError as error:
            self._report.note("fail-safe by silence", "fail", str(error))
            return
        after_a, limit_after_a = drawn_a(poll), self._device.limit_shown(poll)
        self._judge_silence(before_a, after_a, limit_before_a, limit_after_a)

    def _judge_silence(
        self,
        before_a: Decimal | None,
        after_a: Decimal | None,
        limit_before_a: Decimal,
        limit_after_a: Decimal | None,
    ) -> None:
        name, safe_a = "fail-safe by silence", LEAST_A + LEEWAY_A
        figures = {
            "limit_a": None if limit_after_a is None else float(limit_after_a),
            "drawn_a": None if after_a is None else float(after_a),
        }
        if after_a is not None and after_a > safe_a:
            self._report.note(name, "fail", f"after the silence it still draws {after_a:.1f} A", **figures)
        elif before_a is not None and after_a is not None and before_a > safe_a:
            detail = f"{before_a:.1f} A before the silence, {after_a:.1f} A after it"
            self._report.note(name, "pass", detail, **figures)
        elif limit_after_a is not None and limit_before_a > LEAST_A >= limit_after_a:
            detail = f"the limit fell from {plain(limit_before_a)} A to {plain(limit_after_a)} A"
            self._report.note(name, "pass", detail, **figures)
        else:
            detail = "no car drew more than the fail-safe current, so there was nothing to see"
            self._report.note(name, "unclear", detail, **figures)

    # Afterwards.

    async def put_back(self) -> None:
        """The fail-safe's settings and the limit as they were; what cannot be put back is a failure that says so."""
        done: list[str] = []
        faults: list[str] = []
        for name, value in self._settings.items():
            try:
                if (await self._device.read(name)).number != value:
                    await self._device.write(name, value)
                done.append(f"{name} {plain(value)}")
            except DriverError as error:
                faults.append(f"{name} was {plain(value)}: {error}")
        if self._has_limited:
            limit_a = self._high_a if self._start_a is None else self._start_a
            try:
                shown_a = await self._device.set_current_limit(limit_a)
                done.append(
                    f"limit {plain(shown_a)} A"
                    + ("" if self._start_a is not None else " (it showed none before)")
                )
            except DriverError as error:
                faults.append(f"the limit was {plain(limit_a)} A: {error}")
        if faults:
            self._report.note("put back", "fail", "NOT as it was: " + "; ".join(faults))
        elif done:
            self._report.note("put back", "pass", ", ".join(done))


def drawn_a(values: Mapping[str, PointValue]) -> Decimal | None:
    """The largest of the phase currents that are known; None where none is."""
    numbers = [values[name].number for name in _PHASES if name in values]
    return max((Decimal(one) for one in numbers if one is not None), default=None)
