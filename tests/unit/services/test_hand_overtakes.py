"""A cut waits for nothing that the hand itself has begun; what a pause leaves and what was forgotten counts."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from baywarden.model.reading import Contact
from baywarden.policy.commitment import ANY_MA
from support.clock import FakeClock
from support.hand_bench import Bench


@pytest.fixture
async def bench(clock: FakeClock) -> AsyncIterator[Bench]:
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


# Overtaking


async def test_a_cut_takes_the_place_of_a_raise_that_waits_its_turn(calm: Bench) -> None:
    calm.outlet.rests_until_ms = calm.clock.now().mono_ms + 5_000
    await calm.want(16_000)
    await calm.clock.advance(2)
    await calm.want(6_000)
    assert calm.outlet.done[-1] == "limit 6000", "it is handed over at once"
    await calm.clock.advance(3.1)
    assert calm.outlet.limits_ma == [6_000], "and goes out at the first moment, the raise never"
    held = calm.hand.held
    assert held is not None and (held.allowed_ma, held.sent_ma, held.confirmed) == (6_000, 6_000, True)
    assert calm.hand.trouble is None, "a raise that was taken back is no fault"


async def test_an_ever_deeper_cut_takes_the_place_of_the_one_before(calm: Bench) -> None:
    calm.outlet.rests_until_ms = calm.clock.now().mono_ms + 5_000
    for limit_ma in (16_000, 9_000, 8_000, 7_000):
        await calm.want(limit_ma)
    await calm.clock.advance(5.1)
    assert calm.outlet.limits_ma == [7_000]
    assert calm.hand.held is not None and calm.hand.held.confirmed


async def test_until_the_cut_is_proven_the_raise_that_it_overtook_counts(calm: Bench) -> None:
    calm.outlet.write_takes_ms = 2_000
    await calm.want(16_000)
    await calm.want(6_000)
    held = calm.hand.held
    assert held is not None and (held.allowed_ma, held.sent_ma) == (16_000, 6_000), "it may have been sent"
    await calm.clock.advance(2.1)
    held = calm.hand.held
    assert held is not None and (held.allowed_ma, held.confirmed) == (16_000, False)
    await calm.clock.advance(2.1)
    held = calm.hand.held
    assert held is not None and (held.allowed_ma, held.confirmed) == (6_000, True)
    assert calm.outlet.limits_ma == [16_000, 6_000]


async def test_a_cut_does_not_wait_while_the_fail_safe_is_armed(calm: Bench) -> None:
    calm.outlet.arming_takes_ms = 10_000
    calm.outlet.contact = Contact.SILENT
    await calm.keep_wanting(10_000, 1)
    calm.outlet.contact = Contact.OK
    await calm.want(10_000)
    assert calm.outlet.done[-1] == "arm"
    await calm.want(6_000)
    assert calm.outlet.limits_ma == [6_000]
    await calm.clock.advance(11)
    await calm.want(6_000)
    assert calm.writes == 1, "once is enough"
    assert calm.hand.failsafe.is_armed


async def test_a_raise_still_waits_for_the_fail_safe(calm: Bench) -> None:
    calm.outlet.arming_takes_ms = 10_000
    calm.outlet.contact = Contact.SILENT
    await calm.keep_wanting(10_000, 1)
    calm.outlet.contact = Contact.OK
    await calm.want(16_000)
    await calm.clock.advance(9)
    await calm.want(16_000)
    assert calm.outlet.limits_ma == []
    await calm.clock.advance(2)
    assert calm.outlet.limits_ma == [16_000]


# What a pause leaves


async def test_what_a_pause_leaves_counts_and_is_not_written_again_and_again(calm: Bench) -> None:
    calm.outlet.pause_leaves_ma = 2_500
    await calm.keep_wanting(0, 60)
    held = calm.hand.held
    assert held is not None and (held.allowed_ma, held.sent_ma, held.confirmed) == (2_500, 0, True)
    assert calm.written_s == [1]
    assert calm.outlet.kept_alive >= 55 and calm.hand.trouble is None
    await calm.keep_wanting(16_000, 1)
    assert calm.outlet.limits_ma == [0, 16_000]


# What was forgotten


async def test_a_limit_that_shows_no_more_is_written_again_once_and_logged(
    calm: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    calm.outlet.set(limit_ma=None)
    await calm.keep_wanting(10_000, 20)
    assert calm.outlet.limits_ma == [10_000], "the write has brought it back"
    assert "shows no limit where 10000 mA were written" in caplog.text


async def test_a_limit_that_stays_forgotten_counts_with_the_worst(
    calm: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    calm.outlet.set(limit_ma=None)
    calm.outlet.refuses_writes = True
    await calm.keep_wanting(10_000, 5)
    held = calm.hand.held
    assert held is not None and (held.allowed_ma, held.confirmed) == (ANY_MA, False)
    assert calm.written_s == [1, 2, 3, 4, 5], "and it is told in each cycle, as with any cut that failed"
    calm.outlet.refuses_writes = False
    await calm.keep_wanting(10_000, 1)
    held = calm.hand.held
    assert held is not None and (held.allowed_ma, held.confirmed) == (10_000, True)
    assert caplog.text.count("shows no limit") == 1
