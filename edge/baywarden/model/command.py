"""Requests from either door (MQTT `cmd/...` or the control socket) and the answers to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from baywarden.model.session import StopReason
from baywarden.model.token import Token


class Door(Enum):
    """Where a request came in; rights differ by door."""

    CLOUD = "cloud"
    LOCAL = "local"


class Result(Enum):
    """The verdict of an answer."""

    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    TIMEOUT = "TIMEOUT"


class Reason(Enum):
    """Why not. OCPI's word where it has one (DOMAIN 1.4)."""

    INVALID = "INVALID"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    EVSE_UNKNOWN = "EVSE_UNKNOWN"
    EVSE_INOPERATIVE = "EVSE_INOPERATIVE"
    EVSE_OCCUPIED = "EVSE_OCCUPIED"
    SLOT_TAKEN = "SLOT_TAKEN"
    TOKEN_OVERLAP = "TOKEN_OVERLAP"
    IN_PAST = "IN_PAST"
    TOO_FAR = "TOO_FAR"
    TOO_SHORT = "TOO_SHORT"
    TOO_LONG = "TOO_LONG"
    NOT_ON_INCREMENT = "NOT_ON_INCREMENT"
    OUTSIDE_CALENDAR = "OUTSIDE_CALENDAR"
    NO_CAPACITY = "NO_CAPACITY"
    CHANGE_NOT_ALLOWED = "CHANGE_NOT_ALLOWED"
    CHANGE_TOO_LATE = "CHANGE_TOO_LATE"
    CANCEL_TOO_LATE = "CANCEL_TOO_LATE"
    UNKNOWN_RESERVATION = "UNKNOWN_RESERVATION"
    UNKNOWN_SESSION = "UNKNOWN_SESSION"
    FINAL_STATE = "FINAL_STATE"
    STALE_REVISION = "STALE_REVISION"
    COMMAND_EXPIRED = "COMMAND_EXPIRED"
    CLOCK_NOT_TRUSTED = "CLOCK_NOT_TRUSTED"
    STORE_FULL = "STORE_FULL"
    TIMEOUT = "TIMEOUT"
    FAILED = "FAILED"
    UNKNOWN_TOKEN = "UNKNOWN_TOKEN"
    BLOCKED = "BLOCKED"
    NOT_ALLOWED = "NOT_ALLOWED"
    TOKEN_REQUIRED = "TOKEN_REQUIRED"
    BOOKING_REQUIRED = "BOOKING_REQUIRED"
    EVSE_RESERVED = "EVSE_RESERVED"
    WRONG_CODE = "WRONG_CODE"
    TOO_MANY_TRIES = "TOO_MANY_TRIES"
    LIST_FULL = "LIST_FULL"


@dataclass(frozen=True, slots=True)
class PutBooking:
    """Make a booking, or change the one with this id. `evse_id` None means any of the group and type that fits.

    `energy_wh` asks for at least the power that gives it within the window.
    """

    booking_id: str
    start_at: datetime
    end_at: datetime
    token: str
    evse_id: str | None = None
    power_w: int = 0
    expected_rev: int | None = None
    group: str | None = None
    connector_type: str | None = None
    energy_wh: int = 0
    code: str | None = None
    """Typed on site it is as good as the token; None leaves the one that the booking has."""


@dataclass(frozen=True, slots=True)
class CancelBooking:
    """Cancel a booking from the driver's side."""

    booking_id: str
    reason: str = "NO_CANCELED"
    expected_rev: int | None = None


@dataclass(frozen=True, slots=True)
class FindSlots:
    """Free windows of `duration_s` inside [from_at, to_at), earliest first."""

    from_at: datetime
    to_at: datetime
    duration_s: int
    power_w: int = 0
    evse_id: str | None = None
    limit: int = 20
    group: str | None = None
    connector_type: str | None = None
    energy_wh: int = 0


@dataclass(frozen=True, slots=True)
class StopSession:
    """Stop the power of a running session (0 A until the car leaves), for a reason of OCPP 2.0.1 if one is named."""

    session_id: str
    reason: StopReason | None = None


@dataclass(frozen=True, slots=True)
class AuthorizeSession:
    """Let the car charge that is at an outlet or comes soon: by a token, or by the code of a booking."""

    evse_id: str
    token: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class PutTokens:
    """Add tokens to the list, or change those with the same uid; `revision` is what the list has afterwards."""

    tokens: tuple[Token, ...]
    revision: int | None = None
    expected_revision: int | None = None


@dataclass(frozen=True, slots=True)
class RemoveTokens:
    """Take tokens from the list."""

    uids: tuple[str, ...]
    revision: int | None = None
    expected_revision: int | None = None


@dataclass(frozen=True, slots=True)
class SyncTokens:
    """One part of a whole new list; with its last part the new list takes the place of the old one."""

    revision: int
    tokens: tuple[Token, ...]
    part: int = 1
    parts: int = 1


Request = (
    PutBooking
    | CancelBooking
    | FindSlots
    | StopSession
    | AuthorizeSession
    | PutTokens
    | RemoveTokens
    | SyncTokens
)


@dataclass(frozen=True, slots=True)
class Command:
    """One request with its identity; a repeated `id` gets the first answer again."""

    id: str
    name: str
    request: Request
    door: Door
    issued_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer, kept for at least seven days."""

    id: str
    result: Result
    reason: Reason | None = None
    detail: str = ""
    rev: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
