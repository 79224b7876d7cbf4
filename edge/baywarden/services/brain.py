"""The one task that changes the site's state: decide, commit, then tell."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from baywarden.model.booking import Booking
from baywarden.model.command import CancelBooking, Command, FindSlots, PutBooking, Reason, Reply, Result
from baywarden.model.reading import Snapshot
from baywarden.model.site import Anchor, SiteRules, SiteState
from baywarden.model.step import Commanded, Effect, Event, Observed, Restarted, Step
from baywarden.model.time import Now
from baywarden.policy import site
from baywarden.ports.clock import Clock
from baywarden.ports.store import Ledger, StoreFull
from baywarden.services.owed import DraftOf, Owed

_log: Final = logging.getLogger(__name__)


class Brain:
    """Holds the live state. Nothing is told to anybody before it is durable.

    While the store refuses writes the site goes on: what happened is owed to the store and goes with the next
    transaction that it takes. A command is accepted only if all of that could be written together with it.
    """

    def __init__(
        self, rules: SiteRules, state: SiteState, *, ledger: Ledger, clock: Clock, draft_of: DraftOf
    ) -> None:
        self.rules = rules
        self.state = state
        self.store_refuses: str | None = None
        self._saved = state
        self._owed = Owed()
        self._ledger = ledger
        self._clock = clock
        self._draft_of = draft_of
        self._turn = asyncio.Lock()
        self._told: list[Callable[[tuple[Effect, ...]], None]] = []

    def tell(self, listener: Callable[[tuple[Effect, ...]], None]) -> None:
        """Call `listener` with the effects of each step once they are durable."""
        self._told.append(listener)

    async def restarted(self, anchor: Anchor | None) -> None:
        """Judge the time that passed while the daemon was off."""
        async with self._turn:
            await self._take(Restarted(anchor), self._clock.now())

    async def observe(self, snapshot: Snapshot) -> Step:
        """One cycle; its step is in force although the store may have refused it."""
        async with self._turn:
            return await self._take(Observed(snapshot), self._clock.now())

    async def command(self, command: Command) -> Reply:
        """Answer a request. A repeated id gets its first answer; what is not stored is not accepted."""
        async with self._turn:
            first = await self._ledger.answer(command.id)
            if first is not None:
                return first
            now = self._clock.now()
            if now.trusted and command.expires_at is not None and now.at >= command.expires_at:
                return Reply(
                    command.id, Result.REJECTED, Reason.COMMAND_EXPIRED, "it was too late when it was read"
                )
            known = await self._known(command)
            step = site.decide(self.state, Commanded(command, known), self.rules, now)
            assert step.reply is not None, f"policy gave no answer to {command.name}"
            if isinstance(command.request, FindSlots):
                return step.reply
            return await self._answer(command, step, now)

    async def keep(self, anchor: Anchor) -> None:
        """Persist a look at the clocks, and what changed without a word to anybody."""
        async with self._turn:
            await self._write(self._owed, self.state, anchor=anchor)

    async def _answer(self, command: Command, step: Step, now: Now) -> Reply:
        assert step.reply is not None
        owed = self._owed.and_of(step, now, self._draft_of)
        if not await self._write(owed, step.state, answered=(command, step.reply)):
            return Reply(command.id, Result.REJECTED, Reason.STORE_FULL, self.store_refuses or "")
        return step.reply

    async def _take(self, event: Event, now: Now) -> Step:
        step = site.decide(self.state, event, self.rules, now)
        self.state = step.state
        self._owed = self._owed.and_of(step, now, self._draft_of)
        if self._owed.effects:
            await self._write(self._owed, step.state)
        return step

    async def _write(
        self,
        owed: Owed,
        state: SiteState,
        *,
        answered: tuple[Command, Reply] | None = None,
        anchor: Anchor | None = None,
    ) -> bool:
        """Settle what is owed in one transaction; False when the store refused it."""
        saved, is_whole = self._saved.evses, bool(owed.effects) or anchor is not None
        changed = tuple(evse for key, evse in state.evses.items() if is_whole and saved.get(key) is not evse)
        commit = asyncio.ensure_future(self._ledger.commit(owed.batch(changed, answered, anchor)))
        was_cancelled = await _finish(commit)
        try:
            commit.result()
        except StoreFull as refusal:
            self._note_refusal(refusal)
            return False
        self._note_success()
        self._owed, self.state = Owed(), state
        if is_whole:
            self._saved = state
        if owed.effects:
            for listener in self._told:
                listener(owed.effects)
        if was_cancelled:
            raise asyncio.CancelledError
        return True

    def _note_success(self) -> None:
        if self.store_refuses is not None:
            _log.warning("the store takes writes again")
            self.store_refuses = None

    def _note_refusal(self, refusal: StoreFull) -> None:
        if self.store_refuses is None:
            _log.error("the store refuses writes, new bookings are refused and control goes on: %s", refusal)
        self.store_refuses = str(refusal)

    async def _known(self, command: Command) -> Booking | None:
        request = command.request
        if isinstance(request, PutBooking | CancelBooking) and request.booking_id not in self.state.places:
            return await self._ledger.booking(request.booking_id)
        return None


async def _finish(commit: asyncio.Future[None]) -> bool:
    """Wait for its end and say whether we were cancelled meanwhile.

    The store finishes a transaction that it was given: one that is not noted here would be written twice.
    """
    was_cancelled = False
    while not commit.done():
        try:
            await asyncio.wait((commit,))
        except asyncio.CancelledError:
            was_cancelled = True
    return was_cancelled
