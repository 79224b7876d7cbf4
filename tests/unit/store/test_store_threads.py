"""One thread, one connection: order, company and the callers' own outcomes."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from functools import partial

import pytest

from baywarden.ports.store import Batch, StoreError, StoreRefused
from baywarden.store.lane import MOST_TOGETHER, Lane
from support.books import booking


@pytest.fixture
def lane() -> Iterator[Lane]:
    made = Lane("test")
    yield made
    made.stop()


async def test_work_is_done_in_order_on_one_thread_that_is_not_ours(lane: Lane) -> None:
    seen: list[int] = []

    def work(number: int) -> str:
        seen.append(number)
        return threading.current_thread().name

    names = await asyncio.gather(*(lane.run(partial(work, i)) for i in range(20)))
    assert seen == list(range(20))
    assert set(names) == {"test"}


async def test_an_error_reaches_its_caller_and_the_thread_lives_on(lane: Lane) -> None:
    with pytest.raises(ZeroDivisionError):
        await lane.run(lambda: 1 // 0)
    assert await lane.run(lambda: 7) == 7


async def test_commits_that_wait_go_together_and_each_learns_its_own_outcome(lane: Lane) -> None:
    groups: list[int] = []
    refused = booking("refused")

    def commit_all(batches: Sequence[Batch]) -> Sequence[Exception | None]:
        groups.append(len(batches))
        return [StoreRefused("no") if refused in batch.bookings else None for batch in batches]

    lane.commits_by(commit_all)
    gate = threading.Event()
    held = asyncio.ensure_future(lane.run(gate.wait))
    batches = [Batch(bookings=(refused if i == 3 else booking(f"b-{i}"),)) for i in range(MOST_TOGETHER + 5)]
    waiting = asyncio.gather(*(lane.commit(batch) for batch in batches), return_exceptions=True)
    await asyncio.sleep(0)
    gate.set()
    outcomes = await waiting
    await held
    assert groups == [MOST_TOGETHER, 5]
    assert [i for i, outcome in enumerate(outcomes) if isinstance(outcome, StoreRefused)] == [3]


async def test_a_commit_is_done_although_its_caller_was_canceled(lane: Lane) -> None:
    done: list[Batch] = []

    def commit_all(batches: Sequence[Batch]) -> Sequence[Exception | None]:
        done.extend(batches)
        return [None] * len(batches)

    lane.commits_by(commit_all)
    gate = threading.Event()
    held = asyncio.ensure_future(lane.run(gate.wait))
    caller = asyncio.ensure_future(lane.commit(Batch()))
    await asyncio.sleep(0)
    caller.cancel()
    gate.set()
    await held
    await lane.run(lambda: None)
    assert done == [Batch()]
    assert caller.cancelled()


async def test_a_stopped_lane_refuses_and_has_done_what_was_asked_before() -> None:
    lane = Lane("short")
    done: list[int] = []
    asked = asyncio.ensure_future(lane.run(lambda: done.append(1)))
    await asyncio.sleep(0)
    lane.stop()
    await asked
    assert done == [1]
    with pytest.raises(StoreError, match="closed"):
        await lane.run(lambda: None)
