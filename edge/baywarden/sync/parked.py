"""Events that the broker refused for good: seen in the alarm, and sent again when somebody has released them."""

import asyncio
from collections.abc import Callable
from typing import Final

from baywarden.model.event import StoredEvent, Stream
from baywarden.ports.store import Parking, StoreError
from baywarden.sync.carrier import REFUSED, Carrier, Parcel
from baywarden.sync.courier import Courier
from baywarden.sync.envelope import CONTENT_TYPE
from baywarden.sync.tally import Tally
from baywarden.sync.topics import Topics

_LOOK_AGAIN_S: Final = 30.0
_STORE_PAUSE_S: Final = 10.0
_MOST_TOLD: Final = 1000


def parked_alarm(tally: Tally, stream: Stream, epoch: int, seq: int, code: int) -> None:
    """Say that the newest event of a stream was parked."""
    text = f"{stream.value} {epoch}-{seq} was refused for good with code {code:#04x}"
    tally.alarm(f"parked_{stream.value}", f"{text}; it is kept until it is released")


class ReleasedEvents:
    """Sends them on `replay/{stream}`: their numbers have been passed on `evt/{stream}`."""

    def __init__(
        self,
        parking: Parking,
        topics: Topics,
        *,
        courier: Courier,
        tally: Tally,
        page_rows: int,
        on_sent: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_sent = on_sent
        self._parking = parking
        self._topics = topics
        self._courier = courier
        self._tally = tally
        self._page_rows = page_rows
        self._news = asyncio.Event()
        self._refused: list[tuple[StoredEvent, int]] = []

    def wake(self) -> None:
        """Some may have been parked or released."""
        self._news.set()

    async def run(self, link: Carrier) -> None:
        """Send what is released, until the link is lost (LinkLost)."""
        while True:
            self._news.clear()
            try:
                await self._write_refused()
                while page := await self._parking.released(self._page_rows):
                    for event in page:
                        await self._send(link, event)
                await self._look()
            except StoreError as error:
                self._tally.trouble("store_errors", f"parked events cannot be read: {error}")
                await asyncio.sleep(_STORE_PAUSE_S)
                continue
            await self._wait_for_news()

    async def _send(self, link: Carrier, event: StoredEvent) -> None:
        parcel = Parcel(self._topics.replay(event.stream), event.payload, content_type=CONTENT_TYPE)
        code = await self._courier.deliver(link, parcel)
        if code < REFUSED:
            self._tally.count("released_sent")
            await self._parking.unpark(event)
            self._on_sent()
            return
        # Nothing waits from the broker's word to here: it may end the connection with its refusal.
        self._refused.append((event, code))
        await self._write_refused()

    async def _write_refused(self) -> None:
        while self._refused:
            await self._parking.park(*self._refused[0])
            self._refused.pop(0)

    async def _look(self) -> None:
        """Keep the alarms true, also after a restart and after a release."""
        found, count = await self._parking.parked(_MOST_TOLD)
        newest = {one.stream: one for one in found}
        for stream in Stream:
            if stream in newest:
                one = newest[stream]
                parked_alarm(self._tally, stream, one.epoch, one.seq, one.code)
            elif count <= len(found):
                self._tally.end_alarm(f"parked_{stream.value}")

    async def _wait_for_news(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_AGAIN_S):
                await self._news.wait()
        except TimeoutError:
            return  # released while nobody could tell us
