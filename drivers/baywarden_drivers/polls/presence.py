"""Which of the optional points a device has, found out by asking for one after the other."""

from collections.abc import Iterable

from baywarden_drivers.errors import DeviceError, Refused
from baywarden_drivers.profile.points import ReadPoint

NO_SUCH_THING = (1, 2, 3)
"""Exceptions that say that a register or length does not exist, not just now."""
_ASK_SOON_S = 60.0
_ASK_LATER_S = 3600.0
"""After a silence or a closed connection an optional point is asked for again: soon once, then rarely."""


class Presence:
    """What is known of the optional points of one connector."""

    def __init__(self) -> None:
        self._proven: set[str] = set()
        self._absent_until: dict[str, float] = {}
        self._silences: dict[str, int] = {}

    def has(self, point: ReadPoint) -> bool:
        """Whether the point may be part of a read."""
        return not point.optional or point.name in self._proven

    def is_absent(self, name: str) -> bool:
        """Whether the device was asked for it and gave nothing."""
        return name in self._absent_until

    def next_to_ask(self, points: Iterable[ReadPoint], now: float) -> ReadPoint | None:
        """The next optional point to be asked for alone, hot ones first."""
        unknown = [
            one
            for one in points
            if one.optional and one.name not in self._proven and self._absent_until.get(one.name, 0.0) <= now
        ]
        return min(unknown, key=lambda one: one.poll != "hot", default=None)

    def found(self, name: str) -> None:
        """The device has answered for it."""
        self._proven.add(name)
        self._absent_until.pop(name, None)

    def missed(self, name: str, error: DeviceError, now: float) -> None:
        """The device has refused it, was silent, or closed the connection."""
        if isinstance(error, Refused) and error.code in NO_SUCH_THING:
            self._absent_until[name] = float("inf")
            return
        silences = self._silences[name] = self._silences.get(name, 0) + 1
        self._absent_until[name] = now + (_ASK_SOON_S if silences == 1 else _ASK_LATER_S)

    def forget(self, names: Iterable[str]) -> None:
        """These points are others now."""
        for name in names:
            self._proven.discard(name)
            self._absent_until.pop(name, None)
            self._silences.pop(name, None)
