"""The hand writes what is wanted, and goes on until it is so."""

import asyncio
import logging
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from baywarden.model.reading import Contact
from baywarden.ports.wire import Guarded
from baywarden.services.hand import Hand
from support.clock import FakeClock, settle
from support.fake_wire import FakeOutlet


class Bench:
    """One outlet of 16 A and the hand on it, in cycles of one second."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.outlet = FakeOutlet("b1", clock)
        self.hand = Hand(self.outlet, clock)
        self.written_s: list[int] = []
        """The seconds in which something was written, from the beginning of `keep_wanting` on."""

    async def want(self, limit_ma: int) -> None:
        """A cycle: read, look, want."""
        self.hand.look(await self.outlet.poll())
        self.hand.want(limit_ma)
        await settle()

    async def keep_wanting(self, limit_ma: int, seconds: int) -> None:
        """The same in each of so many cycles."""
        self.written_s = []
        for second in range(1, seconds + 1):
            before = self.writes
            await self.clock.advance(1)
            await self.want(limit_ma)
            self.written_s += [second] * (self.writes - before)

    @property
    def writes(self) -> int:
        """How often a limit was sent."""
        return sum(one.startswith("limit") for one in self.outlet.done)

    def forget(self) -> None:
        """Look only at what is done from now on."""
        self.outlet.done.clear()
        self.outlet.limits_ma.clear()


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


# On contact


async def test_an_outlet_that_was_never_heard_is_told_nothing(bench: Bench) -> None:
    bench.outlet.contact = Contact.SILENT
    bench.outlet.set(limit_ma=None)
    await bench.keep_wanting(0, 10)
    assert bench.outlet.done == []
    assert bench.hand.held is None


async def test_on_contact_a_cut_comes_before_the_fail_safe(bench: Bench) -> None:
    await bench.want(0)
    assert bench.outlet.done[:2] == ["limit 0", "arm"]


async def test_on_contact_the_fail_safe_comes_before_a_raise(bench: Bench) -> None:
    bench.outlet.set(limit_ma=6_000)
    await bench.want(16_000)
    assert bench.outlet.done[:2] == ["arm", "limit 16000"]


async def test_an_outlet_is_armed_again_when_it_is_heard_again(calm: Bench) -> None:
    calm.outlet.contact = Contact.SILENT
    await calm.keep_wanting(10_000, 20)
    assert "arm" not in calm.outlet.done
    calm.outlet.contact = Contact.OK
    await calm.keep_wanting(10_000, 1)
    assert calm.outlet.done.count("arm") == 1


async def test_contact_lost_while_it_is_armed_arms_it_once_more(clock: FakeClock) -> None:
    class SlowToArm(FakeOutlet):
        async def arm(self) -> Guarded:
            text = await super().arm()
            await clock.sleep_until(clock.now().mono_ms + 3_000)
            return text

    bench = Bench(clock)
    bench.outlet = SlowToArm("b1", clock)
    bench.hand = Hand(bench.outlet, clock)
    task = asyncio.create_task(bench.hand.run())
    await bench.want(16_000)
    bench.outlet.contact = Contact.LINK_DOWN
    await bench.want(16_000)
    bench.outlet.contact = Contact.OK
    await bench.want(16_000)
    await clock.advance(4)
    await bench.keep_wanting(16_000, 10)
    task.cancel()
    assert bench.outlet.armed == 2


async def test_what_the_outlet_says_of_its_limit_is_what_it_is_held_to_at_first(bench: Bench) -> None:
    bench.hand.look(await bench.outlet.poll())
    held = bench.hand.held
    assert held is not None and (held.allowed_ma, held.sent_ma, held.confirmed) == (16_000, None, False)


# Arming


async def test_an_outlet_that_cannot_be_armed_is_limited_all_the_same(bench: Bench) -> None:
    bench.outlet.refuses_arming = True
    bench.outlet.set(limit_ma=6_000)
    await bench.want(16_000)
    assert bench.outlet.limits_ma == [16_000]
    await bench.want(0)
    assert bench.outlet.limits_ma == [16_000, 0]
    assert bench.hand.failsafe.detail == "not armed: b1: cannot be armed"


async def test_arming_that_failed_is_tried_again_with_growing_pauses(calm: Bench) -> None:
    calm.outlet.contact = Contact.SILENT
    await calm.keep_wanting(10_000, 1)
    calm.outlet.contact, calm.outlet.refuses_arming = Contact.OK, True
    await calm.keep_wanting(10_000, 60)
    assert calm.outlet.done.count("arm") == 5  # at once and after 2, 4, 8, 16 s; not yet after 32
    calm.outlet.refuses_arming = False
    await calm.keep_wanting(10_000, 10)
    assert calm.hand.failsafe.detail == "armed"


async def test_an_outlet_that_says_it_is_not_armed_is_armed_again(calm: Bench) -> None:
    calm.outlet.set(failsafe_armed=False)
    await calm.keep_wanting(10_000, 1)
    assert calm.outlet.done.count("arm") == 1


async def test_an_outlet_that_stays_unarmed_is_armed_ever_more_rarely(calm: Bench) -> None:
    calm.outlet.set(failsafe_armed=False)
    await calm.keep_wanting(10_000, 600)
    assert 3 <= calm.outlet.done.count("arm") <= 9
    calm.outlet.set(failsafe_armed=True)
    await calm.keep_wanting(10_000, 30)
    calm.forget()
    calm.outlet.set(failsafe_armed=False)
    await calm.keep_wanting(10_000, 1)
    assert calm.outlet.done.count("arm") == 1, "what was armed in between is armed at once"


async def test_a_reading_from_before_the_arming_does_not_arm_again(calm: Bench) -> None:
    calm.outlet.set(failsafe_armed=False)
    reading = await calm.outlet.poll()
    for _ in range(20):
        await calm.clock.advance(1)
        calm.hand.look(reading)
        calm.hand.want(10_000)
        await settle()
    assert calm.outlet.done.count("arm") == 1


# Limits


async def test_a_limit_that_is_in_force_is_not_written_again(calm: Bench) -> None:
    await calm.keep_wanting(10_000, 60)
    assert calm.outlet.limits_ma == []


async def test_until_a_write_is_read_back_the_larger_limit_counts(calm: Bench) -> None:
    calm.outlet.write_takes_ms = 2_000
    await calm.want(6_000)
    held = calm.hand.held
    assert held is not None and (held.allowed_ma, held.sent_ma, held.confirmed) == (10_000, 6_000, False)
    await calm.clock.advance(2)
    held = calm.hand.held
    assert held is not None and (held.allowed_ma, held.confirmed) == (6_000, True)


async def test_what_was_wished_last_is_written_next(calm: Bench) -> None:
    calm.outlet.write_takes_ms = 2_000
    await calm.want(9_000)
    await calm.want(8_000)
    await calm.want(7_000)
    await calm.clock.advance(5)
    assert calm.outlet.limits_ma == [9_000, 7_000]


async def test_a_write_that_was_lost_without_a_word_is_written_again(calm: Bench) -> None:
    calm.outlet.ignores_writes = True
    await calm.want(6_000)
    assert calm.hand.held is not None and calm.hand.held.confirmed
    calm.outlet.ignores_writes = False
    await calm.keep_wanting(6_000, 12)
    assert calm.outlet.limits_ma == [6_000, 6_000]
    assert (await calm.outlet.poll()).limit_ma == 6_000


async def test_a_limit_that_is_shown_late_is_not_taken_for_another_one(calm: Bench) -> None:
    calm.outlet.ignores_writes = True
    await calm.want(6_000)
    await calm.keep_wanting(6_000, 9)
    calm.outlet.set(limit_ma=6_000)
    await calm.keep_wanting(6_000, 20)
    assert calm.outlet.limits_ma == [6_000]


async def test_a_raise_that_failed_is_tried_again_with_growing_pauses(calm: Bench) -> None:
    calm.outlet.refuses_writes = True
    await calm.keep_wanting(16_000, 60)
    assert calm.written_s == [1, 3, 7, 15, 31]


async def test_a_cut_does_not_wait_for_the_pause_of_a_failed_raise(calm: Bench) -> None:
    calm.outlet.refuses_writes = True
    await calm.keep_wanting(16_000, 40)
    calm.outlet.refuses_writes = False
    calm.forget()
    await calm.want(6_000)
    assert calm.outlet.limits_ma == [6_000]


async def test_a_cut_that_failed_is_tried_again_each_cycle(calm: Bench) -> None:
    calm.outlet.refuses_writes = True
    await calm.keep_wanting(6_000, 10)
    assert calm.written_s == list(range(1, 11))
    assert calm.hand.held is not None and calm.hand.held.allowed_ma == 10_000


async def test_a_cut_to_an_outlet_that_is_not_heard_is_repeated_with_growing_pauses(calm: Bench) -> None:
    calm.outlet.contact, calm.outlet.refuses_writes = Contact.SILENT, True
    await calm.keep_wanting(6_000, 130)
    assert calm.written_s == [1, 3, 7, 15, 31, 61, 91, 121]


async def test_a_deeper_cut_does_not_wait_for_the_pause_of_one_that_was_not_heard(calm: Bench) -> None:
    calm.outlet.contact, calm.outlet.refuses_writes = Contact.SILENT, True
    await calm.keep_wanting(6_000, 40)
    await calm.keep_wanting(0, 3)
    assert calm.written_s[:1] == [1]


async def test_an_outlet_that_is_heard_again_is_told_its_cut_at_once(calm: Bench) -> None:
    calm.outlet.contact, calm.outlet.refuses_writes = Contact.SILENT, True
    await calm.keep_wanting(6_000, 35)
    calm.outlet.contact, calm.outlet.refuses_writes = Contact.OK, False
    await calm.keep_wanting(6_000, 1)
    assert calm.outlet.limits_ma == [6_000]


async def test_after_a_success_the_next_pause_is_a_short_one(calm: Bench) -> None:
    calm.outlet.refuses_writes = True
    await calm.keep_wanting(16_000, 40)
    calm.outlet.refuses_writes = False
    await calm.keep_wanting(16_000, 40)
    calm.outlet.refuses_keep_alive = True
    calm.forget()
    await calm.keep_wanting(16_000, 3)
    assert calm.outlet.done == ["alive", "alive"]


async def test_an_outlet_that_is_heard_again_does_not_wait_for_an_old_pause(calm: Bench) -> None:
    calm.outlet.refuses_writes = True
    await calm.keep_wanting(16_000, 40)
    calm.outlet.contact = Contact.SILENT
    await calm.keep_wanting(16_000, 1)
    calm.outlet.contact, calm.outlet.refuses_writes = Contact.OK, False
    await calm.keep_wanting(16_000, 1)
    assert calm.outlet.limits_ma == [16_000]


async def test_a_silent_outlet_is_not_raised(calm: Bench) -> None:
    calm.outlet.contact = Contact.SILENT
    await calm.keep_wanting(16_000, 20)
    assert calm.outlet.done == []


@pytest.mark.parametrize("contact", [Contact.SILENT, Contact.GARBLED, Contact.REFUSED, Contact.LINK_DOWN])
async def test_a_cut_is_tried_although_the_last_poll_failed(calm: Bench, contact: Contact) -> None:
    calm.outlet.contact = contact
    await calm.want(0)
    assert calm.outlet.limits_ma == [0]


async def test_trouble_and_its_end_are_each_logged_once(
    calm: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    calm.outlet.refuses_writes = True
    await calm.keep_wanting(6_000, 5)
    await calm.keep_wanting(7_000, 5)
    assert calm.hand.trouble == "b1: refuses the limit of 7000 mA"
    calm.outlet.refuses_writes = False
    await calm.keep_wanting(7_000, 5)
    assert calm.hand.trouble is None
    assert [record.getMessage() for record in caplog.records] == [
        "outlet b1: b1: refuses the limit of 6000 mA",
        "outlet b1 takes writes again",
    ]


# Somebody else


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


# Signs of life


async def test_a_sign_of_life_follows_each_decision_and_nothing_else(calm: Bench) -> None:
    await calm.keep_wanting(10_000, 10)
    assert calm.outlet.done == ["alive"] * 10
    await calm.clock.advance(60)
    assert calm.outlet.done == ["alive"] * 10


async def test_while_a_limit_is_not_in_force_there_is_no_sign_of_life(calm: Bench) -> None:
    calm.outlet.refuses_writes = True
    await calm.keep_wanting(6_000, 30)
    assert "alive" not in calm.outlet.done
