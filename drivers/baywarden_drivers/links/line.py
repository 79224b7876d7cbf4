"""A wire with all that its units have taught: performs one request after another and draws the conclusions."""

from typing import Final

from baywarden_drivers.errors import Garbled, LinkDown, NoAnswer, Refused
from baywarden_drivers.links.connection import Connection
from baywarden_drivers.links.request import Request
from baywarden_drivers.links.silence import keep_silence
from baywarden_drivers.links.statistics import Busy, LinkStatistics
from baywarden_drivers.links.units import PATIENCE, Pacing, UnitState
from baywarden_drivers.links.wire import Damaged, HungUp, Wire
from baywarden_drivers.mono import mono_s

GATEWAY_SILENCE: Final = (10, 11)
"""Exceptions by which a gateway says that the unit behind it is silent."""
_NEIGHBOUR_S: Final = 10.0
"""A connection on which another unit has answered this recently is not at fault."""
_FRAME_EXTRA: Final = 6
"""Unit numbers and check sums of a request and its answer."""
_SILENCE_FACTOR: Final = 12.0
"""A dead unit rests so many times longer than its neighbours had to wait for it: it costs them 8 %."""


class Line:
    """Knows nothing of who asks, and does one thing at a time."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.units: dict[int, UnitState] = {}
        self.connection = Connection(wire)
        self._busy = Busy(mono_s())
        self._fell_silent: set[int] = set()
        """Units that answered on this connection, and then did not, with no other heard since."""

    def unit(self, unit: int) -> UnitState:
        """What is known of a unit."""
        state = self.units.get(unit)
        if state is None:
            state = self.units[unit] = UnitState()
        return state

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

    async def open(self) -> None:
        """Have a connection. Raises LinkDown."""
        opened = self.connection.opened
        if await self.connection.open():
            self._release_all()
        if self.connection.opened != opened:
            self._fell_silent.clear()

    # Requests.

    async def perform(self, request: Request) -> tuple[int, ...] | None:
        """The answer, or None when it does not count and the request has to be made again."""
        state = self.unit(request.unit)
        await self._prepare(request, state)
        values = await self._ask(request, state)
        if (
            not request.is_write
            and state.pacing.discard_first_read
            and state.primed != self.connection.opened
        ):
            state.primed = self.connection.opened
            return None
        return values

    async def _prepare(self, request: Request, state: UnitState) -> None:
        """Where an older answer could be taken for this one's, or nobody may be there, ask something else first."""
        test = self._test_before(request, state) or state.probe_before(request)
        if test is None:
            return
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
        """Exchange; a read lost because the device had closed an idle connection is asked for once more."""
        may_repeat = self.connection.may_be_closing and not request.is_write
        try:
            return await self._exchange(request, state)
        except HungUp:
            if not may_repeat:
                raise
            await self.open()
            return await self._exchange(request, state)

    async def _exchange(self, request: Request, state: UnitState) -> tuple[int, ...]:
        await keep_silence(self.wire)
        started = mono_s()
        state.sent(started, request)
        wire_s = (request.size + request.reply_size + _FRAME_EXTRA) * self.wire.char_s
        timeout_s = wire_s + state.patience.wait_s(request, state.pacing.response_timeout_s)
        try:
            values = await self.wire.exchange(request, timeout_s)
        except Refused as error:
            self._on_refusal(request, state, started, error)
            raise
        except HungUp:
            self._on_hang_up(request, state)
            raise
        except NoAnswer:
            self._on_silence(request, state, started)
            raise
        except Garbled as error:
            self._on_noise(request, state, started, hold=not isinstance(error, Damaged))
            raise
        finally:
            self._account(request, state, started)
        state.patience.took(request, max(0.0, self.wire.received_at - started - wire_s))
        if not request.is_write:
            state.owed.prove(request)
        self._on_answer(request, state, started)
        return values

    def _account(self, request: Request, state: UnitState, started: float) -> None:
        now = self.connection.used_at = mono_s()
        self._busy.add(started, now)
        state.tally.busy_s += now - started
        state.tally.bytes_sent += request.size

    # Conclusions.

    def _on_answer(self, request: Request, state: UnitState, started: float) -> None:
        now = mono_s()
        others = (one for one in self.units.values() if one.generation >= 0)
        if state.silences >= PATIENCE and all(one.silences for one in others):
            self._release_all()
        state.settle(request, now)
        state.heard(now, started, self.connection.generation)
        self.connection.answered()
        self._fell_silent.clear()

    def _release_all(self) -> None:
        """What had silenced all of them is over: nobody waits for the end of its quarantine."""
        for state in self.units.values():
            state.retry_at = 0.0

    def _on_refusal(self, request: Request, state: UnitState, started: float, error: Refused) -> None:
        """Raises Garbled when it may be the late refusal of something else."""
        state.tally.exceptions += 1
        if error.code in GATEWAY_SILENCE:
            state.silent(mono_s(), self._least_pause_s(state, mono_s() - started))
        elif self.wire.framing.is_rtu and state.owed.may_refuse(request):
            self._on_noise(request, state, started, hold=True)
            raise Garbled(f"{error.detail}, or did so to an earlier request") from error
        else:
            self._on_answer(request, state, started)

    def _on_silence(self, request: Request, state: UnitState, started: float) -> None:
        now = mono_s()
        state.tally.time_outs += 1
        if state.generation == self.connection.generation and not state.silences:
            self._fell_silent.add(request.unit)
        state.silent(now, self._least_pause_s(state, now - started))
        if self.wire.framing.is_rtu:
            state.doubt(request, now, hold=True)
        self._distrust_connection(state, now)

    def _on_noise(self, request: Request, state: UnitState, started: float, *, hold: bool) -> None:
        """Something was heard, so the unit is not silent."""
        now = mono_s()
        state.tally.garbled += 1
        state.noisy(now, self._least_pause_s(state, now - started))
        if not self.wire.framing.is_rtu:
            self.wire.close()  # a stream that is out of step cannot be used again
            return
        state.doubt(request, now, hold=hold)
        self._distrust_connection(state, now)

    def _on_hang_up(self, request: Request, state: UnitState) -> None:
        self.connection.hung_up()
        if self.wire.framing.is_rtu:
            state.doubt(request, mono_s(), hold=True)

    def _distrust_connection(self, state: UnitState, now: float) -> None:
        """It may be dead without telling; one silent unit among others that answer is no reason to think so."""
        if not self.wire.is_network:
            if self.wire.is_stale:
                self.wire.close()
        elif len(self._fell_silent) > 1 or not self._has_live_neighbour(state, now):
            self.wire.close()

    def _has_live_neighbour(self, state: UnitState, now: float) -> bool:
        return any(
            other is not state
            and other.generation == self.connection.generation
            and now - other.answered_at < _NEIGHBOUR_S
            for other in self.units.values()
        )

    def _least_pause_s(self, state: UnitState, lost_s: float) -> float:
        """So long that all silent units together take little of their neighbours' time; 0 without any."""
        silent = sum(one is state or one.silences > 0 for one in self.units.values())
        has_others = any(
            one.silences == 0 and one.generation >= 0 for one in self.units.values() if one is not state
        )
        return _SILENCE_FACTOR * silent * lost_s if has_others else 0.0


def _not_sent(request: Request, error: Refused | NoAnswer | Garbled) -> Exception:
    """A write must not look as if it may have happened; a read is told what became of its test."""
    if request.is_write:
        return LinkDown(f"{request}: not sent, because a test read failed ({error.detail})")
    return error
