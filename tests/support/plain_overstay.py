"""Overstay fees the slow and plain way, tick by tick from the written rule: the oracle of the laws.

Shares no code with `baywarden.policy`. Every duration must be a whole number of ticks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
from zoneinfo import ZoneInfo

from baywarden.model.local_hours import Weekday
from baywarden.model.overstay import OverstayPolicy, Segment

ROUNDINGS = {"HALF_UP": ROUND_HALF_UP, "HALF_EVEN": ROUND_HALF_EVEN, "UP": ROUND_CEILING}


@dataclass(frozen=True)
class Tick:
    """A billable tick: its multiplier and the date on the wall."""

    multiplier: Decimal
    day: date


@dataclass(frozen=True)
class PlainFee:
    """The outcome, in whole seconds and the minor unit."""

    clock_s: int
    billable_s: int
    billed_s: int
    amount_minor: int
    capped: bool


def plain_assess(
    policy: OverstayPolicy,
    segments: Sequence[Segment],
    booking_end_at: datetime | None = None,
    tick_ms: int = 1000,
) -> PlainFee:
    """Walk through the session one tick at a time and keep the multiplier of each billed tick in a list."""
    billed: list[Tick] = []
    kept_aside: list[Tick] = []
    clock = 0
    clock_of_period = 0
    has_charged = False
    was_idle = False
    for segment in segments:
        state = segment.state.value
        for tick in range(segment.duration_ms // tick_ms):
            at = segment.from_at + timedelta(milliseconds=tick * tick_ms)
            if state == "CHARGING":
                has_charged = True
                if was_idle and policy.grace_scope.value == "PERIOD":
                    clock_of_period = 0
                    kept_aside = []
                was_idle = False
            was_idle = was_idle or state == "SUSPENDED_EV"
            if not _clock_runs(policy, state, has_charged, at, booking_end_at):
                continue
            clock += tick_ms
            if clock <= policy.allowance_s * 1000:
                continue
            clock_of_period += tick_ms
            is_exempt = _is_exempt(policy, at)
            multiplier = Decimal(0) if is_exempt else _multiplier(policy, segment.occupancy_pct)
            one = Tick(multiplier, at.astimezone(ZoneInfo(policy.tz)).date())
            if policy.grace_mode.value == "FREE":
                due = [one] if clock_of_period > policy.grace_s * 1000 else []
            else:
                kept_aside.append(one)
                due = []
                if clock_of_period // 1000 > policy.grace_s:
                    due, kept_aside = kept_aside, []
            billed += [one for one in due if one.multiplier > 0]
    of_days, billed_s = _with_step(policy, billed, tick_ms)
    amount_minor, capped = _money(policy, of_days)
    return PlainFee(clock // 1000, len(billed) * tick_ms // 1000, billed_s, amount_minor, capped)


def _clock_runs(
    policy: OverstayPolicy, state: str, has_charged: bool, at: datetime, booking_end_at: datetime | None
) -> bool:
    match policy.basis.value:
        case "CHARGE_END":
            return state == "SUSPENDED_EV" and has_charged
        case "BOOKING_END":
            late = booking_end_at is not None and at >= booking_end_at
            return late and state in ("CHARGING", "SUSPENDED_EV")
        case _:
            return state in ("CHARGING", "SUSPENDED_EV", "SUSPENDED_EVSE")


def _is_exempt(policy: OverstayPolicy, at: datetime) -> bool:
    wall = at.astimezone(ZoneInfo(policy.tz))
    today = Weekday(wall.weekday())
    yesterday = Weekday((wall.weekday() - 1) % 7)
    shown = wall.time().replace(tzinfo=None)
    for window in policy.exempt:
        if window.start < window.end:
            if today in window.days and window.start <= shown < window.end:
                return True
        elif (today in window.days and shown >= window.start) or (
            yesterday in window.days and shown < window.end
        ):
            return True
    return False


def _multiplier(policy: OverstayPolicy, occupancy_pct: int | None) -> Decimal:
    if not policy.occupancy:
        return Decimal(1)
    if occupancy_pct is None:
        return min(_multiplier(policy, pct) for pct in range(101))
    best, multiplier = -1, Decimal(0)
    for band in policy.occupancy:
        if best < band.min_pct <= occupancy_pct:
            best, multiplier = band.min_pct, band.multiplier
    return multiplier


def _with_step(policy: OverstayPolicy, billed: list[Tick], tick_ms: int) -> tuple[list[Decimal], int]:
    """Multiplied seconds of each day and plain seconds, after the cut to whole seconds and the step.

    A second of several ticks belongs to the day of its last one.
    """
    seconds = len(billed) * tick_ms // 1000
    if not seconds:
        return [], 0
    billed_s = -(-seconds // policy.step_s) * policy.step_s
    per_second = max(1, 1000 // tick_ms)
    counted = billed[: seconds * 1000 // tick_ms]
    of_days: dict[date, Decimal] = {}
    for at in range(0, len(counted), per_second):
        group = counted[at : at + per_second]
        worth = sum((one.multiplier for one in group), Decimal(0)) * tick_ms / 1000
        of_days[group[-1].day] = of_days.get(group[-1].day, Decimal(0)) + worth
    of_days[counted[-1].day] += (billed_s - seconds) * counted[-1].multiplier
    return list(of_days.values()), billed_s


def _money(policy: OverstayPolicy, of_days: list[Decimal]) -> tuple[int, bool]:
    with localcontext() as context:
        context.prec = 60
        amounts = [policy.rate_per_min * multiplied_s / 60 for multiplied_s in of_days]
        capped = False
        if policy.cap_per_day is not None:
            capped = any(amount >= policy.cap_per_day for amount in amounts)
            amounts = [min(amount, policy.cap_per_day) for amount in amounts]
        amount = sum(amounts, Decimal(0))
        if policy.cap_per_session is not None:
            capped = capped or amount >= policy.cap_per_session
            amount = min(amount, policy.cap_per_session)
        if amount < policy.min_amount:
            amount = Decimal(0)
        unit = Decimal(1).scaleb(-policy.minor_digits)
        rounded = amount.quantize(unit, ROUNDINGS[policy.rounding.value])
        return int(rounded.scaleb(policy.minor_digits)), capped


def utc(text: str) -> datetime:
    """A UTC moment from `2026-06-15 09:00` or with seconds."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
