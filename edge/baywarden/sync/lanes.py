"""The outbox on its way out: one lane per stream, one event in flight on each to keep their order."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Final

from baywarden.model.event import StoredEvent, Stream
from baywarden.ports.store import Outbox, StoreError
from baywarden.sync.carrier import (
    MESSAGE_REFUSALS,
    NO_SUBSCRIBERS,
    QUOTA_EXCEEDED,
    REFUSED,
    TOPIC_REFUSALS,
    Carrier,
    Parcel,
)
from baywarden.sync.envelope import CONTENT_TYPE
from baywarden.sync.pacing import Backoff, Pace
from baywarden.sync.refusals import Refusals
from baywarden.sync.tally import Tally

_TRIES_OF_UNKNOWN_REFUSALS: Final = 8
_LOOK_AGAIN_S: Final = 30.0
_STORE_PAUSE_S: Final = 2.0
_FREE_EVERY_S: Final = 0.5


class Lane:
    """One stream. Its memory is one page of the outbox, whatever the backlog."""

    def __init__(
        self,
        *,
        stream: Stream,
        topic: str,
        outbox: Outbox,
        pace: Pace,
        refusals: Refusals,
        tally: Tally,
        random: Random,
        page_rows: int,
    ) -> None:
        self._stream = stream
        self._topic = topic
        self._outbox = outbox
        self._pace = pace
        self._refusals = refusals
        self._tally = tally
        self._page_rows = page_rows
        self._pause = Backoff(1.0, 0.5, 300.0, random)
        self._news = asyncio.Event()
        self._sent_seq = 0
        self._freed_seq = 0
        self._freed_at_s = 0.0

    def wake(self) -> None:
        """There may be something new."""
        self._news.set()

    def resume(self, acked_seq: int) -> None:
        """Go on after `acked_seq`, as the store has it, or after what was acknowledged since."""
        self._freed_seq = acked_seq
        self._sent_seq = max(self._sent_seq, acked_seq)

    async def run(self, link: Carrier) -> None:
        """Send what there is and then what comes, until the link is lost (LinkLost)."""
        while True:
            self._news.clear()
            page = await self._next_page()
            if page is None:
                await asyncio.sleep(_STORE_PAUSE_S)
                continue
            for event in page:
                await self._send(link, event)
                await self._free(at_once=False)
            await self._free(at_once=True)
            if not page:
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
        tries = 0
        while True:
            await asyncio.sleep(self._refusals.left_s(self._topic))
            await self._pace.take()
            code = await link.publish(parcel)
            tries += 1
            # From here to `_sent_seq` nothing may wait: the broker may end the connection with its refusal.
            self._refusals.note(self._topic, code)
            if code < REFUSED:
                self._note_taken(code)
                break
            if code in MESSAGE_REFUSALS or code in TOPIC_REFUSALS or self._is_hopeless(code, tries):
                self._park(event, code)
                break
            self._tally.trouble("quota", f"the broker will not take {self._topic} now: code {code:#04x}")
            await asyncio.sleep(self._pause.next_s())
        self._pause.reset()
        self._sent_seq = event.seq

    def _note_taken(self, code: int) -> None:
        """The broker has taken it; what nobody has subscribed to it stores nowhere, and that must be seen."""
        deaf = f"no_subscribers_{self._stream.value}"
        if code == NO_SUBSCRIBERS:
            self._tally.count("no_subscribers")
            self._tally.remark(deaf, f"nobody has subscribed to {self._topic}")
        else:
            self._tally.count("events_sent")
            self._tally.end_remark(deaf)

    def _is_hopeless(self, code: int, tries: int) -> bool:
        return code != QUOTA_EXCEEDED and tries >= _TRIES_OF_UNKNOWN_REFUSALS

    def _park(self, event: StoredEvent, code: int) -> None:
        """Leave it in the ring for a replay and go on (slowly after a refusal of the topic, see Refusals)."""
        self._tally.count("parked")
        text = f"{self._stream.value} {event.epoch}-{event.seq} was refused for good with code {code:#04x}"
        self._tally.alarm(f"parked_{self._stream.value}", f"{text}; it is kept for replay")

    async def _free(self, *, at_once: bool) -> None:
        """Tell the store how far it is, now and then: what it does not know is sent twice after a restart."""
        now_s = asyncio.get_running_loop().time()
        if self._sent_seq == self._freed_seq or not (at_once or now_s >= self._freed_at_s + _FREE_EVERY_S):
            return
        self._freed_at_s = now_s
        seq = self._sent_seq
        try:
            await self._outbox.freed(self._stream, seq)
            self._freed_seq = seq
        except StoreError as error:
            self._tally.trouble("store_errors", f"the outbox cannot be freed: {error}")

    async def _wait_for_news(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_AGAIN_S):
                await self._news.wait()
        except TimeoutError:
            return  # a look without a reason: a missed wake-up must not hold an event for ever


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
