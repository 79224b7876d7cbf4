"""The durable streams to the cloud."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any


class Stream(Enum):
    """An ordered, gapless, durable series of events."""

    STATUS = "status"
    SESSION = "session"
    METER = "meter"
    BOOKING = "booking"
    PENALTY = "penalty"
    NOTICE = "notice"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class EventDraft:
    """An event before the store numbered it. `type` is like `booking.changed.v1`, `data` is plain JSON."""

    stream: Stream
    type: str
    subject: str
    at: datetime
    data: Mapping[str, Any]
    clock_quality: str
    boot_id: str


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it was numbered and rendered; `payload` never changes again."""

    stream: Stream
    epoch: int
    seq: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class StreamHead:
    """Where a stream stands: the last number given, the last one freed, the oldest one kept for replay."""

    stream: Stream
    epoch: int
    last_seq: int
    acked_seq: int
    oldest_seq: int
    cloud_acks: bool = False
    """The cloud itself says what it has stored, so the broker's acknowledgement frees nothing."""


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """An event that the broker refused for good; it is kept until somebody releases it."""

    stream: Stream
    epoch: int
    seq: int
    code: int
    """The reason code of the refusal."""
    parked_at: datetime
    size_bytes: int
    is_released: bool
    """It is to be sent again."""
