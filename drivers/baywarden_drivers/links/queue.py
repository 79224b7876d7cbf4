"""Requests that wait for their turn on a wire: writes before reads, each in the order they came."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from baywarden_drivers.errors import LinkDown
from baywarden_drivers.links.request import Request
from baywarden_drivers.mono import mono_s

QUEUE_TIMEOUT_S = 30.0
_LONGEST_NAP_S = 3600.0

ReadyAt = Callable[[Request], float]
"""When a request's unit can take it, in seconds of CLOCK_BOOTTIME."""


@dataclass(slots=True, eq=False)
class Job:
    """A request and whoever waits for its answer."""

    request: Request
    answer: asyncio.Future[tuple[int, ...]]
    give_up_at: float

    def fail(self, error: Exception) -> None:
        """Tell whoever still waits."""
        if not self.answer.done():
            self.answer.set_exception(error)


class JobQueue:
    """Many may put, one takes."""

    def __init__(self) -> None:
        self._writes: deque[Job] = deque()
        self._reads: deque[Job] = deque()
        self._wake: asyncio.Future[None] | None = None

    def put(self, request: Request) -> Job:
        """Queue a request."""
        job = Job(request, asyncio.get_running_loop().create_future(), mono_s() + QUEUE_TIMEOUT_S)
        (self._writes if request.is_write else self._reads).append(job)
        self.rouse()
        return job

    def put_back(self, job: Job) -> None:
        """Let a read be the next one of its unit again."""
        self._reads.appendleft(job)

    async def take(self, ready_at: ReadyAt) -> Job | None:
        """The first job whose unit is ready; None after a sleep, when something may have changed."""
        now = mono_s()
        self._drop_stale(now)
        soonest = now + _LONGEST_NAP_S
        for queue in (self._writes, self._reads):
            for job in queue:
                moment = ready_at(job.request)
                if moment <= now:
                    queue.remove(job)
                    return job
                soonest = min(soonest, moment, job.give_up_at)
        await self._nap(soonest - now)
        return None

    def rouse(self) -> None:
        """Wake the owner from its sleep in `take`."""
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def fail_all(self, reason: str) -> None:
        """Tell everybody who waits that nothing was sent."""
        jobs: Iterable[Job] = (*self._writes, *self._reads)
        self._writes.clear()
        self._reads.clear()
        for job in jobs:
            job.fail(LinkDown(reason))

    def fail_reads(self, unit: int, reason: str) -> None:
        """Tell everybody who waits for a read of this unit that it was not sent."""
        for job in [one for one in self._reads if one.request.unit == unit]:
            self._reads.remove(job)
            job.fail(LinkDown(reason))

    def __bool__(self) -> bool:
        return bool(self._writes or self._reads)

    def _drop_stale(self, now: float) -> None:
        for queue in (self._writes, self._reads):
            for job in [one for one in queue if one.answer.done() or one.give_up_at <= now]:
                queue.remove(job)
                job.fail(LinkDown(f"{job.request}: waited {QUEUE_TIMEOUT_S:g} s for its turn"))

    async def _nap(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._wake = loop.create_future()
        timer = loop.call_later(seconds, self.rouse)
        try:
            await self._wake
        finally:
            timer.cancel()
            self._wake = None
