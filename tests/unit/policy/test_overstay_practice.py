"""Fees of the field, worked out by hand (DOMAIN 2.2)."""

from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal

import pytest

from baywarden.model.local_hours import LocalWindow, Weekday
from baywarden.model.overstay import Basis, ClockState, GraceMode, OccupancyBand, OverstayPolicy, Segment
from baywarden.policy.overstay import assess
from support.plain_overstay import utc

CHARGING, IDLE = ClockState.CHARGING, ClockState.SUSPENDED_EV

TESLA = OverstayPolicy(
    id="tesla-us",
    currency="USD",
    tz="America/Los_Angeles",
    basis=Basis.CHARGE_END,
    rate_per_min=Decimal("0.50"),
    grace_s=300,
    grace_mode=GraceMode.WAIVE_IF_WITHIN,
    occupancy=(OccupancyBand(50, Decimal(1)), OccupancyBand(100, Decimal(2))),
)
ENBW = OverstayPolicy(
    id="enbw",
    currency="EUR",
    tz="Europe/Berlin",
    basis=Basis.CONNECT,
    rate_per_min=Decimal("0.10"),
    allowance_s=240 * 60,
    cap_per_session=Decimal("12.00"),
)
ALLEGO = replace(ENBW, id="allego", rate_per_min=Decimal("0.246"), allowance_s=45 * 60, cap_per_session=None)
PLENITUDE = OverstayPolicy(
    id="plenitude-ac",
    currency="EUR",
    tz="Europe/Rome",
    basis=Basis.CHARGE_END,
    rate_per_min=Decimal("0.12"),
    grace_s=3600,
    exempt=(LocalWindow(time(23), time(7)),),
)
LADEVERBUND = replace(
    ENBW,
    id="ladeverbund-ac",
    rate_per_min=Decimal("0.05"),
    cap_per_session=None,
    exempt=(LocalWindow(time(20), time(8)),),
)


def after_charge(idle_s: int, begin: str = "2026-06-15 18:00", occupancy: int | None = None) -> list[Segment]:
    """An hour's charge from `begin`, then so many idle seconds."""
    at = utc(begin)
    return [
        Segment(CHARGING, at, 3_600_000, occupancy),
        Segment(IDLE, at + timedelta(hours=1), idle_s * 1000, occupancy),
    ]


def plugged_in(minutes: int, begin: str = "2026-06-15 08:00", seconds: int = 0) -> list[Segment]:
    return [Segment(CHARGING, utc(begin), (minutes * 60 + seconds) * 1000)]


@pytest.mark.parametrize(
    ("idle_s", "occupancy", "minor"),
    [(300, 60, 0), (301, 60, 300), (720, 60, 600), (720, 100, 1200), (720, 49, 0)],
)
def test_tesla_waives_five_minutes_and_doubles_at_a_full_site(
    idle_s: int, occupancy: int, minor: int
) -> None:
    assert assess(TESLA, after_charge(idle_s, occupancy=occupancy)).amount_minor == minor


def test_tesla_bills_each_minute_at_the_occupancy_it_had() -> None:
    segments = after_charge(7 * 60, occupancy=60)
    segments.append(Segment(IDLE, segments[-1].from_at + timedelta(minutes=7), 5 * 60_000, 100))
    assert assess(TESLA, segments).amount_minor == 7 * 50 + 5 * 100


@pytest.mark.parametrize(
    ("minutes", "minor", "capped"),
    [(240, 0, False), (300, 600, False), (359, 1190, False), (360, 1200, True)],
)
def test_enbw_begins_at_minute_241_and_ends_at_twelve_euros(minutes: int, minor: int, capped: bool) -> None:
    found = assess(ENBW, plugged_in(minutes))
    assert (found.amount_minor, found.capped) == (minor, capped)


def test_enbw_says_during_the_charge_when_the_fee_will_begin() -> None:
    assert assess(ENBW, plugged_in(60)).starts_billing_at == utc("2026-06-15 12:00")


@pytest.mark.parametrize(("minutes", "seconds", "minor"), [(45, 0, 0), (60, 0, 369), (46, 1, 49)])
def test_allego_bills_started_minutes_after_forty_five(minutes: int, seconds: int, minor: int) -> None:
    assert assess(ALLEGO, plugged_in(minutes, seconds=seconds)).amount_minor == minor


