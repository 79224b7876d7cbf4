"""Registers become whole SI units; what is unknown stays unknown."""

from decimal import Decimal

import pytest

from baywarden.devices.contact import contact_of
from baywarden.devices.units import MILLI, first_whole, phases_ma, text, whole
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
)
from baywarden_drivers.value import Value


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
    assert phases_ma(values) == (None, None, None)


def test_a_point_that_the_profile_does_not_have_is_unknown() -> None:
    assert whole({}, "power") is None
    assert text({}, "id_tag") is None
    assert first_whole({}, ("limit_modbus", "limit_feedback")) is None


def test_the_first_good_number_is_taken_even_if_it_is_zero() -> None:
    values = {"limit_modbus": _good(0), "limit_feedback": _good(16)}
    assert first_whole(values, ("limit_modbus", "limit_feedback"), MILLI) == 0
    values["limit_modbus"] = _bad(Quality.MISSING)
    assert first_whole(values, ("limit_modbus", "limit_feedback"), MILLI) == 16_000


def test_each_phase_is_known_or_unknown_by_itself() -> None:
    values = {"current_l1": _good(Decimal("6.123")), "current_l3": _good(0)}
    assert phases_ma(values) == (6_123, None, 0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0x04A1B2C3, "04A1B2C3"),
        (0, None),
        ("04A1B2C3\0\0", "04A1B2C3"),
        ("   ", None),
        ("", None),
        (" DE-ABC ", "DE-ABC"),
    ],
)
def test_a_card_is_text_in_hexadecimal_or_none(value: Value, expected: str | None) -> None:
    assert text({"id_tag": _good(value)}, "id_tag") == expected


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
