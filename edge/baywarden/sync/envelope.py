"""The envelope of every durable event: CloudEvents 1.0, structured JSON (DOMAIN 5.2)."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from baywarden.model.event import EventDraft
from baywarden.sync.payloads import minor_of

TYPE_PREFIX: Final = "io.baywarden."
CONTENT_TYPE: Final = "application/cloudevents+json"

Render = Callable[[EventDraft, int, int, datetime], bytes]
"""(draft, epoch, seq, recorded_at) -> the bytes that are stored, sent and sent again."""


def rfc3339(at: datetime) -> str:
    """`2026-11-23T08:00:00Z`, with microseconds where there are any. Raises ValueError without a zone."""
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone")
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def compact_json(value: Any) -> bytes:
    """JSON without spaces, in UTF-8. Raises ValueError for what JSON cannot say (NaN)."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def data_schema(event_type: str, minor: int) -> str:
    """`booking.changed.v1` and 0 -> `urn:baywarden:event:booking.changed:1.0`."""
    name, _, major = event_type.rpartition(".v")
    return f"urn:baywarden:event:{name}:{major}.{minor}"


def renderer(site_id: str, *, is_offline: Callable[[], bool] = lambda: False) -> Render:
    """The renderer of one site.

    `is_offline` marks events made while the cloud was away; it is called from the thread that stores them.
    """

    def render(draft: EventDraft, epoch: int, seq: int, recorded_at: datetime) -> bytes:
        envelope: dict[str, Any] = {
            "specversion": "1.0",
            "id": f"{epoch}-{seq}",
            "source": f"/sites/{site_id}/{draft.stream.value}",
            "type": TYPE_PREFIX + draft.type,
            "subject": draft.subject,
            "time": rfc3339(draft.at),
            "recordedtime": rfc3339(recorded_at),
            "sequence": f"{epoch:010d}.{seq:016d}",
            "dataschema": data_schema(draft.type, minor_of(draft.type)),
            "datacontenttype": "application/json",
            "bootid": draft.boot_id,
            "clockq": draft.clock_quality,
        }
        if is_offline():
            envelope["offline"] = True
        return compact_json(envelope | {"data": draft.data})

    return render
