"""The requests that may come in by either door, one model each. What is unknown is refused, not guessed."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, Any, Final, Generic, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from baywarden.model.booking import CanceledReason
from baywarden.model.command import CancelBooking, FindSlots, PutBooking, Request, StopSession
from baywarden.model.event import Stream

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

    def request(self) -> Request:
        return StopSession(self.session_id)


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
    }
)
REPLAY: Final = "replay"
REPLAY_REQUEST: Final = Envelope[ReplayParams]
