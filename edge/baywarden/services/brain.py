"""The one task that changes the site's state: decide, commit, then tell."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from baywarden.model.booking import Booking
from baywarden.model.command import CancelBooking, Command, FindSlots, PutBooking, Reason, Reply, Result
from baywarden.model.event import EventDraft
from baywarden.model.reading import Snapshot
from baywarden.model.site import Anchor, SiteRules, SiteState
from baywarden.model.step import (
    BookingChanged,
    Commanded,
    Effect,
    Event,
    MeterSampled,
    NoticeRaised,
    Observed,
    PenaltyChanged,
    Restarted,
    SessionChanged,
    Step,
)
from baywarden.model.time import Now
from baywarden.policy import site
from baywarden.ports.clock import Clock
from baywarden.ports.store import Batch, Ledger, StoreFull

_log: Final = logging.getLogger(__name__)

DraftOf = Callable[[Effect, Now], EventDraft | None]


class Brain:
    """Holds the live state. Nothing is told to anybody before it is durable.

    While the store refuses writes the committed state stays as it is and is judged anew each cycle;
    `state` is then the tentative one, by which power is shared all the same.
    """

    def __init__(
        self, rules: SiteRules, state: SiteState, *, ledger: Ledger, clock: Clock, draft_of: DraftOf
    ) -> None:
        self.rules = rules
        self.state = state
        self.store_refuses: str | None = None
        self._committed = state
        self._saved = state
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
        """One cycle; the step is returned although the store may have refused it."""
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
            step = site.decide(self._committed, Commanded(command, known), self.rules, now)
            assert step.reply is not None, f"policy gave no answer to {command.name}"
            if isinstance(command.request, FindSlots):
                return step.reply
            return await self._answer(command, step, now)

    async def keep(self, anchor: Anchor) -> None:
        """Persist a look at the clocks."""
        async with self._turn:
            try:
                await self._ledger.commit(Batch(anchor=anchor))
            except StoreFull as refusal:
                self._note_refusal(refusal)
            else:
                self._note_success()

    async def _answer(self, command: Command, step: Step, now: Now) -> Reply:
        assert step.reply is not None
        try:
            await self._ledger.commit(self._batch(step, now, answered=(command, step.reply)))
        except StoreFull as refusal:
            self._note_refusal(refusal)
            return Reply(command.id, Result.REJECTED, Reason.STORE_FULL, str(refusal))
        self._adopt(step)
        return step.reply

    async def _take(self, event: Event, now: Now) -> Step:
        step = site.decide(self._committed, event, self.rules, now)
        if step.effects:
            try:
                await self._ledger.commit(self._batch(step, now))
            except StoreFull as refusal:
                self._note_refusal(refusal)
                self.state = step.state
                return step
            self._adopt(step)
        else:
            self.state = self._committed = step.state
        return step

    def _adopt(self, step: Step) -> None:
        self._note_success()
        self.state = self._committed = self._saved = step.state
        if step.effects:
            for listener in self._told:
                listener(step.effects)

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
        if (
            isinstance(request, PutBooking | CancelBooking)
            and request.booking_id not in self._committed.places
        ):
            return await self._ledger.booking(request.booking_id)
        return None

    def _batch(self, step: Step, now: Now, answered: tuple[Command, Reply] | None = None) -> Batch:
        effects = step.effects
        saved = self._saved.evses
        drafts = (self._draft_of(effect, now) for effect in effects)
        return Batch(
            evses=tuple(evse for key, evse in step.state.evses.items() if saved.get(key) is not evse),
            bookings=tuple(e.booking for e in effects if isinstance(e, BookingChanged)),
            sessions=tuple(e.session for e in effects if isinstance(e, SessionChanged)),
            penalties=tuple(e.penalty for e in effects if isinstance(e, PenaltyChanged)),
            notices=tuple(e.notice for e in effects if isinstance(e, NoticeRaised)),
            samples=tuple(e.sample for e in effects if isinstance(e, MeterSampled)),
            drafts=tuple(draft for draft in drafts if draft is not None),
            answered=answered,
        )
