"""The ledger: state and its outgoing events are committed together or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from baywarden.model.booking import Booking
from baywarden.model.command import Command, Reply
from baywarden.model.event import EventDraft, ParkedEvent, StoredEvent, Stream, StreamHead
from baywarden.model.evse import EvseState
from baywarden.model.notice import Notice
from baywarden.model.overstay import Penalty
from baywarden.model.reading import EvseReading, MeterReading
from baywarden.model.session import MeterSample, Session
from baywarden.model.site import Anchor
from baywarden.model.time import Now
from baywarden.model.token import TokenChange, TokenList


class StoreError(Exception):
    """The root of what a store may raise.

    StoreError
      StoreFull      nothing was written: no room, or the disk refuses writes; try again later
      StoreDamaged   the file cannot be trusted
      StoreNewer     the file was written by a newer release
      StoreInUse     another daemon has it open
      StoreRefused   nothing was written: a record that is final would have changed
    """


class StoreFull(StoreError):
    """Nothing of the batch was written; the same batch may be tried again."""


class StoreDamaged(StoreError):
    """The database failed its check."""


class StoreNewer(StoreError):
    """The database has a schema that this release does not know."""


class StoreInUse(StoreError):
    """Another daemon keeps its books in the same folder."""


class StoreRefused(StoreError):
    """A rule of the tables was broken (a FINAL penalty never changes); nothing of the batch was written."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One transaction."""

    evses: tuple[EvseState, ...] = ()
    bookings: tuple[Booking, ...] = ()
    sessions: tuple[Session, ...] = ()
    penalties: tuple[Penalty, ...] = ()
    notices: tuple[Notice, ...] = ()
    samples: tuple[MeterSample, ...] = ()
    drafts: tuple[EventDraft, ...] = ()
    token_changes: tuple[TokenChange, ...] = ()
    answered: tuple[Command, Reply] | None = None
    anchor: Anchor | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """What a start finds: outlets with their live bookings, open session and accruing penalty."""

    evses: tuple[EvseState, ...]
    anchor: Anchor | None
    epoch: int
    notes: tuple[str, ...] = field(default=())
    """Plain sentences about anything unusual (a damaged file set aside, an epoch that rose)."""
    epoch_tag: str = ""
    """Random, new with each epoch: tells two epochs of one number apart after everything was lost."""
    as_of: datetime | None = None
    """Set when the state is that of a backup made then: what happened since is unknown and not billed."""
    tokens: TokenList = field(default_factory=TokenList)


class Ledger(Protocol):
    """ledger.db: bookings, sessions, penalties, notices, answers, events."""

    async def load(self) -> Saved: ...

    async def commit(self, batch: Batch) -> None:
        """Write all of it durably. Raises StoreFull or StoreRefused, and then nothing was written.

        A notice whose key is known writes neither itself nor the draft whose data has that `key`.
        """
        ...

    async def answer(self, command_id: str) -> Reply | None:
        """The stored answer to a command that was seen before."""
        ...

    async def booking(self, booking_id: str) -> Booking | None: ...

    async def session(self, session_id: str) -> Session | None: ...

    async def history(
        self, what: str, *, after: str | None = None, limit: int = 100, where: Mapping[str, str] | None = None
    ) -> tuple[Sequence[Mapping[str, Any]], str | None]:
        """A page as plain JSON, newest first, and the cursor of the next page.

        `what`: bookings, sessions, penalties, notices or samples. Raises ValueError for a wrong question.
        """
        ...

    async def close(self) -> None: ...


class Outbox(Protocol):
    """The events of the ledger on their way to the cloud."""

    async def heads(self) -> tuple[StreamHead, ...]: ...

    async def pending(self, stream: Stream, after_seq: int, limit: int) -> Sequence[StoredEvent]:
        """Events of the stream with a larger number, in order."""
        ...

    async def replay(
        self, stream: Stream, epoch: int, from_seq: int, to_seq: int, limit: int
    ) -> Sequence[StoredEvent]: ...

    async def freed(self, stream: Stream, seq: int) -> None:
        """All events of the stream up to `seq` have reached the cloud; they stay for replay.

        Written with the next commit: a power cut only sends some again. A number never given is ignored.
        """
        ...

    async def set_cloud_acks(self, stream: Stream, does: bool) -> None:
        """Whether the cloud itself says what it has stored of the stream; outlives restarts and epochs."""
        ...


class Parking(Protocol):
    """Events that the broker refused for good. They are out of the outbox's way, and never lost."""

    async def park(self, event: StoredEvent, code: int) -> None:
        """Keep it apart; once more does no harm. Raises StoreFull when too many are parked."""
        ...

    async def parked(self, limit: int) -> tuple[Sequence[ParkedEvent], int]:
        """Some of them, oldest first, and how many there are."""
        ...

    async def release(self, stream: Stream, epoch: int, seq: int, *, give_up: bool = False) -> bool:
        """To be sent again, or never; False when no such event is parked."""
        ...

    async def released(self, limit: int) -> Sequence[StoredEvent]:
        """Those to be sent again, oldest first."""
        ...

    async def unpark(self, event: StoredEvent) -> None:
        """The broker has taken it after all."""
        ...


class Leftovers(Protocol):
    """Unsent events of earlier epochs, after a ledger was mended, restored or moved to another site."""

    async def leftovers(self, limit: int) -> Sequence[StoredEvent]:
        """Events of earlier epochs that the cloud has not got, in order of epoch, stream and number."""
        ...

    async def freed_leftover(self, event: StoredEvent) -> None:
        """The leftovers of that stream and epoch up to this one have reached the cloud."""
        ...


@dataclass(frozen=True, slots=True)
class RecordPage:
    """Records in the order of their ids, with the ids of those that cannot be read."""

    records: tuple[Booking | Session | Penalty, ...]
    damaged: tuple[str, ...] = ()
    next: str | None = None
    """The id after which the next page begins; None on the last one."""


class Archive(Protocol):
    """Whole tables, page by page. An id never moves, so no record is missed because another one changed."""

    async def records(self, what: str, after: str, limit: int, *, live_only: bool = False) -> RecordPage:
        """`what`: bookings, sessions or penalties; `after` is an id, or empty."""
        ...


class Upkeep(Protocol):
    """What keeps the store small and safe, and what it says of itself."""

    async def tend(self, now: Now) -> None:
        """Prune, check-point, vacuum, back up; every few minutes. Raises StoreError when the disk refuses."""
        ...

    def stats(self) -> Mapping[str, Any]:
        """Sizes, SQLite's version, the last trouble: plain JSON for `status`."""
        ...


class Telemetry(Protocol):
    """telemetry.db: readings by the minute; the last batch may be lost in a power cut."""

    async def keep(self, now: Now, evses: Sequence[EvseReading], meters: Sequence[MeterReading]) -> None: ...
