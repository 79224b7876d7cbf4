"""A stream on its way out, whatever the broker says to it."""

import asyncio
import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from baywarden.model.event import Stream
from baywarden.sync.carrier import Parcel
from baywarden.sync.courier import Courier
from baywarden.sync.errors import LinkLost
from baywarden.sync.lanes import Lane, until_first_failure
from baywarden.sync.pacing import Pace
from baywarden.sync.refusals import Refusals
from baywarden.sync.tally import Tally
from support.fake_carrier import FakeCarrier
from support.fake_outbox import FakeOutbox
from support.leaping_loop import run_leaping

TOPIC = "evs/1/site-1/evt/booking"


def courier(tally: Tally, pace: Pace) -> Courier:
    return Courier(pace=pace, refusals=Refusals(Random(1)), tally=tally, random=Random(1))


class Scene:
    """One lane with a store behind it and a broker before it."""

    def __init__(
        self, events: int, answer: Callable[[Parcel], int] = lambda parcel: 0, **options: Any
    ) -> None:
        self.outbox = FakeOutbox()
        self.tally = Tally()
        self.carrier = FakeCarrier(answer)
        for _ in range(events):
            self.outbox.add(Stream.BOOKING)
        fields: dict[str, Any] = {
            "stream": Stream.BOOKING,
            "topic": TOPIC,
            "outbox": self.outbox,
            "parking": self.outbox,
            "courier": courier(self.tally, options.pop("pace", Pace(0))),
            "tally": self.tally,
            "page_rows": 10,
            "random": Random(1),
        }
        self.lane = Lane(**(fields | options))

    async def run_for(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.lane.run(self.carrier)
        except TimeoutError:
            return

    @property
    def sent(self) -> list[int]:
        return [int(json.loads(parcel.payload)["id"].split("-")[1]) for parcel in self.carrier.sent]


def refuse(seq: int, code: int, times: int = 10**6) -> Callable[[Parcel], int]:
    """Refuse one event so many times."""
    left = [times]

    def answer(parcel: Parcel) -> int:
        if f'"id":"1-{seq}"'.encode() in parcel.payload and left[0]:
            left[0] -= 1
            return code
        return 0

    return answer


def test_events_go_out_one_at_a_time_in_order_and_in_pages() -> None:
    async def main() -> None:
        scene = Scene(35)
        await scene.run_for(10)
        assert scene.sent == list(range(1, 36))
        assert scene.carrier.most_at_once == {TOPIC: 1}
        assert scene.outbox.longest_page == 10
        assert scene.outbox.acked(Stream.BOOKING) == 35

    run_leaping(main())


def test_the_store_is_told_now_and_then_and_not_after_each_event() -> None:
    async def main() -> None:
        scene = Scene(100, page_rows=100)
        await scene.run_for(60)
        assert scene.outbox.acked(Stream.BOOKING) == 100
        assert 5 < len(scene.outbox.freed_calls) < 15

    run_leaping(main())


def test_a_new_event_goes_out_as_soon_as_it_is_told_of() -> None:
    async def main() -> None:
        scene = Scene(1)
        running = asyncio.create_task(scene.run_for(20))
        await asyncio.sleep(1)
        scene.outbox.add(Stream.BOOKING)
        scene.lane.wake()
        await asyncio.sleep(0.01)
        assert scene.sent == [1, 2]
        await running

    run_leaping(main())


def test_an_event_that_nobody_told_of_goes_out_within_a_minute() -> None:
    async def main() -> None:
        scene = Scene(1)
        running = asyncio.create_task(scene.run_for(60))
        await asyncio.sleep(1)
        scene.outbox.add(Stream.BOOKING)
        await running
        assert scene.sent == [1, 2]

    run_leaping(main())


@pytest.mark.parametrize("code", [0x95, 0x99, 0x87, 0x90])
def test_an_event_refused_for_good_is_parked_with_an_alarm_and_the_next_goes_out(code: int) -> None:
    async def main() -> None:
        scene = Scene(5, refuse(3, code))
        await scene.run_for(60)
        assert scene.sent == [1, 2, 3, 4, 5]
        assert scene.outbox.acked(Stream.BOOKING) == 5
        assert scene.tally.counters()["parked"] == 1
        assert f"booking 1-3 was refused for good with code {code:#04x}" in str(scene.tally.alarms())
        assert [(one.seq, one.code) for one in (await scene.outbox.parked(9))[0]] == [(3, code)]

    run_leaping(main())


def test_a_topic_that_is_forbidden_does_not_use_up_the_backlog() -> None:
    async def main() -> None:
        scene = Scene(1000, lambda parcel: 0x87)
        await scene.run_for(3600)
        assert 5 < len(scene.sent) < 60

    run_leaping(main())


def test_a_broker_over_its_quota_is_waited_for_and_nothing_is_parked() -> None:
    async def main() -> None:
        scene = Scene(3, refuse(2, 0x97, times=20))
        await scene.run_for(4 * 3600)
        assert scene.sent == [1] + [2] * 21 + [3]
        assert "parked" not in scene.tally.counters()

    run_leaping(main())


def test_a_refusal_nobody_can_explain_is_tried_some_times_and_then_parked() -> None:
    async def main() -> None:
        scene = Scene(3, refuse(2, 0x80))
        await scene.run_for(3600)
        assert scene.sent == [1] + [2] * 8 + [3]
        assert scene.tally.counters()["parked"] == 1

    run_leaping(main())


def test_an_event_nobody_has_subscribed_to_is_a_success_that_is_counted_and_told() -> None:
    async def main() -> None:
        scene = Scene(2, lambda parcel: 0x10)
        await scene.run_for(5)
        assert scene.outbox.acked(Stream.BOOKING) == 2
        assert scene.tally.counters()["no_subscribers"] == 2
        assert scene.tally.remarks() == f"nobody has subscribed to {TOPIC}"
        scene.carrier.answer = lambda parcel: 0
        scene.outbox.add(Stream.BOOKING)
        await scene.run_for(60)
        assert scene.tally.remarks() is None

    run_leaping(main())


def test_an_event_that_cannot_be_read_is_an_alarm_until_it_can() -> None:
    async def main() -> None:
        scene = Scene(2)
        scene.outbox.is_broken = True
        await scene.run_for(30)
        assert scene.tally.alarms() == "the outbox of booking cannot be read: the disk is full"
        scene.outbox.is_broken = False
        await scene.run_for(30)
        assert scene.sent == [1, 2]
        assert scene.tally.alarms() is None

    run_leaping(main())


def test_an_event_without_its_puback_is_sent_again_by_the_next_connection() -> None:
    async def main() -> None:
        scene = Scene(3)

        def cut(parcel: Parcel) -> int:
            if len(scene.carrier.sent) < 2:
                return 0
            raise LinkLost("cut by the test")

        scene.carrier.answer = cut
        with pytest.raises(LinkLost):
            await scene.lane.run(scene.carrier)
        scene.carrier.answer = lambda parcel: 0
        scene.lane.resume(scene.outbox.acked(Stream.BOOKING))
        await scene.run_for(5)
        assert scene.sent == [1, 2, 2, 3]

    run_leaping(main())


def test_a_refusal_that_ends_the_connection_is_not_repeated_by_the_next() -> None:
    async def main() -> None:
        scene = Scene(2, refuse(1, 0x87))
        running = asyncio.create_task(scene.lane.run(scene.carrier))
        await asyncio.sleep(0.06)
        running.cancel()
        scene.lane.resume(scene.outbox.acked(Stream.BOOKING))
        await scene.run_for(30)
        assert scene.sent == [1, 2]

    run_leaping(main())


def test_a_full_disk_does_not_stop_the_stream_and_is_made_up_for() -> None:
    async def main() -> None:
        scene = Scene(20)
        scene.outbox.is_broken = True
        running = asyncio.create_task(scene.run_for(30))
        await asyncio.sleep(5)
        assert scene.sent == []
        scene.outbox.is_broken = False
        await running
        assert scene.sent == list(range(1, 21))
        assert scene.outbox.acked(Stream.BOOKING) == 20
        assert scene.tally.counters()["store_errors"] >= 2

    run_leaping(main())


def test_a_drain_keeps_to_its_rate_after_the_first_burst() -> None:
    async def main() -> None:
        scene = Scene(100, pace=Pace(10))
        await scene.run_for(5)
        assert 55 <= len(scene.sent) <= 62

    run_leaping(main())


def test_a_refused_event_is_parked_before_its_stream_is_freed_past_it() -> None:
    async def main() -> None:
        scene = Scene(3, refuse(2, 0x99))
        scene.outbox.cannot_park = True
        await scene.run_for(10)
        assert scene.sent == [1, 2, 3]
        assert scene.outbox.acked(Stream.BOOKING) < 2
        scene.outbox.cannot_park = False
        scene.lane.wake()
        await scene.run_for(10)
        assert scene.outbox.acked(Stream.BOOKING) == 3
        assert list(scene.outbox.parking) == [(Stream.BOOKING, 1, 2)]

    run_leaping(main())


def test_a_parked_event_is_not_tried_again_after_a_restart() -> None:
    async def main() -> None:
        scene = Scene(3, refuse(2, 0x99))
        await scene.run_for(10)
        again = Scene(0, refuse(2, 0x99))
        again.outbox = scene.outbox
        again.lane = Lane(
            stream=Stream.BOOKING,
            topic=TOPIC,
            outbox=scene.outbox,
            parking=scene.outbox,
            courier=courier(again.tally, Pace(0)),
            tally=again.tally,
            page_rows=10,
            random=Random(1),
        )
        again.lane.resume(0)
        await again.run_for(10)
        assert again.sent == [1, 3]

    run_leaping(main())


def test_where_the_cloud_acknowledges_the_broker_frees_nothing() -> None:
    async def main() -> None:
        scene = Scene(20)
        scene.lane.resume(0, cloud_acks=True)
        await scene.run_for(10)
        assert scene.sent == list(range(1, 21))
        assert scene.outbox.acked(Stream.BOOKING) == 0

    run_leaping(main())


def test_what_the_cloud_has_not_stored_is_sent_again_by_the_next_connection() -> None:
    async def main() -> None:
        scene = Scene(5)
        scene.lane.resume(0, cloud_acks=True)
        await scene.run_for(5)
        scene.lane.hear(3)
        scene.lane.resume(3, cloud_acks=True)
        await scene.run_for(5)
        assert scene.sent == [1, 2, 3, 4, 5, 4, 5]

    run_leaping(main())


def test_what_nobody_heard_waits_for_a_cloud_that_acknowledges() -> None:
    async def main() -> None:
        scene = Scene(3, lambda parcel: 0x10)
        scene.lane.resume(0, cloud_acks=True)
        await scene.run_for(120)
        assert set(scene.sent) == {1}
        assert 10 <= len(scene.sent) < 60
        assert scene.tally.remarks() == f"nobody has subscribed to {TOPIC}"
        scene.carrier.answer = lambda parcel: 0
        before = len(scene.sent)
        await scene.run_for(15)
        assert scene.sent[before:] == [1, 2, 3]

    run_leaping(main())


def test_a_cloud_that_is_away_is_not_sent_everything_with_each_connection() -> None:
    async def main() -> None:
        scene = Scene(5)
        for _ in range(20):
            scene.lane.resume(0, cloud_acks=True)
            await scene.run_for(1)
        assert scene.sent == [1, 2, 3, 4, 5]

    run_leaping(main())


def test_what_the_broker_lost_without_a_word_is_sent_again_ever_more_seldom() -> None:
    async def main() -> None:
        scene = Scene(2)
        scene.lane.resume(0, cloud_acks=True)
        await scene.run_for(24 * 3600)
        assert 20 <= len(scene.sent) / 2 <= 32
        scene.lane.hear(2)
        before = len(scene.sent)
        await scene.run_for(24 * 3600)
        assert len(scene.sent) == before

    run_leaping(main())


def test_a_cloud_that_has_more_than_we_remember_is_not_sent_it_again() -> None:
    async def main() -> None:
        scene = Scene(8)
        scene.lane.resume(2, cloud_acks=True)
        scene.lane.hear(6)
        await scene.run_for(5)
        assert scene.sent == [7, 8]

    run_leaping(main())


def test_when_one_work_ends_the_others_are_ended_and_its_error_is_raised() -> None:
    async def main() -> None:
        ended = []

        async def endless() -> None:
            try:
                await asyncio.sleep(3600)
            finally:
                ended.append(True)

        async def failing() -> None:
            await asyncio.sleep(1)
            raise LinkLost("gone")

        with pytest.raises(LinkLost, match="gone"):
            await until_first_failure([endless, failing, endless])
        assert ended == [True, True]

    run_leaping(main())
