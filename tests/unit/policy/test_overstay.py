"""What an overstay policy charges; every amount here was worked out by hand."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from baywarden.model.overstay import (
    Assessment,
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
from support.plain_overstay import utc

CHARGING, IDLE = ClockState.CHARGING, ClockState.SUSPENDED_EV
PAUSED, FAULTED, UNKNOWN = ClockState.SUSPENDED_EVSE, ClockState.FAULTED, ClockState.UNKNOWN
NOON = utc("2026-06-15 10:00")
MIN = 60
HOUR = 3600

AFTER_CHARGE = OverstayPolicy(
    id="idle", currency="EUR", tz="Europe/Berlin", basis=Basis.CHARGE_END, rate_per_min=Decimal("0.10")
)
PLUGGED_IN = replace(AFTER_CHARGE, basis=Basis.CONNECT)


def timeline(*stretches: tuple[ClockState, float] | tuple[ClockState, float, int | None]) -> list[Segment]:
    """Consecutive segments of (state, seconds[, occupancy in %]) from noon on."""
    at, segments = NOON, []
    for state, seconds, *occupancy in stretches:
        segments.append(Segment(state, at, round(seconds * 1000), occupancy[0] if occupancy else None))
        at += timedelta(seconds=seconds)
    return segments


def reasons(found: Assessment) -> list[tuple[str, int]]:
    return [(line.reason, line.seconds) for line in found.breakdown]


def test_nothing_is_owed_for_no_timeline() -> None:
    assert assess(PLUGGED_IN, []) == Assessment(0, 0, 0, 0, "EUR", capped=False)


def test_the_clock_after_a_charge_runs_only_while_the_car_is_idle() -> None:
    parts = (
        (CHARGING, HOUR),
        (IDLE, 3 * MIN),
        (PAUSED, HOUR),
        (IDLE, 2 * MIN),
        (FAULTED, HOUR),
        (UNKNOWN, HOUR),
    )
    found = assess(AFTER_CHARGE, timeline(*parts))
    assert (found.clock_s, found.amount_minor) == (5 * MIN, 50)
    assert reasons(found) == [
        ("BILLED", 3 * MIN),
        ("SITE_PAUSE", HOUR),
        ("BILLED", 2 * MIN),
        ("FAULT", HOUR),
        ("UNKNOWN", HOUR),
    ]


def test_a_car_that_has_not_charged_yet_is_not_idle() -> None:
    found = assess(AFTER_CHARGE, timeline((IDLE, HOUR)))
    assert (found.clock_s, found.amount_minor, found.starts_billing_at) == (0, 0, None)
    assert assess(AFTER_CHARGE, timeline((IDLE, HOUR), (CHARGING, 1), (IDLE, MIN))).clock_s == MIN


def test_the_clock_of_the_plug_runs_through_site_pauses_but_not_through_faults() -> None:
    parts = ((CHARGING, 10 * MIN), (PAUSED, 10 * MIN), (FAULTED, 10 * MIN), (UNKNOWN, 10 * MIN), (IDLE, MIN))
    assert assess(PLUGGED_IN, timeline(*parts)).clock_s == 21 * MIN


def test_the_clock_of_a_booking_runs_from_its_end_also_while_charging() -> None:
    policy = replace(AFTER_CHARGE, basis=Basis.BOOKING_END)
    parts = timeline((CHARGING, 2 * HOUR), (PAUSED, HOUR), (IDLE, 5 * MIN))
    found = assess(policy, parts, NOON + timedelta(minutes=100))
    assert (found.clock_s, found.amount_minor) == (25 * MIN, 250)
    assert assess(policy, parts, None).clock_s == 0


def test_a_booking_that_has_not_ended_says_when_billing_will_begin() -> None:
    policy = replace(AFTER_CHARGE, basis=Basis.BOOKING_END, grace_s=300)
    found = assess(policy, timeline((CHARGING, HOUR)), NOON + timedelta(hours=2))
    assert found.starts_billing_at == NOON + timedelta(hours=2, minutes=5)
    assert found.next_change_at == NOON + timedelta(hours=2, minutes=5, seconds=1)


@pytest.mark.parametrize(("seconds", "minor"), [(300, 0), (300.999, 0), (301, 60), (600, 100)])
def test_a_waiver_holds_for_the_whole_grace_and_then_everything_is_owed(seconds: float, minor: int) -> None:
    policy = replace(AFTER_CHARGE, grace_s=300, grace_mode=GraceMode.WAIVE_IF_WITHIN)
    assert assess(policy, timeline((CHARGING, HOUR), (IDLE, seconds))).amount_minor == minor


@pytest.mark.parametrize(("seconds", "minor"), [(300, 0), (300.999, 0), (301, 10), (600, 50)])
def test_a_free_grace_is_never_billed(seconds: float, minor: int) -> None:
    policy = replace(AFTER_CHARGE, grace_s=300)
    assert assess(policy, timeline((CHARGING, HOUR), (IDLE, seconds))).amount_minor == minor


def test_the_allowance_is_free_even_when_a_waiver_is_exceeded() -> None:
    policy = replace(AFTER_CHARGE, allowance_s=600, grace_s=300, grace_mode=GraceMode.WAIVE_IF_WITHIN)
    within = assess(policy, timeline((CHARGING, HOUR), (IDLE, 900)))
    exceeded = assess(policy, timeline((CHARGING, HOUR), (IDLE, 960)))
    assert reasons(within) == [("ALLOWANCE", 600), ("GRACE", 300)]
    assert reasons(exceeded) == [("ALLOWANCE", 600), ("BILLED", 360)]
    assert (within.amount_minor, exceeded.amount_minor) == (0, 60)


def test_a_grace_per_period_starts_afresh_when_the_car_charges_again() -> None:
    parts = timeline((CHARGING, HOUR), (IDLE, 4 * MIN), (CHARGING, MIN), (IDLE, 4 * MIN))
    once = replace(AFTER_CHARGE, grace_s=300)
    assert assess(once, parts).amount_minor == 30
    assert assess(replace(once, grace_scope=GraceScope.PERIOD), parts).amount_minor == 0


def test_a_site_pause_does_not_begin_a_new_period() -> None:
    policy = replace(AFTER_CHARGE, grace_s=300, grace_scope=GraceScope.PERIOD)
    parts = timeline((CHARGING, HOUR), (IDLE, 4 * MIN), (PAUSED, HOUR), (IDLE, 4 * MIN))
    assert assess(policy, parts).amount_minor == 30


def test_a_charge_of_no_length_does_not_begin_a_new_period() -> None:
    policy = replace(AFTER_CHARGE, grace_s=300, grace_scope=GraceScope.PERIOD)
    parts = timeline((CHARGING, HOUR), (IDLE, 4 * MIN), (CHARGING, 0), (IDLE, 4 * MIN))
    assert assess(policy, parts).amount_minor == 30


def test_a_waiver_per_period_forgives_the_short_period_and_bills_the_long_one_whole() -> None:
    policy = replace(
        AFTER_CHARGE, grace_s=300, grace_mode=GraceMode.WAIVE_IF_WITHIN, grace_scope=GraceScope.PERIOD
    )
    found = assess(policy, timeline((CHARGING, HOUR), (IDLE, 240), (CHARGING, 60), (IDLE, 360)))
    assert reasons(found) == [("GRACE", 240), ("CHARGING", 60), ("BILLED", 360)]
    assert found.amount_minor == 60


def test_the_step_is_filled_up_once_for_the_session() -> None:
    found = assess(AFTER_CHARGE, timeline((CHARGING, 1), (IDLE, 61), (CHARGING, 1), (IDLE, 61)))
    assert (found.billable_s, found.billed_s, found.amount_minor) == (122, 180, 30)
    assert reasons(found) == [("BILLED", 61), ("CHARGING", 1), ("BILLED", 61), ("STEP", 58)]


def test_parts_of_a_second_are_added_up_and_the_rest_is_not_billed() -> None:
    parts = timeline((CHARGING, 1), (IDLE, 30.6), (PAUSED, 1), (IDLE, 29.6))
    found = assess(AFTER_CHARGE, parts)
    assert (found.billable_s, found.billed_s) == (60, 60)
    assert sum(line.seconds for line in found.breakdown if line.reason == "BILLED") == 60


BANDS = (OccupancyBand(50, Decimal(1)), OccupancyBand(100, Decimal(2)))


@pytest.mark.parametrize(("occupancy", "minor"), [(49, 0), (50, 10), (99, 10), (100, 20), (None, 0)])
def test_the_highest_band_reached_gives_the_multiplier(occupancy: int | None, minor: int) -> None:
    policy = replace(PLUGGED_IN, occupancy=BANDS)
    assert assess(policy, timeline((CHARGING, MIN, occupancy))).amount_minor == minor


def test_an_unknown_occupancy_is_billed_the_least_that_any_would_be() -> None:
    policy = replace(PLUGGED_IN, occupancy=(OccupancyBand(0, Decimal(1)), OccupancyBand(80, Decimal(3))))
    assert assess(policy, timeline((CHARGING, MIN, None))).amount_minor == 10
    cheap_when_full = (OccupancyBand(0, Decimal(1)), OccupancyBand(80, Decimal("0.5")))
    assert (
        assess(replace(policy, occupancy=cheap_when_full), timeline((CHARGING, MIN, None))).amount_minor == 5
    )


def test_an_emptier_site_is_explained_in_the_breakdown() -> None:
    found = assess(replace(PLUGGED_IN, occupancy=BANDS), timeline((CHARGING, 60, 100), (CHARGING, 60, 10)))
    assert reasons(found) == [("BILLED", 60), ("OCCUPANCY", 60)]
    assert [line.multiplier for line in found.breakdown] == [Decimal(2), Decimal(0)]


def test_the_seconds_that_fill_up_a_step_take_the_last_multiplier() -> None:
    policy = replace(PLUGGED_IN, occupancy=BANDS, step_s=600, rate_per_min=Decimal(1))
    rising = assess(policy, timeline((CHARGING, 60, 50), (CHARGING, 60, 100)))
    assert rising.amount_minor == 100 + 200 + 8 * 200


def test_a_site_that_empties_within_a_step_makes_the_rest_of_the_step_cheaper() -> None:
    policy = replace(PLUGGED_IN, occupancy=BANDS, step_s=600, rate_per_min=Decimal(1))
    parts = timeline((CHARGING, 60, 100), (CHARGING, 60, 50))
    assert assess(policy, parts[:1]).amount_minor == 10 * 200
    assert assess(policy, parts).amount_minor == 200 + 9 * 100


def test_what_a_waiver_kept_aside_was_never_owed_at_its_own_multiplier() -> None:
    policy = replace(
        PLUGGED_IN,
        occupancy=BANDS,
        step_s=600,
        rate_per_min=Decimal(1),
        grace_s=90,
        grace_mode=GraceMode.WAIVE_IF_WITHIN,
    )
    found = assess(policy, timeline((CHARGING, 60, 100), (CHARGING, 60, 50)))
    assert found.amount_minor == 200 + 100 + 8 * 100
    # Foretold from within the waiver as well: 2.00 + 9 min at 1.00 at 91 s.
    before = assess(policy, timeline((CHARGING, 60, 100), (CHARGING, 10, 50)))
    assert before.starts_billing_at == NOON + timedelta(seconds=90)
    assert before.next_change_at == NOON + timedelta(seconds=91)


def test_growth_is_foretold_beyond_the_moment_at_which_a_waiver_ends() -> None:
    policy = replace(
        PLUGGED_IN, grace_s=90, grace_mode=GraceMode.WAIVE_IF_WITHIN, min_amount=Decimal("0.50"), step_s=1
    )
    # At 91 s 0.15 would be due, which is dust until five minutes are.
    found = assess(policy, timeline((CHARGING, 20)))
    assert found.starts_billing_at == NOON + timedelta(seconds=90)
    assert found.next_change_at == NOON + timedelta(seconds=300)


@pytest.mark.parametrize(
    ("rounding", "half", "above"),
    [(Rounding.HALF_UP, 1, 2), (Rounding.HALF_EVEN, 0, 2), (Rounding.UP, 1, 2)],
)
def test_there_is_one_rounding_at_the_end(rounding: Rounding, half: int, above: int) -> None:
    policy = replace(PLUGGED_IN, rate_per_min=Decimal("0.005"), rounding=rounding)
    assert assess(policy, timeline((CHARGING, MIN))).amount_minor == half
    assert assess(policy, timeline((CHARGING, 3 * MIN))).amount_minor == above


def test_a_currency_without_minor_unit_is_rounded_to_whole_units() -> None:
    policy = replace(PLUGGED_IN, currency="JPY", minor_digits=0, rate_per_min=Decimal("12.5"))
    assert assess(policy, timeline((CHARGING, 3 * MIN))).amount_minor == 38


def test_the_cap_ends_the_growth() -> None:
    policy = replace(PLUGGED_IN, cap_per_session=Decimal(1))
    below = assess(policy, timeline((CHARGING, 9 * MIN)))
    reached = assess(policy, timeline((CHARGING, 10 * MIN)))
    assert (below.amount_minor, below.capped) == (90, False)
    assert (reached.amount_minor, reached.capped) == (100, True)
    assert (reached.next_change_at, reached.starts_billing_at) == (None, None)


def test_a_cap_finer_than_the_minor_unit_is_not_exceeded_by_rounding() -> None:
    policy = replace(PLUGGED_IN, cap_per_session=Decimal("0.996"))
    assert assess(policy, timeline((CHARGING, HOUR))).amount_minor == 99


def test_dust_below_the_least_amount_is_dropped() -> None:
    policy = replace(PLUGGED_IN, min_amount=Decimal("0.50"))
    below = assess(policy, timeline((CHARGING, 4 * MIN)))
    assert below.amount_minor == 0
    assert below.next_change_at == NOON + timedelta(seconds=241)
    assert assess(policy, timeline((CHARGING, 4 * MIN + 1))).amount_minor == 50


def test_the_next_change_is_the_first_second_of_the_next_step() -> None:
    found = assess(PLUGGED_IN, timeline((CHARGING, 30)))
    assert found.starts_billing_at == NOON + timedelta(seconds=30)
    assert found.next_change_at == NOON + timedelta(seconds=61)


def test_a_clock_that_stands_says_nothing_of_the_future() -> None:
    found = assess(AFTER_CHARGE, timeline((CHARGING, HOUR), (IDLE, MIN), (CHARGING, MIN)))
    assert (found.starts_billing_at, found.next_change_at) == (None, None)


def test_a_day_of_two_hundred_stretches_counts_every_second_once() -> None:
    parts = [(state, 216) for state in (CHARGING, IDLE) * 200]
    found = assess(replace(PLUGGED_IN, exempt=()), timeline(*parts))
    assert found.billable_s == 24 * HOUR
    assert reasons(found) == [("BILLED", 24 * HOUR)]


def test_the_calendar_place_of_lines_is_that_of_their_segments() -> None:
    found = assess(AFTER_CHARGE, timeline((CHARGING, MIN), (IDLE, MIN)))
    begin: datetime = NOON + timedelta(minutes=1)
    assert [(line.from_at, line.to_at) for line in found.breakdown] == [(begin, begin + timedelta(minutes=1))]
