"""The special cases of the status rules of chargers from ABB to Kathrein, as their sources describe them."""

from decimal import Decimal

import pytest

from baywarden_drivers.values.value import Value
from support.charger_words import Told, judged, raw_values_of

Case = tuple[str, dict[str, Value | None], Told]

NO_FAULT: dict[str, Value | None] = {"error_code": 0}
NO_CURRENT: dict[str, Value | None] = {f"current_l{phase}": Decimal("0.4") for phase in (1, 2, 3)}
ONE_PHASE: dict[str, Value | None] = {**NO_CURRENT, "current_l1": Decimal(9)}
FULL, LEAST, PAUSED = Decimal(16), Decimal(6), Decimal(0)


def terra(status: int | None, **more: Value | None) -> dict[str, Value | None]:
    """Registers of a Terra AC without fault and with a free limit."""
    return {"status": status, "cable_state": 0x0101, "limit_feedback": FULL, **NO_FAULT, **more}


def abl(status: int, limit: Decimal | None = FULL) -> dict[str, Value | None]:
    """The two digits of a controller, and its limit."""
    return {"status": status, "limit_modbus": limit}


def daheim(status: int, power: int = 0, limit: Decimal = FULL, error: int = 0) -> dict[str, Value | None]:
    """Registers of a DaheimLader."""
    return {"status": status, "power": power, "limit_modbus": limit, "error_code": error}


def goe(status: int, force_state: int = 0, allow: int = 1) -> dict[str, Value | None]:
    """A box's state and what may hold it back."""
    return {"status": status, "force_state": force_state, "allow": allow}


