"""The demo's own arithmetic of an overstay, on cases small enough for a head."""

from typing import Any

import pytest

from baywarden_config.demo.byhand import by_hand


def penalty(*segments: tuple[str, int]) -> dict[str, Any]:
    """The evidence of a penalty: states and their seconds."""
    return {"evidence": [{"state": state, "duration_ms": seconds * 1000} for state, seconds in segments]}


@pytest.mark.parametrize(
    ("idle_s", "billable_s", "minutes", "amount_minor"),
    [(0, 0, 0, 0), (300, 0, 0, 0), (301, 1, 1, 20), (360, 60, 1, 20), (361, 61, 2, 40), (958, 658, 11, 220)],
)
def test_the_grace_is_free_and_minutes_are_begun(
    idle_s: int, billable_s: int, minutes: int, amount_minor: int
) -> None:
    worked_out = by_hand(penalty(("CHARGING", 500), ("SUSPENDED_EV", idle_s)))
    assert (worked_out.billable_s, worked_out.minutes, worked_out.amount_minor) == (
        billable_s,
        minutes,
        amount_minor,
    )


@pytest.mark.parametrize("state", ["CHARGING", "SUSPENDED_EVSE", "FAULTED", "UNKNOWN"])
def test_only_the_cars_own_idling_counts(state: str) -> None:
    assert by_hand(penalty((state, 9000), ("SUSPENDED_EV", 301))).amount_minor == 20


def test_rounding_up_happens_once_for_the_whole_session() -> None:
    assert by_hand(penalty(("SUSPENDED_EV", 310), ("CHARGING", 60), ("SUSPENDED_EV", 10))).minutes == 1


def test_the_sum_reads_like_one() -> None:
    assert str(by_hand(penalty(("SUSPENDED_EV", 958)))) == (
        "idle 958 s - 300 s grace = 658 s, rounded up to 11 min x 0.20 EUR = 2.20 EUR"
    )
