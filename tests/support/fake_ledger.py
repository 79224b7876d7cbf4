"""A ledger on a real store, with the faults built in that a disk has."""

from collections.abc import Mapping, Sequence
from typing import Any

from baywarden.model.booking import Booking
from baywarden.model.command import Reply
from baywarden.model.session import Session
from baywarden.ports.store import Batch, Ledger, Saved, StoreDamaged, StoreFull


class FakeLedger:
    """Implements baywarden.ports.store.Ledger. What was committed is in `batches`; the switches are public."""

    def __init__(self, real: Ledger) -> None:
        self.batches: list[Batch] = []
        self.tries = 0
        self.under_way = 0
        """How many writes the disk is busy with."""
        self.is_full = False
        """Every write raises StoreFull, and nothing of it is written."""
        self.is_damaged = False
        """Every write raises StoreDamaged."""
        self._real = real

    async def load(self) -> Saved:
        return await self._real.load()

    async def commit(self, batch: Batch) -> None:
        self.tries += 1
        if self.is_damaged:
            raise StoreDamaged("told so by the test")
        if self.is_full:
            raise StoreFull("the disk is full")
        self.under_way += 1
        try:
            await self._real.commit(batch)
        finally:
            self.under_way -= 1
        self.batches.append(batch)

    async def answer(self, command_id: str) -> Reply | None:
        return await self._real.answer(command_id)

    async def booking(self, booking_id: str) -> Booking | None:
        return await self._real.booking(booking_id)

    async def session(self, session_id: str) -> Session | None:
        return await self._real.session(session_id)

    async def history(
        self, what: str, *, after: str | None = None, limit: int = 100, where: Mapping[str, str] | None = None
    ) -> tuple[Sequence[Mapping[str, Any]], str | None]:
        return await self._real.history(what, after=after, limit=limit, where=where)

    async def close(self) -> None:
        await self._real.close()
