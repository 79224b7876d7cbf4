"""Prose output is aligned and plain; the unknown is a dash."""

from typing import Any

import pytest

from baywarden_config.layout import age, money, phases, said, table, token


def test_columns_are_aligned_and_numbers_to_the_right() -> None:
    lines = table(["NAME", "W"], [["a", "5"], ["bbbbbb", "1000"], ["c", "-"]])
    assert lines == ["NAME       W", "a          5", "bbbbbb  1000", "c          -"]


def test_a_column_of_nothing_known_is_aligned_as_text() -> None:
    assert table(["NAME", "W"], [["a", "-"]]) == ["NAME  W", "a     -"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        ("", "-"),
        (0, "0"),
        (0.0, "0"),
        (13.8, "13.8"),
        (False, "no"),
        ("x", "x"),
        (1e6, "1000000"),
    ],
)
def test_zero_is_a_value_and_unknown_is_none(value: Any, text: str) -> None:
    assert said(value) == text


def test_an_unknown_phase_is_a_dash_among_the_others() -> None:
    assert phases([8.1, None, 0]) == "8.1/-/0"
    assert phases([None, None, None]) == "-"
    assert phases(None) == "-"


@pytest.mark.parametrize(
    ("minor", "digits", "text"),
    [(5, 2, "0.05 X"), (120, 0, "120 X"), (1, 3, "0.001 X"), (10**9, 2, "10000000.00 X")],
)
def test_money_has_the_digits_of_its_currency(minor: int, digits: int, text: str) -> None:
    assert money({"amount_minor": minor, "minor_digits": digits, "currency": "X"}) == text


def test_an_unknown_amount_is_not_zero() -> None:
    assert money({"amount_minor": None, "currency": "EUR"}) == "-"


def test_only_the_end_of_a_token_is_shown() -> None:
    assert token("DEADBEEF01") == "..EF01"
    assert token(None) == "-"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.42, "0.4 s"), (59, "59 s"), (75, "1 min 15 s"), (7260, "2 h 1 min"), (None, "-")]
)
def test_an_age_is_told_in_two_units(seconds: Any, text: str) -> None:
    assert age(seconds) == text
