"""A thread of its own for one database connection, fed by a queue; callers await the outcome."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Final, TypeVar

from baywarden.ports.store import Batch, StoreError

T = TypeVar("T")

MOST_TOGETHER: Final = 64
"""Commits that wait at the same time share one transaction and one fsync."""

CommitAll = Callable[[Sequence[Batch]], Sequence[Exception | None]]


@dataclass(frozen=True, slots=True)
class _Job:
    """`tell` is called on the lane's thread with the outcome, and the error or None."""

    tell: Callable[[Any, BaseException | None], None]
    work: Callable[[], Any] | None = None
    batch: Batch | None = None

    def perform(self) -> None:
        assert self.work is not None
        try:
            outcome = self.work()
        except BaseException as error:  # noqa: BLE001 (it belongs to the caller; the thread lives on)
            self.tell(None, error)
        else:
            self.tell(outcome, None)


class Lane:
    """Jobs are done one by one in the order of asking; once asked, a job is done even if its caller left."""

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._commit_all: CommitAll | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def commits_by(self, commit_all: CommitAll) -> None:
        """Say who commits batches: one call for those that wait together, one outcome for each."""
        self._commit_all = commit_all

    async def run(self, work: Callable[[], T]) -> T:
        """Do `work` on the thread."""
        tell, told = _ear()
        self._ask(_Job(tell, work))
        outcome: T = await told
        return outcome

    async def commit(self, batch: Batch) -> None:
        """Commit `batch`, together with others that wait."""
        tell, told = _ear()
        self._ask(_Job(tell, batch=batch))
        await told

    def run_and_wait(self, work: Callable[[], T]) -> T:
        """Do `work` on the thread while the caller stands still; for opening, before there is a loop."""
        told: SimpleQueue[tuple[T, BaseException | None]] = SimpleQueue()
        self._ask(_Job(lambda outcome, error: told.put((outcome, error)), work))
        outcome, error = told.get()
        if error is not None:
            raise error
        return outcome

    def stop(self) -> None:
        """Finish what was asked, then end the thread."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
        self._thread.join()

    def _ask(self, job: _Job) -> None:
        if self._closed:
            raise StoreError("the store is closed")
        self._jobs.put(job)

    def _serve(self) -> None:
        waiting: deque[_Job | None] = deque()
        while True:
            if not waiting:
                waiting.append(self._jobs.get())
            while not self._jobs.empty():
                waiting.append(self._jobs.get())
            job = waiting.popleft()
            if job is None:
                return
            if job.batch is None:
                job.perform()
            else:
                self._commit([job, *_followers(waiting)])

    def _commit(self, group: Sequence[_Job]) -> None:
        assert self._commit_all is not None
        try:
            outcomes = self._commit_all([job.batch for job in group if job.batch is not None])
        except BaseException as error:  # noqa: BLE001 (it belongs to the callers; the thread lives on)
            outcomes = [StoreError(f"the writer failed: {error!r}")] * len(group)
        for job, outcome in zip(group, outcomes, strict=True):
            job.tell(None, outcome)


def _ear() -> tuple[Callable[[Any, BaseException | None], None], asyncio.Future[Any]]:
    """A future of the running loop, and how another thread settles it. Half the cost of concurrent.futures."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[Any] = loop.create_future()

    def settle(outcome: Any, error: BaseException | None) -> None:
        if told.done():  # the caller was cancelled meanwhile
            return
        if error is None:
            told.set_result(outcome)
        else:
            told.set_exception(error)

    def tell(outcome: Any, error: BaseException | None) -> None:
        try:
            loop.call_soon_threadsafe(settle, outcome, error)
        except RuntimeError:  # the loop has ended without waiting for us
            return

    return tell, told


def _followers(waiting: deque[_Job | None]) -> list[_Job]:
    group: list[_Job] = []
    while (
        waiting
        and (job := waiting[0]) is not None
        and job.batch is not None
        and len(group) < MOST_TOGETHER - 1
    ):
        group.append(job)
        waiting.popleft()
    return group
