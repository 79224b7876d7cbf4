"""Requests that wait for their turn on a wire: writes before reads, each in the order they came."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from baywarden_drivers.errors import LinkDown
from baywarden_drivers.links.request import Request
from baywarden_drivers.mono import mono_ms, mono_s

QUEUE_TIMEOUT_S = 30.0

ReadyAt = Callable[[Request], float]
"""When a request's unit can take it, in seconds of CLOCK_BOOTTIME."""


class Heard(NamedTuple):
    """The registers (or bits) of an answer, nothing for a write, and when it came."""

    registers: tuple[int, ...]
    at_ms: int


@dataclass(slots=True, eq=False)
class Job:
    """Requests of one kind, made one after the other, and whoever waits for the last answer."""

    requests: Sequence[Request]
    heard: list[Heard]
    """The answers so far, in a list of whoever waits."""
    answer: asyncio.Future[None]
    give_up_at: float
    request: Request
    """The next one."""

    def took(self, registers: tuple[int, ...]) -> bool:
        """Take the answer to the next request; whether there is another one to be made."""
        self.heard.append(Heard(registers, mono_ms()))
        if len(self.heard) < len(self.requests):
            self.request = self.requests[len(self.heard)]
            return True
        if not self.answer.done():
            self.answer.set_result(None)
        return False

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
        self._stale_at = 0.0
        """Before this moment nobody has waited for too long."""

    def put(self, requests: Sequence[Request], heard: list[Heard]) -> Job:
        """Queue a write, or reads that are made without another read of this queue in between, if they can be.

        Their answers go to `heard`, which is empty.
        """
        answer = asyncio.get_running_loop().create_future()
        job = Job(requests, heard, answer, mono_s() + QUEUE_TIMEOUT_S, requests[0])
        (self._writes if job.request.is_write else self._reads).append(job)
        self.rouse()
        return job

    def put_back(self, job: Job) -> None:
        """Let it have the next turn of all reads."""
        job.give_up_at = mono_s() + QUEUE_TIMEOUT_S
        self._reads.appendleft(job)

    async def take(self, ready_at: ReadyAt) -> Job | None:
        """The first job whose unit is ready; None after a sleep, when something may have changed."""
        now = mono_s()
        if now >= self._stale_at:
            self._drop_stale(now)
        soonest: float | None = None
        for queue in (self._writes, self._reads):
            while queue and queue[0].answer.done():
                queue.popleft()
            for job in queue:
                if job.answer.done():
                    continue
                moment = ready_at(job.request)
                if moment <= now:
                    queue.remove(job)
                    return job
                moment = min(moment, job.give_up_at)
                soonest = moment if soonest is None or moment < soonest else soonest
        await self._nap(None if soonest is None else soonest - now)
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
        return any(not job.answer.done() for job in (*self._writes, *self._reads))

    def _drop_stale(self, now: float) -> None:
        """Those who come later than now will not be stale before those who wait already."""
        for queue in (self._writes, self._reads):
            for job in [one for one in queue if one.answer.done() or one.give_up_at <= now]:
                queue.remove(job)
                job.fail(LinkDown(f"{job.request}: waited {QUEUE_TIMEOUT_S:g} s for its turn"))
        waiting = (job.give_up_at for job in (*self._writes, *self._reads))
        self._stale_at = min(waiting, default=now + QUEUE_TIMEOUT_S)

    async def _nap(self, seconds: float | None) -> None:
        """Until the time is over or somebody rouses it."""
        loop = asyncio.get_running_loop()
        self._wake = loop.create_future()
        timer = None if seconds is None else loop.call_later(seconds, self.rouse)
        try:
            await self._wake
        finally:
            if timer is not None:
                timer.cancel()
            self._wake = None
