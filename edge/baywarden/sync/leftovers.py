"""Events of earlier epochs that the cloud never got: told once, after the ledger was mended or restored."""

import asyncio
from typing import Final

from baywarden.ports.store import Leftovers, StoreError
from baywarden.sync.carrier import REFUSED, Carrier, Parcel
from baywarden.sync.envelope import CONTENT_TYPE
from baywarden.sync.pacing import Pace
from baywarden.sync.refusals import Refusals
from baywarden.sync.tally import Tally
from baywarden.sync.topics import Topics

_STORE_PAUSE_S: Final = 60.0


class Heirlooms:
    """Sends them on `replay/{stream}`: the numbers of an older epoch have no place among the new ones."""

    def __init__(
        self,
        leftovers: Leftovers,
        topics: Topics,
        *,
        pace: Pace,
        refusals: Refusals,
        tally: Tally,
        page_rows: int,
    ) -> None:
        self._leftovers = leftovers
        self._topics = topics
        self._pace = pace
        self._refusals = refusals
        self._tally = tally
        self._page_rows = page_rows

    async def run(self, link: Carrier) -> None:
        """Send all there are, then rest until the link is lost (LinkLost)."""
        while True:
            try:
                if not await self._send_page(link):
                    await asyncio.Event().wait()
            except StoreError as error:
                self._tally.trouble("store_errors", f"events of an earlier epoch cannot be read: {error}")
                await asyncio.sleep(_STORE_PAUSE_S)

    async def _send_page(self, link: Carrier) -> bool:
        page = await self._leftovers.leftovers(self._page_rows)
        for event in page:
            await self._pace.take()
            parcel = Parcel(self._topics.replay(event.stream), event.payload, content_type=CONTENT_TYPE)
            code = await self._refusals.publish(link, parcel)
            self._tally.count("leftovers_sent" if code < REFUSED else "leftovers_refused")
            await self._leftovers.freed_leftover(event)
        return bool(page)
