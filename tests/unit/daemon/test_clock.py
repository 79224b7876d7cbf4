"""The real clocks say how far they may be believed; the sped-up one runs from a stated origin."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from baywarden.daemon.clock import SystemClock, boottime_ms, scaled_clock
from baywarden.model.time import ClockQuality

ORIGIN = datetime(2026, 6, 15, 9, tzinfo=UTC)


def test_a_wall_clock_below_the_floor_is_not_trusted_and_never_shown() -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    clock = SystemClock(always_trusted=True, floor_at=tomorrow)
    now = clock.now()
    assert now.quality is ClockQuality.UNKNOWN and now.at == tomorrow


def test_a_clock_kept_by_other_means_is_trusted() -> None:
    assert SystemClock(always_trusted=True, floor_at=ORIGIN).now().trusted


def test_a_moment_that_was_remembered_is_a_floor_only_until_the_clock_is_synchronised(tmp_path: Path) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    mark = tmp_path / "synchronized"
    mark.touch()
    poor, good = SystemClock(marks=[tmp_path / "none"]), SystemClock(marks=[mark])
    for clock in (poor, good):
        clock.remember(tomorrow)
    assert (poor.now().at, poor.now().trusted) == (tomorrow, False)
    assert good.now().at < tomorrow and good.now().trusted


async def test_sleeping_ends_when_boottime_shows_it() -> None:
    clock = SystemClock(always_trusted=True)
    due_ms = boottime_ms() + 30
    await clock.sleep_until(due_ms)
    assert boottime_ms() >= due_ms


def test_a_sped_up_clock_keeps_both_clocks_in_step() -> None:
    origin_ms = boottime_ms() - 10_000
    now = scaled_clock(f"rate=60,start=2026-06-15T09:00:00Z,origin_ms={origin_ms}").now()
    assert now.at - ORIGIN >= timedelta(minutes=10)
    assert (now.at - ORIGIN) // timedelta(milliseconds=1) == now.mono_ms - origin_ms


@pytest.mark.parametrize(
    ("spec", "hint"),
    [
        ("rate=2", "lacks"),
        ("rate=2,start=2026-06-15T09:00:00,origin_ms=1", "zone"),
        ("rate=x,start=2026-06-15T09:00:00Z,origin_ms=1", "float"),
    ],
)
def test_a_wrong_clock_spec_says_what_is_wrong(spec: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        scaled_clock(spec)
