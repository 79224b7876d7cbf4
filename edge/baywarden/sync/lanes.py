"""The outbox on its way out: one lane per stream, one event in flight on each to keep their order."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Final

from baywarden.model.event import StoredEvent, Stream
from baywarden.ports.store import Outbox, Parking, StoreError
from baywarden.sync.carrier import NO_SUBSCRIBERS, REFUSED, Carrier, Parcel
from baywarden.sync.courier import Courier
from baywarden.sync.envelope import CONTENT_TYPE
from baywarden.sync.pacing import Backoff
from baywarden.sync.parked import parked_alarm
from baywarden.sync.tally import Tally

_LOOK_AGAIN_S: Final = 30.0
_STORE_PAUSE_S: Final = 2.0
_FREE_EVERY_S: Final = 0.5
_STALLED_S: Final = 60.0
_MOST_STALLED_S: Final = 3600.0
_MOST_UNWRITTEN: Final = 100
"""Refused events that are remembered while the store cannot write them down."""


class Lane:
    """One stream. Its memory is one page of the outbox, whatever the backlog."""

    def __init__(
        self,
        *,
        stream: Stream,
        topic: str,
        outbox: Outbox,
        parking: Parking,
        courier: Courier,
        tally: Tally,
        page_rows: int,
        random: Random,
        on_parked: Callable[[], None] = lambda: None,
    ) -> None:
        self._stream = stream
        self._topic = topic
        self._outbox = outbox
        self._parking = parking
        self._courier = courier
        self._tally = tally
        self._page_rows = page_rows
        self._on_parked = on_parked
        self._news = asyncio.Event()
        self._sent_seq = 0
        self._freed_seq = 0
        self._freed_at_s = 0.0
        self._refused: list[tuple[StoredEvent, int]] = []
        self._cloud_acks = False
        self._heard_since_rewind = True
        self._moved_at_s = 0.0
        self._stalled_s = _STALLED_S
        self._nobody_hears = Backoff(1.0, 0.5, 10.0, random)

    def wake(self) -> None:
        """There may be something new."""
        self._news.set()

    def resume(self, acked_seq: int, *, cloud_acks: bool = False) -> None:
        """Go on after `acked_seq`, as the store has it, or after what the broker acknowledged since.

        Where the cloud acknowledges, the broker may have lost all else with the connection: that is sent again,
        but seldom while the cloud itself is away.
        """
        self._cloud_acks = cloud_acks
        self._freed_seq = acked_seq
        if cloud_acks and (self._heard_since_rewind or _now_s() >= self._moved_at_s + self._stalled_s):
            self._rewind()
        self._sent_seq = max(self._sent_seq, acked_seq)

    def hear(self, seq: int) -> None:
        """The cloud itself has stored all up to `seq`; from now on nobody else frees anything."""
        self._cloud_acks = True
        if seq > self._freed_seq:
            self._heard_since_rewind = True
            self._freed_seq = seq
            self._sent_seq = max(self._sent_seq, seq)
            self._moved_at_s = _now_s()
            self._stalled_s = _STALLED_S

    def cloud_is_silent(self) -> None:
        """The cloud does not acknowledge any more: the broker's word counts."""
        self._cloud_acks = False
        self.wake()

    async def run(self, link: Carrier) -> None:
        """Send what there is and then what comes, until the link is lost (LinkLost)."""
        await self._settle(at_once=True)
        while True:
            self._news.clear()
            page = await self._next_page()
            if page is None:
                await asyncio.sleep(_STORE_PAUSE_S)
                continue
            for event in page:
                if event.seq > self._freed_seq:
                    await self._send(link, event)
                    await self._settle(at_once=False)
            await self._settle(at_once=True)
            if not page and not self._looks_back():
                await self._wait_for_news()

    async def _next_page(self) -> Sequence[StoredEvent] | None:
        """None when the store cannot say now."""
        unreadable = f"unreadable_{self._stream.value}"
        try:
            page = await self._outbox.pending(self._stream, self._sent_seq, self._page_rows)
        except StoreError as error:
            self._tally.count("store_errors")
            self._tally.alarm(unreadable, f"the outbox of {self._stream.value} cannot be read: {error}")
            return None
        self._tally.end_alarm(unreadable)
        return page

    async def _send(self, link: Carrier, event: StoredEvent) -> None:
        parcel = Parcel(self._topic, event.payload, content_type=CONTENT_TYPE)
        code = await self._courier.deliver(link, parcel)
        while code == NO_SUBSCRIBERS and self._cloud_acks:
            # It was stored nowhere, and the cloud that wants this stream will be back.
            self._note_taken(code)
            await asyncio.sleep(self._nobody_hears.next_s())
            code = await self._courier.deliver(link, parcel)
        self._nobody_hears.reset()
        # Nothing waits from the broker's word to here: it may end the connection with its refusal.
        self._sent_seq = max(self._sent_seq, event.seq)
        self._moved_at_s = _now_s()
        if code < REFUSED:
            self._note_taken(code)
            return
        self._tally.count("parked")
        self._refused.append((event, code))
        parked_alarm(self._tally, event.stream, event.epoch, event.seq, code)

    def _note_taken(self, code: int) -> None:
        """The broker has taken it; what nobody has subscribed to it stores nowhere, and that must be seen."""
        deaf = f"no_subscribers_{self._stream.value}"
        if code == NO_SUBSCRIBERS:
            self._tally.count("no_subscribers")
            self._tally.remark(deaf, f"nobody has subscribed to {self._topic}")
        else:
            self._tally.count("events_sent")
            self._tally.end_remark(deaf)

    async def _settle(self, *, at_once: bool) -> None:
        """Write down what was refused, and then how far it is: what is not written is sent twice."""
        while self._refused:
            if await self._is_parked(*self._refused[0]):
                self._refused.pop(0)
                self._on_parked()
            elif len(self._refused) < _MOST_UNWRITTEN:
                return
            else:
                await asyncio.sleep(_STORE_PAUSE_S)
        if not self._cloud_acks:
            await self._free(at_once=at_once)

    async def _is_parked(self, event: StoredEvent, code: int) -> bool:
        """False when the store cannot write it now."""
        try:
            await self._parking.park(event, code)
        except StoreError as error:
            self._tally.trouble("store_errors", f"a refused event cannot be parked: {error}")
            return False
        return True

    async def _free(self, *, at_once: bool) -> None:
        """Tell the store how far it is, now and then."""
        now_s = _now_s()
        if self._sent_seq == self._freed_seq or not (at_once or now_s >= self._freed_at_s + _FREE_EVERY_S):
            return
        self._freed_at_s = now_s
        seq = self._sent_seq
        try:
            await self._outbox.freed(self._stream, seq)
            self._freed_seq = seq
        except StoreError as error:
            self._tally.trouble("store_errors", f"the outbox cannot be freed: {error}")

    def _looks_back(self) -> bool:
        """Whether to send again what the cloud has not stored long after it was sent; ever more seldom."""
        waits = self._cloud_acks and self._sent_seq > self._freed_seq
        if not waits or _now_s() < self._moved_at_s + self._stalled_s:
            return False
        self._stalled_s = min(2 * self._stalled_s, _MOST_STALLED_S)
        self._tally.count("sent_again")
        self._rewind()
        return True

    def _rewind(self) -> None:
        self._sent_seq = self._freed_seq
        self._heard_since_rewind = False

    async def _wait_for_news(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_AGAIN_S):
                await self._news.wait()
        except TimeoutError:
            return  # a look without a reason: a missed wake-up must not hold an event for ever


def _now_s() -> float:
    return asyncio.get_running_loop().time()


async def until_first_failure(works: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Run them side by side; when one ends, however it does, end the others and raise what it raised."""

    async def work_of(work: Callable[[], Awaitable[None]]) -> None:
        await work()

    tasks = [asyncio.create_task(work_of(work)) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
