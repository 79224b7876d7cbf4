"""Adds up the stretches of a session under an overstay policy, and says of each why it was billed or not."""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from decimal import Decimal

from baywarden.model.overstay import BreakdownLine, GraceMode, GraceScope, OverstayPolicy
from baywarden.policy.local_hours import LocalHours, at_of
from baywarden.policy.overstay_ahead import Course, put
from baywarden.policy.overstay_money import Bill, Fee

BILLED = "BILLED"
STEP = "STEP"
"""The seconds that fill up the last step."""
ALLOWANCE = "ALLOWANCE"
GRACE = "GRACE"
EXEMPT = "EXEMPT"
OCCUPANCY = "OCCUPANCY"

HORIZON_MS = 8 * 86_400_000
"""How far ahead billing is looked for: a week of windows and the longest day."""
SLEW_MS = 1000
"""Neighbours may lie so far apart in the calendar because the clock was slewed between them."""


@dataclass(slots=True)
class _Stretch:
    """A piece of the timeline with one reason; `on_clock` says whether the policy's clock ran."""

    from_ms: int
    to_ms: int
    reason: str
    weight: int = 0
    on_clock: bool = True
    length_ms: int = 0


class Tally:
    """What a timeline has come to so far. Feed it stretches in their order."""

    def __init__(self, policy: OverstayPolicy, fee: Fee) -> None:
        self._policy = policy
        self._fee = fee
        self._exempt = LocalHours(policy.exempt, policy.tz)
        self._stretches: list[_Stretch] = []
        self._allowance_ms = policy.allowance_s * 1000
        self._waives = policy.grace_mode is GraceMode.WAIVE_IF_WITHIN
        self._grace_ms = self._fresh_grace_ms()
        self._waiting_from = 0
        self.clock_ms = 0
        self.bill = Bill(step_ms=max(1, policy.step_s) * 1000)

    def stand(self, from_ms: int, to_ms: int, reason: str) -> None:
        """A stretch in which the clock stands still; told only once the clock has run."""
        if self.clock_ms:
            self._note(from_ms, to_ms, reason, on_clock=False)

    def run(self, from_ms: int, to_ms: int, weight: int) -> None:
        """A stretch in which the clock runs: first the allowance, then the grace, then what is owed."""
        self.clock_ms += to_ms - from_ms
        allowed_to = min(to_ms, from_ms + self._allowance_ms)
        self._allowance_ms -= allowed_to - from_ms
        self._note(from_ms, allowed_to, ALLOWANCE)
        grace_to = min(to_ms, allowed_to + self._grace_ms)
        self._grace_ms -= grace_to - allowed_to
        if self._waives:
            self._wait(allowed_to, grace_to, weight)
        else:
            self._note(allowed_to, grace_to, GRACE)
        self._owe(grace_to, to_ms, weight)

    def begin_period(self) -> None:
        """The car charges again after it was idle: a grace per period starts afresh."""
        if self._policy.grace_scope is GraceScope.PERIOD:
            self._forgive()
            self._grace_ms = self._fresh_grace_ms()

    def breakdown(self) -> tuple[BreakdownLine, ...]:
        """The stretches, joined where they touch and say the same. Ends the tally."""
        self._forgive()
        lines: list[BreakdownLine] = []
        billed_ms = 0
        for stretch in _joined(self._stretches):
            length_ms = stretch.length_ms
            seconds = length_ms // 1000
            if stretch.reason == BILLED:
                # Cut from the running sum, so that the lines add up to the billable seconds.
                seconds = (billed_ms + length_ms) // 1000 - billed_ms // 1000
                billed_ms += length_ms
            lines.append(self._line(stretch.from_ms, stretch.to_ms, seconds, stretch.weight, stretch.reason))
        fill_s = (self.bill.billed_ms - self.bill.whole_ms) // 1000
        if fill_s:
            end_ms = max(s.to_ms for s in self._stretches if s.reason == BILLED)
            lines.append(self._line(end_ms, end_ms, fill_s, self.bill.last_weight, STEP))
        return tuple(lines)

    def ahead(self, from_ms: int, weight: int, until_ms: int) -> tuple[int | None, int | None]:
        """If the clock runs on from `from_ms`: when billing begins, and when the amount next grows."""
        waiting = () if not self._waits else tuple(self._waiting())
        course = Course(self._policy, self._fee, self._exempt, self.bill, weight, until_ms)
        from_ms += self._allowance_ms
        return course.ahead(from_ms, from_ms + self._grace_ms, waiting, waits=self._waits)

    def _fresh_grace_ms(self) -> int:
        """A waiver holds until the clock, in whole seconds, is longer than the grace."""
        return self._policy.grace_s * 1000 + (1000 if self._waives else 0)

    def _wait(self, from_ms: int, to_ms: int, weight: int) -> None:
        """Time within a waiver: kept aside, and owed as a whole the moment the grace is used up."""
        if from_ms == to_ms:
            return
        self._split(from_ms, to_ms, weight)
        if not self._grace_ms:
            for begin_ms, end_ms, its_weight in self._waiting():
                put(self.bill, self._policy, begin_ms, end_ms, its_weight)
            self._waiting_from = len(self._stretches)

    @property
    def _waits(self) -> bool:
        """Whether time is kept aside until the grace is used up."""
        return self._waives and self._grace_ms > 0

    def _waiting(self) -> Iterator[tuple[int, int, int]]:
        """The billable time kept aside within a waiver: from, to, weight."""
        for stretch in self._stretches[self._waiting_from :]:
            if stretch.reason == BILLED:
                yield stretch.from_ms, stretch.to_ms, stretch.weight

    def _owe(self, from_ms: int, to_ms: int, weight: int) -> None:
        start = len(self._stretches)
        self._split(from_ms, to_ms, weight)
        for stretch in self._stretches[start:]:
            if stretch.reason == BILLED:
                put(self.bill, self._policy, stretch.from_ms, stretch.to_ms, stretch.weight)

    def _split(self, from_ms: int, to_ms: int, weight: int) -> None:
        """Note a stretch as billed, except for its exempt hours and where the site is empty."""
        for begin, end in self._exempt.spans(from_ms, to_ms):
            self._bookable(from_ms, begin, weight)
            self._note(begin, end, EXEMPT)
            from_ms = end
        self._bookable(from_ms, to_ms, weight)

    def _bookable(self, from_ms: int, to_ms: int, weight: int) -> None:
        self._note(from_ms, to_ms, BILLED if weight else OCCUPANCY, weight)

    def _forgive(self) -> None:
        """What was kept aside within a waiver is not owed."""
        if self._waits:
            for stretch in self._stretches[self._waiting_from :]:
                if stretch.on_clock and stretch.reason != ALLOWANCE:
                    stretch.reason, stretch.weight = GRACE, 0
        self._waiting_from = len(self._stretches)

    def _note(self, from_ms: int, to_ms: int, reason: str, weight: int = 0, *, on_clock: bool = True) -> None:
        if from_ms < to_ms:
            self._stretches.append(_Stretch(from_ms, to_ms, reason, weight, on_clock, to_ms - from_ms))

    def _line(self, from_ms: int, to_ms: int, seconds: int, weight: int, reason: str) -> BreakdownLine:
        multiplier = self._fee.multiplier(weight) if weight else Decimal(0)
        return BreakdownLine(at_of(from_ms), at_of(to_ms), seconds, multiplier, reason)


def _joined(stretches: list[_Stretch]) -> list[_Stretch]:
    """Neighbours of one reason as one; where the calendar was stepped between them, they stay apart."""
    joined: list[_Stretch] = []
    for stretch in stretches:
        last = joined[-1] if joined else None
        if last is not None and _continues(last, stretch):
            last.to_ms = stretch.to_ms
            last.length_ms += stretch.length_ms
        else:
            joined.append(copy(stretch))
    return joined


def _continues(last: _Stretch, stretch: _Stretch) -> bool:
    is_same = (last.reason, last.weight) == (stretch.reason, stretch.weight)
    return is_same and abs(stretch.from_ms - last.to_ms) <= SLEW_MS
