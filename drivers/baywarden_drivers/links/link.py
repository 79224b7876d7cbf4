"""One owner per wire: callers queue, writes go before reads, and every device gets the pauses it needs."""

import asyncio
import random
from collections.abc import Sequence

from baywarden_drivers.errors import DeviceError, Garbled, LinkDown, NoAnswer, Refused
from baywarden_drivers.links.queue import Job, JobQueue
from baywarden_drivers.links.request import READ_FUNCTIONS, Request
from baywarden_drivers.links.units import Pacing, UnitState, UnitStatistics
from baywarden_drivers.links.wire import Tracer, Wire
from baywarden_drivers.mono import mono_s
from baywarden_drivers.pause import sleep_until

_SILENT_CHARACTERS = 3.5
_SHORTEST_SILENCE_S = 0.00175
"""Above 19200 baud the 3.5 characters are a fixed time (Modbus over serial line 1.02, 2.5.1.1)."""
_FIRST_BACK_OFF_S = 0.5
_LONGEST_BACK_OFF_S = 5.0
_NEIGHBOUR_S = 10.0
"""A connection on which another unit has answered this recently is not at fault."""
_GATEWAY_SILENCE = (10, 11)


class Link:
    """Opens its wire when the first request comes, and again after a loss with growing pauses.

    `read` and `write` raise LinkDown, NoAnswer, Refused or Garbled. A caller may be cancelled at any time:
    what is already on the wire is finished by the owner.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._units: dict[int, UnitState] = {}
        self._queue = JobQueue()
        self._owner: asyncio.Task[None] | None = None
        self._is_closed = False
        self._generation = 0
        self._failures = 0
        self._reopen_at = 0.0
        self._down_reason = ""

    @property
    def name(self) -> str:
        """The wire's address: host:port or the serial port."""
        return self._wire.name

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, as far as this side knows."""
        return self._wire.is_open

    def trace(self, tracer: Tracer | None) -> None:
        """Show every packet of this wire to `tracer` from now on."""
        self._wire.tracer = tracer

    def pace(self, unit: int, pacing: Pacing) -> None:
        """Keep to the pauses that the device at `unit` needs; of two devices there, to the longer ones."""
        state = self._unit(unit)
        state.pacing = state.pacing.and_also(pacing) if state.is_paced else pacing
        state.is_paced = True

    def contact(self, unit: int) -> int:
        """A number that rises whenever the unit is heard again after a silence or on a new connection."""
        return self._unit(unit).contact

    def statistics(self) -> dict[int, UnitStatistics]:
        """The figures of every unit, by its number."""
        now = mono_s()
        return {unit: state.statistics(now) for unit, state in self._units.items()}

    async def read(self, unit: int, kind: str, address: int, count: int) -> tuple[int, ...]:
        """Read `count` registers or bits of the type `kind` (holding, input, coil, discrete)."""
        return await self._ask(Request(unit, READ_FUNCTIONS[kind], address, count))

    async def write(self, unit: int, function: int, address: int, values: Sequence[int]) -> None:
        """Write with function 5, 6, 15 or 16. Sent at most once: after NoAnswer it may have happened."""
        await self._ask(Request(unit, function, address, len(values), tuple(values)))

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

    async def _ask(self, request: Request) -> tuple[int, ...]:
        self._check_welcome(request)
        job = self._queue.put(request)
        if self._owner is None or self._owner.done():
            self._owner = asyncio.create_task(self._own(), name=f"link {self.name}")
        return await job.answer

    def _check_welcome(self, request: Request) -> None:
        """Raises LinkDown at once when it is known that nothing would be sent."""
        if self._is_closed:
            raise LinkDown("the link was closed")
        now = mono_s()
        state = self._unit(request.unit)
        if now < state.retry_at:
            wait = state.retry_at - now
            raise LinkDown(f"unit {request.unit} was silent {state.silences} times; next try in {wait:.0f} s")
        if now < self._reopen_at and not self._wire.is_open:
            raise LinkDown(f"{self._down_reason}; next try in {self._reopen_at - now:.1f} s")

    def _unit(self, unit: int) -> UnitState:
        state = self._units.get(unit)
        if state is None:
            state = self._units[unit] = UnitState()
        return state

    # The owner.

    async def _own(self) -> None:
        try:
            while not self._is_closed:
                job = await self._queue.take(self._ready_at)
                if job is not None:
                    await self._serve(job)
        finally:
            self._queue.fail_all("the link was closed")

    def _ready_at(self, request: Request) -> float:
        return self._unit(request.unit).ready_at(request.is_write)

    async def _serve(self, job: Job) -> None:
        try:
            self._check_welcome(job.request)
            await self._open()
            values = await self._perform(job)
        except DeviceError as error:
            job.fail(error)
        except BaseException:
            job.fail(LinkDown(f"{job.request}: the owner of the wire was stopped"))
            raise
        else:
            if values is not None and not job.answer.done():
                job.answer.set_result(values)

    async def _open(self) -> None:
        if self._wire.is_open:
            return
        try:
            await self._wire.open()
        except LinkDown as error:
            self._failures += 1
            ceiling = min(_LONGEST_BACK_OFF_S, _FIRST_BACK_OFF_S * 2.0 ** min(self._failures - 1, 10))
            self._reopen_at = mono_s() + random.uniform(0, ceiling)
            self._down_reason = error.detail
            self._queue.fail_all(error.detail)  # all who wait share this one attempt
            raise
        self._failures, self._reopen_at = 0, 0.0
        self._generation += 1

    async def _perform(self, job: Job) -> tuple[int, ...] | None:
        """The answer, or None when the job is queued again because its first answer does not count."""
        request, state = job.request, self._unit(job.request.unit)
        await self._get_in_step(request, state)
        values = await self._exchange(request, state)
        if not request.is_write and state.pacing.discard_first_read and state.is_primed != self._generation:
            state.is_primed = self._generation
            self._queue.put_back(job)
            return None
        return values

    async def _get_in_step(self, request: Request, state: UnitState) -> None:
        """After an unanswered read on RTU, make sure that its answer cannot be taken for the next one's."""
        state.alive_at = max(state.alive_at, self._wire.strays.get(request.unit, 0.0))
        test = state.test_read()
        if test is not None:
            state.steps_tried += 1
            try:
                await self._exchange(test, state)
            except Refused:
                pass
            except (NoAnswer, Garbled) as error:
                if request.is_write:
                    raise LinkDown(
                        f"{request}: not sent, because a test read failed ({error.detail})"
                    ) from error
                raise
        state.in_step()

    async def _exchange(self, request: Request, state: UnitState) -> tuple[int, ...]:
        await self._keep_silence()
        started = mono_s()
        state.sent(started, request.is_write)
        try:
            values = await self._wire.exchange(request, self._timeout(request, state))
        except Refused as error:
            state.exceptions += 1
            if error.code in _GATEWAY_SILENCE:
                state.silent(mono_s())
            else:
                state.heard(mono_s(), started, self._generation)
            raise
        except NoAnswer:
            state.time_outs += 1
            self._note_silence(request, state)
            raise
        except Garbled:
            state.garbled += 1
            self._note_noise(request, state)
            raise
        state.heard(mono_s(), started, self._generation)
        return values

    def _note_silence(self, request: Request, state: UnitState) -> None:
        now = mono_s()
        state.silent(now)
        self._distrust(request, state, now)

    def _note_noise(self, request: Request, state: UnitState) -> None:
        """Something was heard, so the unit is not silent."""
        now = mono_s()
        state.noisy(now)
        state.alive_at = now
        if not self._wire.is_rtu:
            self._wire.close()  # a stream that is out of step cannot be used again
        self._distrust(request, state, now)

    def _distrust(self, request: Request, state: UnitState, now: float) -> None:
        """A late answer may still come, and the connection may be dead without telling."""
        if self._wire.is_rtu:
            state.doubt(request, now)
        if self._wire.is_network and not self._has_live_neighbour(state, now):
            self._wire.close()

    def _has_live_neighbour(self, state: UnitState, now: float) -> bool:
        return any(
            other is not state
            and other.generation == self._generation
            and now - other.answered_at < _NEIGHBOUR_S
            for other in self._units.values()
        )

    def _timeout(self, request: Request, state: UnitState) -> float:
        """The device's time to think, and that of both frames on a slow wire."""
        return state.pacing.response_timeout_s + (request.size + request.reply_size + 6) * self._wire.char_s

    async def _keep_silence(self) -> None:
        if not self._wire.char_s:
            return
        silence = max(_SILENT_CHARACTERS * self._wire.char_s, _SHORTEST_SILENCE_S)
        await sleep_until(self._wire.received_at + silence)
