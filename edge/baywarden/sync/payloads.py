"""The public payloads. Within a major version fields are only added, and only optional ones."""

from datetime import datetime
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict

from baywarden.model.access import Right
from baywarden.model.booking import BookingPhase, BookingStatus, CanceledReason, Canceler
from baywarden.model.event import Stream
from baywarden.model.evse import Availability
from baywarden.model.notice import NoticeKind
from baywarden.model.overstay import ClockState, PenaltyKind, PenaltyStatus
from baywarden.model.session import MeterContext, SessionPhase, SessionStatus, StopReason


class Payload(BaseModel):
    """What all payloads share: times are UTC, an absent value is null and never zero."""

    model_config = ConfigDict(frozen=True, from_attributes=True, defer_build=True)


class StatusPayload(Payload):
    """The availability of one outlet."""

    evse_id: str
    availability: Availability
    reason: str
    """Why it is so, as one word."""
    detail: str
    """The same for a person; may be empty."""
    since_at: datetime
    state: str | None
    """What the charger itself says it is doing, in OCPP 1.6's words and lower case."""
    session_id: str | None
    booking_id: str | None


class SessionPayload(Payload):
    """The whole of a session as it is now; the highest `rev` wins."""

    session_id: str
    rev: int
    evse_id: str
    status: SessionStatus
    started_at: datetime
    """Plug-in."""
    ended_at: datetime | None
    """Plug-out."""
    state: ClockState
    """What the car is doing, as the overstay clock sees it."""
    charge_ended_at: datetime | None
    energy_wh: int
    energy_suspect: bool
    """The energy register fell or jumped during the session."""
    start_register_wh: int | None
    register_wh: int | None
    """The energy register when it was last read."""
    booking_id: str | None
    token: str | None
    """The full token: it is what the session is billed to."""
    policy_id: str | None
    policy_version: int | None
    """The overstay policy that was frozen into the session."""
    stop_reason: StopReason | None
    penalty_id: str | None
    withheld: str | None
    """Why the outlet gives no current although a car is there."""
    token_group: str | None = None
    """The group of the token when it was shown."""
    phase: SessionPhase | None = None
    """What the car and the site are doing, in one word."""
    right: Right | None = None
    """What lets it charge; null while nothing does."""
    booking_end_at: datetime | None = None
    """Until when it may stay: the end of its booking, or without one the next hold, told at the start."""


class MeterPayload(Payload):
    """One reading of a session's energy register."""

    session_id: str
    evse_id: str
    at: datetime
    context: MeterContext
    register_wh: int | None
    energy_wh: int
    """Counted since the session began."""
    power_w: int | None


class BookingPayload(Payload):
    """The whole of a booking as it is now; the highest `rev` wins."""

    booking_id: str
    rev: int
    evse_id: str
    status: BookingStatus
    phase: BookingPhase | None
    start_at: datetime
    end_at: datetime
    """The first moment that is no longer booked."""
    token: str
    power_w: int
    """The power that is promised; 0 where none was asked."""
    created_at: datetime
    changed_at: datetime
    reason: str | None
    canceled_reason: CanceledReason | None
    canceled_by: Canceler | None
    session_id: str | None
    group: str | None = None
    """The group of outlets that was asked for."""
    connector_type: str | None = None
    """The OCPI ConnectorType that was asked for."""


class BreakdownPayload(Payload):
    """Seconds billed at one multiplier, or not billed and why."""

    from_at: datetime
    to_at: datetime
    seconds: int
    multiplier: str
    """A decimal number as text."""
    reason: str


class SegmentPayload(Payload):
    """A stretch of one state; its length is by a clock that cannot be set."""

    state: ClockState
    from_at: datetime
    duration_ms: int
    occupancy_pct: int | None


class EvidencePayload(Payload):
    """With the policy of that id and version, all that is needed to compute the amount again."""

    segments: tuple[SegmentPayload, ...]
    booking_end_at: datetime | None


class PenaltyPayload(Payload):
    """Money owed. FINAL never changes; a correction is a new record."""

    penalty_id: str
    rev: int
    kind: PenaltyKind
    status: PenaltyStatus
    evse_id: str
    session_id: str | None
    booking_id: str | None
    token: str | None
    """The full token: it is what the penalty is billed to."""
    amount: str
    """In the currency's major unit, with all its digits: "12.30"."""
    amount_minor: int
    """The same in the minor unit."""
    currency: str
    from_at: datetime
    to_at: datetime
    changed_at: datetime
    billable_s: int
    billed_s: int
    """`billable_s` rounded up to the policy's step."""
    capped: bool
    policy_id: str | None
    policy_version: int | None
    clock_quality: str
    breakdown: tuple[BreakdownPayload, ...]
    evidence: EvidencePayload


class NoticePayload(Payload):
    """A message meant for a driver or the operator, raised once."""

    key: str
    """Unique for all time: the same moment of the same booking or session has the same key."""
    kind: NoticeKind
    at: datetime
    evse_id: str
    text: str
    token_end: str | None
    """The last four characters of a token of eight or more; the token itself is personal data."""
    booking_id: str | None
    session_id: str | None
    amount: str | None
    amount_minor: int | None
    currency: str | None


class AccessPayload(Payload):
    """The answer to somebody who asked for power with a token or a code."""

    evse_id: str
    at: datetime
    door: str
    """Where it was asked: cloud or local."""
    how: str
    """`token` or `code`; codes are never told."""
    granted: bool
    reason: str | None
    """Why not."""
    token_end: str | None
    """The last four characters of a token of eight or more."""
    session_id: str | None
    booking_id: str | None


class TokensPayload(Payload):
    """The list of tokens has changed; the tokens themselves are not told."""

    revision: int
    count: int
    put: int
    removed: int
    coming_revision: int | None
    """The whole new list that is on its way."""
    coming_parts: tuple[int, ...]
    """The parts of it that are here."""


class Schema(NamedTuple):
    """One kind of event."""

    stream: Stream
    payload: type[Payload]
    minor: int = 0


SCHEMAS: Final[dict[str, Schema]] = {
    "status.changed.v1": Schema(Stream.STATUS, StatusPayload),
    "session.changed.v1": Schema(Stream.SESSION, SessionPayload, 1),
    "meter.sampled.v1": Schema(Stream.METER, MeterPayload),
    "booking.changed.v1": Schema(Stream.BOOKING, BookingPayload),
    "penalty.changed.v1": Schema(Stream.PENALTY, PenaltyPayload),
    "notice.raised.v1": Schema(Stream.NOTICE, NoticePayload),
    "access.decided.v1": Schema(Stream.AUDIT, AccessPayload),
    "tokens.changed.v1": Schema(Stream.AUDIT, TokensPayload),
}


def minor_of(event_type: str) -> int:
    """The minor version of an event type's schema."""
    return SCHEMAS[event_type].minor if event_type in SCHEMAS else 0
