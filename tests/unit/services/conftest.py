"""The outlet and the hand that several modules here look at."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from support.clock import FakeClock
from support.hand_bench import Bench


@pytest.fixture
async def bench(clock: FakeClock) -> AsyncIterator[Bench]:
    """One outlet with the hand at work on it."""
    bench = Bench(clock)
    task = asyncio.create_task(bench.hand.run())
    yield bench
    assert not task.done(), "the hand has died"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def calm(bench: Bench) -> Bench:
    """The same, with 10 A written, proven and quiet."""
    await bench.keep_wanting(10_000, 30)
    bench.forget()
    return bench
