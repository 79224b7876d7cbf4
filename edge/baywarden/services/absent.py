"""The books of a site whose ledger cannot be opened: they are empty and take nothing, so that control can go on."""

from collections.abc import Mapping, Sequence
from typing import Any

from baywarden.model.booking import Booking
from baywarden.model.command import Reply
from baywarden.model.event import ParkedEvent, StoredEvent, Stream, StreamHead
from baywarden.model.reading import EvseReading, MeterReading
from baywarden.model.session import Session
from baywarden.model.time import Now
from baywarden.ports.store import Batch, RecordPage, Saved, StoreError, StoreFull


class AbsentBooks:
    """Ledger, outbox and telemetry that refuse everything with the reason why there are none."""

    def __init__(self, why: str) -> None:
        self._why = why

    async def load(self) -> Saved:
        """Nothing is known, and it is said why."""
        return Saved((), None, 0, (f"control goes on without a ledger: {self._why}",))

    async def commit(self, batch: Batch) -> None:
        """Raises StoreFull: nothing is accepted that cannot be kept."""
        raise StoreFull(self._why)

    async def answer(self, command_id: str) -> Reply | None:
        """None: there is no memory."""
        return None

    async def booking(self, booking_id: str) -> Booking | None:
        """None."""
        return None

    async def session(self, session_id: str) -> Session | None:
        """None."""
        return None

    async def history(
        self, what: str, *, after: str | None = None, limit: int = 100, where: Mapping[str, str] | None = None
    ) -> tuple[Sequence[Mapping[str, Any]], str | None]:
        """Raises StoreError: an empty list would be a lie."""
        raise StoreError(self._why)

    async def records(self, what: str, after: str, limit: int, *, live_only: bool = False) -> RecordPage:
        """Raises StoreError: an empty page would be a lie."""
        raise StoreError(self._why)

    async def heads(self) -> tuple[StreamHead, ...]:
        """None."""
        return ()

    async def pending(self, stream: Stream, after_seq: int, limit: int) -> Sequence[StoredEvent]:
        """None."""
        return ()

    async def replay(
        self, stream: Stream, epoch: int, from_seq: int, to_seq: int, limit: int
    ) -> Sequence[StoredEvent]:
        """Raises StoreError: an empty stretch would be a lie."""
        raise StoreError(self._why)

    async def freed(self, stream: Stream, seq: int) -> None:
        """Nothing to free."""

    async def set_cloud_acks(self, stream: Stream, does: bool) -> None:
        """Nothing to free."""

    async def park(self, event: StoredEvent, code: int) -> None:
        """Raises StoreFull."""
        raise StoreFull(self._why)

    async def parked(self, limit: int) -> tuple[Sequence[ParkedEvent], int]:
        """None."""
        return (), 0

    async def release(self, stream: Stream, epoch: int, seq: int, *, give_up: bool = False) -> bool:
        """Raises StoreError: nobody knows what was parked."""
        raise StoreError(self._why)

    async def released(self, limit: int) -> Sequence[StoredEvent]:
        """None."""
        return ()

    async def unpark(self, event: StoredEvent) -> None:
        """Nothing to forget."""

    async def leftovers(self, limit: int) -> Sequence[StoredEvent]:
        """None."""
        return ()

    async def freed_leftover(self, event: StoredEvent) -> None:
        """Nothing to free."""

    async def keep(self, now: Now, evses: Sequence[EvseReading], meters: Sequence[MeterReading]) -> None:
        """Nothing is kept."""

    async def tend(self, now: Now) -> None:
        """Nothing to tend."""

    def stats(self) -> Mapping[str, Any]:
        """What is wrong, for `status`."""
        return {"epoch": None, "epoch_tag": None, "full": True, "last_error": self._why}

    async def close(self) -> None:
        """Nothing to close."""
