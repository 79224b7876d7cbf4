"""The one table of session states (DOMAIN 3)."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from baywarden.model.session import SessionStatus


class SessionEvent(Enum):
    """What can happen to a session, said as a sentence."""

    METERED = "a valid energy register was read"
    LEFT = "the car is gone"


MEANING: Final[Mapping[SessionStatus, str]] = MappingProxyType(
    {
        SessionStatus.PENDING: "A car is plugged in; no energy register was read yet.",
        SessionStatus.ACTIVE: "Energy is counted from the first register that was read.",
        SessionStatus.COMPLETED: "The car has left; nothing changes any more.",
    }
)

MOVES: Final[Mapping[tuple[SessionStatus, SessionEvent], SessionStatus]] = MappingProxyType(
    {
        (SessionStatus.PENDING, SessionEvent.METERED): SessionStatus.ACTIVE,
        (SessionStatus.PENDING, SessionEvent.LEFT): SessionStatus.COMPLETED,
        (SessionStatus.ACTIVE, SessionEvent.LEFT): SessionStatus.COMPLETED,
    }
)
