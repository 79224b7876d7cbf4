"""Walks a device through what a site will ask of it: whether it answers, who it is, what it says."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from baywarden_drivers.device import Device
from baywarden_drivers.errors import DeviceError
from baywarden_drivers.mono import mono_s
from baywarden_drivers.values.value import PointValue

Verdict = Literal["pass", "fail", "unclear", "skipped"]

Agree = Callable[[str], Awaitable[bool]]
"""Asks whether something may be done that a person on site would notice."""

CONTACT_POLLS = 5
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried: `figures` are what was seen."""

    name: str
    verdict: Verdict
    detail: str
    figures: Mapping[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Report:
    """The steps so far, each told at once."""

    tell: Callable[[Step], None]
    steps: list[Step] = field(default_factory=list)

    def note(self, name: str, verdict: Verdict, detail: str, **figures: object) -> None:
        """One step is done."""
        step = Step(name, verdict, detail, figures)
        self.steps.append(step)
        self.tell(step)


async def walk(
    device: Device,
    *,
    agree: Agree,
    tell: Callable[[Step], None],
    max_a: Decimal = Decimal(10),
    settle_s: float | None = None,
    failsafe_s: Decimal = Decimal(10),
) -> list[Step]:
    """All steps that this device allows. What was changed is put back, also when the walk is broken off.

    `max_a` bounds the limit that is tried where the device does not show a limit of its own; `failsafe_s` is the
    time-out of its fail-safe, as near as it takes it.
    """
    report = Report(tell)
    if not await _contact(device, report):
        return report.steps
    await _identity(device, report)
    await _values(device, report)
    if device.profile.kind == "charger":
        from baywarden_drivers.bench.steering import Steering  # noqa: PLC0415 (meters need none)

        steering = Steering(
            device, report, agree=agree, max_a=max_a, settle_s=settle_s, failsafe_s=failsafe_s
        )
        try:
            await steering.run()
        finally:
            await steering.put_back()
    return report.steps


async def _contact(device: Device, report: Report) -> bool:
    """Whether it answers at all."""
    took_ms: list[float] = []
    faults: list[str] = []
    for _ in range(CONTACT_POLLS):
        began = mono_s()
        try:
            await device.poll()
        except DeviceError as error:
            faults.append(error.detail)
        else:
            took_ms.append(round((mono_s() - began) * 1000, 1))
    if not took_ms:
        report.note("contact", "fail", f"no poll was answered: {faults[0]}")
        return False
    told = f"{len(took_ms)} of {CONTACT_POLLS} polls answered, in {min(took_ms):.0f} to {max(took_ms):.0f} ms"
    report.note("contact", "fail" if faults else "pass", "; ".join([told, *faults[:1]]), polls_ms=took_ms)
    return True


async def _identity(device: Device, report: Report) -> None:
    try:
        who = await device.identify()
    except DeviceError as error:
        report.note("identity", "unclear", error.detail)
        return
    marks = (("serial", who.serial), ("firmware", who.firmware))
    said = ", ".join(f"{name} {value}" for name, value in marks if value)
    still_open = [str(one) for one in device.decisions if not one.decided]
    report.note(
        "identity",
        "unclear" if still_open else "pass",
        "; ".join([said or "it says neither serial nor firmware", *still_open]),
        serial=who.serial,
        firmware=who.firmware,
    )


async def _values(device: Device, report: Report) -> None:
    """Every point that it must have, and whether the status can be understood."""
    values = dict(await device.read_all())
    for name, point in device.profile.readable.items():
        if not point.optional and not values[name].good:
            values[name] = await _read(device, name, values[name])
    sure = [name for name, point in device.profile.readable.items() if not point.optional]
    bad = {name: values[name].reason or values[name].quality.value for name in sure if not values[name].good}
    told = [f"{len(sure) - len(bad)} of {len(sure)} points have a value"]
    told += [f"{name}: {why}" for name, why in list(bad.items())[:_MOST_NAMED]]
    report.note("values", "unclear" if bad else "pass", "; ".join(told), missing=bad)
    if device.profile.kind == "charger":
        status = device.status(values)
        is_known = status.state is not None
        report.note("status", "pass" if is_known else "fail", status.state or status.detail, iec=status.iec)


async def _read(device: Device, name: str, before: PointValue) -> PointValue:
    try:
        return await device.read(name)
    except DeviceError as error:
        return PointValue(None, before.quality, before.read_mono_ms, error.detail)
