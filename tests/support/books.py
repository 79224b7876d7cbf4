"""Records, drafts and stores for tests that touch the ledger."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from baywarden.model.booking import Booking, BookingStatus
from baywarden.model.event import EventDraft, Stream, StreamHead
from baywarden.model.evse import Availability, EvseState, EvseStatus
from baywarden.model.notice import Notice, NoticeKind
from baywarden.model.overstay import (
    Basis,
    BreakdownLine,
    ClockState,
    OverstayPolicy,
    Penalty,
    PenaltyKind,
    PenaltyStatus,
    Segment,
)
from baywarden.model.session import Session, SessionStatus
from baywarden.model.time import ClockQuality, Now
from baywarden.store import Store, open_store

AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def render(draft: EventDraft, epoch: int, seq: int, recorded_at: datetime) -> bytes:
    """An envelope that tells its number."""
    return f"{draft.stream.value} {epoch}-{seq} {draft.type} {draft.subject}".encode()


def open_books(folder: Path, **options: Any) -> Store:
    """A store of the site `north`."""
    return open_store(folder, **{"render": render, "site_id": "north", **options})


async def head(store: Store, stream: Stream) -> StreamHead:
    """How far a stream of the store has come."""
    return next(head for head in await store.heads() if head.stream is stream)


def now(at: datetime = AT, *, trusted: bool = True) -> Now:
    """A look at the clocks."""
    quality = ClockQuality.SYNCHRONISED if trusted else ClockQuality.UNKNOWN
    return Now(at, int((at - AT).total_seconds() * 1000), "boot-1", quality)


def draft(stream: Stream = Stream.BOOKING, subject: str = "booking/b-1", **data: Any) -> EventDraft:
    """An event to be numbered."""
    return EventDraft(stream, f"{stream.value}.changed.v1", subject, AT, data, "S", "boot-1")


def booking(key: str = "b-1", *, evse_id: str = "bay-1", **changes: Any) -> Booking:
    """A promise of an hour."""
    plain = Booking(
        key, evse_id, AT, AT + timedelta(hours=1), "TOKEN-1", BookingStatus.RESERVED, AT, AT, power_w=11_000
    )
    return replace(plain, **changes)


def session(key: str = "s-1", *, evse_id: str = "bay-1", **changes: Any) -> Session:
    """A running session with a policy frozen into it."""
    policy = OverstayPolicy("std", "EUR", "Europe/Berlin", Basis.CHARGE_END, Decimal("0.10"))
    plain = Session(
        key, evse_id, SessionStatus.ACTIVE, AT, "boot-1", ClockState.CHARGING, AT, 5_000, policy=policy
    )
    return replace(plain, **changes)


def penalty(key: str = "p-1", *, session_id: str | None = "s-1", **changes: Any) -> Penalty:
    """An overstay that is still growing."""
    plain = Penalty(
        key,
        PenaltyKind.OVERSTAY,
        PenaltyStatus.ACCRUING,
        "bay-1",
        250,
        "EUR",
        2,
        AT,
        AT + timedelta(minutes=25),
        AT,
        session_id=session_id,
        breakdown=(BreakdownLine(AT, AT + timedelta(minutes=25), 1500, Decimal("1.00"), "BILLED"),),
        evidence=(Segment(ClockState.SUSPENDED_EV, AT, 1_500_000, 50),),
    )
    return replace(plain, **changes)


def notice(key: str = "b-1/HOLD_BEGINS", **changes: Any) -> Notice:
    """A message of a booking."""
    return replace(Notice(key, NoticeKind.HOLD_BEGINS, AT, "bay-1", "Bay 1 is held for you"), **changes)


def evse(evse_id: str = "bay-1", **changes: Any) -> EvseState:
    """A free outlet."""
    return replace(EvseState(evse_id, EvseStatus(evse_id, Availability.AVAILABLE, "free", AT)), **changes)
