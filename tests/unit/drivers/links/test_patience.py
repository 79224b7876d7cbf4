"""How long a link waits for an answer: from what it has measured, but never impatiently."""

import random

import pytest

from baywarden_drivers.links import Request
from baywarden_drivers.links.patience import Patience
from baywarden_drivers.links.request import read_request

SHORT = read_request(1, "holding", 100, 2)
LONG = read_request(1, "holding", 100, 100)
FULL_S = 1.0


def after(took_s: list[float], request: Request = SHORT) -> Patience:
    """What has been learned from these answers."""
    patience = Patience()
    for one in took_s:
        patience.took(request, one)
    return patience


def test_a_device_that_is_not_known_gets_its_full_time() -> None:
    assert after([0.01] * 3).wait_s(SHORT, FULL_S) == FULL_S
    assert after([0.01] * 4).wait_s(SHORT, FULL_S) < FULL_S


def test_a_quick_device_is_still_given_more_than_a_busy_machine_takes() -> None:
    assert after([0.001] * 500).wait_s(SHORT, FULL_S) == 0.25


def test_no_device_gets_more_than_its_own_time() -> None:
    assert after([0.8] * 50).wait_s(SHORT, FULL_S) == FULL_S
    assert after([0.001] * 50).wait_s(SHORT, 0.1) == 0.1


def test_after_a_silence_the_full_time_is_given_until_the_device_is_known_again() -> None:
    patience = after([0.01] * 50)
    patience.lost()
    assert patience.wait_s(SHORT, FULL_S) == FULL_S
    for _ in range(3):
        patience.took(SHORT, 0.01)
        assert patience.wait_s(SHORT, FULL_S) == FULL_S


def test_a_long_answer_is_not_judged_by_short_ones() -> None:
    assert after([0.01] * 50).wait_s(LONG, FULL_S) == FULL_S


def test_a_write_gets_the_full_time() -> None:
    write = Request(1, 6, 100, 1, (5,))
    assert after([0.01] * 50, write).wait_s(write, FULL_S) == FULL_S


@pytest.mark.parametrize("usual_s", [0.02, 0.1, 0.3])
def test_a_device_whose_answers_vary_is_not_cut_off(usual_s: float) -> None:
    dice = random.Random(7)
    patience, cut_off = Patience(), 0
    for _ in range(20_000):
        took_s = usual_s * (5.0 if dice.random() < 0.02 else dice.uniform(0.5, 2.0))
        cut_off += took_s > patience.wait_s(SHORT, 5.0)
        patience.took(SHORT, took_s)
    assert cut_off <= 20
