"""Commands at the desk: acknowledged only when all is done, and none stops the next."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

from baywarden.model.command import Command, Reply, Result
from baywarden.model.event import Stream
from baywarden.ports.store import StoreFull
from baywarden.sync.carrier import Incoming
from baywarden.sync.courier import Courier
from baywarden.sync.desk import Desk
from baywarden.sync.errors import LinkLost
from baywarden.sync.pacing import Pace
from baywarden.sync.refusals import Refusals
from baywarden.sync.replays import Replays
from baywarden.sync.snapshots import SiteFacts, Snapshots
from baywarden.sync.tally import Tally
from baywarden.sync.topics import Topics
from support.clock import FakeClock
from support.fake_carrier import FakeCarrier
from support.fake_outbox import FakeOutbox
from support.leaping_loop import run_leaping

TOPICS = Topics("site-1")


async def accept(command: Command) -> Reply:
    return Reply(command.id, Result.ACCEPTED)


class Scene:
    """A desk, its cloud and its brain."""

    def __init__(self, on_command: Callable[[Command], Awaitable[Reply]] = accept) -> None:
        self.outbox = FakeOutbox()
        self.tally = Tally()
        self.carrier = FakeCarrier()
        self.refusals = Refusals(Random(1))
        self.replays = Replays(
            outbox=self.outbox,
            topics=TOPICS,
            courier=Courier(pace=Pace(0), refusals=self.refusals, tally=self.tally, random=Random(1)),
            tally=self.tally,
            page_rows=10,
        )
        self.desk = Desk(
            topics=TOPICS,
            tally=self.tally,
            clock=FakeClock(),
            replays=self.replays,
            snapshots=Snapshots(self.outbox, self.outbox, facts=SiteFacts, epoch_tag=lambda: "tag"),
            refusals=self.refusals,
            on_command=on_command,
            answered=self.outbox.answer,
            timeout_s=60,
        )

    def hand_in(self, mid: int, name: str = "session.stop", params: Any = None, **changes: Any) -> None:
        body = {
            "id": f"c-{mid}",
            "expires_at": "2026-06-15T09:10:00Z",
            "params": params or {"session_id": "s-1"},
        }
        payload = json.dumps(body | changes.pop("body", {})).encode()
        fields: dict[str, Any] = {
            "topic": f"{TOPICS.root}cmd/{name}",
            "payload": payload,
            "retained": False,
            "qos": 1,
            "mid": mid,
        }
        self.desk.hand_in(Incoming(**(fields | changes)))

    async def run_for(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.desk.run(self.carrier)
        except TimeoutError:
            return

    @property
    def replies(self) -> list[tuple[str, str, str | None]]:
        told = [json.loads(parcel.payload) for parcel in self.carrier.sent]
        return [(reply["id"], reply["result"], reply["reason"]) for reply in told]


def test_a_command_is_acknowledged_only_after_its_answer_has_arrived() -> None:
    async def main() -> None:
        scene = Scene()
        scene.hand_in(1)
        await scene.run_for(0.04)
        assert scene.replies == [("c-1", "ACCEPTED", None)]
        assert scene.carrier.acknowledged == []
        scene.desk.new_connection()
        scene.hand_in(1)
        await scene.run_for(1)
        assert scene.carrier.acknowledged == [1]

    run_leaping(main())


def test_a_lost_link_leaves_the_command_to_come_again() -> None:
    async def main() -> None:
        scene = Scene()
        scene.carrier.is_lost = True
        scene.hand_in(1)
        try:
            await scene.desk.run(scene.carrier)
        except LinkLost:
            assert scene.carrier.acknowledged == []
        else:
            raise AssertionError("the loss was hidden")

    run_leaping(main())


def test_commands_are_answered_in_the_order_they_came() -> None:
    async def main() -> None:
        scene = Scene()
        for mid in range(1, 6):
            scene.hand_in(mid)
        await scene.run_for(5)
        assert [reply[0] for reply in scene.replies] == [f"c-{mid}" for mid in range(1, 6)]
        assert scene.carrier.acknowledged == [1, 2, 3, 4, 5]

    run_leaping(main())


def test_a_brain_that_breaks_is_answered_for_and_the_next_command_goes_on() -> None:
    async def broken(command: Command) -> Reply:
        if command.id == "c-1":
            raise ZeroDivisionError
        if command.id == "c-2":
            raise StoreFull("no room")
        if command.id == "c-3":
            await asyncio.sleep(3600)
        return Reply(command.id, Result.ACCEPTED)

    async def main() -> None:
        scene = Scene(broken)
        for mid in range(1, 5):
            scene.hand_in(mid)
        await scene.run_for(120)
        assert scene.replies == [
            ("c-1", "FAILED", "FAILED"),
            ("c-2", "FAILED", "STORE_FULL"),
            ("c-3", "TIMEOUT", "TIMEOUT"),
            ("c-4", "ACCEPTED", None),
        ]

    run_leaping(main())


def test_an_answer_that_takes_long_is_still_given_to_who_asks_again() -> None:
    scene: Scene

    async def slow(command: Command) -> Reply:
        await asyncio.sleep(90)
        reply = Reply(command.id, Result.ACCEPTED)
        scene.outbox.answers[command.id] = reply
        return reply

    async def main() -> None:
        nonlocal scene
        scene = Scene(slow)
        scene.hand_in(1)
        await scene.run_for(100)
        scene.hand_in(1)
        await scene.run_for(1)
        assert scene.replies == [("c-1", "TIMEOUT", "TIMEOUT"), ("c-1", "ACCEPTED", None)]

    run_leaping(main())


def test_retained_and_strange_messages_are_acknowledged_and_nothing_else() -> None:
    async def main() -> None:
        scene = Scene()
        scene.hand_in(1, retained=True)
        scene.hand_in(2, topic="evs/1/site-2/cmd/session.stop")
        scene.hand_in(3, payload=b"\x00")
        await scene.run_for(1)
        assert scene.carrier.sent == []
        assert scene.carrier.acknowledged == [1, 2, 3]
        counters = scene.tally.counters()
        assert [counters[name] for name in ("retained_commands", "strange_topics", "refused_invalid")] == [
            1,
            1,
            1,
        ]

    run_leaping(main())


def test_a_flood_without_qos_is_cut_off_and_qos_1_is_not() -> None:
    async def main() -> None:
        scene = Scene()
        for mid in range(1, 101):
            scene.hand_in(mid, qos=0)
        scene.hand_in(101)
        await scene.run_for(30)
        assert len(scene.replies) == 65
        assert scene.replies[-1][0] == "c-101"
        assert scene.tally.counters()["commands_dropped"] == 36

    run_leaping(main())


def test_a_response_topic_that_is_forbidden_is_not_tried_again_at_once() -> None:
    async def main() -> None:
        scene = Scene()
        scene.carrier.answer = lambda parcel: 0x87
        for mid in range(1, 4):
            scene.hand_in(mid)
        await scene.run_for(1)
        assert len(scene.carrier.sent) == 1
        assert scene.carrier.acknowledged == [1, 2, 3]

    run_leaping(main())


def test_replays_wait_in_a_short_line_and_go_out_in_order() -> None:
    async def main() -> None:
        scene = Scene()
        for _ in range(30):
            scene.outbox.add(Stream.BOOKING)
        for mid in range(1, 19):
            wanted = {"stream": "booking", "epoch": 1, "from_seq": mid, "to_seq": mid + 1}
            scene.hand_in(mid, "replay", wanted)
        await scene.run_for(5)
        assert [reply[1] for reply in scene.replies] == ["ACCEPTED"] * 16 + ["REJECTED"] * 2
        carrier = FakeCarrier()
        try:
            async with asyncio.timeout(5):
                await scene.replays.run(carrier)
        except TimeoutError:
            sent = [json.loads(parcel.payload)["id"] for parcel in carrier.sent]
        assert sent[:4] == ["1-1", "1-2", "1-2", "1-3"]
        assert len(sent) == 32

    run_leaping(main())


def test_a_replay_goes_on_after_a_lost_link_where_it_was() -> None:
    async def main() -> None:
        scene = Scene()
        for _ in range(30):
            scene.outbox.add(Stream.BOOKING)
        scene.outbox.forget_before(Stream.BOOKING, 6)
        scene.hand_in(1, "replay", {"stream": "booking", "epoch": 1, "from_seq": 1, "to_seq": 25})
        await scene.run_for(1)
        assert json.loads(scene.carrier.sent[0].payload)["data"] == {"from_seq": 6, "to_seq": 25}
        sent: list[str] = []
        for _ in range(2):
            carrier = FakeCarrier()
            try:
                async with asyncio.timeout(0.52):
                    await scene.replays.run(carrier)
            except TimeoutError:
                sent += [json.loads(parcel.payload)["id"] for parcel in carrier.sent]
        assert list(dict.fromkeys(sent)) == [f"1-{seq}" for seq in range(6, 26)]

    run_leaping(main())
