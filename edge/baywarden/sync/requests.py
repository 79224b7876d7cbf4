"""The requests that may come in by either door, one model each. What is unknown is refused, not guessed."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from types import MappingProxyType
from typing import Annotated, Any, Final, Generic, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from baywarden.model.booking import CanceledReason
from baywarden.model.command import (
    AuthorizeSession,
    CancelBooking,
    FindSlots,
    PutBooking,
    PutTokens,
    RemoveTokens,
    Request,
    StopSession,
    SyncTokens,
)
from baywarden.model.event import Stream
from baywarden.model.session import StopReason
from baywarden.model.token import Token, TokenType, Whitelist

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def _read_moment(value: object) -> datetime:
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise ValueError("must be a time with its UTC offset, as 2026-11-23T08:00:00Z")
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("is not a moment that a calendar knows") from error


Id = Annotated[str, Field(pattern=r"^[!-~]{1,64}$")]
EvseId = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,36}$")]
Moment = Annotated[datetime, BeforeValidator(_read_moment, json_schema_input_type=str)]
PowerW = Annotated[int, Field(ge=0, le=10_000_000)]
EnergyWh = Annotated[int, Field(ge=0, le=1_000_000_000)]
Revision = Annotated[int, Field(ge=1, le=2**53)]
ListRevision = Annotated[int, Field(ge=0, le=2**53)]
Code = Annotated[str, Field(pattern=r"^[0-9]{4,8}$")]
Seq = Annotated[int, Field(ge=1, le=10**16 - 1)]


class Params(BaseModel):
    """What a request asks. Unknown fields are refused: one that is dropped could change what was meant."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True)


class SiteParams(Params):
    """A request for the site's brain."""

    def request(self) -> Request:
        """The same in the model's words."""
        raise NotImplementedError


class PutBookingParams(SiteParams):
    """Make a booking, or change the one with this id."""

    booking_id: Id
    start_at: Moment
    end_at: Moment
    """The first moment that is no longer booked."""
    token: Id
    evse_id: EvseId | None = None
    """Null is any outlet that fits."""
    power_w: PowerW = 0
    """The power to promise; 0 is none in particular."""
    expected_rev: Revision | None = None
    """Refused as STALE_REVISION when the booking has another one."""
    group: EvseId | None = None
    """Only outlets of this group."""
    connector_type: Id | None = None
    """Only outlets with this OCPI ConnectorType."""
    energy_wh: EnergyWh = 0
    """The energy to promise within the window; 0 is none in particular."""
    code: Code | None = None
    """Typed on site it is as good as the token; null leaves the one that the booking has."""

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if self.end_at <= self.start_at:
            raise ValueError("end_at must be later than start_at")
        return self

    def request(self) -> Request:
        return PutBooking(
            self.booking_id,
            self.start_at,
            self.end_at,
            self.token,
            self.evse_id,
            self.power_w,
            self.expected_rev,
            self.group,
            self.connector_type,
            self.energy_wh,
            self.code,
        )


class CancelBookingParams(SiteParams):
    """Cancel a booking from the driver's side."""

    booking_id: Id
    reason: Annotated[CanceledReason, Field(strict=False)] = CanceledReason.NO_CANCELED
    expected_rev: Revision | None = None

    def request(self) -> Request:
        return CancelBooking(self.booking_id, self.reason.value, self.expected_rev)


class FindSlotsParams(SiteParams):
    """Free windows of `duration_s` inside [from_at, to_at), earliest first."""

    from_at: Moment
    to_at: Moment
    duration_s: Annotated[int, Field(ge=1, le=366 * 86_400)]
    power_w: PowerW = 0
    evse_id: EvseId | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    group: EvseId | None = None
    connector_type: Id | None = None
    energy_wh: EnergyWh = 0

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if self.to_at <= self.from_at:
            raise ValueError("to_at must be later than from_at")
        return self

    def request(self) -> Request:
        return FindSlots(
            self.from_at,
            self.to_at,
            self.duration_s,
            self.power_w,
            self.evse_id,
            self.limit,
            self.group,
            self.connector_type,
            self.energy_wh,
        )


class StopSessionParams(SiteParams):
    """Stop the power of a running session: 0 A until the car leaves."""

    session_id: Id
    reason: Annotated[StopReason, Field(strict=False)] | None = None
    """Why, in OCPP 2.0.1's words; without it Remote or Local."""

    def request(self) -> Request:
        return StopSession(self.session_id, self.reason)


class TokenParams(Params):
    """One token, with OCPI's fields."""

    uid: Id
    type: Annotated[TokenType, Field(strict=False)] = TokenType.RFID
    group_id: Id | None = None
    valid: bool = True
    whitelist: Annotated[Whitelist, Field(strict=False)] = Whitelist.ALWAYS

    def token(self) -> Token:
        """The same in the model's words."""
        return Token(self.uid, self.type, self.group_id, self.valid, self.whitelist)


