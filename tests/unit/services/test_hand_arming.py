"""The hand arms the fail-safe on contact and again when it is lost, and then gives signs of life."""

import asyncio

from baywarden.model.reading import Contact
from baywarden.ports.wire import Guarded
from baywarden.services.hand import Hand
from support.clock import FakeClock, settle
from support.fake_wire import FakeOutlet
from support.hand_bench import Bench


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


async def test_a_sign_of_life_follows_each_decision_and_nothing_else(calm: Bench) -> None:
    await calm.keep_wanting(10_000, 10)
    assert calm.outlet.done == ["alive"] * 10
    await calm.clock.advance(60)
    assert calm.outlet.done == ["alive"] * 10


async def test_while_a_limit_is_not_in_force_there_is_no_sign_of_life(calm: Bench) -> None:
    calm.outlet.refuses_writes = True
    await calm.keep_wanting(6_000, 30)
    assert "alive" not in calm.outlet.done
