"""Requests from either door (MQTT `cmd/...` or the control socket) and the answers to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any


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
    """Stop the power of a running session (0 A until the car leaves)."""

    session_id: str


Request = PutBooking | CancelBooking | FindSlots | StopSession


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
