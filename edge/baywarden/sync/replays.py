"""Stretches of streams that the cloud asked for again: byte for byte, in order, not in the way of the new."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

from baywarden.model.command import Reason, Reply, Result
from baywarden.model.event import StoredEvent, Stream
from baywarden.ports.store import Outbox, StoreError
from baywarden.sync.carrier import REFUSED, TOPIC_REFUSALS, Carrier, Parcel
from baywarden.sync.commands import ReplayOrder
from baywarden.sync.courier import Courier
from baywarden.sync.envelope import CONTENT_TYPE
from baywarden.sync.tally import Tally
from baywarden.sync.topics import Topics

_MOST_ORDERS: Final = 16
_STORE_PAUSE_S: Final = 2.0


@dataclass(slots=True)
class _Stretch:
    """What is still to be sent of an order."""

    stream: Stream
    epoch: int
    next_seq: int
    to_seq: int


class Replays:
    """The queue of replays. It goes on where it was after a lost link, and is forgotten by a restart."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        topics: Topics,
        courier: Courier,
        tally: Tally,
        page_rows: int,
    ) -> None:
        self._outbox = outbox
        self._topics = topics
        self._courier = courier
        self._tally = tally
        self._page_rows = page_rows
        self._stretches: deque[_Stretch] = deque()
        self._news = asyncio.Event()

    async def take(self, order: ReplayOrder) -> Reply:
        """Accept the order and say where it begins, or say what is kept. Raises StoreError."""
        wanted = order.wanted
        if len(self._stretches) >= _MOST_ORDERS:
            detail = f"{_MOST_ORDERS} replays are waiting; ask again later"
            return Reply(order.id, Result.REJECTED, Reason.FAILED, detail)
        first = await self._outbox.replay(wanted.stream, wanted.epoch, wanted.from_seq, wanted.to_seq, 1)
        if not first:
            detail = f"nothing of epoch {wanted.epoch}, {wanted.from_seq} to {wanted.to_seq} is kept"
            return Reply(
                order.id, Result.REJECTED, Reason.INVALID, detail, data=await self._kept(wanted.stream)
            )
        self._stretches.append(_Stretch(wanted.stream, wanted.epoch, first[0].seq, wanted.to_seq))
        self._news.set()
        return Reply(order.id, Result.ACCEPTED, data={"from_seq": first[0].seq, "to_seq": wanted.to_seq})

    async def run(self, link: Carrier) -> None:
        """Send until the link is lost (LinkLost)."""
        while True:
            if not self._stretches:
                self._news.clear()
                await self._news.wait()
            if await self._send_page(link, self._stretches[0]):
                self._stretches.popleft()

    async def _send_page(self, link: Carrier, stretch: _Stretch) -> bool:
        """Send some of it; True when there is nothing left."""
        try:
            page = await self._outbox.replay(
                stretch.stream, stretch.epoch, stretch.next_seq, stretch.to_seq, self._page_rows
            )
        except StoreError as error:
            self._tally.trouble("store_errors", f"a replay cannot be read: {error}")
            await asyncio.sleep(_STORE_PAUSE_S)
            return False
        for event in page:
            if not await self._send(link, event):
                return True
            stretch.next_seq = event.seq + 1
        return not page or stretch.next_seq > stretch.to_seq

    async def _send(self, link: Carrier, event: StoredEvent) -> bool:
        """False when the rest need not be tried: nothing may be said on that topic, and who asked may ask again."""
        topic = self._topics.replay(event.stream)
        code = await self._courier.deliver(link, Parcel(topic, event.payload, content_type=CONTENT_TYPE))
        if code < REFUSED:
            self._tally.count("replayed")
            return True
        self._tally.trouble("replay_refused", f"a replay on {topic} was refused with code {code:#04x}")
        return code not in TOPIC_REFUSALS

    async def _kept(self, stream: Stream) -> dict[str, int]:
        for head in await self._outbox.heads():
            if head.stream is stream:
                return {"epoch": head.epoch, "oldest_seq": head.oldest_seq, "last_seq": head.last_seq}
        return {}
