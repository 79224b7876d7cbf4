"""Figures as people write them."""

import re

import pytest

from baywarden_drivers.simulator.quantities import any_figure, key_of, seconds, understood

KEYS = (
    "battery_wh",
    "max_current_a",
    "min_current_a",
    "for_s",
    "at_s",
    "leave_at_s",
    "dc_power_w",
    "soc",
    "base_a",
    "name",
)


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ({"battery": "60kWh"}, {"battery_wh": 60_000}),
        ({"battery_wh": "60kWh"}, {"battery_wh": 60_000}),
        ({"battery_wh": 60_000}, {"battery_wh": 60_000}),
        ({"max_current": "16A"}, {"max_current_a": 16}),
        ({"max-current": "16000 mA"}, {"max_current_a": 16}),
        ({"current": "10"}, {"max_current_a": 10}),
        ({"for": "2min"}, {"for_s": 120}),
        ({"at": "00:05:00"}, {"at_s": 300}),
        ({"leave": "1.5h"}, {"leave_at_s": 5_400}),
        ({"dc_power": "150kW"}, {"dc_power_w": 150_000}),
        ({"soc": "40%"}, {"soc": 0.4}),
        ({"soc": "0.4"}, {"soc": 0.4}),
        ({"base": "5A,6A,4A"}, {"base_a": (5, 6, 4)}),
        ({"name": "60kWh"}, {"name": "60kWh"}),
        ({"batery": "60kWh"}, {"batery": "60kWh"}),
    ],
)
def test_keys_and_figures_are_brought_to_their_own_units(
    given: dict[str, object], plain: dict[str, object]
) -> None:
    assert understood(given, KEYS) == plain


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"battery": "60kW"}, "'60kW' is no figure in Wh, kWh, MWh"),
        ({"max_current": "much"}, "'much' is no figure in A, mA"),
        ({"for": "2 weeks"}, "'2 weeks' is no time; write 90s, 5min, 1h or 00:05:00"),
        ({"battery": "1kWh", "battery_wh": 1}, "battery_wh is given twice"),
    ],
)
def test_what_cannot_be_meant_is_told_with_what_can(given: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        understood(given, KEYS)


@pytest.mark.parametrize(
    ("text", "plain"), [("90", 90), ("90s", 90), ("5:30", 330), ("01:00:01.5", 3_601.5), ("2d", 172_800)]
)
def test_times(text: str, plain: float) -> None:
    assert seconds(text) == plain


@pytest.mark.parametrize(
    ("text", "plain"), [("99kW", 99_000), ("-3A", -3), ("2s", 2), ("50.2Hz", 50.2), ("1e3", 1_000)]
)
def test_any_figure_is_in_the_unit_of_registers(text: str, plain: float) -> None:
    assert any_figure(text) == plain


def test_a_key_that_nobody_has_stays_itself() -> None:
    assert key_of("wheels", KEYS) == "wheels"
