"""The days of the calendar on the site's wall, for caps that hold a day. Instants are ms since 1970 in UTC."""

from collections.abc import Iterator

from baywarden.policy.local_hours import DAY_MS, DAY_S, offsets

ALL = 0
"""The day of policies that do not ask for one."""


def by_day(tz: str, from_ms: int, to_ms: int) -> Iterator[tuple[int, int, int]]:
    """[from_ms, to_ms) cut where the date on the wall turns: (from_ms, to_ms, days since 1970 on the wall)."""
    for utc_day in range(from_ms // DAY_MS, (to_ms - 1) // DAY_MS + 1):
        for begin_s, end_s, offset_s in offsets(tz, utc_day):
            begin_ms, end_ms = max(from_ms, begin_s * 1000), min(to_ms, end_s * 1000)
            while begin_ms < end_ms:
                day = (begin_ms // 1000 + offset_s) // DAY_S
                until_ms = min(end_ms, ((day + 1) * DAY_S - offset_s) * 1000)
                yield begin_ms, until_ms, day
                begin_ms = until_ms