Tokens = Annotated[list[TokenParams], Field(max_length=1000)]


class PutTokensParams(SiteParams):
    """Add tokens to the site's list, or change those with the same uid."""

    tokens: Annotated[Tokens, Field(min_length=1)]
    revision: Revision | None = None
    """The list's revision afterwards; null leaves it as it is."""
    expected_revision: ListRevision | None = None
    """Refused as STALE_REVISION when the list has another one."""

    def request(self) -> Request:
        tokens = tuple(one.token() for one in self.tokens)
        return PutTokens(tokens, self.revision, self.expected_revision)


class RemoveTokensParams(SiteParams):
    """Take tokens from the site's list; running sessions go on."""

    uids: Annotated[list[Id], Field(min_length=1, max_length=1000)]
    revision: Revision | None = None
    expected_revision: ListRevision | None = None

    def request(self) -> Request:
        return RemoveTokens(tuple(self.uids), self.revision, self.expected_revision)


class SyncTokensParams(SiteParams):
    """One part of a whole new list; with its last part it takes the place of the old one."""

    revision: Revision
    tokens: Tokens
    part: Annotated[int, Field(ge=1, le=1000)] = 1
    parts: Annotated[int, Field(ge=1, le=1000)] = 1

    @model_validator(mode="after")
    def _is_a_part(self) -> Self:
        if self.part > self.parts:
            raise ValueError("part must not be above parts")
        return self

    def request(self) -> Request:
        tokens = tuple(one.token() for one in self.tokens)
        return SyncTokens(self.revision, tokens, self.part, self.parts)


class AuthorizeSessionParams(SiteParams):
    """Let the car charge that is at an outlet or comes soon."""

    evse_id: EvseId
    token: Id | None = None
    code: Code | None = None
    """The code of a booking instead of a token."""

    @model_validator(mode="after")
    def _has_one(self) -> Self:
        if (self.token is None) == (self.code is None):
            raise ValueError("either token or code is needed")
        return self

    def request(self) -> Request:
        return AuthorizeSession(self.evse_id, self.token, self.code)


class ReplayParams(Params):
    """Send a stretch of a stream again on `replay/{stream}`, byte for byte."""

    stream: Annotated[Stream, Field(strict=False)]
    epoch: Annotated[int, Field(ge=0, le=10**10 - 1)]
    from_seq: Seq
    to_seq: Seq
    """The last one wanted."""

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if not self.from_seq <= self.to_seq < self.from_seq + 100_000:
            raise ValueError(
                "to_seq must be from_seq or more, and at most 100000 events may be asked at once"
            )
        return self


class SnapshotWhat(Enum):
    """What can be asked for whole."""

    BOOKINGS = "bookings"
    SESSIONS = "sessions"
    PENALTIES = "penalties"
    EVSES = "evses"
    POLICIES = "policies"


class SnapshotParams(Params):
    """A page of everything of one kind, as it is now."""

    what: Annotated[SnapshotWhat, Field(strict=False)]
    cursor: Annotated[str, Field(pattern=r"^[!-~]{1,120}$")] | None = None
    """The `next` of the page before; null is the first page."""
    limit: Annotated[int, Field(ge=1, le=200)] = 100
    """At most so many; a page is also cut where it would not fit a small broker's packets."""
    live_only: bool = False
    """Leave out bookings, sessions and penalties that are over."""


P = TypeVar("P", bound=Params)


class Envelope(BaseModel, Generic[P]):
    """What every request has around it. Unknown fields beside `params` are for others (tracing) and pass."""

    model_config = ConfigDict(strict=True, frozen=True, defer_build=True)

    id: Id
    """A repeated id gets the first answer again, for at least seven days."""
    issued_at: Moment | None = None
    expires_at: Moment | None = None
    """Needed from the cloud: a request that comes later is not acted on."""
    params: P


SITE_REQUESTS: Final[Mapping[str, type[Envelope[Any]]]] = MappingProxyType(
    {
        "booking.put": Envelope[PutBookingParams],
        "booking.cancel": Envelope[CancelBookingParams],
        "booking.find": Envelope[FindSlotsParams],
        "session.stop": Envelope[StopSessionParams],
        "session.authorize": Envelope[AuthorizeSessionParams],
        "token.put": Envelope[PutTokensParams],
        "token.remove": Envelope[RemoveTokensParams],
        "token.sync": Envelope[SyncTokensParams],
    }
)
REPLAY: Final = "replay"
REPLAY_REQUEST: Final = Envelope[ReplayParams]
SNAPSHOT: Final = "snapshot.get"
SNAPSHOT_REQUEST: Final = Envelope[SnapshotParams]
CLOUD_ONLY: Final = (REPLAY, SNAPSHOT)
"""What is answered to the cloud alone, from what is stored; nothing of it is kept under its id."""
