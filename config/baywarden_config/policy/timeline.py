"""A timeline of a session in a file: a JSON list of states, each from one moment to another."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from baywarden.model.overstay import ClockState, Segment
from baywarden_config.errors import ToolError, WrongUse

MAX_BYTES: Final = 16 * 1024 * 1024
_KEYS: Final = ("state", "from", "to", "occupancy_pct")
RFC_3339: Final = "RFC 3339 with its zone, like 2026-05-01T14:30:00Z"
_MS: Final = timedelta(milliseconds=1)


def load_timeline(path: Path) -> tuple[Segment, ...]:
    """The segments in their order. Raises WrongUse when the file cannot be read, ToolError for what is wrong in it.

    Time that no segment tells of is unknown; segments may not overlap.
    """
    segments: list[Segment] = []
    end_at: datetime | None = None
    for number, given in enumerate(_items(path)):
        place = f"{path}: segment {number + 1}"
        segment = _segment(given, place)
        if end_at is not None and segment.from_at < end_at:
            raise ToolError(
                f"{place}: from lies before the end of the segment before it ({end_at.isoformat()})"
            )
        if end_at is not None and segment.from_at > end_at:
            segments.append(Segment(ClockState.UNKNOWN, end_at, (segment.from_at - end_at) // _MS))
        segments.append(segment)
        end_at = segment.from_at + timedelta(milliseconds=segment.duration_ms)
    return tuple(segments)


def moment(text: object) -> datetime | None:
    """The UTC moment of an RFC 3339 text; None when it is none or does not say its zone."""
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return None if at is None or at.tzinfo is None else at.astimezone(UTC)


def _items(path: Path) -> Iterator[Any]:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise WrongUse(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(data) > MAX_BYTES:
        raise ToolError(f"{path}: is too large (accepted: at most {MAX_BYTES} bytes)")
    try:
        found = json.loads(data, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise ToolError(f"{path}: is no JSON: {error}") from error
    if not isinstance(found, list) or not found:
        raise ToolError(f"{path}: must be a list of segments with {', '.join(_KEYS)}")
    yield from found


def _segment(given: Any, place: str) -> Segment:
    if not isinstance(given, dict):
        raise ToolError(f"{place}: must be an object with {', '.join(_KEYS)}")
    for key in given:
        if key not in _KEYS:
            raise ToolError(f"{place}: {key!r} is not known (accepted: {', '.join(_KEYS)})")
    state = given.get("state")
    if not isinstance(state, str) or state not in ClockState.__members__:
        raise ToolError(
            f"{place}: state {state!r} is not known (accepted: {', '.join(ClockState.__members__)})"
        )
    from_at, to_at = _moment(given, "from", place), _moment(given, "to", place)
    if to_at < from_at:
        raise ToolError(f"{place}: ends before it begins")
    return Segment(ClockState[state], from_at, (to_at - from_at) // _MS, _occupancy(given, place))


def _moment(given: dict[str, Any], key: str, place: str) -> datetime:
    at = moment(given.get(key))
    if at is None:
        raise ToolError(f"{place}: {key} {given.get(key)!r} is no moment (accepted: {RFC_3339})")
    return at


def _occupancy(given: dict[str, Any], place: str) -> int | None:
    """Whole percent, rounded down: bands begin at whole ones."""
    share = given.get("occupancy_pct")
    if share is None:
        return None
    if isinstance(share, bool) or not isinstance(share, int | Decimal) or not 0 <= share <= 100:
        raise ToolError(f"{place}: occupancy_pct {share!r} is no share (accepted: a number from 0 to 100)")
    return int(share)
