"""The retained `state` of a site: what it is, and where each stream stands."""

from collections.abc import Mapping, Sequence
from typing import Any

from baywarden.model.event import ParkedEvent, StreamHead
from baywarden.model.time import Now
from baywarden.sync.envelope import compact_json, rfc3339
from baywarden.sync.payloads import SCHEMAS
from baywarden.sync.requests import CLOUD_ONLY, SITE_REQUESTS


def birth_document(
    now: Now, facts: Mapping[str, Any], heads: Sequence[StreamHead], parked: Sequence[ParkedEvent]
) -> bytes:
    """Online; `facts` are the site's own fields."""
    epoch = {"epoch": max(head.epoch for head in heads)} if heads else {}
    streams = {head.stream.value: _stream(head, parked) for head in heads}
    document = {
        "online": True,
        "at": rfc3339(now.at),
        "boot_id": now.boot_id,
        "clock_quality": now.quality.value,
        "schemas": sorted(SCHEMAS),
        "commands": sorted([*SITE_REQUESTS, *CLOUD_ONLY]),
    }
    return compact_json(document | dict(facts) | epoch | {"streams": streams})


def farewell_document(now: Now, reason: str) -> bytes:
    """Offline: `stopped` is said by the site itself, `lost` by its will, which cannot know when."""
    when = {} if reason == "lost" else {"at": rfc3339(now.at)}
    return compact_json({"online": False, "reason": reason, "boot_id": now.boot_id} | when)


def _stream(head: StreamHead, parked: Sequence[ParkedEvent]) -> Mapping[str, Any]:
    """What the cloud needs to see that it has all; a parked number may be passed over."""
    document: dict[str, Any] = {"last_seq": head.last_seq, "oldest_seq": head.oldest_seq}
    missing = [one.seq for one in parked if one.stream is head.stream and one.epoch == head.epoch]
    return document | {"parked": sorted(missing)} if missing else document
