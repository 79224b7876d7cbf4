"""The part of a walk that changes something: limits, judged by what is drawn, and the fail-safe, by silence."""

from decimal import Decimal

from baywarden_drivers.bench.drawing import LEAST_A, LEEWAY_A, Drawing
from baywarden_drivers.bench.silence import Silence
from baywarden_drivers.bench.walk import Agree, Report
from baywarden_drivers.device import Device
from baywarden_drivers.errors import DriverError
from baywarden_drivers.writes.wording import plain


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
        self._ask = agree
        self._max_a = max_a
        control = device.profile.control
        usual_s = float(control.settle_s) if control is not None else 0.0
        self._drawing = Drawing(device, usual_s if settle_s is None else settle_s)
        self._silence = Silence(device, report, self._drawing, agree=self._agree, wanted_s=failsafe_s)
        self._start_a: Decimal | None = None
        self._warning = ""
        self._has_limited = False

    async def run(self) -> None:
        """Limits first, then the fail-safe. Raises DeviceError when the device is lost."""
        self._start_a = self._device.limit_shown(await self._drawing.look())
        if self._drawing.is_charging:
            self._warning = "A car is charging. "
        elif self._drawing.drawn_a is None:
            self._warning = "Whether a car is charging cannot be measured. "
        if self._device.profile.control is None:
            self._report.note("limit", "skipped", "this device cannot be limited")
        elif await self._agree(self._limit_question()):
            await self._limit_to("limit down", LEAST_A, rises=False)
            await self._limit_to("limit up", self._high_a, rises=True)
        else:
            self._report.note("limit", "skipped", "not agreed to")
        await self._silence.run(self._high_a)

    async def _agree(self, question: str) -> bool:
        """Whoever agrees to one of the questions agrees to a limit being written."""
        is_agreed = await self._ask(self._warning + question)
        self._has_limited = self._has_limited or (is_agreed and self._device.profile.control is not None)
        return is_agreed

    @property
    def _high_a(self) -> Decimal:
        """Never above the limit that was found."""
        start_a = self._start_a
        return start_a if start_a is not None and start_a > LEAST_A else max(LEAST_A, self._max_a)

    def _limit_question(self) -> str:
        shown = "is not shown" if self._start_a is None else f"is {plain(self._start_a)} A now"
        return f"The limit {shown}; it becomes {LEAST_A} A and then {plain(self._high_a)} A, and is put back."

    async def _limit_to(self, name: str, amps: Decimal, *, rises: bool) -> None:
        try:
            shown_a = await self._device.set_current_limit(amps)
            can_show = self._drawing.can_show
            drawn = await self._drawing.settled_a(shown_a, rises=rises) if can_show else None
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
        self._judge_effect(
            name, f"{detail}, {drawn:.1f} A drawn{self._drawing.how}", shown_a, drawn, rises=rises
        )

    def _judge_effect(self, name: str, detail: str, shown_a: Decimal, drawn: Decimal, *, rises: bool) -> None:
        figures = {"limit_a": float(shown_a), "drawn_a": float(drawn)}
        if drawn > shown_a + LEEWAY_A:
            self._report.note(name, "fail", f"{detail}: more than it may", **figures)
        elif rises and shown_a > LEAST_A + LEEWAY_A and drawn <= LEAST_A + LEEWAY_A:
            self._report.note(name, "unclear", f"{detail}: the car may take no more", **figures)
        else:
            self._report.note(name, "pass", detail, **figures)

    async def put_back(self) -> None:
        """The fail-safe's settings and the limit as they were; what cannot be put back is a failure that says so."""
        done: list[str] = []
        faults: list[str] = []
        for name, value in self._silence.settings.items():
            try:
                if (await self._device.read(name)).number != value:
                    await self._device.write(name, value)
                done.append(f"{name} {plain(value)}")
            except DriverError as error:
                faults.append(f"{name} was {plain(value)}: {error}")
        if self._has_limited:
            await self._put_limit_back(done, faults)
        kept = [f"{name} {why}" for name, why in self._silence.lost.items()]
        if faults:
            self._report.note("put back", "fail", "NOT as it was: " + "; ".join([*faults, *kept]))
        elif done or kept:
            self._report.note("put back", "unclear" if kept else "pass", "; ".join([", ".join(done), *kept]))

    async def _put_limit_back(self, done: list[str], faults: list[str]) -> None:
        limit_a = self._high_a if self._start_a is None else self._start_a
        try:
            shown_a = await self._device.set_current_limit(limit_a)
            done.append(
                f"limit {plain(shown_a)} A"
                + ("" if self._start_a is not None else " (it showed none before)")
            )
        except DriverError as error:
            faults.append(f"the limit was {plain(limit_a)} A: {error}")
