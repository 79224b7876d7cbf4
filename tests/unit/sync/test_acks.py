"""What the cloud says it has stored, and what of it is believed."""

import asyncio
import json
from random import Random
from typing import Any

import pytest

from baywarden.model.event import Stream
from baywarden.sync.acks import Acks, read_word
from baywarden.sync.carrier import Incoming
from baywarden.sync.courier import Courier
from baywarden.sync.lanes import Lane
from baywarden.sync.pacing import Pace
from baywarden.sync.refusals import Refusals
from baywarden.sync.tally import Tally
from baywarden.sync.topics import Topics
from support.fake_carrier import FakeCarrier
from support.fake_outbox import FakeOutbox
from support.leaping_loop import run_leaping

TOPICS = Topics("site-1")


class Scene:
    """An outbox of ten bookings in epoch 2, its lane, and the cloud's words."""

    def __init__(self) -> None:
        self.outbox = FakeOutbox(epoch=2)
        self.tally = Tally()
        self.carrier = FakeCarrier()
        for _ in range(10):
            self.outbox.add(Stream.BOOKING)
        self.lane = Lane(
            stream=Stream.BOOKING,
            topic=TOPICS.events(Stream.BOOKING),
            outbox=self.outbox,
            parking=self.outbox,
            courier=Courier(pace=Pace(0), refusals=Refusals(Random(1)), tally=self.tally, random=Random(1)),
            tally=self.tally,
            page_rows=10,
            random=Random(1),
        )
        self.acks = Acks(self.outbox, {Stream.BOOKING: self.lane}, TOPICS, self.tally, lambda: "tag-2")
        self._mid = 0

    def say(self, word: Any, tail: str = "ack/booking") -> bool:
        payload = word if isinstance(word, bytes) else json.dumps(word).encode()
        self._mid += 1
        return self.acks.take(Incoming(TOPICS.root + tail, payload, retained=True, qos=1, mid=self._mid))

    async def run_for(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.acks.run(self.carrier)
        except TimeoutError:
            return

    async def does_cloud_ack(self) -> bool:
        return (await self.outbox.heads())[0].cloud_acks


def test_a_word_of_the_cloud_frees_the_outbox_and_stays_in_force() -> None:
    async def main() -> None:
        scene = Scene()
        assert scene.say({"epoch": 2, "seq": 7})
        await scene.run_for(1)
        assert scene.outbox.acked(Stream.BOOKING) == 7
        assert await scene.does_cloud_ack()
        assert scene.carrier.acknowledged == [1]

    run_leaping(main())


def test_a_cloud_with_nothing_yet_can_begin_with_zero_and_take_its_word_back() -> None:
    async def main() -> None:
        scene = Scene()
        scene.say({"epoch": 2, "seq": 0, "epoch_tag": "tag-2"})
        await scene.run_for(1)
        assert await scene.does_cloud_ack()
        scene.say(b"")
        await scene.run_for(1)
        assert not await scene.does_cloud_ack()
        assert scene.outbox.acked(Stream.BOOKING) == 0

    run_leaping(main())


@pytest.mark.parametrize(
    "word",
    [
        {"epoch": 2, "seq": 11},
        {"epoch": 3, "seq": 1},
        {"epoch": 2, "seq": 5, "epoch_tag": "another"},
        {"epoch": 2, "seq": -1},
        {"epoch": 2, "seq": True},
        {"epoch": 2, "seq": "5"},
        {"epoch": 2.0, "seq": 5},
        {"seq": 5},
        {"epoch": 2, "seq": 5, "epoch_tag": 7},
        [2, 5],
        b"\xff",
        b"[" * 900,
        b'{"epoch": 2, "seq": 5' + b" " * 1024 + b"}",
    ],
)
def test_a_word_that_cannot_be_true_frees_nothing_and_is_counted(word: Any) -> None:
    async def main() -> None:
        scene = Scene()
        scene.say(word)
        await scene.run_for(1)
        assert scene.outbox.freed_calls == []
        assert not await scene.does_cloud_ack()
        assert scene.tally.counters()["strange_acks"] == 1
        assert scene.carrier.acknowledged == [1]

    run_leaping(main())


def test_a_word_on_an_older_epoch_frees_nothing_of_this_one() -> None:
    async def main() -> None:
        scene = Scene()
        scene.say({"epoch": 1, "seq": 9, "epoch_tag": "tag-1"})
        await scene.run_for(1)
        assert scene.outbox.freed_calls == []
        assert await scene.does_cloud_ack()

    run_leaping(main())


def test_of_a_flood_only_the_newest_word_counts() -> None:
    async def main() -> None:
        scene = Scene()
        for seq in range(10):
            scene.say({"epoch": 2, "seq": seq})
        await scene.run_for(1)
        assert scene.outbox.freed_calls == [(Stream.BOOKING, 9)]
        assert len(scene.carrier.acknowledged) == 10

    run_leaping(main())


def test_a_full_disk_delays_a_word_and_does_not_lose_it() -> None:
    async def main() -> None:
        scene = Scene()
        scene.outbox.is_broken = True
        scene.say({"epoch": 2, "seq": 4})
        running = asyncio.create_task(scene.run_for(30))
        await asyncio.sleep(5)
        scene.outbox.is_broken = False
        await running
        assert scene.outbox.acked(Stream.BOOKING) == 4

    run_leaping(main())


@pytest.mark.parametrize("tail", ["ack/bookings", "ack/", "ack/booking/x", "cmd/replay"])
def test_other_topics_are_no_words(tail: str) -> None:
    async def main() -> None:
        assert not Scene().say({"epoch": 2, "seq": 1}, tail)

    run_leaping(main())


def test_a_number_without_end_is_no_word() -> None:
    assert read_word(b'{"epoch": 1, "seq": ' + b"9" * 500 + b"}") is not None
    assert read_word(b'{"epoch": 1, "seq": NaN}') is None
