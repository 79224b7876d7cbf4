"""Answers on an RTU line that may still come although nobody waits for them any more.

RTU has no transaction number: a late answer looks like that of the next request of the same function and length.
What protects is that a device answers in order: an answer that none of the owed ones can look like proves that
they have come and gone, or never will.
"""

from typing import Final

from baywarden_drivers.links.request import READ_FUNCTIONS, Request, read_request

_LATEST_S: Final = 10.0
_LATEST_TIMEOUTS: Final = 4.0
_MOST_BLIND: Final = 3
"""Test reads without a sign of life, after which it is taken for a device that answers none of these."""
_LONGEST_TEST: Final = 60
_KINDS: Final = {function: kind for kind, function in READ_FUNCTIONS.items()}


class Owed:
    """What one unit has not answered; moments are seconds of CLOCK_BOOTTIME."""

    def __init__(self) -> None:
        self._asked_at: dict[bytes, float] = {}
        """By the begin of the answer that may come."""
        self._proven: dict[bytes, Request] = {}
        """A read that was answered with values, for each length."""
        self.blind_tests = 0
        self.since = 0.0
        """When the oldest of them was asked."""

    def __bool__(self) -> bool:
        return bool(self._asked_at)

    def add(self, request: Request, now: float) -> None:
        """It stayed without its answer."""
        if not self._asked_at:
            self.since, self.blind_tests = now, 0
        self._asked_at[request.reply_start] = now

    def settle(self) -> None:
        """Something was answered that none of them can look like."""
        if self._asked_at:
            self._asked_at.clear()
        self.blind_tests = 0

    def prove(self, request: Request) -> None:
        """A read was answered with values."""
        if request.reply_start not in self._proven:
            self._proven[request.reply_start] = request

    def forget_old(self, now: float, timeout_s: float) -> None:
        """After long enough an answer will not come any more."""
        if self._asked_at and now - max(self._asked_at.values()) > _LATEST_S + _LATEST_TIMEOUTS * timeout_s:
            self.settle()

    def confuses(self, request: Request) -> bool:
        """Whether a late answer could be taken for that of `request`."""
        return request.reply_start in self._asked_at

    def may_refuse(self, request: Request) -> bool:
        """Whether an exception could be a late answer to something else: it names no more than the function."""
        return any(start[0] == request.function for start in self._asked_at)

    def cheapest(self) -> Request | None:
        """The shortest read that was ever answered and cannot be confused."""
        usable = [one for start, one in self._proven.items() if start not in self._asked_at]
        return min(usable, key=lambda one: (one.reply_size, self.may_refuse(one)), default=None)

    def test_read(self, like: Request, step: int) -> Request:
        """A read that cannot be confused: a proven one, or one like `like` with another count.

        `step` is 2 where a device only takes even counts.
        """
        known = self.cheapest()
        if known is not None:
            return known
        function = like.function if not like.is_write else (1 if like.function in (5, 15) else 3)
        places = (0x10000 - like.address) // step
        counts = range(step, step * min(_LONGEST_TEST, max(1, places)) + 1, step)
        made = (read_request(like.unit, _KINDS[function], like.address, count) for count in counts)
        return next((one for one in made if not self.confuses(one)), like)

    def has_tried_enough(self, alive_at: float) -> bool:
        """Whether the device seems to answer no test read; `alive_at` is its last sign of life."""
        return self.blind_tests >= _MOST_BLIND and alive_at < self.since
