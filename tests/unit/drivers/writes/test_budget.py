"""Flash is spared, and a newer limit takes the place of one that still waits for its turn."""

import asyncio
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baywarden_drivers import ValueRefused
from baywarden_drivers.writes.budget import STORED_PER_DAY, FlashBudget, Turns

DAY_S = 86_400


class Hand:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def _spent(budget: FlashBudget, name: str = "limit") -> bool:
    try:
        budget.spend(name)
    except ValueRefused:
        return False
    return True


def test_a_stored_point_is_written_a_dozen_times_and_then_every_two_hours() -> None:
    clock = Hand()
    budget = FlashBudget(clock)
    assert sum(_spent(budget) for _ in range(20)) == 12
    clock.now_s += 2 * 3600 + 1
    assert [_spent(budget), _spent(budget)] == [True, False]


def test_each_point_has_its_own_budget() -> None:
    budget = FlashBudget(Hand())
    while _spent(budget, "one"):
        pass
    assert _spent(budget, "other")


def test_a_refusal_says_why_and_until_when() -> None:
    budget = FlashBudget(Hand())
    with pytest.raises(
        ValueRefused, match=re.escape("limit: not written, to spare the device's memory")
    ) as refused:
        for _ in range(13):
            budget.spend("limit")
    assert "free in 120 min" in str(refused.value)


@given(st.lists(st.floats(0, 20_000), max_size=300))
def test_no_day_ever_sees_more_writes_than_the_budget(pauses_s: list[float]) -> None:
    clock = Hand()
    budget, written_at = FlashBudget(clock), list[float]()
    for pause_s in pauses_s:
        clock.now_s += pause_s
        if _spent(budget):
            written_at.append(clock.now_s)
    for begin_s in written_at:
        assert sum(begin_s <= at_s < begin_s + DAY_S for at_s in written_at) <= STORED_PER_DAY


async def test_a_point_that_is_free_waits_for_nothing() -> None:
    turns = Turns(0)
    await asyncio.wait_for(turns.wait("limit", 3600), 10)
    turns.written("limit")
    await asyncio.wait_for(turns.wait("other", 3600), 10)
    assert turns.rest_s("limit", 3600) > 3000 and turns.rest_s("limit", 0) == 0


async def test_between_any_two_writes_is_the_pause_of_the_device() -> None:
    turns = Turns(3600)
    turns.written("other")
    assert turns.rest_s("limit", 0) > 3000


async def test_a_newer_wish_takes_the_place_of_one_that_waits() -> None:
    turns = Turns(0)
    turns.written("limit")
    first = asyncio.create_task(turns.wait("limit", 3600))
    await asyncio.sleep(0)
    second = asyncio.create_task(turns.wait("limit", 0.05))
    turns.take_over()
    with pytest.raises(ValueRefused, match="a newer wish took its place"):
        await asyncio.wait_for(first, 10)
    await asyncio.wait_for(second, 10)


async def test_one_that_was_cancelled_leaves_its_place() -> None:
    turns = Turns(0)
    turns.written("limit")
    first = asyncio.create_task(turns.wait("limit", 3600))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await asyncio.wait_for(turns.wait("limit", 0.05), 10)
