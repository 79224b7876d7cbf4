"""How soon and how often a limit changes: cuts at once, raises with care, and no car switched about."""

import pytest

from baywarden.model.site import Circuit
from support.power_yard import Yard, outlet, site

YARD = Circuit("yard", 32_000)
METERED = Circuit("yard", 32_000, meter_id="m1")


def test_a_cut_comes_at_once_and_a_raise_ten_seconds_after_it() -> None:
    yard = Yard(site([METERED], [outlet("a")]), {"yard": 5_000})
    yard.plug_in("a")
    yard.cycles(3)
    assert yard.limits_ma() == {"a": 16_000}
    yard.loads_ma["yard"] = 24_000
    yard.cycles(1)
    assert yard.limits_ma() == {"a": 8_000}
    yard.loads_ma["yard"] = 5_000
    yard.cycles(9)
    assert yard.allocations["a"].why == "8 A: may have 16 A, in 1 s"
    yard.cycles(1)
    assert yard.limits_ma() == {"a": 16_000}


def test_a_paused_car_is_not_switched_on_again_before_a_minute() -> None:
    yard = Yard(site([METERED], [outlet("a")]), {"yard": 5_000})
    yard.plug_in("a")
    yard.cycles(3)
    yard.loads_ma["yard"] = 28_000
    yard.cycles(1)
    assert yard.allocations["a"].why == "0 A: circuit yard L1 has no 6 A left beside 28 A of other load"
    yard.loads_ma["yard"] = 5_000
    yard.cycles(59)
    assert yard.limits_ma() == {"a": 0}
    yard.cycles(1)
    assert yard.limits_ma() == {"a": 16_000}


@pytest.mark.parametrize(("booked_w", "pause_s"), [(None, 300), (0, 60)])
def test_a_car_that_is_paused_again_soon_rests_for_five_minutes_unless_it_is_booked(
    booked_w: int | None, pause_s: int
) -> None:
    yard = Yard(site([METERED], [outlet("a")]), {"yard": 5_000})
    yard.plug_in("a", booked_w=booked_w)
    for load_ma, seconds in ((5_000, 3), (28_000, 1), (5_000, 60), (28_000, 1)):
        yard.loads_ma["yard"] = load_ma
        yard.cycles(seconds)
    yard.loads_ma["yard"] = 5_000
    yard.cycles(pause_s - 1)
    assert yard.limits_ma() == {"a": 0}
    yard.cycles(1)
    assert yard.limits_ma() == {"a": 16_000}


def test_a_restless_load_does_not_switch_a_car_more_than_twelve_times_an_hour() -> None:
    yard = Yard(site([METERED], [outlet(name) for name in "abc"]), {"yard": 10_000})
    for name in "abc":
        yard.plug_in(name)
        yard.cycles(1)
    was_on, switched_off = False, 0
    for second in range(3600):
        yard.loads_ma["yard"] = 16_000 if second // 45 % 2 else 12_000
        is_on = yard.cycles(1)["c"].limit_ma > 0
        switched_off += was_on and not is_on
        was_on = is_on
    assert 2 <= switched_off <= 12


def test_a_flickering_load_does_not_make_the_limits_flicker() -> None:
    yard = Yard(site([METERED], [outlet("a")]), {"yard": 20_000})
    yard.plug_in("a")
    seen = []
    for second in range(120):
        yard.loads_ma["yard"] = 20_000 + (400 if second % 7 < 3 else -400)
        seen.append(yard.cycles(1)["a"].limit_ma)
    assert set(seen[20:]) == {11_000}


def test_before_anything_is_confirmed_nothing_is_raised() -> None:
    yard = Yard(site([YARD], [outlet("a")]))
    yard.chargers["a"].real_ma = 9_500
    yard.plug_in("a")
    allocation = yard.cycles(1)["a"]
    assert allocation.why == "9 A: may have 16 A, when 9 A is read back"
    assert yard.cycles(11)["a"].limit_ma == 16_000
