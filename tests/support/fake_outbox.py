"""A store of events and answers in memory, with the faults built in that a disk has."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from baywarden.model.command import Reply
from baywarden.model.event import EventDraft, ParkedEvent, StoredEvent, Stream, StreamHead
from baywarden.ports.store import RecordPage, StoreFull
from baywarden.sync.envelope import Render, renderer


class FakeOutbox:
    """A baywarden.ports.store.Outbox, and the part of a Ledger that keeps answers."""

    def __init__(self, site_id: str = "site-1", epoch: int = 1, render: Render | None = None) -> None:
        self.epoch = epoch
        self.answers: dict[str, Reply] = {}
        self.is_broken = False
        """Every call raises StoreFull."""
        self.cannot_park = False
        """The disk filled up just before it."""
        self.longest_page = 0
        self.freed_calls: list[tuple[Stream, int]] = []
        self._render = render or renderer(site_id)
        self._events: defaultdict[Stream, list[StoredEvent]] = defaultdict(list)
        self._acked: defaultdict[Stream, int] = defaultdict(int)
        self._cloud_acks: set[Stream] = set()
        self.parking: dict[tuple[Stream, int, int], tuple[StoredEvent, int, bool]] = {}
        """Parked events with their code, and whether they are released."""
        self._oldest: defaultdict[Stream, int] = defaultdict(lambda: 1)

    def add(self, stream: Stream, data: dict[str, Any] | None = None, **fields: Any) -> StoredEvent:
        """One more event; `data` defaults to its own number."""
        seq = len(self._events[stream]) + 1
        at = datetime(2026, 6, 15, 9, tzinfo=UTC)
        draft = EventDraft(
            stream=stream,
            type=fields.get("type", f"{stream.value}.changed.v1"),
            subject=fields.get("subject", f"{stream.value}/{seq}"),
            at=at,
            data=data if data is not None else {"n": seq},
            clock_quality="S",
            boot_id="boot-1",
        )
        event = StoredEvent(stream, self.epoch, seq, self._render(draft, self.epoch, seq, at))
        self._events[stream].append(event)
        return event

    def forget_before(self, stream: Stream, seq: int) -> None:
        """The ring has overrun."""
        self._oldest[stream] = seq

    def acked(self, stream: Stream) -> int:
        """How far the stream was freed."""
        return self._acked[stream]

    def numbers(self, stream: Stream) -> list[int]:
        """The number of every event, in order."""
        return [event.seq for event in self._events[stream]]

    async def heads(self) -> tuple[StreamHead, ...]:
        self._maybe_fail()
        return tuple(
            StreamHead(
                stream,
                self.epoch,
                len(events),
                self._acked[stream],
                self._oldest[stream],
                stream in self._cloud_acks,
            )
            for stream, events in self._events.items()
        )

    async def pending(self, stream: Stream, after_seq: int, limit: int) -> Sequence[StoredEvent]:
        self._maybe_fail()
        rest = self._events[stream][after_seq:]
        page = [one for one in rest if (stream, self.epoch, one.seq) not in self.parking][:limit]
        self.longest_page = max(self.longest_page, len(page))
        return page

    async def replay(
        self, stream: Stream, epoch: int, from_seq: int, to_seq: int, limit: int
    ) -> Sequence[StoredEvent]:
        self._maybe_fail()
        first = max(from_seq, self._oldest[stream])
        kept = self._events[stream][first - 1 : to_seq] if epoch == self.epoch else []
        return kept[:limit]

    async def freed(self, stream: Stream, seq: int) -> None:
        self._maybe_fail()
        self.freed_calls.append((stream, seq))
        self._acked[stream] = max(self._acked[stream], seq)

    async def records(self, what: str, after: str, limit: int, *, live_only: bool = False) -> RecordPage:
        """None: a test that wants records takes a real store."""
        return RecordPage(())

    async def set_cloud_acks(self, stream: Stream, does: bool) -> None:
        self._maybe_fail()
        (self._cloud_acks.add if does else self._cloud_acks.discard)(stream)

    async def park(self, event: StoredEvent, code: int) -> None:
        self._maybe_fail()
        if self.cannot_park:
            raise StoreFull("the disk is full")
        self.parking[(event.stream, event.epoch, event.seq)] = (event, code, False)

    async def parked(self, limit: int) -> tuple[Sequence[ParkedEvent], int]:
        self._maybe_fail()
        at = datetime(2026, 6, 15, 9, tzinfo=UTC)
        found = [
            ParkedEvent(one.stream, one.epoch, one.seq, code, at, len(one.payload), is_released)
            for one, code, is_released in self.parking.values()
        ]
        return found[:limit], len(found)

    async def release(self, stream: Stream, epoch: int, seq: int, *, give_up: bool = False) -> bool:
        self._maybe_fail()
        kept = self.parking.pop((stream, epoch, seq), None)
        if kept is not None and not give_up:
            self.parking[(stream, epoch, seq)] = (*kept[:2], True)
        return kept is not None

    async def released(self, limit: int) -> Sequence[StoredEvent]:
        self._maybe_fail()
        return [one for one, _, is_released in self.parking.values() if is_released][:limit]

    async def unpark(self, event: StoredEvent) -> None:
        await self.release(event.stream, event.epoch, event.seq, give_up=True)

    async def answer(self, command_id: str) -> Reply | None:
        """As Ledger.answer."""
        self._maybe_fail()
        return self.answers.get(command_id)

    def _maybe_fail(self) -> None:
        if self.is_broken:
            raise StoreFull("the disk is full")
