"""What a wire and its units have taught: the conclusions from answers, silences and noise."""

from typing import Final

from baywarden_drivers.errors import DeviceError, Garbled, NoAnswer, Refused
from baywarden_drivers.links.connection import Connection
from baywarden_drivers.links.overlap import Overlap
from baywarden_drivers.links.request import Request
from baywarden_drivers.links.units import PATIENCE, UnitState
from baywarden_drivers.links.wire import Damaged, HungUp, Wire
from baywarden_drivers.mono import mono_s

GATEWAY_SILENCE: Final = (10, 11)
"""Exceptions by which a gateway says that the unit behind it is silent."""
_CROWDED: Final = (6, *GATEWAY_SILENCE)
"""Exceptions by which it may say that it does not serve two at once: busy, or no path."""
_NEIGHBOUR_S: Final = 10.0
"""A connection on which another unit has answered this recently is not at fault."""
_SILENCE_FACTOR: Final = 12.0
"""A dead unit rests so many times longer than its neighbours had to wait for it: it costs them 8 %."""


class Crowded(NoAnswer):
    """A read was lost beside one that is aside, maybe because of that."""


class Lessons:
    """Of one wire. Moments are seconds of CLOCK_BOOTTIME; `started` is when the request went out."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.units: dict[int, UnitState] = {}
        self.connection = Connection(wire)
        self.overlap = Overlap()
        self._fell_silent: set[int] = set()
        """Units that answered on this connection, and then did not, with no other heard since."""

    def unit(self, unit: int) -> UnitState:
        """What is known of a unit."""
        state = self.units.get(unit)
        if state is None:
            state = self.units[unit] = UnitState()
        return state

    def on_new_connection(self, *, was_away: bool) -> None:
        """It was opened; `was_away`: the other side could not be reached before."""
        self._fell_silent.clear()
        if was_away:
            self._release_all()

    def on_loss_beside(self, request: Request, state: UnitState, error: DeviceError) -> None:
        """Raises Crowded for a read that somebody aside may be the reason of."""
        is_silence = isinstance(error, NoAnswer) and not isinstance(error, HungUp)
        if not is_silence and not (isinstance(error, Refused) and error.code in _CROWDED):
            return
        if request.is_write:
            self.overlap.doubt()
            return
        state.tally.time_outs += is_silence
        raise Crowded(error.detail) from error

    def on_error(self, request: Request, state: UnitState, started: float, error: DeviceError) -> None:
        """Raises Garbled for a refusal that may be that of something else."""
        match error:
            case Refused():
                self._on_refusal(request, state, started, error)
            case HungUp():
                self._on_hang_up(request, state)
            case NoAnswer():
                self._on_silence(request, state, started)
            case Garbled():
                self._on_noise(request, state, started, hold=not isinstance(error, Damaged))

    def on_answer(self, request: Request, state: UnitState, started: float) -> None:
        """An answer has come, even if it was a refusal."""
        now = mono_s()
        if state.silences >= PATIENCE:
            others = (one for one in self.units.values() if one.generation >= 0)
            if all(one.silences for one in others):
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
            self.on_answer(request, state, started)

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
        if self.wire.is_asked:
            return  # that one was aside, and the one that is asked now will tell
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
        """So long that all silent units together take little of their neighbours' time; 0 when they take none."""
        if self.overlap.is_proven:
            return 0.0
        silent = sum(one is state or one.silences > 0 for one in self.units.values())
        has_others = any(
            one.silences == 0 and one.generation >= 0 for one in self.units.values() if one is not state
        )
        return _SILENCE_FACTOR * silent * lost_s if has_others else 0.0
