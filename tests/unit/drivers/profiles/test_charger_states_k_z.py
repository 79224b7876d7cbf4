"""The special cases of the chargers from KEBA P40 to Weidmueller: points to letter and state, as documented."""

from decimal import Decimal

import pytest

from baywarden_drivers import load_profile
from baywarden_drivers.values.value import Value
from support.charger_words import Told, judged

RAW: dict[str, dict[Value, Told]] = {
    "keba-p40": {
        0: ("A", "unavailable"),
        1: ("B", "preparing"),
        2: ("B", "suspended_ev"),
        3: ("C", "charging"),
        4: ("F", "faulted"),
        5: ("B", "suspended_evse"),
    },
    "mennekes-amtron-4you": {
        1: ("A", "available"),
        2: ("B", "preparing"),
        3: ("C", "charging"),
        4: ("D", "charging"),
        5: ("E", "faulted"),
    },
    "mennekes-amtron-compact-2": {
        10: ("A", "available"),
        26: ("A", "available"),
        11: ("B", "preparing"),
        27: ("B", "suspended_ev"),
        12: ("B", "suspended_evse"),
        28: ("C", "charging"),
        13: ("B", "suspended_evse"),
        29: ("D", "charging"),
        14: ("E", "faulted"),
        15: ("F", "unavailable"),
    },
    "mennekes-amtron-hcc3": {
        1: ("A", "available"),
        2: ("A", "available"),
        3: ("B", "preparing"),
        4: ("B", "suspended_ev"),
        5: ("B", "suspended_evse"),
        6: ("C", "charging"),
        7: ("B", "suspended_evse"),
        8: ("D", "charging"),
    },
    "peblar": {
        "A": ("A", "available"),
        "B": ("B", "preparing"),
        "C": ("C", "charging"),
        "D": ("D", "charging"),
        "E": ("E", "faulted"),
        "F": ("F", "unavailable"),
        "I": ("F", "unavailable"),
        "U": ("F", "unavailable"),
    },
    "phoenix-em-cp-pp-eth": {
        "A": ("A", "available"),
        "B": ("B", "suspended_ev"),
        "C": ("C", "charging"),
        "D": ("D", "charging"),
        "E": ("E", "faulted"),
        "F": ("F", "unavailable"),
    },
    "phoenix-ev-cc-eth": {
        "A": ("A", "available"),
        "B": ("B", "suspended_ev"),
        "C": ("C", "charging"),
        "D": ("D", "charging"),
        "E": ("E", "faulted"),
        "F": ("F", "unavailable"),
    },
    "schneider-evlink-pro-ac": {
        0: ("A", "unavailable"),
        1: ("A", "unavailable"),
        2: ("A", "available"),
        3: ("B", "preparing"),
        4: ("B", "suspended_evse"),
        5: ("B", "suspended_evse"),
        6: ("A", "available"),
        7: ("B", "suspended_ev"),
        8: ("C", "charging"),
        9: ("D", "charging"),
        10: ("F", "faulted"),
        11: ("F", "faulted"),
    },
    "siemens-versicharge-gen3": {
        "A": ("A", "available"),
        "B": ("B", "preparing"),
        "C": ("C", "charging"),
        "D": ("D", "charging"),
        "E": ("E", "faulted"),
        "F": ("F", "unavailable"),
    },
    "sigenergy-evdc": {
        0: ("A", "available"),
        1: ("B", "preparing"),
        2: ("B", "preparing"),
        3: ("C", "charging"),
        4: ("F", "faulted"),
        5: ("B", "suspended_evse"),
        6: ("B", "finishing"),
        7: ("F", "unavailable"),
        8: ("C", "charging"),
        9: ("F", "faulted"),
        10: ("B", "preparing"),
    },
    "sungrow-ac": {
        1: ("A", "available"),
        2: ("B", "preparing"),
        3: ("C", "charging"),
        4: ("B", "suspended_evse"),
        5: ("B", "suspended_ev"),
        6: ("B", "finishing"),
        7: ("A", "reserved"),
        8: ("F", "unavailable"),
        9: ("F", "faulted"),
    },
    "webasto-next": {
        0: ("A", "available"),
        1: ("B", "preparing"),
        2: ("B", "preparing"),
        3: ("C", "charging"),
        4: ("B", "suspended_ev"),
        7: ("F", "faulted"),
        8: ("A", "reserved"),
    },
    "webasto-unite": {
        0: ("A", "available"),
        1: ("B", "preparing"),
        2: ("C", "charging"),
        3: ("B", "suspended_evse"),
        4: ("B", "suspended_ev"),
        5: ("B", "finishing"),
        6: ("A", "reserved"),
        7: ("F", "unavailable"),
        8: ("F", "faulted"),
    },
    "weidmueller-ac-smart": {
        "A": ("A", "available"),
        "B": ("B", "preparing"),
        "C": ("C", "charging"),
    },
}
"""Every raw value of the status register while nothing else speaks against it."""

