"""Versions and conditions, of which the status rules are made."""

from decimal import Decimal

import pytest

from baywarden_drivers.profile.conduct import Condition
from baywarden_drivers.values.status import asker
from baywarden_drivers.values.value import Value
from support.charger_words import told_of


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
    values = {"firmware": told_of(told)}
    assert below(values) is is_below
    assert at_least(values) is (None if is_below is None else not is_below)


def test_conditions_hold_together_or_not_at_all() -> None:
    both = asker(
        [Condition(point="limit", at_least=Decimal("0.1")), Condition(point="limit", below=Decimal(6))]
    )
    assert [both({"limit": told_of(amps)}) for amps in (0, Decimal("0.1"), 6, None)] == [
        False,
        True,
        False,
        None,
    ]
    assert both({}) is None
    assert asker([])({}) is True


def test_what_is_false_is_false_whatever_else_is_unknown() -> None:
    both = asker([Condition(point="unknown", equals=Decimal(1)), Condition(point="known", equals=Decimal(1))])
    assert both({"known": told_of(2)}) is False
    assert both({"known": told_of(1)}) is None
