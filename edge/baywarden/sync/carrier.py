"""What the rest of this package needs of a connection, in plain words; `link` is the one over MQTT 5."""

from dataclasses import dataclass
from typing import Final, Protocol

REFUSED: Final = 0x80
"""Reason codes from here on are failures."""
TOO_LARGE: Final = 0x95
TOPIC_REFUSALS: Final = frozenset({0x87, 0x90})
"""Not authorised, topic name invalid: true of everything on that topic, and somebody may mend it."""
MESSAGE_REFUSALS: Final = frozenset({TOO_LARGE, 0x99})
"""Packet too large, payload format invalid: true of this one message for ever."""
QUOTA_EXCEEDED: Final = 0x97
NO_SUBSCRIBERS: Final = 0x10
"""A success that is stored nowhere."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message from the broker; it must be acknowledged once it is dealt with."""

    topic: str
    payload: bytes
    retained: bool
    qos: int
    mid: int
    response_topic: str | None = None
    correlation: bytes | None = None


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message for the broker with the MQTT 5 properties that we use."""

    topic: str
    payload: bytes
    retain: bool = False
    content_type: str = "application/json"
    correlation: bytes | None = None
    expiry_s: int | None = None


class Carrier(Protocol):
    """What the rest of this package needs of a connection."""

    async def publish(self, parcel: Parcel) -> int:
        """Send with QoS 1; the PUBACK's reason code. Raises LinkLost."""
        ...

    def acknowledge(self, message: Incoming) -> None:
        """Tell the broker that the message need not come again."""
        ...