CASES: list[Case] = [
    ("abb-terra-ac", terra(0), ("A", "available")),
    ("abb-terra-ac", terra(1), ("B", "preparing")),
    ("abb-terra-ac", terra(2), ("B", "suspended_ev")),
    ("abb-terra-ac", terra(2, limit_feedback=LEAST), ("B", "suspended_ev")),
    ("abb-terra-ac", terra(2, limit_feedback=PAUSED), ("B", "suspended_evse")),
    ("abb-terra-ac", terra(2, limit_feedback=None), ("B", None)),
    ("abb-terra-ac", terra(3), ("B", "suspended_evse")),
    ("abb-terra-ac", terra(4), ("C", "charging")),
    ("abb-terra-ac", terra(5), ("B", "finishing")),
    ("abb-terra-ac", terra(5, cable_state=0x0111), ("B", "finishing")),
    ("abb-terra-ac", terra(5, cable_state=0x0011), ("A", "available")),
    ("abb-terra-ac", terra(5, cable_state=None), (None, None)),
    ("abb-terra-ac", terra(4, error_code=0x0010), ("C", "faulted")),
    ("abb-terra-ac", terra(0, error_code=2), ("A", "faulted")),
    ("abb-terra-ac", terra(None), (None, None)),
    ("abl-em4", abl(0xA1), ("A", "available")),
    ("abl-em4", abl(0xB1), ("B", "preparing")),
    ("abl-em4", abl(0xB1, PAUSED), ("B", "suspended_evse")),
    ("abl-em4", abl(0xB2), ("B", "suspended_ev")),
    ("abl-em4", abl(0xB2, PAUSED), ("B", "suspended_evse")),
    ("abl-em4", abl(0xB2, None), ("B", None)),
    ("abl-em4", abl(0xC1), ("C", "suspended_evse")),
    ("abl-em4", abl(0xC2), ("C", "charging")),
    ("abl-em4", abl(0xC4), ("C", "charging")),
    ("abl-em4", abl(0xD1), ("D", "suspended_evse")),
    ("abl-em4", abl(0xD2), ("D", "charging")),
    ("abl-em4", abl(0xE0), ("E", "unavailable")),
    ("abl-em4", abl(0xE3), ("E", "unavailable")),
    ("abl-em4", abl(0xF1), ("F", "faulted")),
    ("abl-em4", abl(0xFB), ("F", "faulted")),
    ("abl-em4", abl(0x12), (None, None)),
    ("alpitronic-hypercharger", {"status": 1}, ("A", "preparing")),
    ("alpitronic-hypercharger", {"status": 2}, ("B", "preparing")),
    ("alpitronic-hypercharger", {"status": 5}, ("B", "suspended_evse")),
    ("alpitronic-hypercharger", {"status": 7}, ("A", "reserved")),
    ("alpitronic-hypercharger", {"status": 8}, ("F", "unavailable")),
    ("alpitronic-hypercharger", {"status": 10}, ("F", "faulted")),
    ("amperfied-connect", {"status": 4}, ("B", "preparing")),
    ("amperfied-connect", {"status": 5}, ("B", "suspended_ev")),
    ("amperfied-connect", {"status": 6}, ("B", "suspended_evse")),
    ("amperfied-connect", {"status": 8, **ONE_PHASE}, ("C", "charging")),
    ("amperfied-connect", {"status": 8, **NO_CURRENT}, ("C", "suspended_evse")),
    ("amperfied-connect", {"status": 10}, ("F", "unavailable")),
    ("amperfied-connect", {"status": 11}, ("F", "faulted")),
    ("daheimladen", daheim(1), ("A", "available")),
    ("daheimladen", daheim(4, power=3700), ("C", "charging")),
    ("daheimladen", daheim(4, power=0), ("B", "suspended_ev")),
    ("daheimladen", daheim(4, power=0, limit=Decimal("0.1")), ("B", "suspended_evse")),
    ("daheimladen", daheim(4, power=11000, limit=PAUSED), ("C", "charging")),
    ("daheimladen", daheim(2, limit=Decimal("0.1")), ("B", "suspended_evse")),
    ("daheimladen", daheim(2), ("B", "preparing")),
    ("daheimladen", daheim(9), ("A", "unavailable")),
    ("daheimladen", daheim(4, power=3700, error=7), ("C", "faulted")),
    ("delta-ac-max", {"status": 0, "ocpp_status": 8}, ("A", "available")),
    ("delta-ac-max", {"status": 4, "ocpp_status": 4}, ("B", "suspended_evse")),
    ("delta-ac-max", {"status": 7, "ocpp_status": 9}, ("B", "faulted")),
    ("delta-ac-max", {"status": None, "ocpp_status": 0}, ("F", "unavailable")),
    ("delta-ac-max", {"status": None, "ocpp_status": 2}, ("B", "preparing")),
    ("delta-ac-max", {"status": None, "ocpp_status": 4}, ("C", "charging")),
    ("delta-ac-max", {"status": None, "ocpp_status": 6}, ("B", "suspended_ev")),
    ("delta-ac-max", {"status": None, "ocpp_status": 9}, ("F", "faulted")),
    ("delta-ac-max", {"status": None, "ocpp_status": None}, (None, None)),
    ("elli-charger-2", {"status": 6}, ("B", "suspended_evse")),
    ("elli-charger-2", {"status": 8, **ONE_PHASE}, ("C", "charging")),
    ("elli-charger-2", {"status": 8, **NO_CURRENT}, ("C", "suspended_evse")),
    ("elli-charger-2", {"status": 9}, ("E", "faulted")),
    ("em2go", {"status": 3, **NO_FAULT}, ("B", "preparing")),
    ("em2go", {"status": 6, **NO_FAULT}, ("B", "finishing")),
    ("em2go", {"status": 4, "error_code": 3}, ("C", "faulted")),
    ("em2go", {"status": 5, **NO_FAULT}, (None, None)),
    ("enovates-single", {"status": "A2"}, ("A", "available")),
    ("enovates-single", {"status": "B1", "limit_modbus": FULL}, ("B", "preparing")),
    ("enovates-single", {"status": "B2", "limit_modbus": FULL}, ("B", "suspended_ev")),
    ("enovates-single", {"status": "B2", "limit_modbus": PAUSED}, ("B", "suspended_evse")),
    ("enovates-single", {"status": "B2", "limit_modbus": None}, ("B", "suspended_ev")),
    ("enovates-single", {"status": "C1"}, ("B", "suspended_evse")),
    ("enovates-single", {"status": "D2"}, ("D", "charging")),
    ("enovates-single", {"status": "E"}, ("E", "faulted")),
    ("enovates-single", {"status": "F"}, ("F", "unavailable")),
    ("etrel-inch", {"status": 0}, ("A", "unavailable")),
    ("etrel-inch", {"status": 2}, ("A", "available")),
    ("etrel-inch", {"status": 5}, ("B", "suspended_ev")),
    ("etrel-inch", {"status": 9}, ("B", "suspended_evse")),
    ("etrel-inch", {"status": 10}, ("F", "unavailable")),
    ("evse-din", {"status": 1, "limit_modbus": 0}, ("A", "available")),
    ("evse-din", {"status": 3, "limit_modbus": 16}, ("C", "charging")),
    ("evse-din", {"status": 3, "limit_modbus": 0}, ("C", "suspended_evse")),
    ("evse-din", {"status": 2, "limit_modbus": 0}, ("B", "suspended_evse")),
    ("evse-din", {"status": 5, "limit_modbus": 0}, ("F", "faulted")),
    ("go-e-charger", goe(3), ("B", "preparing")),
    ("go-e-charger", goe(3, force_state=1), ("B", "suspended_evse")),
    ("go-e-charger", goe(3, allow=0), ("B", "suspended_evse")),
    ("go-e-charger", goe(4), ("B", "finishing")),
    ("go-e-charger", goe(4, force_state=1), ("B", "suspended_evse")),
    ("go-e-charger", goe(2, force_state=2), ("C", "charging")),
    ("go-e-charger", goe(1, force_state=1), ("A", "available")),
    ("go-e-charger", goe(0), ("F", "faulted")),
    ("kathrein-kwb", {"status": 1, "evse_state": 2}, ("B", "preparing")),
    ("kathrein-kwb", {"status": 1, "evse_state": 5}, ("B", "suspended_evse")),
    ("kathrein-kwb", {"status": 1, "evse_state": 6}, ("B", "finishing")),
    ("kathrein-kwb", {"status": 0, "evse_state": 6}, ("A", "available")),
    ("kathrein-kwb", {"status": 2, "evse_state": 4}, ("C", "charging")),
    ("kathrein-kwb", {"status": 2, "evse_state": 0xFFFF}, ("C", "faulted")),
    ("kathrein-kwb", {"status": 5, "evse_state": 6}, ("F", "unavailable")),
    ("kathrein-kwb", {"status": 2, "evse_state": None}, ("C", None)),
]


