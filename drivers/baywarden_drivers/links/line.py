"""A wire that heeds what its units have taught: performs one request after another."""

from typing import Final

from baywarden_drivers.errors import DeviceError, Garbled, LinkDown, NoAnswer, Refused
from baywarden_drivers.links.lessons import GATEWAY_SILENCE, Crowded, Lessons
from baywarden_drivers.links.request import Request
from baywarden_drivers.links.silence import keep_silence
from baywarden_drivers.links.statistics import Busy, LinkStatistics, UnitStatistics
from baywarden_drivers.links.units import Pacing, UnitState
from baywarden_drivers.links.wire import HungUp, Wire
from baywarden_drivers.mono import mono_s

_FRAME_EXTRA: Final = 6
"""Unit numbers and check sums of a request and its answer."""


class Line(Lessons):
    """Knows nothing of who asks, and does one thing at a time, and one more aside where that can be."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire)
        self._busy = Busy(mono_s())

    def pace(self, unit: int, pacing: Pacing) -> None:
        """Keep to these pauses too."""
        state = self.unit(unit)
        state.pacing = state.pacing.and_also(pacing) if state.is_paced else pacing
        state.is_paced = True
        idle = [one.pacing.idle_close_s for one in self.units.values() if one.pacing.idle_close_s]
        self.connection.idle_close_s = min(idle, default=0.0)

    def check_welcome(self, request: Request) -> None:
        """Raises LinkDown at once when it is known that nothing would be sent."""
        state = self.unit(request.unit)
        wait_s = state.retry_at - mono_s() if state.retry_at else 0.0
        if wait_s > 0:
            raise LinkDown(
                f"unit {request.unit} was silent {state.silences} times; next try in {wait_s:.0f} s"
            )
        self.connection.check_welcome()

    def statistics(self) -> LinkStatistics:
        """The figures of the wire."""
        wire, connection = self.wire, self.connection
        return LinkStatistics(
            is_open=wire.is_open,
            connections=connection.opened,
            failures=connection.failures,
            hang_ups=connection.hang_ups,
            requests=self._busy.exchanges,
            busy_s=self._busy.total_s,
            utilisation=self._busy.share(mono_s()),
            bytes_sent=wire.bytes_sent,
            bytes_received=wire.bytes_received,
            hears_itself=wire.framing.hears_itself,
        )

    def unit_statistics(self) -> dict[int, UnitStatistics]:
        """The figures of every unit, by its number."""
        now = mono_s()
        return {
            unit: state.statistics(now, self._busy.share_of(state.tally, now))
            for unit, state in self.units.items()
        }

    async def open(self) -> None:
        """Have a connection. Raises LinkDown."""
        opened = self.connection.opened
        was_away = await self.connection.open()
        if self.connection.opened != opened:
            self.on_new_connection(was_away=was_away)

    # Requests.

    def ready_at(self, request: Request) -> float:
        """When it may be performed, in seconds of CLOCK_BOOTTIME; infinity when that hangs on who is aside."""
        state = self.unit(request.unit)
        ready = state.ready_at(request.is_write)
        if self.overlap.unit is None:
            return ready
        return max(ready, self.overlap.ready_at(request, may_be_silent=self._may_be_silent(state)))

    def goes_aside(self, request: Request) -> bool:
        """Whether others need not wait for its answer, which may never come."""
        return (
            self._may_be_silent(self.unit(request.unit))
            and not self.wire.framing.is_rtu
            and len(self.units) > 1
            and self.overlap.is_possible
            and (self.overlap.is_proven or not request.is_write)
            and self.wire.is_open
            and not self.connection.may_be_closing
        )

    def _may_be_silent(self, state: UnitState) -> bool:
        return state.silences > 0 or state.generation != self.connection.generation

    async def perform(self, request: Request) -> tuple[int, ...] | None:
        """The answer, or None when it does not count and the request has to be made again."""
        state = self.unit(request.unit)
        test = self._test_before(request, state) or state.probe_before(request)
        if test is not None:
            await self._prepare(request, test, state)
        values = await self._ask(request, state)
        if (
            not request.is_write
            and state.pacing.discard_first_read
            and state.primed != self.connection.opened
        ):
            state.primed = self.connection.opened
            return None
        return values

    async def _prepare(self, request: Request, test: Request, state: UnitState) -> None:
        """Where an older answer could be taken for this one's, or nobody may be there, ask something else first."""
        try:
            await self._ask(test, state)
        except Refused as error:
            if error.code in GATEWAY_SILENCE:
                raise _not_sent(request, error) from error
        except (NoAnswer, Garbled) as error:
            if isinstance(error, NoAnswer):
                state.owed.blind_tests += 1
            raise _not_sent(request, error) from error

    def _test_before(self, request: Request, state: UnitState) -> Request | None:
        framing = self.wire.framing
        if not framing.is_rtu:
            return None
        state.note_stray(self.wire.strays.get(request.unit, 0.0))
        test = state.test_before(request, mono_s())
        if test is None and request.is_write and framing.hears_itself is None:
            return state.owed.test_read(request, state.even_step)
        return test

    async def _ask(self, request: Request, state: UnitState) -> tuple[int, ...]:
        """Exchange; a read is asked for once more where the device had closed an idle connection, or was crowded."""
        if request.is_write or request.unit == self.overlap.unit:
            return await self._exchange(request, state)
        may_repeat, turn = self.connection.may_be_closing, self.overlap.turn
        try:
            return await self._exchange(request, state)
        except (HungUp, Garbled, Crowded) as error:
            if not turn and not (may_repeat and isinstance(error, HungUp)):
                raise
        await self.overlap.over()
        await self.open()
        values = await self._exchange(request, state)
        if turn:
            self.overlap.disprove()
        return values

    async def _exchange(self, request: Request, state: UnitState) -> tuple[int, ...]:
        if self.wire.silence_s:
            await keep_silence(self.wire)
        started = mono_s()
        state.sent(started, request)
        wire_s = (request.size + request.reply_size + _FRAME_EXTRA) * self.wire.char_s
        timeout_s = wire_s + state.patience.wait_s(request, state.pacing.response_timeout_s)
        is_aside = request.unit == self.overlap.unit
        turn = 0 if is_aside else self.overlap.turn
        exchange = self.wire.exchange_aside if is_aside else self.wire.exchange
        try:
            values = await exchange(request, timeout_s)
        except DeviceError as error:
            self._account(request, state, started if not is_aside else mono_s())
            if turn:
                self.on_loss_beside(request, state, error)
            self.on_error(request, state, started, error)
            raise
        self._account(request, state, started)
        if turn:
            self.overlap.answered(turn)
        state.patience.took(request, max(0.0, self.wire.received_at - started - wire_s))
        if not request.is_write:
            state.owed.prove(request)
        self.on_answer(request, state, started)
        return values

    def _account(self, request: Request, state: UnitState, started: float) -> None:
        now = self.connection.used_at = mono_s()
        state.tally.busy_s += now - started
        state.tally.bytes_sent += request.size
        if self._busy.add(started, now):
            for one in self.units.values():
                one.tally.mark()


def _not_sent(request: Request, error: Refused | NoAnswer | Garbled) -> Exception:
    """A write must not look as if it may have happened; a read is told what became of its test."""
    if request.is_write:
        return LinkDown(f"{request}: not sent, because a test read failed ({error.detail})")
    return error
