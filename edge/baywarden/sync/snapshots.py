"""Everything of one kind, page by page, for a cloud that begins, or begins anew in a new epoch.

A snapshot is true at `as_of_seq` or later: a page may show what happened since the first one, and the events after
`as_of_seq` tell it again. Who keeps the higher `rev` of each record and then applies those events has all of it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from baywarden.model.command import Reason, Reply, Result
from baywarden.model.event import Stream
from baywarden.ports.store import Archive, Outbox
from baywarden.sync.commands import SnapshotOrder
from baywarden.sync.drafts import payload_of
from baywarden.sync.errors import CommandRefused
from baywarden.sync.requests import SnapshotParams, SnapshotWhat
from baywarden.sync.site_payloads import EvsePayload, PolicyPayload

PAGE_BYTES: Final = 64 * 1024
"""A page ends before it is larger; small brokers and cloud brokers take 128 KiB in a packet."""
_STREAMS: Final = {
    SnapshotWhat.BOOKINGS: Stream.BOOKING,
    SnapshotWhat.SESSIONS: Stream.SESSION,
    SnapshotWhat.PENALTIES: Stream.PENALTY,
    SnapshotWhat.EVSES: Stream.STATUS,
}
_IDS: Final = {
    SnapshotWhat.BOOKINGS: "booking_id",
    SnapshotWhat.SESSIONS: "session_id",
    SnapshotWhat.PENALTIES: "penalty_id",
}


class SiteFacts(NamedTuple):
    """What is configured and is in no table."""

    evses: Sequence[EvsePayload] = ()
    policies: Sequence[PolicyPayload] = ()


class _Cursor(NamedTuple):
    """Where the next page begins, in the epoch and at the number at which the first one did."""

    epoch: int
    as_of_seq: int
    after: str

    def __str__(self) -> str:
        return f"{self.epoch}/{self.as_of_seq}/{self.after}"


class _Found(NamedTuple):
    """Items by their keys, in order; the ids of those that cannot be read; whether there are more."""

    items: Sequence[tuple[str, Mapping[str, Any]]]
    damaged: Sequence[str] = ()
    after: str | None = None


class Snapshots:
    """Answers `snapshot.get`."""

    def __init__(
        self,
        outbox: Outbox,
        archive: Archive,
        *,
        facts: Callable[[], SiteFacts],
        epoch_tag: Callable[[], str | None],
    ) -> None:
        self._outbox = outbox
        self._archive = archive
        self._facts = facts
        self._epoch_tag = epoch_tag

    async def page(self, order: SnapshotOrder) -> Reply:
        """One page. Raises StoreError, CommandRefused for a cursor that does not hold any more."""
        wanted = order.wanted
        # Where the stream stands is asked first: what is committed meanwhile is told again by its event.
        start = await self._start(wanted)
        cursor = _read_cursor(order.id, wanted.cursor, start)
        found = await self._found(wanted, cursor.after)
        items, left_out, after = _fitting(found)
        data: dict[str, Any] = {
            "what": wanted.what.value,
            "epoch": cursor.epoch,
            "epoch_tag": self._epoch_tag(),
            "as_of_seq": cursor.as_of_seq if wanted.what in _STREAMS else None,
            "items": items,
            "left_out": left_out,
            "next": None if after is None else str(cursor._replace(after=after)),
        }
        return Reply(order.id, Result.ACCEPTED, data=data)

    async def _start(self, wanted: SnapshotParams) -> _Cursor:
        heads = await self._outbox.heads()
        epoch = max((head.epoch for head in heads), default=0)
        stream = _STREAMS.get(wanted.what)
        return _Cursor(epoch, next((head.last_seq for head in heads if head.stream is stream), 0), "")

    async def _found(self, wanted: SnapshotParams, after: str) -> _Found:
        if wanted.what in _IDS:
            page = await self._archive.records(
                wanted.what.value, after, wanted.limit, live_only=wanted.live_only
            )
            told = [payload_of(record).model_dump(mode="json") for record in page.records]
            return _Found([(item[_IDS[wanted.what]], item) for item in told], page.damaged, page.next)
        return _slice(self._all(wanted.what), after, wanted.limit)

    def _all(self, what: SnapshotWhat) -> Mapping[str, EvsePayload | PolicyPayload]:
        facts = self._facts()
        if what is SnapshotWhat.EVSES:
            return {evse.evse_id: evse for evse in facts.evses}
        return {f"{policy.policy_id}.{policy.version:010d}": policy for policy in facts.policies}


def _read_cursor(command_id: str, text: str | None, start: _Cursor) -> _Cursor:
    if text is None:
        return start
    epoch, _, rest = text.partition("/")
    as_of_seq, _, after = rest.partition("/")
    try:
        cursor = _Cursor(int(epoch), int(as_of_seq), after)
    except ValueError:
        raise CommandRefused(
            command_id, Reason.INVALID, "params.cursor: must be the `next` of the page before"
        ) from None
    if cursor.epoch != start.epoch:
        detail = f"epoch {start.epoch} has begun since the first page: begin the snapshot anew"
        raise CommandRefused(command_id, Reason.STALE_REVISION, detail)
    return cursor


def _slice(known: Mapping[str, EvsePayload | PolicyPayload], after: str, limit: int) -> _Found:
    keys = [key for key in sorted(known) if key > after]
    items = [(key, known[key].model_dump(mode="json")) for key in keys[:limit]]
    return _Found(items, after=keys[limit - 1] if len(keys) > limit else None)


def _fitting(found: _Found) -> tuple[list[Mapping[str, Any]], list[Mapping[str, str]], str | None]:
    """As many items as fit, what was left out and why, and where the next page begins."""
    left_out: list[Mapping[str, str]] = [{"id": key, "reason": "DAMAGED"} for key in found.damaged]
    items: list[Mapping[str, Any]] = []
    size, done = 0, ""
    for key, item in found.items:
        item_bytes = len(json.dumps(item, ensure_ascii=False).encode())
        if item_bytes > PAGE_BYTES:
            left_out.append({"id": key, "reason": "TOO_LARGE"})
        elif size + item_bytes > PAGE_BYTES:
            # What is damaged beyond this item is named again by the page to which it belongs.
            return items, [one for one in left_out if one["id"] <= done], done
        else:
            items.append(item)
            size += item_bytes
        done = key
    return items, left_out, found.after
