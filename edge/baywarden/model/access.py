"""Who may charge at an outlet, and what gave a car its right."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class AccessMode(Enum):
    """What a car needs at an outlet."""

    OPEN = "open"
    """Nothing: it charges as soon as it is plugged in."""
    TOKEN = "token"
    """A token that the site knows, a booking, or the cloud's word."""
    BOOKING = "booking"
    """A booking whose time has come."""


class Right(Enum):
    """What let a car charge; once given it is not taken away by itself."""

    OPEN = "open"
    TOKEN = "token"
    CLOUD = "cloud"
    BOOKING = "booking"


@dataclass(frozen=True, slots=True)
class AccessRules:
    """What is asked of those who come to an outlet. Without `token_groups` a token of any group will do."""

    mode: AccessMode = AccessMode.OPEN
    token_groups: frozenset[str] = frozenset()
    connect_timeout_s: int = 120
    """A token shown before the car is plugged in counts for so long (OCPP EVConnectionTimeOut)."""
    min_stay_s: int = 0
    """A car without a booking gets no power when the next hold begins sooner than this after it came."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A token that was shown before a car was plugged in; `right` is what somebody gave it, if anybody did."""

    token: str
    until_mono_ms: int
    token_group: str | None = None
    right: Right | None = None


@dataclass(frozen=True, slots=True)
class AccessDecision:
    """One answer to somebody who asked for power, for the audit; the token is personal."""

    evse_id: str
    at: datetime
    door: str
    how: str
    """`token` or `code`."""
    token: str | None
    reason: str | None
    """Why not; None when it was granted."""
    session_id: str | None = None
    booking_id: str | None = None
