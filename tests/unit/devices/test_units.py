"""Registers become whole SI units; what is unknown stays unknown."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import pytest

from baywarden.devices.contact import contact_of
from baywarden.devices.units import MILLI, code, phases_ma, power_w, text, whole
from baywarden.model.reading import Contact
from baywarden_drivers import (
    DeviceError,
    Garbled,
    LinkDown,
    NoAnswer,
    NotApplied,
    PointValue,
    Quality,
    Refused,
    load_profile,
)
from baywarden_drivers.values.value import Value

BOX: Final = load_profile("keba-p30")


def _good(value: Value) -> PointValue:
    return PointValue(value, Quality.GOOD, 1_000)


def _bad(quality: Quality) -> PointValue:
    return PointValue(None, quality, 1_000, "so it is")


@pytest.mark.parametrize(
    ("value", "scale", "expected"),
    [
        (Decimal("15.9"), MILLI, 15_900),
        (Decimal("0.0005"), MILLI, 0),
        (Decimal("0.0015"), MILLI, 2),
        (7_200, Decimal(1), 7_200),
        (Decimal("-966.4"), Decimal(1), -966),
        (0, MILLI, 0),
        (Decimal("123456789012.3"), Decimal(1), 123_456_789_012),
    ],
)
def test_numbers_are_scaled_exactly_and_rounded_to_the_nearest_whole(
    value: Value, scale: Decimal, expected: int
) -> None:
    found = whole({"point": _good(value)}, "point", scale)
    assert found == expected and isinstance(found, int)


@pytest.mark.parametrize("quality", [Quality.NOT_AVAILABLE, Quality.INVALID, Quality.MISSING])
def test_what_is_not_good_is_unknown_and_never_zero(quality: Quality) -> None:
    values = {"power": _bad(quality), "id_tag": _bad(quality), "current_l2": _bad(quality)}
    assert whole(values, "power") is None
    assert text(values, "id_tag") is None
    assert phases_ma(values, BOX) == (None, None, None)
    assert power_w(values) is None


def test_a_point_that_the_profile_does_not_have_is_unknown() -> None:
    assert whole({}, "power") is None
    assert text({}, "id_tag") is None
    assert power_w({}) is None


def test_each_phase_is_known_or_unknown_by_itself() -> None:
    values = {"current_l1": _good(Decimal("6.123")), "current_l3": _good(0)}
    assert phases_ma(values, BOX) == (6_123, None, 0)


def test_a_meter_of_one_phase_tells_only_that_one() -> None:
    values = {"current_l1": _good(Decimal("6.123"))}
    assert phases_ma(values, load_profile("eastron-sdm120")) == (6_123, None, None)


def test_the_sum_of_three_phases_says_nothing_of_a_single_one() -> None:
    assert phases_ma({"current": _good(30)}, BOX) == (None, None, None)


def test_a_dc_charger_loads_its_three_phases_alike() -> None:
    station = load_profile("alpitronic-hypercharger")
    assert phases_ma({"power": _good(69_000), "current_dc": _good(170)}, station) == (100_000,) * 3
    assert phases_ma({"power": _bad(Quality.MISSING)}, station) == (None, None, None)


@pytest.mark.parametrize("name", ["delta-ac-max", "sigenergy-evdc"])
def test_where_nobody_knows_which_phases_carry_the_power_no_phase_is_told(name: str) -> None:
    values = {"power": _good(3_680), "current_dc": _good(10)}
    assert phases_ma(values, load_profile(name)) == (None, None, None), "all 16 A may be on one"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"power": _good(7_200), "power_l1": _good(1)}, 7_200),
        (
            {"power": _bad(Quality.MISSING), "power_l1": _good(1_000), "power_l2": _good(Decimal("1.4"))},
            1_001,
        ),
        ({"power_l1": _good(1_000), "power_l2": _bad(Quality.MISSING)}, None),
        ({"power_import": _good(500), "power_export": _good(1_500)}, -1_000),
        ({"power_import": _good(500)}, None),
        ({"power_dc": _good(47_000)}, 50_000),
    ],
)
def test_power_is_the_devices_own_or_made_of_all_its_parts(
    values: Mapping[str, PointValue], expected: int | None
) -> None:
    assert power_w(values) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0x04A1B2C3, "04A1B2C3"),
        (0, None),
        ("04A1B2C3\0\0", "04A1B2C3"),
        ("   ", None),
        ("", None),
        (" DE-ABC ", "DE-ABC"),
        (bytes.fromhex("04A1B2C3000000000000"), "04A1B2C3"),
        (bytes.fromhex("04A1B2C3D4E500000000"), "04A1B2C3D4E500"),
        (bytes(12), None),
        (b"\x04\xa1\xb2\xc3" + bytes(6), "04A1B2C3"),
        (b"\x04\xa1\xb2\x00" + bytes(6), "04A1B200"),
        (b"\x04\xa1\xb2\xc3\xd4\xe5\xf6" + bytes(3), "04A1B2C3D4E5F6"),
        (bytes(10), None),
    ],
)
def test_a_card_is_text_in_hexadecimal_or_none(value: Value, expected: str | None) -> None:
    assert text({"id_tag": _good(value)}, "id_tag") == expected


@pytest.mark.parametrize(("value", "expected"), [(0, 0), (17, 17), ((0, 0, 5, 7), 5), ((0, 0), 0)])
def test_of_several_fault_codes_the_first_that_is_set_is_told(value: Value, expected: int) -> None:
    assert code({"error_code": _good(value)}, "error_code") == expected


@pytest.mark.parametrize(
    ("error", "contact"),
    [
        (LinkDown("no connection"), Contact.LINK_DOWN),
        (NoAnswer("silence"), Contact.SILENT),
        (Garbled("noise"), Contact.GARBLED),
        (Refused("no", code=2), Contact.REFUSED),
        (NotApplied("another"), Contact.SILENT),
    ],
)
def test_each_error_of_a_wire_has_its_word(error: DeviceError, contact: Contact) -> None:
    assert contact_of(error) is contact
