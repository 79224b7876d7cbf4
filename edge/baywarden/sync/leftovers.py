"""Events of earlier epochs that the cloud never got: told once, after the ledger was mended or restored."""

import asyncio
from random import Random
from typing import Final

from baywarden.model.event import StoredEvent
from baywarden.ports.store import Leftovers, Parking, StoreError
from baywarden.sync.carrier import (
    MESSAGE_REFUSALS,
    NO_SUBSCRIBERS,
    QUOTA_EXCEEDED,
    REFUSED,
    Carrier,
    Parcel,
)
from baywarden.sync.envelope import CONTENT_TYPE
from baywarden.sync.pacing import Backoff, Pace
from baywarden.sync.parked import parked_alarm
from baywarden.sync.refusals import Refusals
from baywarden.sync.tally import Tally
from baywarden.sync.topics import Topics

_STORE_PAUSE_S: Final = 60.0
_UNREADABLE: Final = "leftovers_unreadable"
_REFUSED: Final = "leftovers_refused"


class Heirlooms:
    """Sends them on `replay/{stream}`: the numbers of an older epoch have no place among the new ones."""

    def __init__(
        self,
        leftovers: Leftovers,
        parking: Parking,
        topics: Topics,
        *,
        pace: Pace,
        refusals: Refusals,
        tally: Tally,
        random: Random,
        page_rows: int,
    ) -> None:
        self._leftovers = leftovers
        self._parking = parking
        self._topics = topics
        self._pace = pace
        self._refusals = refusals
        self._tally = tally
        self._page_rows = page_rows
        self._pause = Backoff(5.0, 2.5, 300.0, random)

    async def run(self, link: Carrier) -> None:
        """Send all there are, then rest until the link is lost (LinkLost)."""
        while True:
            try:
                if not await self._send_page(link):
                    await asyncio.Event().wait()
            except StoreError as error:
                self._tally.count("store_errors")
                self._tally.alarm(_UNREADABLE, f"events of an earlier epoch cannot be read: {error}")
                await asyncio.sleep(_STORE_PAUSE_S)

    async def _send_page(self, link: Carrier) -> bool:
        """Send some; False when none is left. After a refusal the rest of the page waits, too."""
        page = await self._leftovers.leftovers(self._page_rows)
        self._tally.end_alarm(_UNREADABLE)
        for event in page:
            if not await self._send(link, event):
                await asyncio.sleep(self._pause.next_s())
                return True
            self._pause.reset()
            await self._leftovers.freed_leftover(event)
        return bool(page)

    async def _send(self, link: Carrier, event: StoredEvent) -> bool:
        """Whether it is done with: the broker has it, or will not take this one message for ever."""
        parcel = Parcel(self._topics.replay(event.stream), event.payload, content_type=CONTENT_TYPE)
        await asyncio.sleep(self._refusals.left_s(parcel.topic))
        await self._pace.take()
        code = await link.publish(parcel)
        # Nothing waits from here to the note: the broker may end the connection with its refusal.
        self._refusals.note(parcel.topic, code)
        if code < REFUSED:
            self._tally.count("no_subscribers" if code == NO_SUBSCRIBERS else "leftovers_sent")
        elif code in MESSAGE_REFUSALS:
            await self._park(event, code)
        else:
            self._note_refusal(parcel.topic, code)
            return False
        self._tally.end_alarm(_REFUSED)
        return True

    async def _park(self, event: StoredEvent, code: int) -> None:
        """Raises StoreError; what the store was asked it does, even if the connection ends meanwhile."""
        self._tally.count("leftovers_parked")
        parked_alarm(self._tally, event.stream, event.epoch, event.seq, code)
        await self._parking.park(event, code)

    def _note_refusal(self, topic: str, code: int) -> None:
        self._tally.count("quota" if code == QUOTA_EXCEEDED else _REFUSED)
        text = f"the broker refuses {topic} with code {code:#04x}"
        self._tally.alarm(_REFUSED, f"{text}: events of an earlier epoch wait and are tried again")
