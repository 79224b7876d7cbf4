"""The hand beside somebody else who writes, and on chargers that apply less than they are told."""

import logging
from itertools import pairwise

import pytest

from support.hand_bench import Bench


async def test_a_higher_limit_of_somebody_else_counts_and_is_cut_at_once(
    calm: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    calm.outlet.set(limit_ma=16_000)
    calm.hand.look(await calm.outlet.poll())
    held = calm.hand.held
    assert held is not None and (held.allowed_ma, held.confirmed) == (16_000, False)
    await calm.want(10_000)
    assert calm.outlet.limits_ma == [10_000]
    assert "applies 16000 mA where 10000 mA were written" in caplog.text


async def test_a_lower_limit_of_somebody_else_is_overwritten_with_growing_pauses(calm: Bench) -> None:
    written_s = []
    for second in range(1, 301):
        calm.outlet.set(limit_ma=6_000)
        await calm.clock.advance(1)
        before = calm.writes
        await calm.want(10_000)
        written_s += [second] * (calm.writes - before)
    pauses_s = [after - before for before, after in pairwise(written_s)]
    assert len(pauses_s) >= 3
    assert pauses_s == sorted(pauses_s) and pauses_s[-1] >= 4 * pauses_s[0]


async def test_a_charger_that_applies_less_is_kept_alive_and_told_again_ever_more_rarely(calm: Bench) -> None:
    calm.outlet.cap_ma = 13_000
    await calm.keep_wanting(16_000, 600)
    assert calm.written_s == [1, 3, 7, 15, 31, 63, 127, 255, 511]
    assert calm.outlet.kept_alive >= 590
    held = calm.hand.held
    assert held is not None and held.confirmed and calm.hand.in_force_ma == 13_000
    assert held.allowed_ma == 16_000, "it may yet take all that it was told"


async def test_that_a_charger_applies_less_is_noted_once_and_so_is_its_end(
    calm: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    calm.outlet.cap_ma = 13_000
    await calm.keep_wanting(16_000, 60)
    assert calm.hand.trouble == "applies 13000 mA where 16000 mA were written"
    calm.outlet.cap_ma = None
    await calm.keep_wanting(16_000, 60)
    assert calm.hand.trouble is None
    assert [record.getMessage() for record in caplog.records] == [
        "outlet b1 applies 13000 mA where 16000 mA were written",
        "outlet b1 applies what it is told again",
    ]


async def test_a_charger_that_takes_late_what_it_was_told_is_not_told_again(calm: Bench) -> None:
    calm.outlet.cap_ma = 13_000
    await calm.keep_wanting(16_000, 20)
    calm.outlet.set(limit_ma=16_000)
    await calm.keep_wanting(16_000, 600)
    assert calm.written_s == []
    assert calm.hand.trouble is None


async def test_a_new_limit_does_not_wait_for_a_charger_that_applies_less(calm: Bench) -> None:
    calm.outlet.cap_ma = 13_000
    await calm.keep_wanting(15_000, 300)
    await calm.keep_wanting(16_000, 1)
    assert calm.written_s == [1]
    await calm.keep_wanting(12_000, 1)
    assert (calm.written_s, calm.hand.trouble) == ([1], None)


async def test_a_lower_limit_of_somebody_else_does_not_stop_the_signs_of_life(calm: Bench) -> None:
    for _ in range(120):
        calm.outlet.set(limit_ma=6_000)
        await calm.keep_wanting(10_000, 1)
    assert calm.outlet.kept_alive >= 110
    assert calm.hand.held is not None and calm.hand.held.confirmed


async def test_a_step_smaller_than_an_ampere_is_no_other_limit(calm: Bench) -> None:
    calm.outlet.set(limit_ma=9_100)
    await calm.keep_wanting(10_000, 30)
    assert calm.outlet.limits_ma == []
