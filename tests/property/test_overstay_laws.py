"""Laws of the overstay fee, held against a plain tick-by-tick computation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baywarden.model.local_hours import LocalWindow, Weekday
from baywarden.model.overstay import (
    Basis,
    ClockState,
    GraceMode,
    GraceScope,
    OccupancyBand,
    OverstayPolicy,
    Rounding,
    Segment,
)
from baywarden.policy.overstay import assess
from support.plain_overstay import plain_assess, utc

# Begins of sessions shortly before clocks change (and on plain days), by zone.
NIGHTS = {
    "Europe/Berlin": ("2026-03-28 21:00", "2026-10-24 20:30", "2026-06-15 09:00"),
    "America/New_York": ("2026-03-08 01:00", "2026-11-01 00:45"),
    "Australia/Lord_Howe": ("2026-04-04 10:00", "2026-10-03 12:00"),
    "America/Havana": ("2026-03-08 02:00", "2026-11-01 01:00"),
    "Asia/Kathmandu": ("2026-12-31 12:00",),
    "UTC": ("2026-02-28 18:00",),
}
STATES = st.sampled_from([*ClockState, ClockState.SUSPENDED_EV, ClockState.SUSPENDED_EV, ClockState.CHARGING])
MULTIPLIERS = st.sampled_from([Decimal(t) for t in ("0", "0.5", "1", "1.25", "2", "0.333")])


@dataclass(frozen=True)
class Case:
    policy: OverstayPolicy
    segments: tuple[Segment, ...]
    booking_end_at: datetime | None


@st.composite
def windows(draw: st.DrawFn) -> LocalWindow:
    hours = st.sampled_from([0, 1, 2, 2, 3, 6, 8, 20, 22, 23])
    minutes = st.sampled_from([0, 0, 15, 30, 59])
    days = draw(st.frozensets(st.sampled_from(list(Weekday)), min_size=3))
    return LocalWindow(time(draw(hours), draw(minutes)), time(draw(hours), draw(minutes)), days)


@st.composite
def policies(draw: st.DrawFn, tz: str, unit_s: int) -> OverstayPolicy:
    bands = draw(st.dictionaries(st.sampled_from([0, 30, 50, 90]), MULTIPLIERS, max_size=3))
    units = st.integers(0, 40).map(lambda n: n * unit_s)
    minor_digits = draw(st.sampled_from([0, 2, 3]))
    caps = [None, None, Decimal("0.5") if minor_digits else Decimal(1), Decimal(3), Decimal(12)]
    return OverstayPolicy(
        id="p",
        currency="EUR",
        tz=tz,
        basis=draw(st.sampled_from(Basis)),
        rate_per_min=draw(st.sampled_from([Decimal(t) for t in ("0", "0.01", "0.1", "0.246", "1", "7.77")])),
        minor_digits=minor_digits,
        allowance_s=draw(st.one_of(st.just(0), units)),
        grace_s=draw(units),
        grace_mode=draw(st.sampled_from(GraceMode)),
        grace_scope=draw(st.sampled_from(GraceScope)),
        step_s=draw(st.sampled_from([1, 7, 60, 600])),
        cap_per_session=draw(st.sampled_from(caps)),
        cap_per_day=draw(st.sampled_from(caps)),
        exempt=tuple(draw(st.lists(windows(), max_size=3))),
        occupancy=tuple(OccupancyBand(pct, multiplier) for pct, multiplier in bands.items()),
        min_amount=draw(st.sampled_from([Decimal(0), Decimal(0), Decimal("0.5")])),
        rounding=draw(st.sampled_from(Rounding)),
    )


@st.composite
def cases(draw: st.DrawFn, unit_s: int = 60) -> Case:
    """A policy and a timeline; all its durations are whole units, up to some 30 hours with minutes."""
    tz = draw(st.sampled_from(sorted(NIGHTS)))
    at = begin = utc(draw(st.sampled_from(NIGHTS[tz])))
    segments = []
    for _ in range(draw(st.integers(1, 7))):
        length_s = draw(st.integers(0, 300)) * unit_s
        occupancy = draw(st.sampled_from([None, 0, 29, 30, 60, 90, 100]))
        segments.append(Segment(draw(STATES), at, length_s * 1000, occupancy))
        at += timedelta(seconds=length_s)
    booking_end_at = draw(
        st.none() | st.integers(-10, 900).map(lambda n: begin + timedelta(seconds=n * unit_s))
    )
    return Case(draw(policies(tz, unit_s)), tuple(segments), booking_end_at)


def shortened(segments: Sequence[Segment], drop_ms: int) -> tuple[Segment, ...]:
    """The timeline as it was `drop_ms` earlier."""
    left = list(segments)
    while left and drop_ms:
        cut_ms = min(drop_ms, left[-1].duration_ms)
        left[-1] = replace(left[-1], duration_ms=left[-1].duration_ms - cut_ms)
        drop_ms -= cut_ms
        if drop_ms:
            left.pop()
    return tuple(left)


def lengthened(segments: Sequence[Segment], until_at: datetime) -> tuple[Segment, ...]:
    """The timeline with its last state going on until then."""
    last = segments[-1]
    return (*segments[:-1], replace(last, duration_ms=(until_at - last.from_at) // timedelta(milliseconds=1)))


def check_against_oracle(case: Case, tick_ms: int) -> None:
    found = assess(case.policy, case.segments, case.booking_end_at)
    plain = plain_assess(case.policy, case.segments, case.booking_end_at, tick_ms)
    assert found.clock_s == plain.clock_s
    assert found.billable_s == plain.billable_s
    assert found.billed_s == plain.billed_s
    assert found.amount_minor == plain.amount_minor
    assert found.capped == plain.capped
    billed = [line for line in found.breakdown if line.multiplier > 0]
    assert sum(line.seconds for line in billed) == found.billed_s


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_the_fee_equals_the_plain_count_of_minutes_over_clock_changes(case: Case) -> None:
    check_against_oracle(case, tick_ms=60_000)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases(unit_s=1), st.integers(-90, 90))
def test_the_fee_equals_the_plain_count_of_seconds(case: Case, shift_s: int) -> None:
    shift = timedelta(seconds=shift_s)
    moved = tuple(replace(segment, from_at=segment.from_at + shift) for segment in case.segments)
    check_against_oracle(replace(case, segments=moved), tick_ms=1000)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases(unit_s=1), st.integers(1, 20))
def test_parts_of_seconds_add_up_to_the_plain_count(case: Case, divisor: int) -> None:
    quick = []
    at = case.segments[0].from_at
    for segment in case.segments:
        length_ms = segment.duration_ms // 20 // divisor // 50 * 50
        quick.append(replace(segment, from_at=at, duration_ms=length_ms))
        at += timedelta(milliseconds=length_ms)
    policy = replace(
        case.policy, allowance_s=case.policy.allowance_s // 20, grace_s=case.policy.grace_s // 20
    )
    check_against_oracle(Case(policy, tuple(quick), case.booking_end_at), tick_ms=50)


@settings(max_examples=250, deadline=None)
@given(cases(), st.data())
def test_splitting_a_segment_anywhere_changes_nothing(case: Case, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(case.segments) - 1))
    whole = case.segments[index]
    cut_ms = data.draw(st.integers(0, whole.duration_ms))
    first = replace(whole, duration_ms=cut_ms)
    second = replace(
        whole, from_at=whole.from_at + timedelta(milliseconds=cut_ms), duration_ms=whole.duration_ms - cut_ms
    )
    split = (*case.segments[:index], first, second, *case.segments[index + 1 :])
    assert assess(case.policy, split, case.booking_end_at) == assess(
        case.policy, case.segments, case.booking_end_at
    )


@settings(max_examples=250, deadline=None)
@given(cases(), st.integers(0, 40_000_000))
def test_the_amount_never_falls_as_time_goes_on_but_for_the_rest_of_a_step(case: Case, drop_ms: int) -> None:
    # When a site empties, the seconds that fill up the step are of the lower multiplier: a step of 1 s has none.
    policy = replace(case.policy, step_s=1) if case.policy.occupancy else case.policy
    earlier = shortened(case.segments, drop_ms)
    before = assess(policy, earlier, case.booking_end_at)
    after = assess(policy, case.segments, case.booking_end_at)
    assert before.amount_minor <= after.amount_minor
    assert before.billable_s <= after.billable_s


@settings(max_examples=150, deadline=None)
@given(cases())
def test_the_amount_never_exceeds_the_cap(case: Case) -> None:
    found = assess(case.policy, case.segments, case.booking_end_at)
    cap = case.policy.cap_per_session
    if cap is None:
        assert not found.capped or case.policy.cap_per_day is not None
    else:
        assert found.amount_minor <= cap * 10**case.policy.minor_digits
    assert found.billed_s >= found.billable_s


@settings(max_examples=300, deadline=None)
@given(cases(), st.integers(0, 999))
def test_the_amount_grows_exactly_when_it_was_foretold(case: Case, extra_ms: int) -> None:
    present = replace(case.segments[-1], duration_ms=case.segments[-1].duration_ms + extra_ms)
    segments = (*case.segments[:-1], present)
    now = assess(case.policy, segments, case.booking_end_at)
    end_at = present.from_at + timedelta(milliseconds=present.duration_ms)
    if now.next_change_at is None:
        later = lengthened(segments, end_at + timedelta(days=8))
        assert assess(case.policy, later, case.booking_end_at).amount_minor <= now.amount_minor
        return
    assert end_at < now.next_change_at <= end_at + timedelta(days=8, seconds=1)
    assert now.starts_billing_at is not None
    assert now.starts_billing_at < now.next_change_at
    just_before = max(end_at, now.next_change_at - timedelta(milliseconds=1))
    still = assess(case.policy, lengthened(segments, just_before), case.booking_end_at)
    grown = assess(case.policy, lengthened(segments, now.next_change_at), case.booking_end_at)
    assert still.amount_minor <= now.amount_minor
    assert grown.amount_minor > now.amount_minor


@settings(max_examples=300, deadline=None)
@given(cases())
def test_nothing_is_billed_before_billing_was_said_to_start(case: Case) -> None:
    now = assess(case.policy, case.segments, case.booking_end_at)
    if now.starts_billing_at is None:
        return
    end_at = case.segments[-1].from_at + timedelta(milliseconds=case.segments[-1].duration_ms)
    assert now.starts_billing_at >= end_at
    until = assess(case.policy, lengthened(case.segments, now.starts_billing_at), case.booking_end_at)
    after = assess(
        case.policy,
        lengthened(case.segments, now.starts_billing_at + timedelta(seconds=1)),
        case.booking_end_at,
    )
    assert until.billable_s == now.billable_s
    assert after.billable_s > now.billable_s