def test_plenitude_is_free_between_eleven_and_seven() -> None:
    # Charged until 21:30 in Rome, gone at 07:30: billed 22:30-23:00 and 07:00-07:30.
    found = assess(PLENITUDE, after_charge(10 * 3600, begin="2026-06-15 18:30"))
    assert [(line.reason, line.seconds // 60) for line in found.breakdown] == [
        ("GRACE", 60),
        ("BILLED", 30),
        ("EXEMPT", 8 * 60),
        ("BILLED", 30),
    ]
    assert found.amount_minor == 720


def test_plenitude_s_next_cent_after_eleven_comes_at_seven() -> None:
    found = assess(PLENITUDE, after_charge(3 * 3600, begin="2026-06-15 18:30"))
    assert found.starts_billing_at == utc("2026-06-16 05:00")
    assert found.next_change_at == utc("2026-06-16 05:00:01")


def test_ladeverbund_s_allowance_runs_through_the_night_but_the_fee_does_not() -> None:
    # Plugged in at 17:00: the four hours are over at 21:00, billing waits until 08:00.
    found = assess(LADEVERBUND, plugged_in(16 * 60 + 30, begin="2026-06-15 15:00"))
    assert found.amount_minor == 90 * 5
    # Plugged in at 06:00: two of the four hours passed before 08:00.
    assert assess(LADEVERBUND, plugged_in(300, begin="2026-06-15 04:00")).amount_minor == 60 * 5


BERLIN_NIGHT = replace(ENBW, allowance_s=0, rate_per_min=Decimal("0.01"), cap_per_session=None)


@pytest.mark.parametrize(
    ("begin", "hours", "window", "billed_min"),
    [
        ("2026-10-24 22:00", 6, (time(2), time(3)), 240),  # 00:00 to 05:00, the hour from two is shown twice
        ("2026-10-24 22:00", 6, (time(2, 30), time(3)), 300),  # its second half also
        ("2026-03-28 23:00", 4, (time(2), time(3)), 240),  # 00:00 to 05:00, the hour from two does not exist
        ("2026-03-28 23:00", 4, (time(1, 30), time(3, 30)), 180),  # half an hour on either side of the gap
        ("2026-03-28 21:00", 8, (time(22), time(6)), 60),  # 22:00 to 07:00: a night of 7 h
        ("2026-10-24 20:00", 10, (time(22), time(6)), 60),  # 22:00 to 07:00: a night of 9 h
        ("2026-10-24 22:00", 25, (time(0), time(0)), 0),  # the whole day of 25 h
    ],
)
def test_exempt_hours_follow_the_clock_on_the_wall(
    begin: str, hours: int, window: tuple[time, time], billed_min: int
) -> None:
    policy = replace(BERLIN_NIGHT, exempt=(LocalWindow(*window),))
    found = assess(policy, plugged_in(hours * 60, begin=begin))
    assert (found.billable_s, found.amount_minor) == (billed_min * 60, billed_min)


def test_a_window_past_midnight_belongs_to_the_day_on_which_it_starts() -> None:
    friday_night = LocalWindow(time(22), time(6), frozenset({Weekday.FRI}))
    policy = replace(BERLIN_NIGHT, exempt=(friday_night,))
    # 2026-06-19 is a Friday; Thursday night is billed, Friday night is not.
    assert assess(policy, plugged_in(8 * 60, begin="2026-06-18 20:00")).amount_minor == 480
    assert assess(policy, plugged_in(8 * 60, begin="2026-06-19 20:00")).amount_minor == 0


def test_a_week_that_is_exempt_throughout_foretells_nothing() -> None:
    policy = replace(BERLIN_NIGHT, exempt=(LocalWindow(time(0), time(0)),))
    found = assess(policy, plugged_in(60))
    assert (found.starts_billing_at, found.next_change_at) == (None, None)


def test_overlapping_windows_are_exempt_once() -> None:
    policy = replace(BERLIN_NIGHT, exempt=(LocalWindow(time(10), time(12)), LocalWindow(time(11), time(13))))
    found = assess(policy, plugged_in(5 * 60, begin="2026-06-15 07:00"))
    assert [(line.reason, line.seconds // 60) for line in found.breakdown] == [
        ("BILLED", 60),
        ("EXEMPT", 180),
        ("BILLED", 60),
    ]
