"""Several derived points of one name: the first that has a value, and never one from further down again."""

from baywarden_drivers import PointValue, Quality
from baywarden_drivers.profile import Derived
from baywarden_drivers.values.derive import makers

WAYS = (
    Derived(name="energy_total", sum_of=("fine",), unit="Wh"),
    Derived(name="energy_total", sum_of=("coarse",), unit="Wh"),
)


def values(**numbers: int | None) -> dict[str, PointValue]:
    """Readings; None is one that is missing."""
    return {
        name: PointValue(number, Quality.MISSING if number is None else Quality.GOOD, 7)
        for name, number in numbers.items()
    }


def test_the_first_way_that_has_a_value_counts() -> None:
    [(name, make)] = makers(WAYS)
    assert name == "energy_total"
    assert make(values(fine=None, coarse=None)).value is None
    assert make(values(fine=None, coarse=5000)).value == 5000
    assert make(values(fine=5040, coarse=5000)).value == 5040


def test_a_gap_does_not_fall_back_to_another_counter() -> None:
    [(_, make)] = makers(WAYS)
    assert make(values(fine=5040, coarse=900)).value == 5040
    gap = make(values(fine=None, coarse=900))
    assert gap.value is None
    assert gap.quality is Quality.MISSING
    assert make(values(fine=5050, coarse=900)).value == 5050
