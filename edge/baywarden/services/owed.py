"""What the store still has to be told: the effects of one or more steps and the events made of them at the time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from baywarden.model.command import Command, Reply
from baywarden.model.event import EventDraft
from baywarden.model.evse import EvseState
from baywarden.model.site import Anchor
from baywarden.model.step import (
    BookingChanged,
    Effect,
    MeterSampled,
    NoticeRaised,
    PenaltyChanged,
    SessionChanged,
    StatusChanged,
    Step,
    TokensChanged,
)
from baywarden.model.time import Now
from baywarden.ports.store import Batch

MOST: Final = 4_000
"""With more than this waiting for a store that refuses, statuses and samples are let go: money never is."""

DraftOf = Callable[[Effect, Now], EventDraft | None]


@dataclass(frozen=True, slots=True)
class Owed:
    """Effects in their order, each with its event if it has one."""

    entries: tuple[tuple[Effect, EventDraft | None], ...] = ()

    @property
    def effects(self) -> tuple[Effect, ...]:
        """The effects alone."""
        return tuple(effect for effect, _ in self.entries)

    def and_of(self, step: Step, now: Now, draft_of: DraftOf) -> "Owed":
        """This and the effects of a step; the same object when it had none."""
        if not step.effects:
            return self
        entries = (*self.entries, *((effect, draft_of(effect, now)) for effect in step.effects))
        if len(entries) > MOST:
            entries = tuple(
                entry for entry in entries if not isinstance(entry[0], StatusChanged | MeterSampled)
            )
        return Owed(entries)

    def batch(
        self, evses: tuple[EvseState, ...], answered: tuple[Command, Reply] | None, anchor: Anchor | None
    ) -> Batch:
        """All of it as one transaction."""
        effects = self.effects
        return Batch(
            evses=evses,
            bookings=tuple(e.booking for e in effects if isinstance(e, BookingChanged)),
            sessions=tuple(e.session for e in effects if isinstance(e, SessionChanged)),
            penalties=tuple(e.penalty for e in effects if isinstance(e, PenaltyChanged)),
            notices=tuple(e.notice for e in effects if isinstance(e, NoticeRaised)),
            samples=tuple(e.sample for e in effects if isinstance(e, MeterSampled)),
            token_changes=tuple(e.change for e in effects if isinstance(e, TokensChanged)),
            drafts=tuple(draft for _, draft in self.entries if draft is not None),
            answered=answered,
            anchor=anchor,
        )
