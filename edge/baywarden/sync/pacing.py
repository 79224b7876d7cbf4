"""How fast: the wait before the next try and the rate of a drain."""

import asyncio
from random import Random


class Backoff:
    """Full jitter: a wait between `min_s` and a ceiling that doubles from `first_s` to `max_s`."""

    def __init__(self, first_s: float, min_s: float, max_s: float, random: Random) -> None:
        self._first_s = first_s
        self._min_s = min_s
        self._max_s = max_s
        self._random = random
        self._failures = 0

    def reset(self) -> None:
        """The last try was a success that lasted."""
        self._failures = 0

    def next_s(self) -> float:
        """How long to wait now."""
        ceiling_s = min(self._max_s, self._first_s * 2 ** min(self._failures, 30))
        self._failures += 1
        return self._random.uniform(min(self._min_s, ceiling_s), ceiling_s)


class Pace:
    """At most `per_s` takes a second after a burst of as many, first come first served; 0 is no limit."""

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._tokens = max(per_s, 1.0)
        self._looked_at_s: float | None = None
        self._turn = asyncio.Lock()

    async def take(self) -> None:
        """Return when one more is allowed."""
        if not self._per_s:
            return
        async with self._turn:
            self._refill()
            if self._tokens < 1:
                await asyncio.sleep((1 - self._tokens) / self._per_s)
                self._refill()
            self._tokens -= 1

    def _refill(self) -> None:
        now_s = asyncio.get_running_loop().time()
        elapsed_s = now_s - (self._looked_at_s if self._looked_at_s is not None else now_s)
        self._looked_at_s = now_s
        self._tokens = min(max(self._per_s, 1.0), self._tokens + elapsed_s * self._per_s)