USUAL: dict[str, dict[str, Value]] = {
    "keba-p40": {"cable_state": 7, "limit_feedback": Decimal(16)},
    "mennekes-amtron-4you": {"limit_feedback": 16},
    "mennekes-amtron-compact-2": {"evse_state": 3, "release": 1},
    "mennekes-amtron-hcc3": {"evse_state": 3},
    "peblar": {"limit_feedback": Decimal(16)},
    "phoenix-em-cp-pp-eth": {"enabled": 1},
    "phoenix-ev-cc-eth": {"enabled": 1},
    "schneider-evlink-pro-ac": {"ev_present": 1, "ocpp_status": 2},
    "siemens-versicharge-gen3": {"pause_state": 2, "limit_modbus": Decimal(16)},
    "webasto-next": {"max_current_session": 16},
}
"""What the other points of the rules say in everyday use."""

NEW, OLD = {"protocol_version": "1.5"}, {"protocol_version": "0.6"}
CASES: list[tuple[str, dict[str, Value | None], Told]] = [
    # Bit 2 of the cable state is the vehicle; a fixed cable shows 3 or 7.
    ("keba-p40", {"status": 2, "cable_state": 0}, ("A", "available")),
    ("keba-p40", {"status": 5, "cable_state": 1}, ("A", "available")),
    ("keba-p40", {"status": 3, "cable_state": 3}, ("A", "available")),
    ("keba-p40", {"status": 2, "cable_state": 5}, ("B", "suspended_ev")),
    ("keba-p40", {"status": 0, "cable_state": 7}, ("A", "unavailable")),
    ("keba-p40", {"status": 4, "cable_state": 0}, ("F", "faulted")),
    ("keba-p40", {"status": 1, "cable_state": 7, "limit_feedback": Decimal(0)}, ("B", "suspended_evse")),
    ("keba-p40", {"status": 1, "cable_state": 7, "limit_feedback": None}, ("B", None)),
    ("keba-p40", {"status": 2, "cable_state": None}, (None, None)),
    # The OCPP state is finer, and is numbered by the version of the protocol.
    ("mennekes-amtron-4you", {"status": 2, "ocpp_status": 4, **NEW}, ("B", "suspended_evse")),
    ("mennekes-amtron-4you", {"status": 2, "ocpp_status": 5, **NEW}, ("B", "suspended_ev")),
    ("mennekes-amtron-4you", {"status": 2, "ocpp_status": 6, **NEW}, ("B", "finishing")),
    ("mennekes-amtron-4you", {"status": 1, "ocpp_status": 7, **NEW}, ("A", "reserved")),
    ("mennekes-amtron-4you", {"status": 1, "ocpp_status": 8, **NEW}, ("A", "unavailable")),
    ("mennekes-amtron-4you", {"status": 1, "ocpp_status": 9, **NEW}, ("A", "faulted")),
    ("mennekes-amtron-4you", {"status": 1, "ocpp_status": 1, **NEW}, ("A", "available")),
    ("mennekes-amtron-4you", {"status": 3, "ocpp_status": 3, **NEW}, ("C", "charging")),
    (
        "mennekes-amtron-4you",
        {"status": 2, "ocpp_status": 4, "protocol_version": "1.6"},
        ("B", "suspended_evse"),
    ),
    ("mennekes-amtron-4you", {"status": 2, "ocpp_status": 8, **OLD}, ("B", "suspended_ev")),
    ("mennekes-amtron-4you", {"status": 1, "ocpp_status": 3, **OLD}, ("A", "unavailable")),
    # Below 6 A it is the charger that waits, unless no transaction has begun.
    ("mennekes-amtron-4you", {"status": 2, "limit_feedback": 0}, ("B", "suspended_evse")),
    ("mennekes-amtron-4you", {"status": 2, "limit_feedback": 0, "ocpp_status": 2, **NEW}, ("B", "preparing")),
    ("mennekes-amtron-4you", {"status": 3, "limit_feedback": 0}, ("C", "charging")),
    ("mennekes-amtron-4you", {"status": 2, "limit_feedback": None}, ("B", "preparing")),
    # Firmware 5.22 turned the availability round.
    (
        "mennekes-amtron-4you",
        {"status": 1, "availability": 0, "software_version": (5, 22, 0)},
        ("A", "unavailable"),
    ),
    (
        "mennekes-amtron-4you",
        {"status": 1, "availability": 1, "software_version": (5, 22, 0)},
        ("A", "available"),
    ),
    (
        "mennekes-amtron-4you",
        {"status": 1, "availability": 1, "software_version": (5, 21, 9)},
        ("A", "unavailable"),
    ),
    (
        "mennekes-amtron-4you",
        {"status": 3, "availability": 0, "software_version": (5, 22, 0)},
        ("C", "charging"),
    ),
    ("mennekes-amtron-compact-2", {"status": 27, "evse_state": 4, "release": 0}, ("B", "suspended_evse")),
    ("mennekes-amtron-compact-2", {"status": 11, "evse_state": 2, "release": 0}, ("B", "suspended_evse")),
    ("mennekes-amtron-compact-2", {"status": 10, "evse_state": 1, "release": 0}, ("A", "available")),
    ("mennekes-amtron-compact-2", {"status": 28, "evse_state": 5, "release": 0}, ("C", "charging")),
    ("mennekes-amtron-compact-2", {"status": 11, "evse_state": 6, "release": 1}, ("B", "faulted")),
    ("mennekes-amtron-compact-2", {"status": 10, "evse_state": 0, "release": 1}, ("A", "unavailable")),
    ("mennekes-amtron-compact-2", {"status": 10, "evse_state": 7, "release": 1}, ("A", "unavailable")),
    ("mennekes-amtron-compact-2", {"status": 27, "evse_state": 4, "release": None}, ("B", None)),
    ("mennekes-amtron-hcc3", {"status": 4, "evse_state": 4}, ("B", "suspended_evse")),
    ("mennekes-amtron-hcc3", {"status": 4, "evse_state": 5}, ("B", "finishing")),
    ("mennekes-amtron-hcc3", {"status": 6, "evse_state": 4}, ("C", "charging")),
    ("mennekes-amtron-hcc3", {"status": 4, "evse_state": 6}, ("B", "faulted")),
    ("mennekes-amtron-hcc3", {"status": 1, "evse_state": 5}, ("A", "available")),
    ("mennekes-amtron-hcc3", {"status": 1, "evse_state": 6}, ("A", "faulted")),
    ("peblar", {"status": "B", "limit_feedback": Decimal(0)}, ("B", "suspended_evse")),
    ("peblar", {"status": "A", "limit_feedback": Decimal(0)}, ("A", "available")),
    ("peblar", {"status": "B", "limit_feedback": None}, ("B", None)),
    ("phoenix-em-cp-pp-eth", {"status": "B", "enabled": 0}, ("B", "suspended_evse")),
    ("phoenix-em-cp-pp-eth", {"status": "C", "enabled": 0}, ("C", "charging")),
    ("phoenix-em-cp-pp-eth", {"status": "A", "enabled": None}, ("A", "available")),
    ("phoenix-em-cp-pp-eth", {"status": "B", "enabled": None}, ("B", None)),
    ("phoenix-ev-cc-eth", {"status": "B", "enabled": 0}, ("B", "suspended_evse")),
    ("phoenix-ev-cc-eth", {"status": "A", "enabled": 0}, ("A", "available")),
    # At the end of a transaction the OCPP state is the better one.
    ("schneider-evlink-pro-ac", {"status": 6, "ocpp_status": 6, "ev_present": 1}, ("B", "finishing")),
    ("schneider-evlink-pro-ac", {"status": 4, "ocpp_status": 6, "ev_present": 1}, ("B", "finishing")),
    ("schneider-evlink-pro-ac", {"status": 6, "ocpp_status": 6, "ev_present": 0}, ("A", "available")),
    ("schneider-evlink-pro-ac", {"status": 2, "ocpp_status": 7, "ev_present": 0}, ("A", "reserved")),
    ("schneider-evlink-pro-ac", {"status": 8, "ocpp_status": None, "ev_present": None}, ("C", "charging")),
    (
        "siemens-versicharge-gen3",
        {"status": "B", "pause_state": 1, "limit_modbus": Decimal(16)},
        ("B", "suspended_evse"),
    ),
    (
        "siemens-versicharge-gen3",
        {"status": "B", "pause_state": 2, "limit_modbus": Decimal(0)},
        ("B", "suspended_evse"),
    ),
    (
        "siemens-versicharge-gen3",
        {"status": "C", "pause_state": 1, "limit_modbus": Decimal(0)},
        ("C", "charging"),
    ),
    ("siemens-versicharge-gen3", {"status": "B"}, ("B", "preparing")),
    ("webasto-next", {"status": 4, "max_current_session": 5}, ("B", "suspended_evse")),
    ("webasto-next", {"status": 4, "max_current_session": 6}, ("B", "suspended_ev")),
    ("webasto-next", {"status": 3, "max_current_session": 0}, ("C", "charging")),
    ("webasto-next", {"status": 4, "max_current_session": None}, ("B", "suspended_ev")),
]


