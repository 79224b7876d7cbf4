"""The status rules of every charger, by its registers."""

from decimal import Decimal

import pytest

from baywarden_drivers import PointValue, Quality, load_profile, profile_names
from baywarden_drivers.profile.conduct import Condition
from baywarden_drivers.values.status import asker, judge_of
from baywarden_drivers.values.value import Value

CHARGERS = [name for name in profile_names() if load_profile(name).kind == "charger"]


def judged(name: str, **values: Value | None) -> tuple[str | None, str | None]:
    """Letter and state; a value of None is one that could not be read, and so are those not given."""
    status = load_profile(name).status
    assert status is not None
    points = {
        point: PointValue(value, Quality.MISSING if value is None else Quality.GOOD, 0)
        for point, value in values.items()
    }
    found = judge_of(status)(points)
    assert (found.iec is None or found.state is None) == bool(found.detail)
    return found.iec, found.state


CASES: list[tuple[str, dict[str, Value | None], tuple[str | None, str | None]]] = [
    ("keba-p30", {"status": 0, "cable_state": 7}, ("A", "unavailable")),
    ("keba-p30", {"status": 4, "cable_state": 1}, ("F", "faulted")),
    ("keba-p30", {"status": 2, "cable_state": 3}, ("A", "available")),
    ("keba-p30", {"status": 3, "cable_state": 7}, ("C", "charging")),
    ("keba-p30", {"status": 2, "cable_state": 5}, ("B", "suspended_ev")),
    ("keba-p30", {"status": 5, "cable_state": 7}, ("B", "suspended_evse")),
    ("keba-p30", {"status": 1, "cable_state": 7, "limit_feedback": Decimal(0)}, ("B", "suspended_evse")),
    ("keba-p30", {"status": 1, "cable_state": 7, "limit_feedback": Decimal(16)}, ("B", "preparing")),
    ("keba-p30", {"status": 1, "cable_state": 7, "limit_feedback": None}, ("B", None)),
    ("keba-p30", {"status": 2, "cable_state": None}, (None, None)),
    ("keba-p30", {"status": None, "cable_state": 1}, (None, None)),
    ("phoenix-charx-sec", {"status": "A1", "enabled": 1}, ("A", "available")),
    ("phoenix-charx-sec", {"status": "B1", "enabled": 1}, ("B", "preparing")),
    ("phoenix-charx-sec", {"status": "B1", "enabled": 0}, ("B", "suspended_evse")),
    ("phoenix-charx-sec", {"status": "C1", "enabled": 1}, ("B", "suspended_evse")),
    ("phoenix-charx-sec", {"status": "C2", "enabled": 1}, ("C", "charging")),
    ("phoenix-charx-sec", {"status": "F0", "enabled": 1}, ("F", "unavailable")),
    ("phoenix-charx-sec", {"status": "Z9", "enabled": 1}, (None, None)),
    ("alfen-eve", {"status": "B1", "limit_modbus": Decimal(16)}, ("B", "preparing")),
    ("alfen-eve", {"status": "B2", "limit_modbus": Decimal(16)}, ("B", "suspended_ev")),
    ("alfen-eve", {"status": "B2", "limit_modbus": Decimal(0)}, ("B", "suspended_evse")),
    ("alfen-eve", {"status": "C2", "limit_modbus": Decimal(0)}, ("C", "charging")),
    ("alfen-eve", {"status": "A", "availability": 0}, ("A", "unavailable")),
    ("alfen-eve", {"status": "A", "availability": 1}, ("A", "available")),
    ("alfen-eve", {"status": "E", "availability": 1}, ("E", "unavailable")),
    ("heidelberg-energy-control", {"status": 4}, ("B", "preparing")),
    ("heidelberg-energy-control", {"status": 6}, ("B", "suspended_evse")),
    ("heidelberg-energy-control", {"status": 10}, ("F", "unavailable")),
    (
        "heidelberg-energy-control",
        {"status": 8, "current_l1": Decimal(9), "current_l2": Decimal(0), "current_l3": Decimal(0)},
        ("C", "charging"),
    ),
    (
        "heidelberg-energy-control",
        {"status": 8, "current_l1": Decimal(0), "current_l2": Decimal(0), "current_l3": Decimal(0)},
        ("C", "suspended_evse"),
    ),
    ("bender-cc612", {"status": 1}, ("A", "available")),
    ("bender-cc612", {"status": 3}, ("C", "charging")),
    ("bender-cc612", {"status": 2, "limit_modbus": 16}, ("B", "preparing")),
    ("bender-cc612", {"status": 2, "limit_modbus": 0}, ("B", "suspended_evse")),
    ("bender-cc612", {"status": 2, "ocpp_status": 8, "protocol_version": "0.6"}, ("B", "suspended_ev")),
    ("bender-cc612", {"status": 2, "ocpp_status": 9, "protocol_version": "0.6"}, ("B", "finishing")),
    ("bender-cc612", {"status": 2, "ocpp_status": 5, "protocol_version": "1.5"}, ("B", "suspended_ev")),
    ("bender-cc612", {"status": 1, "ocpp_status": 3, "protocol_version": "1.5"}, ("A", "available")),
    ("bender-cc612", {"status": 1, "ocpp_status": 3, "protocol_version": "0.6"}, ("A", "unavailable")),
    ("bender-cc612", {"status": 1, "availability": 0, "software_version": (5, 22, 0)}, ("A", "unavailable")),
    ("bender-cc612", {"status": 1, "availability": 1, "software_version": (5, 22, 0)}, ("A", "available")),
    ("bender-cc612", {"status": 1, "availability": 0, "software_version": (5, 21, 9)}, ("A", "available")),
    ("bender-cc612", {"status": 1, "availability": 1, "software_version": (5, 21, 9)}, ("A", "unavailable")),
    ("bender-cc612", {"status": 1, "availability": 1}, ("A", "available")),
    ("bender-cc612", {"status": 3, "availability": 0, "software_version": (5, 22, 0)}, ("C", "charging")),
]


