"""What a link knows of each unit on it: its pauses, its figures, and how long to leave it in peace."""

import random
from dataclasses import dataclass, field

from baywarden_drivers.links.owed import Owed
from baywarden_drivers.links.patience import Patience
from baywarden_drivers.links.request import Request
from baywarden_drivers.links.statistics import Tally, UnitStatistics

_FIRST_PAUSE_S = 2.0
_LONGEST_PAUSE_S = 300.0
_SPREAD = 0.2
_NOISE_PATIENCE = 5
_LONGEST_HOLD_S = 5.0
_DOUBLES_S = 60.0
PATIENCE = 2
"""Silences in a row after which a unit is only asked with growing pauses."""


@dataclass(frozen=True, slots=True)
class Pacing:
    """The pauses that one device needs."""

    min_request_gap_s: float = 0.0
    min_read_interval_s: float = 0.0
    min_write_interval_s: float = 0.0
    response_timeout_s: float = 1.0
    discard_first_read: bool = False
    """The first answer on a new connection is asked for again."""
    even_reads: bool = False
    """Only even numbers of registers may be asked for."""
    idle_close_s: float = 0.0
    """The device closes a connection on which nothing was asked for this long; 0 when it does not."""

    def and_also(self, other: "Pacing") -> "Pacing":
        """What suits both of two devices at one unit number."""
        idle = [one for one in (self.idle_close_s, other.idle_close_s) if one]
        return Pacing(
            max(self.min_request_gap_s, other.min_request_gap_s),
            max(self.min_read_interval_s, other.min_read_interval_s),
            max(self.min_write_interval_s, other.min_write_interval_s),
            max(self.response_timeout_s, other.response_timeout_s),
            self.discard_first_read or other.discard_first_read,
            self.even_reads or other.even_reads,
            min(idle, default=0.0),
        )


@dataclass(slots=True)
class UnitState:
    """All moments are seconds of CLOCK_BOOTTIME."""

    pacing: Pacing = field(default_factory=Pacing)
    is_paced: bool = False
    free_at: float = 0.0
    read_at: float = 0.0
    write_at: float = 0.0
    """The earliest next request of any kind, read and write."""
    retry_at: float = 0.0
    """The end of the quarantine."""
    answered_at: float = 0.0
    silences: int = 0
    noises: int = 0
    contact: int = 0
    """Rises whenever the unit is heard again after a silence or on a new connection."""
    generation: int = -1
    """The connection on which it was last heard."""
    primed: int = -1
    """The connection whose first answer has been thrown away."""
    alive_at: float = 0.0
    """When bytes of it came that were no answer in time."""
    doubles_until: float = 0.0
    """Until then each answer of it is expected to come twice, on RTU."""
    owed: Owed = field(default_factory=Owed)
    patience: Patience = field(default_factory=Patience)
    tally: Tally = field(default_factory=Tally)

    def ready_at(self, is_write: bool) -> float:
        """When the next request may go out."""
        return max(self.free_at, self.write_at if is_write else self.read_at)

    def sent(self, now: float, request: Request) -> None:
        """A request goes out now."""
        self.tally.requests += 1
        if request.is_write:
            self.write_at = now + self.pacing.min_write_interval_s
        else:
            self.read_at = now + self.pacing.min_read_interval_s

    def heard(self, now: float, started: float, generation: int) -> None:
        """An answer has come, even if it was a refusal."""
        if generation != self.generation or self.silences >= PATIENCE:
            self.contact += 1
        self.generation = generation
        self.tally.answered(now - started)
        self.silences, self.noises, self.retry_at = 0, 0, 0.0
        self.answered_at = now
        self.free_at = now + self.pacing.min_request_gap_s

    def silent(self, now: float, least_pause_s: float = 0.0) -> None:
        """No answer has come: from the second time on the unit is left in peace for longer and longer.

        The first pause is `least_pause_s` at least.
        """
        self.silences += 1
        self.free_at = now + self.pacing.min_request_gap_s
        self.patience.lost()
        if self.silences >= PATIENCE:
            first_s = max(_FIRST_PAUSE_S, least_pause_s / (1 - _SPREAD))
            pause_s = min(_LONGEST_PAUSE_S, first_s * 2.0 ** min(self.silences - PATIENCE, 16))
            self.retry_at = now + pause_s * random.uniform(1 - _SPREAD, 1)

    def noisy(self, now: float, least_pause_s: float = 0.0) -> None:
        """An answer was damaged; a unit that only makes noise is left in peace like a silent one."""
        self.noises += 1
        self.alive_at = now
        self.free_at = now + self.pacing.min_request_gap_s
        if self.noises >= _NOISE_PATIENCE:
            self.silent(now, least_pause_s)

    def doubt(self, request: Request, now: float, *, hold: bool) -> None:
        """The answer to `request` may still come; `hold`: leave the unit alone, longer each time it fails a test."""
        if hold:
            factor = 2.0 ** min(self.owed.blind_tests, 10)
            self.free_at = max(
                self.free_at, now + min(_LONGEST_HOLD_S, self.pacing.response_timeout_s * factor)
            )
        self.owed.add(request, now)

    def note_stray(self, stray_at: float) -> None:
        """Bytes of it came at that moment although nothing was asked of it, or not this soon."""
        if stray_at <= self.alive_at:
            return
        self.alive_at = stray_at
        if not self.owed and stray_at > self.answered_at > 0:
            self.doubles_until = stray_at + _DOUBLES_S

    def settle(self, request: Request, now: float) -> None:
        """It was answered; of a device that says things twice the second time is still to come."""
        self.owed.settle()
        if now < self.doubles_until:
            self.owed.add(request, now)

    def test_before(self, request: Request, now: float) -> Request | None:
        """The read whose answer must be seen before `request` may go out on RTU; None when nothing is in doubt."""
        self.owed.forget_old(now, self.pacing.response_timeout_s)
        if not self.owed.confuses(request) or self.owed.has_tried_enough(self.alive_at):
            return None
        return self.owed.test_read(request, self.even_step)

    def probe_before(self, request: Request) -> Request | None:
        """The cheapest sign of life of a unit that was silent; None when `request` itself is no dearer."""
        probe = self.owed.cheapest() if self.silences >= PATIENCE else None
        is_cheaper = probe is not None and (request.is_write or probe.reply_size < request.reply_size)
        return probe if is_cheaper else None

    @property
    def even_step(self) -> int:
        """The least count that the device may be asked for."""
        return 2 if self.pacing.even_reads else 1

    def statistics(self, now: float, utilisation: float) -> UnitStatistics:
        """The figures so far."""
        tally = self.tally
        return UnitStatistics(
            requests=tally.requests,
            answers=tally.answers,
            time_outs=tally.time_outs,
            garbled=tally.garbled,
            exceptions=tally.exceptions,
            last_round_trip_ms=tally.last_round_trip_ms,
            silences_in_row=self.silences,
            quarantined=now < self.retry_at,
            round_trips=tuple(tally.round_trips),
            busy_s=tally.busy_s,
            utilisation=utilisation,
            bytes_sent=tally.bytes_sent,
            retry_in_s=max(0.0, self.retry_at - now),
        )
