"""The retained status of each outlet: the newest only, sent when the broker has another."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from baywarden.model.evse import EvseStatus
from baywarden.sync.carrier import MESSAGE_REFUSALS, REFUSED, Carrier, Parcel
from baywarden.sync.drafts import status_payload
from baywarden.sync.envelope import compact_json, rfc3339
from baywarden.sync.refusals import Refusals
from baywarden.sync.tally import Tally
from baywarden.sync.topics import Topics

_SIDE_BY_SIDE: Final = 8
_NOT_NOW_S: Final = 5.0

_Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be shown of an outlet; `live` is looked up when it is sent and is no change by itself."""

    status: EvseStatus
    extras: _Fields
    live: Callable[[], _Fields] = field(compare=False)

    def document(self) -> dict[str, Any]:
        return {**status_payload(self.status).model_dump(mode="json"), **self.extras, **self.live()}


class Mirror:
    """What is wanted on the broker and what is there."""

    def __init__(self, topics: Topics, refusals: Refusals, tally: Tally, utc: Callable[[], datetime]) -> None:
        self._topics = topics
        self._refusals = refusals
        self._tally = tally
        self._utc = utc
        self._wanted: dict[str, _Wanted | None] = {}
        self._given: dict[str, _Wanted | None] = {}
        self._news = asyncio.Event()

    def put(self, status: EvseStatus, extras: _Fields, live: Callable[[], _Fields] = dict) -> None:
        """The newest status of an outlet; `extras` are plain JSON fields, `live` those that always change."""
        self._wanted[status.evse_id] = _Wanted(status, extras, live)
        if not self._is_given(status.evse_id):
            self._news.set()

    def drop(self, evse_id: str) -> None:
        """The outlet is gone: take its retained status away."""
        if evse_id in self._wanted:
            self._wanted[evse_id] = None
            self._news.set()

    def forget_given(self) -> None:
        """A new connection: everything is told anew."""
        self._given.clear()
        self._news.set()

    async def flush(self, link: Carrier) -> None:
        """Send all that differs, some side by side, and return when the broker has it. Raises LinkLost."""
        self._news.clear()
        due = [evse_id for evse_id in self._wanted if not self._is_given(evse_id)]
        for start in range(0, len(due), _SIDE_BY_SIDE):
            await asyncio.gather(
                *(self._send(link, evse_id) for evse_id in due[start : start + _SIDE_BY_SIDE])
            )

    async def run(self, link: Carrier) -> None:
        """Keep them equal until the link is lost (LinkLost)."""
        while True:
            await self._news.wait()
            await self.flush(link)
            if any(not self._is_given(evse_id) for evse_id in self._wanted):
                self._news.set()
                await asyncio.sleep(_NOT_NOW_S)

    async def _send(self, link: Carrier, evse_id: str) -> None:
        wanted = self._wanted[evse_id]
        sent_at = rfc3339(self._utc())
        payload = b"" if wanted is None else compact_json({**wanted.document(), "sent_at": sent_at})
        parcel = Parcel(self._topics.status(evse_id), payload, retain=True)
        code = await self._refusals.publish(link, parcel)
        if code >= REFUSED:
            self._tally.trouble("status_refused", f"the status of {evse_id} was refused with {code:#04x}")
        if code < REFUSED or code in MESSAGE_REFUSALS:
            self._given[evse_id] = wanted
        if wanted is None and self._wanted.get(evse_id) is None:
            self._wanted.pop(evse_id, None)
            self._given.pop(evse_id, None)

    def _is_given(self, evse_id: str) -> bool:
        if evse_id not in self._given:
            return False
        return self._given[evse_id] == self._wanted[evse_id]