@pytest.mark.parametrize(("name", "values", "expected"), CASES)
def test_registers_tell_the_state(
    name: str, values: dict[str, Value | None], expected: tuple[str | None, str | None]
) -> None:
    assert judged(name, **values) == expected


# The raw values that the manuals list.
LISTED: dict[str, list[Value]] = {
    "keba-p30": [0, 1, 2, 3, 4, 5],
    "phoenix-charx-sec": ["A1", "A2", "B1", "B2", "C1", "C2", "D1", "D2", "E0", "F0", "IN"],
    "alfen-eve": ["A", "B1", "B2", "C1", "C2", "D1", "D2", "E", "F"],
    "bender-cc612": [1, 2, 3, 4, 5],
    "heidelberg-energy-control": [2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
}


@pytest.mark.parametrize("name", LISTED)
def test_every_listed_raw_value_has_a_letter_and_a_state(name: str) -> None:
    others: dict[str, Value | None] = {
        "cable_state": 7,
        "limit_feedback": Decimal(16),
        "limit_modbus": 16,
        "enabled": 1,
        "availability": 1,
        **{f"current_l{phase}": Decimal(10) for phase in (1, 2, 3)},
    }
    status = load_profile(name).status
    assert status is not None
    assert {str(raw) for raw in LISTED[name]} == set(status.iec) == set(status.state)
    for raw in LISTED[name]:
        iec, state = judged(name, **{**others, "status": raw})
        assert iec is not None
        assert state is not None


@pytest.mark.parametrize("name", CHARGERS)
def test_without_the_status_register_nothing_is_known(name: str) -> None:
    iec, _ = judged(name, status=None)
    assert iec is None


# Versions, and conditions by themselves.


def _value(value: Value | None) -> PointValue:
    return PointValue(value, Quality.MISSING if value is None else Quality.GOOD, 0)


@pytest.mark.parametrize(
    ("told", "is_below"),
    [
        ("1.2.0", True),
        ("V1.1-rc", True),
        ("1.2.1", False),
        ("1.2.1.0", False),
        ("P30 v 1.10.3 (220101)", False),
        ((1, 2), True),
        ((1, 2, 1), False),
        ("1", True),
        ("no digits", None),
        (None, None),
        (Decimal("1.2"), None),
    ],
)
def test_a_version_is_compared_by_its_numbers(told: Value | None, is_below: bool | None) -> None:
    below = asker([Condition(point="firmware", below=(1, 2, 1))])
    at_least = asker([Condition(point="firmware", at_least=(1, 2, 1))])
    values = {"firmware": _value(told)}
    assert below(values) is is_below
    assert at_least(values) is (None if is_below is None else not is_below)


def test_conditions_hold_together_or_not_at_all() -> None:
    both = asker(
        [Condition(point="limit", at_least=Decimal("0.1")), Condition(point="limit", below=Decimal(6))]
    )
    assert [both({"limit": _value(amps)}) for amps in (0, Decimal("0.1"), 6, None)] == [
        False,
        True,
        False,
        None,
    ]
    assert both({}) is None
    assert asker([])({}) is True


def test_what_is_false_is_false_whatever_else_is_unknown() -> None:
    both = asker([Condition(point="unknown", equals=Decimal(1)), Condition(point="known", equals=Decimal(1))])
    assert both({"known": _value(2)}) is False
    assert both({"known": _value(1)}) is None
