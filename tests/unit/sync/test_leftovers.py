"""Events of an earlier epoch: gone from the store's list only when the broker has them, or never will take them."""

import asyncio
from collections.abc import Callable, Sequence
from random import Random

import pytest

from baywarden.model.event import StoredEvent, Stream
from baywarden.ports.store import StoreDamaged
from baywarden.sync.carrier import Parcel
from baywarden.sync.errors import LinkLost
from baywarden.sync.leftovers import Heirlooms
from baywarden.sync.pacing import Pace
from baywarden.sync.refusals import Refusals
from baywarden.sync.tally import Tally
from baywarden.sync.topics import Topics
from support.fake_carrier import FakeCarrier
from support.fake_outbox import FakeOutbox
from support.leaping_loop import run_leaping

Answer = Callable[[Parcel], int]


class FakeLeftovers:
    """A baywarden.ports.store.Leftovers in memory; `is_damaged` makes every page unreadable."""

    def __init__(self, events: int) -> None:
        self.left = [
            StoredEvent(Stream.PENALTY, 1, seq, f"penalty {seq}".encode()) for seq in range(1, events + 1)
        ]
        self.is_damaged = False

    async def leftovers(self, limit: int) -> Sequence[StoredEvent]:
        if self.is_damaged:
            raise StoreDamaged("event 1-1 of penalty does not have its check sum any more")
        return self.left[:limit]

    async def freed_leftover(self, event: StoredEvent) -> None:
        self.left = [one for one in self.left if one.seq > event.seq]


class Scene:
    """An inheritance, and a broker before it."""

    def __init__(self, events: int, answer: Answer = lambda parcel: 0) -> None:
        self.store = FakeLeftovers(events)
        self.parking = FakeOutbox()
        self.tally = Tally()
        self.carrier = FakeCarrier(answer)
        self.heirlooms = Heirlooms(
            self.store,
            self.parking,
            Topics("site-1"),
            pace=Pace(0),
            refusals=Refusals(Random(1)),
            tally=self.tally,
            random=Random(1),
            page_rows=10,
        )

    async def run_for(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.heirlooms.run(self.carrier)
        except TimeoutError:
            return

    @property
    def sent(self) -> list[int]:
        return [int(parcel.payload.split()[1]) for parcel in self.carrier.sent]


def test_all_of_them_go_out_in_order_on_the_topic_of_replays() -> None:
    async def main() -> None:
        scene = Scene(25)
        await scene.run_for(60)
        assert scene.sent == list(range(1, 26))
        assert {parcel.topic for parcel in scene.carrier.sent} == {"evs/1/site-1/replay/penalty"}
        assert scene.store.left == []
        assert scene.tally.alarms() is None

    run_leaping(main())


@pytest.mark.parametrize("code", [0x87, 0x90, 0x97, 0x80, 0x83])
def test_what_the_broker_refuses_stays_and_is_tried_again(code: int) -> None:
    async def main() -> None:
        scene = Scene(30, lambda parcel: code)
        await scene.run_for(1200)
        assert len(scene.store.left) == 30
        assert 3 <= len(scene.sent) < 60
        assert set(scene.sent) == {1}
        told = str(scene.tally.alarms())
        assert "evs/1/site-1/replay/penalty" in told and f"{code:#04x}" in told
        scene.carrier.answer = lambda parcel: 0
        await scene.run_for(1200)
        assert scene.store.left == []
        assert scene.sent[-30:] == list(range(1, 31))
        assert scene.tally.alarms() is None

    run_leaping(main())


@pytest.mark.parametrize("code", [0x95, 0x99])
def test_a_message_refused_for_ever_is_given_up_with_an_alarm_and_the_next_goes_out(code: int) -> None:
    async def main() -> None:
        scene = Scene(3, lambda parcel: code if parcel.payload == b"penalty 2" else 0)
        await scene.run_for(60)
        assert scene.sent == [1, 2, 3]
        assert scene.store.left == []
        assert scene.tally.counters()["leftovers_parked"] == 1
        assert [(one.seq, one.code) for one in (await scene.parking.parked(9))[0]] == [(2, code)]
        assert f"penalty 1-2 was refused for good with code {code:#04x}" in str(scene.tally.alarms())

    run_leaping(main())


def test_a_refusal_that_ends_the_connection_is_not_repeated_by_the_next_one() -> None:
    async def main() -> None:
        scene = Scene(3, lambda parcel: 0x87)
        for _ in range(5):
            await scene.run_for(0.2)
        assert scene.sent == [1]
        assert len(scene.store.left) == 3

    run_leaping(main())


def test_what_has_no_puback_yet_stays() -> None:
    async def main() -> None:
        scene = Scene(3)
        scene.carrier.is_lost = True
        with pytest.raises(LinkLost):
            await scene.heirlooms.run(scene.carrier)
        assert len(scene.store.left) == 3

    run_leaping(main())


def test_an_inheritance_that_cannot_be_read_is_an_alarm_until_it_can() -> None:
    async def main() -> None:
        scene = Scene(3)
        scene.store.is_damaged = True
        await scene.run_for(300)
        assert "does not have its check sum any more" in str(scene.tally.alarms())
        scene.store.is_damaged = False
        await scene.run_for(300)
        assert scene.tally.alarms() is None
        assert scene.store.left == []

    run_leaping(main())
