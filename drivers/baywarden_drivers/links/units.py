"""What a link knows of each unit on it: its pauses, its figures, and how long to leave it in peace."""

import random
from dataclasses import dataclass, field, replace

from baywarden_drivers.links.request import Request

_FIRST_PAUSE_S = 2.0
_LONGEST_PAUSE_S = 300.0
_SPREAD = 0.2
_NOISE_PATIENCE = 5
_STEPS = 3
"""After so many test reads without a sign of life it is taken for a device that does not answer such reads."""
_LONGEST_HOLD_S = 5.0
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

    def and_also(self, other: "Pacing") -> "Pacing":
        """What suits both of two devices at one unit number."""
        return Pacing(
            max(self.min_request_gap_s, other.min_request_gap_s),
            max(self.min_read_interval_s, other.min_read_interval_s),
            max(self.min_write_interval_s, other.min_write_interval_s),
            max(self.response_timeout_s, other.response_timeout_s),
            self.discard_first_read or other.discard_first_read,
            self.even_reads or other.even_reads,
        )


@dataclass(frozen=True, slots=True)
class UnitStatistics:
    """Figures of one unit since the link was made."""

    requests: int = 0
    answers: int = 0
    time_outs: int = 0
    garbled: int = 0
    exceptions: int = 0
    last_round_trip_ms: float | None = None
    silences_in_row: int = 0
    quarantined: bool = False


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
    contact: int = 0
    """Rises whenever the unit is heard again after a silence or on a new connection."""
    generation: int = -1
    """The connection on which it was last heard."""
    is_primed: int = -1
    """The connection whose first answer has been thrown away."""
    unsure_of: Request | None = None
    """A read on RTU whose answer may still come and would look like that of the same read elsewhere."""
    unsure_at: float = 0.0
    steps_tried: int = 0
    """Test reads sent since to get in step."""
    alive_at: float = 0.0
    """When bytes of it came that were no answer in time."""
    noises: int = 0
    requests: int = 0
    answers: int = 0
    time_outs: int = 0
    garbled: int = 0
    exceptions: int = 0
    last_round_trip_ms: float | None = None

    def ready_at(self, is_write: bool) -> float:
        """When the next request may go out."""
        return max(self.free_at, self.write_at if is_write else self.read_at)

    def sent(self, now: float, is_write: bool) -> None:
        """A request goes out now."""
        self.requests += 1
        if is_write:
            self.write_at = now + self.pacing.min_write_interval_s
        else:
            self.read_at = now + self.pacing.min_read_interval_s

    def heard(self, now: float, started: float, generation: int) -> None:
        """An answer has come, even if it was a refusal."""
        if generation != self.generation or self.silences >= PATIENCE:
            self.contact += 1
        self.generation = generation
        self.answers += 1
        self.silences, self.noises, self.retry_at = 0, 0, 0.0
        self.answered_at = now
        self.last_round_trip_ms = round((now - started) * 1000, 3)
        self.free_at = now + self.pacing.min_request_gap_s

    def silent(self, now: float) -> None:
        """No answer has come: from the second time on the unit is left in peace for longer and longer."""
        self.silences += 1
        self.free_at = now + self.pacing.min_request_gap_s
        if self.silences >= PATIENCE:
            pause = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(self.silences - PATIENCE, 16))
            self.retry_at = now + pause * random.uniform(1 - _SPREAD, 1)

    def noisy(self, now: float) -> None:
        """An answer was damaged; a unit that only makes noise is left in peace like a silent one."""
        self.noises += 1
        self.free_at = now + self.pacing.min_request_gap_s
        if self.noises >= _NOISE_PATIENCE:
            self.silent(now)

    def test_read(self) -> Request | None:
        """A read of another length than the one that stayed unanswered, and than those tried since.

        Its answer proves that no older one is under way, because a device answers in order. None when there
        is nothing to prove, or when the device seems to answer no such thing.
        """
        unsure = self.unsure_of
        if unsure is None or (self.steps_tried >= _STEPS and self.alive_at < self.unsure_at):
            return None
        step = 2 if self.pacing.even_reads else 1
        lengths = [one for one in range(step, max(unsure.count, 4 * step) + 1, step) if one != unsure.count]
        return replace(unsure, count=lengths[self.steps_tried % len(lengths)])

    def doubt(self, request: Request, now: float) -> None:
        """The answer to `request` may still come: the unit is left alone, longer each time it fails a test."""
        self.free_at = max(self.free_at, now + min(_LONGEST_HOLD_S, self._hold()))
        if not request.is_write and self.unsure_of is None:
            self.unsure_of, self.unsure_at, self.steps_tried = request, now, 0

    def _hold(self) -> float:
        return float(self.pacing.response_timeout_s * 2.0 ** min(self.steps_tried, 10))

    def in_step(self) -> None:
        """Nothing old is under way."""
        self.unsure_of, self.steps_tried = None, 0

    def statistics(self, now: float) -> UnitStatistics:
        """The figures so far."""
        return UnitStatistics(
            requests=self.requests,
            answers=self.answers,
            time_outs=self.time_outs,
            garbled=self.garbled,
            exceptions=self.exceptions,
            last_round_trip_ms=self.last_round_trip_ms,
            silences_in_row=self.silences,
            quarantined=now < self.retry_at,
        )
