"""Times and durations as people type and read them on a command line."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from baywarden_config.errors import WrongUse

WAYS: Final = "2026-05-01T14:30:00Z, 14:30 (this machine's zone, today or tomorrow), now, +90m or +1h30m"

_SPAN: Final = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def moment(text: str, now: Callable[[], datetime]) -> datetime:
    """The UTC moment meant by the text; `now` is only asked where it counts. Raises WrongUse."""
    if text == "now":
        return now()
    if text.startswith("+"):
        ahead = timedelta(seconds=span_s(text[1:]))
        return now() + ahead
    if clock := _CLOCK.fullmatch(text):
        return _next(int(clock[1]), int(clock[2]), now())
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise WrongUse(f"{text!r} is no time; say {WAYS}") from error
    if at.tzinfo is None:
        raise WrongUse(f"{text!r} does not say its zone; add Z for UTC, or an offset like +02:00")
    return at.astimezone(UTC)


def span_s(text: str) -> int:
    """Whole seconds of a duration like 90m, 1h30m, 2d or 45s; raises WrongUse."""
    match = _SPAN.fullmatch(text)
    if match is None or not any(match.groups()):
        raise WrongUse(f"{text!r} is no duration; say it like 90m, 1h30m or 45s")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def rfc3339(at: datetime) -> str:
    """The moment as the daemon wants it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def shown(text: Any, local: bool = False) -> str:
    """A moment of the daemon for reading, to the second; '-' when there is none."""
    if not isinstance(text, str):
        return "-"
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    if local:
        return at.astimezone().isoformat(sep=" ", timespec="seconds")
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _next(hour: int, minute: int, now: datetime) -> datetime:
    """The next time this machine's clock on the wall shows hour:minute."""
    here = now.astimezone().replace(tzinfo=None)
    wall = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if wall < here:
        wall += timedelta(days=1)
    return wall.astimezone(UTC)
