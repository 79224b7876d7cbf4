"""The retained status of each outlet: the newest only, sent when the broker has another."""

import asyncio
from collections.abc import Callable, Mapping
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
_ALWAYS_CHANGING: Final = frozenset({"age_s"})

_Document = Mapping[str, Any]


class Mirror:
    """What is wanted on the broker and what is there."""

    def __init__(self, topics: Topics, refusals: Refusals, tally: Tally, utc: Callable[[], datetime]) -> None:
        self._topics = topics
        self._refusals = refusals
        self._tally = tally
        self._utc = utc
        self._wanted: dict[str, _Document | None] = {}
        self._given: dict[str, _Document | None] = {}
        self._news = asyncio.Event()

    def put(self, status: EvseStatus, extras: Mapping[str, Any]) -> None:
        """The newest status of an outlet; `extras` are plain JSON fields. `age_s` alone is no change."""
        document = status_payload(status).model_dump(mode="json") | dict(extras)
        self._wanted[status.evse_id] = document
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
        document = self._wanted[evse_id]
        payload = b"" if document is None else compact_json({**document, "sent_at": rfc3339(self._utc())})
        parcel = Parcel(self._topics.status(evse_id), payload, retain=True)
        code = await self._refusals.publish(link, parcel)
        if code >= REFUSED:
            self._tally.trouble("status_refused", f"the status of {evse_id} was refused with {code:#04x}")
        if code < REFUSED or code in MESSAGE_REFUSALS:
            self._given[evse_id] = document
        if document is None and self._wanted.get(evse_id) is None:
            self._wanted.pop(evse_id, None)
            self._given.pop(evse_id, None)

    def _is_given(self, evse_id: str) -> bool:
        if evse_id not in self._given:
            return False
        return _lasting(self._given[evse_id]) == _lasting(self._wanted[evse_id])


def _lasting(document: _Document | None) -> _Document | None:
    return document and {key: value for key, value in document.items() if key not in _ALWAYS_CHANGING}
