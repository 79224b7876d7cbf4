"""The status rules of the five chargers in which every kind of rule occurs, and what holds for all of them."""

from decimal import Decimal

import pytest

from baywarden_drivers import load_profile, profile_names
from baywarden_drivers.values.value import Value
from support.charger_words import Told, judged, raw_values_of

CHARGERS = [name for name in profile_names() if load_profile(name).kind == "charger"]
CASES: list[tuple[str, dict[str, Value | None], Told]] = [
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
def test_registers_tell_the_state(name: str, values: dict[str, Value | None], expected: Told) -> None:
    assert judged(name, values) == expected


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
    assert {str(raw) for raw in LISTED[name]} == raw_values_of(name)
    for raw in LISTED[name]:
        iec, state = judged(name, {**others, "status": raw})
        assert iec is not None
        assert state is not None


@pytest.mark.parametrize("name", CHARGERS)
def test_without_the_status_register_nothing_is_known(name: str) -> None:
    iec, _ = judged(name, {"status": None})
    assert iec is None
