"""Events that were refused for good, released by somebody, on their way once more."""

import asyncio
from collections.abc import Callable
from random import Random

import pytest

from baywarden.model.event import Stream
from baywarden.sync.carrier import Parcel
from baywarden.sync.courier import Courier
from baywarden.sync.pacing import Pace
from baywarden.sync.parked import ReleasedEvents
from baywarden.sync.refusals import Refusals
from baywarden.sync.tally import Tally
from baywarden.sync.topics import Topics
from support.fake_carrier import FakeCarrier
from support.fake_outbox import FakeOutbox
from support.leaping_loop import run_leaping


class Scene:
    """Two parked penalties and a broker."""

    def __init__(self, answer: Callable[[Parcel], int] = lambda parcel: 0) -> None:
        self.outbox = FakeOutbox()
        self.tally = Tally()
        self.carrier = FakeCarrier(answer)
        self.released = ReleasedEvents(
            self.outbox,
            Topics("site-1"),
            courier=Courier(pace=Pace(0), refusals=Refusals(Random(1)), tally=self.tally, random=Random(1)),
            tally=self.tally,
            page_rows=10,
        )

    async def park_two(self) -> None:
        for _ in range(2):
            await self.outbox.park(self.outbox.add(Stream.PENALTY), 0x99)

    async def run_for(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.released.run(self.carrier)
        except TimeoutError:
            return


def test_parked_events_are_an_alarm_also_after_a_restart() -> None:
    async def main() -> None:
        scene = Scene()
        await scene.park_two()
        await scene.run_for(1)
        assert "penalty 1-2 was refused for good with code 0x99" in str(scene.tally.alarms())
        assert scene.carrier.sent == []

    run_leaping(main())


def test_a_released_event_is_sent_again_byte_for_byte_and_the_last_one_ends_the_alarm() -> None:
    async def main() -> None:
        scene = Scene()
        await scene.park_two()
        payload = scene.outbox.parking[(Stream.PENALTY, 1, 1)][0].payload
        running = asyncio.create_task(scene.run_for(60))
        await asyncio.sleep(1)
        await scene.outbox.release(Stream.PENALTY, 1, 1)
        scene.released.wake()
        await asyncio.sleep(1)
        assert [(one.topic, one.payload) for one in scene.carrier.sent] == [
            ("evs/1/site-1/replay/penalty", payload)
        ]
        assert scene.tally.alarms() is not None
        await scene.outbox.release(Stream.PENALTY, 1, 2)
        await running
        assert len(scene.carrier.sent) == 2
        assert scene.tally.alarms() is None

    run_leaping(main())


@pytest.mark.parametrize("code", [0x87, 0x99, 0x95])
def test_one_that_is_refused_again_is_parked_again(code: int) -> None:
    async def main() -> None:
        scene = Scene(lambda parcel: code)
        await scene.park_two()
        await scene.outbox.release(Stream.PENALTY, 1, 1)
        await scene.run_for(3600)
        assert len(scene.carrier.sent) == 1
        kept = (await scene.outbox.parked(9))[0]
        assert sorted((one.seq, one.code, one.is_released) for one in kept) == [
            (1, code, False),
            (2, 0x99, False),
        ]

    run_leaping(main())


def test_a_full_disk_delays_a_release() -> None:
    async def main() -> None:
        scene = Scene()
        await scene.park_two()
        await scene.outbox.release(Stream.PENALTY, 1, 2)
        scene.outbox.is_broken = True
        await scene.run_for(5)
        scene.outbox.is_broken = False
        await scene.run_for(60)
        assert len(scene.carrier.sent) == 1

    run_leaping(main())
