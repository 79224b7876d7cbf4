"""Values that are made of others: sums, differences, products, and counters that start anew with each session."""

from collections.abc import Iterable, Sequence

import pytest

from baywarden_drivers import PointValue, Quality
from baywarden_drivers.profile import Derived
from baywarden_drivers.values.derive import Accumulator, derived_by

MINUTE_MS = 60_000


def at(number: int | None, read_mono_ms: int = 0) -> PointValue:
    """A reading, or none with its reason."""
    if number is None:
        return PointValue(None, Quality.NOT_AVAILABLE, read_mono_ms, "the device has no value")
    return PointValue(number, Quality.GOOD, read_mono_ms)


def test_a_difference_is_as_old_as_its_oldest_part() -> None:
    net = derived_by(Derived(name="power", sum_of=("power_import", "power_extra"), minus=("power_export",)))
    values = {"power_import": at(500, 90), "power_extra": at(20, 70), "power_export": at(120, 80)}
    assert net(values) == at(400, 70)


def test_a_product_needs_all_its_factors() -> None:
    power = derived_by(Derived(name="power", product_of=("voltage_dc", "current_dc")))
    assert power({"voltage_dc": at(400, 5), "current_dc": at(100, 4)}) == at(40_000, 4)
    less = power({"voltage_dc": at(400, 5), "current_dc": at(None, 4)})
    assert (less.value, less.quality) == (None, Quality.NOT_AVAILABLE)
    assert "current_dc" in less.reason
    assert power({"voltage_dc": at(400, 5)}).quality is Quality.MISSING


def added_up(readings: Iterable[int | None], every_ms: int = 1000) -> list[object]:
    """The totals after each reading."""
    counter = Accumulator("energy_session")
    return [
        counter.added_up({"energy_session": at(number, place * every_ms)}).value
        for place, number in enumerate(readings)
    ]


@pytest.mark.parametrize(
    ("readings", "totals"),
    [
        ([500, 510, 530], [0, 10, 30]),
        ([500, 0, 10, 40], [0, 0, 10, 40]),
        ([500, 3, 10], [0, 3, 10]),
        ([500, None, 520], [0, None, 20]),
        ([500, 499, 510], [0, 0, 10]),
        ([0, 20, 0, 15, 25], [0, 20, 20, 35, 45]),
    ],
)
def test_rises_are_added_up_over_sessions(
    readings: Sequence[int | None], totals: Sequence[int | None]
) -> None:
    assert added_up(readings) == totals


def test_a_zero_for_a_moment_is_no_new_session() -> None:
    assert added_up([5000, 5010, 0, 0, 5012]) == [0, 10, 10, 10, 12]


def test_a_session_as_large_as_the_one_before_is_counted_whole() -> None:
    hourly = 60 * MINUTE_MS
    assert added_up([0, 5000, 0, 5000], hourly) == [0, 5000, 5000, 10_000]
    assert added_up([0, 300, 0, *range(1, 301)])[-1] == 600


def test_a_total_never_falls() -> None:
    totals = [one for one in added_up([100, 7, 300, 299, 0, 0, 4, 301, 12, 290]) if isinstance(one, int)]
    assert totals == sorted(totals)
