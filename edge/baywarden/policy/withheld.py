"""Why a car gets 0 A."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from baywarden.model.session import StopReason


class Withheld(StrEnum):
    """Why a car gets 0 A. The first two were asked for, the others are of the site's making."""

    STOPPED_REMOTE = "stopped_remote"
    STOPPED_LOCAL = "stopped_local"
    RESERVED_FOR_ANOTHER = "reserved_for_another"
    TOKEN_REQUIRED = "token_required"
    AUTHORIZATION_REQUIRED = "authorization_required"
    TOKEN_UNKNOWN = "token_unknown"
    TOKEN_BLOCKED = "token_blocked"
    TOKEN_NOT_ALLOWED = "token_not_allowed"
    TOKEN_NEEDS_CLOUD = "token_needs_cloud"
    BOOKING_REQUIRED = "booking_required"
    RESERVED_SOON = "reserved_soon"


STOPPED: Final[Mapping[str, StopReason]] = MappingProxyType(
    {Withheld.STOPPED_REMOTE: StopReason.REMOTE, Withheld.STOPPED_LOCAL: StopReason.LOCAL}
)
FOR_THE_HOLD: Final = frozenset({Withheld.RESERVED_FOR_ANOTHER, Withheld.TOKEN_REQUIRED})
FOR_ACCESS: Final = frozenset(
    {
        Withheld.AUTHORIZATION_REQUIRED,
        Withheld.TOKEN_UNKNOWN,
        Withheld.TOKEN_BLOCKED,
        Withheld.TOKEN_NOT_ALLOWED,
        Withheld.TOKEN_NEEDS_CLOUD,
        Withheld.BOOKING_REQUIRED,
        Withheld.RESERVED_SOON,
    }
)
"""What a right that comes later lifts."""
WHY: Final[Mapping[str, str]] = MappingProxyType(
    {
        Withheld.AUTHORIZATION_REQUIRED: "a card, the app or a booking is needed here",
        Withheld.TOKEN_REQUIRED: "the outlet is kept for somebody, and nothing shows yet that it is you",
        Withheld.RESERVED_FOR_ANOTHER: "the outlet is kept for somebody else",
        Withheld.RESERVED_SOON: "the outlet is booked, and the time until then is too short",
        Withheld.BOOKING_REQUIRED: "only those with a booking charge here, from its time on",
        Withheld.TOKEN_UNKNOWN: "the card is not known here",
        Withheld.TOKEN_BLOCKED: "the card is blocked",
        Withheld.TOKEN_NOT_ALLOWED: "the card does not hold at this outlet",
        Withheld.TOKEN_NEEDS_CLOUD: "the card is waiting for its operator's word",
    }
)
"""The same for people."""