@pytest.mark.parametrize(("name", "values", "expected"), CASES)
def test_registers_tell_the_state(name: str, values: dict[str, Value | None], expected: Told) -> None:
    assert judged(name, values) == expected


OTHERS: dict[str, Value | None] = {
    "cable_state": 0x0101,
    "error_code": 0,
    "limit_feedback": FULL,
    "limit_modbus": FULL,
    "power": 3700,
    "ocpp_status": 1,
    "force_state": 0,
    "allow": 1,
    "evse_state": 4,
    **ONE_PHASE,
}
LISTED: dict[str, list[Value]] = {
    "abb-terra-ac": [0, 1, 2, 3, 4, 5],
    "abl-em4": [0xA1, 0xB1, 0xB2, *range(0xC1, 0xC5), *range(0xE0, 0xE4), *range(0xF1, 0xFC)],
    "alpitronic-hypercharger": [*range(12)],
    "amperfied-connect": [*range(2, 12)],
    "daheimladen": [1, 2, 3, 4, 5, 6, 9],
    "delta-ac-max": [*range(8)],
    "elli-charger-2": [*range(2, 12)],
    "em2go": [1, 2, 3, 4, 6],
    "enovates-single": ["A1", "A2", "B1", "B2", "C1", "C2", "D1", "D2", "E", "F"],
    "etrel-inch": [*range(11)],
    "evse-din": [1, 2, 3, 4, 5],
    "go-e-charger": [0, 1, 2, 3, 4],
    "kathrein-kwb": [0, 1, 2, 3, 4, 5],
}
"""The raw values that the sources list."""
SECOND_REGISTER = {"delta-ac-max": {"8", "9"}}
"""Raw values that only another register has, for which the same words serve."""


@pytest.mark.parametrize("name", LISTED)
def test_every_listed_raw_value_has_a_letter_and_a_state(name: str) -> None:
    assert {str(raw) for raw in LISTED[name]} == raw_values_of(name) - SECOND_REGISTER.get(name, set())
    for raw in LISTED[name]:
        iec, state = judged(name, {**OTHERS, "status": raw})
        assert iec is not None, raw
        assert state is not None, raw


def test_the_second_status_register_of_a_delta_is_mapped_in_full() -> None:
    for raw in range(10):
        assert None not in judged("delta-ac-max", {"ocpp_status": raw})