@pytest.mark.parametrize(
    ("name", "raw", "expected"),
    [(name, raw, expected) for name, table in RAW.items() for raw, expected in table.items()],
)
def test_every_raw_value_tells_a_letter_and_a_state(name: str, raw: Value, expected: Told) -> None:
    assert judged(name, {**USUAL.get(name, {}), "status": raw}) == expected


@pytest.mark.parametrize("name", RAW)
def test_no_raw_value_is_left_out_and_none_is_made_up(name: str) -> None:
    status = load_profile(name).status
    assert status is not None
    assert set(status.iec) == set(status.state) == {str(raw) for raw in RAW[name]}


@pytest.mark.parametrize(("name", "values", "expected"), CASES)
def test_further_points_decide_where_the_status_alone_does_not(
    name: str, values: dict[str, Value | None], expected: Told
) -> None:
    assert judged(name, values) == expected


@pytest.mark.parametrize("name", RAW)
def test_a_raw_value_that_nobody_documents_is_unknown(name: str) -> None:
    assert judged(name, {**USUAL.get(name, {}), "status": "Z"}) == (None, None)
    assert judged(name, {**USUAL.get(name, {}), "status": None}) == (None, None)


@pytest.mark.parametrize("name", RAW)
def test_every_point_that_a_rule_asks_is_read_with_each_poll_or_once(name: str) -> None:
    profile = load_profile(name)
    assert profile.status is not None
    asked = {condition.point for rule in profile.status.rule for condition in rule.when}
    asked |= {rule.by for rule in profile.status.rule if rule.by} | {profile.status.source}
    assert {profile.readable[point].poll for point in asked} <= {"hot", "once"}
