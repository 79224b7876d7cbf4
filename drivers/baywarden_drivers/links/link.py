"""One owner per wire: callers queue, writes go before reads, and every device gets the pauses it needs."""

import asyncio
from collections.abc import Iterable, Sequence

from baywarden_drivers.errors import DeviceError, LinkDown, NoAnswer, Refused
from baywarden_drivers.links.lessons import GATEWAY_SILENCE
from baywarden_drivers.links.line import Line
from baywarden_drivers.links.queue import Heard, Job, JobQueue
from baywarden_drivers.links.request import Request, read_request
from baywarden_drivers.links.statistics import LinkStatistics, UnitStatistics
from baywarden_drivers.links.units import Pacing
from baywarden_drivers.links.wire import Tracer, Wire
from baywarden_drivers.polls.costs import Costs

Question = tuple[int, str, int, int]
"""Unit, kind (holding, input, coil, discrete), first address and count of a read."""


class Link:
    """Opens its wire when the first request comes, and again after a loss with growing pauses.

    `read` and `write` raise LinkDown, NoAnswer, Refused or Garbled, and ValueRefused for what Modbus cannot say.
    The first time-out of a unit ends its round: its reads that wait in the queue fail with LinkDown at once. A
    caller may be cancelled at any time: what is already on the wire is finished by the owner.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._line = Line(wire)
        self._queue = JobQueue()
        self._owner: asyncio.Task[None] | None = None
        self._aside: asyncio.Task[None] | None = None
        self._is_closed = False
        self._is_busy = False

    @property
    def name(self) -> str:
        """The wire's address: host:port or the serial port."""
        return self._wire.name

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, as far as this side knows."""
        return self._wire.is_open

    @property
    def costs(self) -> Costs:
        """What reads cost on this wire, for the planner."""
        return self._wire.costs

    def trace(self, tracer: Tracer | None) -> None:
        """Show all data on this wire to `tracer` from now on, piece by piece as it goes and comes."""
        self._wire.tracer = tracer

    def pace(self, unit: int, pacing: Pacing) -> None:
        """Keep to the pauses that the device at `unit` needs; of two devices there, to the longer ones."""
        self._line.pace(unit, pacing)

    def contact(self, unit: int) -> int:
        """A number that rises whenever the unit is heard again after a silence or on a new connection.

        Not after `rest`, and not after the device has closed an idle connection as its pacing says.
        """
        return self._line.unit(unit).contact

    def statistics(self) -> dict[int, UnitStatistics]:
        """The figures of every unit, by its number."""
        return self._line.unit_statistics()

    def wire_statistics(self) -> LinkStatistics:
        """The figures of the wire."""
        return self._line.statistics()

    async def read(self, unit: int, kind: str, address: int, count: int) -> tuple[int, ...]:
        """Read `count` registers or bits of the type `kind` (holding, input, coil, discrete)."""
        heard: list[Heard] = []
        await self._ask((read_request(unit, kind, address, count),), heard)
        return heard[0].registers

    async def read_round(self, questions: Iterable[Question], heard: list[Heard]) -> None:
        """Make several reads in a row, each as (unit, kind, address, count); answers go to `heard` as they come.

        Writes of others still go in between. The first read that fails ends the round and is raised.
        """
        await self._ask([read_request(*question) for question in questions], heard)

    async def write(self, unit: int, function: int, address: int, values: Sequence[int]) -> None:
        """Write with function 5, 6, 15 or 16. Sent at most once: after NoAnswer it may have happened."""
        await self._ask((Request(unit, function, address, len(values), tuple(values)),), [])

    async def rest(self) -> None:
        """Give other masters their turn: close the connection, unless somebody needs it just now."""
        if not self._queue and not self._is_busy and not self._line.overlap.turn:
            self._line.connection.rest()

    async def close(self) -> None:
        """Finish what is on the wire within its time-out, refuse the rest, and close."""
        self._is_closed = True
        self._queue.fail_all("the link was closed")
        owner, self._owner = self._owner, None
        try:
            if owner is not None:
                self._queue.rouse()
                await owner
        finally:
            self._wire.close()
        await asyncio.sleep(0)

    async def _ask(self, requests: Sequence[Request], heard: list[Heard]) -> None:
        if self._is_closed:
            raise LinkDown("the link was closed")
        self._line.check_welcome(requests[0])
        job = self._queue.put(requests, heard)
        if self._owner is None or self._owner.done():
            self._owner = asyncio.create_task(self._own(), name=f"link {self.name}")
        await job.answer

    # The owner.

    async def _own(self) -> None:
        try:
            while not self._is_closed:
                job = await self._queue.take(self._line.ready_at)
                if job is None:
                    continue
                if self._line.goes_aside(job.request):
                    self._line.overlap.begin(job.request.unit)
                    self._aside = asyncio.create_task(self._serve_aside(job), name=f"link {self.name} aside")
                    continue
                self._is_busy = True
                try:
                    await self._serve(job)
                finally:
                    self._is_busy = False
        finally:
            self._queue.fail_all("the link was closed")
            if self._aside is not None:
                await self._aside

    async def _serve_aside(self, job: Job) -> None:
        try:
            await self._serve(job, aside=True)
        finally:
            self._line.overlap.end()
            self._queue.rouse()

    async def _serve(self, job: Job, *, aside: bool = False) -> None:
        try:
            self._line.check_welcome(job.request)
            if not aside and not self._line.connection.is_at_hand:
                await self._open()
            values = await self._line.perform(job.request)
        except DeviceError as error:
            job.fail(error)
            self._end_round(job.request, error)
        except BaseException:
            job.fail(LinkDown(f"{job.request}: the owner of the wire was stopped"))
            raise
        else:
            if values is None or job.took(values):
                self._queue.put_back(job)

    async def _open(self) -> None:
        try:
            await self._line.open()
        except LinkDown as error:
            self._queue.fail_all(error.detail)  # all who wait share this one attempt
            raise

    def _end_round(self, request: Request, error: DeviceError) -> None:
        """Whoever was silent once is not asked for the rest of the round: that would cost a time-out each."""
        is_silent = isinstance(error, Refused) and error.code in GATEWAY_SILENCE
        if is_silent or isinstance(error, NoAnswer):
            self._queue.fail_reads(
                request.unit, f"unit {request.unit} has just been silent: the rest of its round is left out"
            )
