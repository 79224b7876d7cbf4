"""The hand writes what is wanted, and goes on until it is so."""

import logging

import pytest

from baywarden.model.reading import Contact
from support.hand_bench import Bench


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


async def test_what_the_outlet_says_of_its_limit_is_what_it_is_held_to_at_first(bench: Bench) -> None:
    bench.hand.look(await bench.outlet.poll())
    held = bench.hand.held
    assert held is not None and (held.allowed_ma, held.sent_ma, held.confirmed) == (16_000, None, False)


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
