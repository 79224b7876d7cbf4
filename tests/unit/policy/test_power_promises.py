"""Power promised to bookings, and the sum of fail-safe currents."""

import math
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from baywarden.model.site import Circuit, EvseRules, SiteRules
from baywarden.policy.power import failsafe_sum_faults, spare_power_w
from support.plain_overstay import utc
from support.power_yard import outlet, site

NOON = utc("2026-06-15 12:00")
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Promised:
    evse_id: str
    start_at: datetime
    end_at: datetime
    power_w: int


RULES = site(
    [Circuit("grid", 40_000, base_load_ma=4_000), Circuit("yard", 32_000, "grid")],
    [outlet("a"), outlet("b"), outlet("c"), outlet("d", "grid", phases=(2,), max_current_ma=32_000)],
)


def spare(evse_id: str, *promised: Promised, begin: datetime = NOON, end: datetime = NOON + HOUR) -> int:
    return spare_power_w(RULES, promised, begin, end, evse_id)


def test_alone_an_outlet_can_promise_all_it_can_give() -> None:
    assert spare("a") == 16 * 230 * 3
    assert spare("d") == 32 * 230


def test_promises_that_overlap_the_window_are_taken_off_on_every_circuit_above() -> None:
    eleven = Promised("b", NOON, NOON + HOUR, 11_040)
    seven = Promised("c", NOON - HOUR, NOON + HOUR / 2, 6_900)
    assert spare("a", eleven) == 16 * 230 * 3
    assert spare("a", eleven, seven) == 6 * 230 * 3
    # 40 A less 4 A of base load, 16 A and 10 A on L2 leave 10 A to the outlet on the grid's own circuit.
    assert spare("d", eleven, seven) == 10 * 230


def test_a_promise_without_power_holds_the_least_current() -> None:
    others = (Promised("b", NOON, NOON + HOUR, 11_040), Promised("c", NOON, NOON + HOUR, 0))
    assert spare("a", *others) == 10 * 230 * 3


def test_promises_one_after_the_other_do_not_add_up() -> None:
    morning = Promised("b", NOON, NOON + HOUR / 2, 11_040)
    later = Promised("b", NOON + HOUR / 2, NOON + HOUR, 11_040)
    assert spare("a", morning, later) == 16 * 230 * 3
    both = Promised("c", NOON + HOUR / 4, NOON + HOUR, 4_140)
    assert spare("a", morning, later, both) == 10 * 230 * 3


@pytest.mark.parametrize("offset", [-HOUR, HOUR])
def test_windows_that_only_touch_do_not_meet(offset: timedelta) -> None:
    others = [Promised(one, NOON + offset, NOON + HOUR + offset, 11_040) for one in ("b", "c")]
    assert spare("a", *others) == 16 * 230 * 3


def test_less_than_the_least_current_is_nothing() -> None:
    big = [Promised("b", NOON, NOON + HOUR, 11_040), Promised("c", NOON, NOON + HOUR, 7_600)]
    assert spare("a", *big) == 0


def test_what_was_found_spare_can_be_promised_and_leaves_the_others_theirs() -> None:
    first = Promised("a", NOON, NOON + HOUR, spare("a"))
    second = Promised("b", NOON, NOON + HOUR, spare("b", first))
    assert (first.power_w, second.power_w) == (11_040, 11_040)
    assert spare("c", first, second) == 0


def test_a_promise_of_an_outlet_that_is_gone_is_not_counted() -> None:
    assert spare("a", Promised("gone", NOON, NOON + HOUR, 11_040)) == 16 * 230 * 3


def failsafes(limit_ma: int, *evses: EvseRules, base_load_ma: int = 0) -> SiteRules:
    return site([Circuit("yard", limit_ma, base_load_ma=base_load_ma)], evses)


def test_fail_safe_currents_that_fit_beside_the_base_load_are_no_fault() -> None:
    assert failsafe_sum_faults(failsafes(17_000, outlet("a"), outlet("b"), base_load_ma=5_000)) == ()


def test_fail_safe_currents_that_overload_a_circuit_are_told_with_their_phase() -> None:
    rules = failsafes(16_999, outlet("a"), outlet("b", phases=(2,)), base_load_ma=5_000)
    (fault,) = failsafe_sum_faults(rules)
    assert (fault.circuit_id, fault.phase) == ("yard", 2)
    assert str(fault) == (
        "circuit yard L2: with the gateway dead its 2 outlets fall back to 12 A in sum, beside 5 A of other load; "
        "its limit is 16.9 A"
    )


def test_base_loads_of_circuits_below_count_above() -> None:
    circuits = [
        Circuit("grid", 20_000, base_load_ma=8_000),
        Circuit("yard", 16_000, "grid", base_load_ma=7_000),
    ]
    (fault,) = failsafe_sum_faults(site(circuits, [outlet("a")]))
    assert (fault.circuit_id, fault.load_ma) == ("grid", 15_000)


def test_a_circuit_without_outlets_is_no_fault() -> None:
    assert failsafe_sum_faults(site([Circuit("shed", 10_000, base_load_ma=12_000)], [])) == ()


def test_the_spare_power_is_what_the_tightest_moment_leaves() -> None:
    """Against a look at every quarter of an hour."""
    chance = random.Random(7)
    for _ in range(60):
        promised = []
        for _ in range(chance.randint(0, 12)):
            begin = NOON + HOUR / 4 * chance.randint(-4, 8)
            end = begin + HOUR / 4 * chance.randint(1, 6)
            promised.append(
                Promised(chance.choice("bcd"), begin, end, chance.choice([0, 4_140, 5_000, 7_360]))
            )
        left_ma = 16_000
        for quarter in range(4):
            at = NOON + HOUR / 4 * quarter
            now = [one for one in promised if one.start_at <= at < one.end_at]
            left_ma = min(left_ma, *(_left_ma(now, phase) for phase in (1, 2, 3)))
        expected = left_ma * 690 // 1000 if left_ma >= 6_000 else 0
        assert spare("a", *promised) == expected


def _left_ma(promised: list[Promised], phase: int) -> int:
    """What the yard (outlets a to c) and the grid above it (and d, on phase 2) have left on one phase."""
    volts = {"b": 690, "c": 690, "d": 230}
    amperes = {
        one: [max(6, math.ceil(p.power_w / volts[one])) for p in promised if p.evse_id == one]
        for one in "bcd"
    }
    on_yard = sum(amperes["b"]) + sum(amperes["c"])
    on_grid = on_yard + (sum(amperes["d"]) if phase == 2 else 0)
    return min(32 - on_yard, 40 - 4 - on_grid) * 1000
