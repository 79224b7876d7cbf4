"""Times and durations as people type and read them on a command line."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

from baywarden_config.errors import WrongUse

WAYS: Final = (
    "2026-05-01T14:30:00Z, 14:30 (the next one by the site's own clock on the wall), now, +90m or +1h30m"
)

_SPAN: Final = re.compile(r"(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?")
_LONGEST_S: Final = 3653 * 86_400
_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def moment(text: str, now: Callable[[], datetime]) -> datetime:
    """The UTC moment meant by the text; `now`, in the site's zone, is only asked where it counts. Raises WrongUse."""
    if text == "now":
        return now().astimezone(UTC)
    if text.startswith("+"):
        ahead = timedelta(seconds=span_s(text[1:]))
        return now().astimezone(UTC) + ahead
    if clock := _CLOCK.fullmatch(text):
        here = now()
        if here.tzinfo is UTC:  # a site in UTC has its zone by that name
            raise WrongUse(
                f"{text!r}: the daemon does not tell its time zone; say the time with Z or an offset"
            )
        return _next(int(clock[1]), int(clock[2]), here, here.tzinfo)
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
    whole_s = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    if whole_s > _LONGEST_S:
        raise WrongUse(f"{text!r} is longer than ten years")
    return whole_s


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


def _next(hour: int, minute: int, now: datetime, zone: tzinfo | None) -> datetime:
    """The next time a clock on a wall in that zone shows hour:minute."""
    here = now.astimezone(zone).replace(tzinfo=None)
    wall = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if wall < here:
        wall += timedelta(days=1)
    return wall.replace(tzinfo=zone).astimezone(UTC)
