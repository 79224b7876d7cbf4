"""Overstay fees the slow and plain way, tick by tick from the written rule: the oracle of the laws.

Shares no code with `baywarden.policy`. Every duration must be a whole number of ticks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
from zoneinfo import ZoneInfo

from baywarden.model.overstay import OverstayPolicy, Segment, Weekday

ROUNDINGS = {"HALF_UP": ROUND_HALF_UP, "HALF_EVEN": ROUND_HALF_EVEN, "UP": ROUND_CEILING}


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
    billed: list[Decimal] = []
    kept_aside: list[Decimal] = []
    total = Decimal(0)
    most = Decimal(0)
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
            if policy.grace_mode.value == "FREE":
                due = [multiplier] if clock_of_period > policy.grace_s * 1000 else []
            else:
                kept_aside.append(multiplier)
                due = []
                if clock_of_period // 1000 > policy.grace_s:
                    due, kept_aside = kept_aside, []
            billed += [one for one in due if one > 0]
            total += sum(due)
            if due:
                most = max(most, _with_step(policy, billed, total, tick_ms)[0])
    _, billed_s = _with_step(policy, billed, total, tick_ms)
    amount_minor, capped = _money(policy, most)
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


def _with_step(
    policy: OverstayPolicy, billed: list[Decimal], total: Decimal, tick_ms: int
) -> tuple[Decimal, int]:
    """Multiplied seconds and plain seconds, after the cut to whole seconds and the step."""
    seconds = len(billed) * tick_ms // 1000
    if not seconds:
        return Decimal(0), 0
    steps = -(-seconds // policy.step_s)
    if tick_ms >= 1000:
        last, counted = billed[-1], total * tick_ms / 1000
    else:
        ticks = seconds * 1000 // tick_ms
        last, counted = billed[ticks - 1], sum(billed[:ticks], Decimal(0)) * tick_ms / 1000
    return counted + (steps * policy.step_s - seconds) * last, steps * policy.step_s


def _money(policy: OverstayPolicy, multiplied_s: Decimal) -> tuple[int, bool]:
    with localcontext() as context:
        context.prec = 60
        amount = policy.rate_per_min * multiplied_s / 60
        capped = policy.cap_per_session is not None and amount >= policy.cap_per_session
        if policy.cap_per_session is not None:
            amount = min(amount, policy.cap_per_session)
        if amount < policy.min_amount:
            amount = Decimal(0)
        unit = Decimal(1).scaleb(-policy.minor_digits)
        rounded = amount.quantize(unit, ROUNDINGS[policy.rounding.value])
        return int(rounded.scaleb(policy.minor_digits)), capped


def utc(text: str) -> datetime:
    """A UTC moment from `2026-06-15 09:00` or with seconds."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
