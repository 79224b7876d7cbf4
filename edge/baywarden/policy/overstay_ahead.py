"""When billing begins and when the amount next grows, should a car stay as it is. Instants are ms since 1970."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from baywarden.model.overstay import OverstayPolicy
from baywarden.policy.local_days import ALL, by_day
from baywarden.policy.local_hours import LocalHours, Span
from baywarden.policy.overstay_money import Bill, Fee

Waiting = tuple[int, int, int]
"""Time kept aside within a waiver: from, to, weight."""


def put(bill: Bill, policy: OverstayPolicy, from_ms: int, to_ms: int, weight: int) -> None:
    """Put a billable stretch on the bill, on the days to which it belongs."""
    for begin_ms, end_ms, day in _days(policy, from_ms, to_ms):
        bill.add(end_ms - begin_ms, weight, day)


@dataclass(frozen=True, slots=True)
class Course:
    """What comes if the clock runs on at one weight up to `until_ms`."""

    policy: OverstayPolicy
    fee: Fee
    exempt: LocalHours
    bill: Bill
    weight: int
    until_ms: int

    def ahead(
        self, free_to_ms: int, owed_at_ms: int, waiting: Sequence[Waiting], *, waits: bool
    ) -> tuple[int | None, int | None]:
        """When billing begins and when the amount grows; the allowance ends and the grace is used up as given."""
        if self.weight * self.fee.per_weighted_ms <= 0 or self.fee.is_spent(self.bill):
            return None, None
        if waits:
            return self._ahead_of_waiver(free_to_ms, owed_at_ms, waiting)
        gaps = self.exempt.gaps(owed_at_ms, self.until_ms)
        return (gaps[0][0] if gaps else None), self._growth(self.bill.copy(), gaps)

    def _ahead_of_waiver(
        self, from_ms: int, owed_at_ms: int, waiting: Sequence[Waiting]
    ) -> tuple[int | None, int | None]:
        if owed_at_ms > self.until_ms:
            return None, None
        gaps = self.exempt.gaps(from_ms, self.until_ms)
        if not waiting and not gaps:
            return None, None
        # The whole second that makes the clock longer than the grace began when the grace was used up.
        starts_ms = max(from_ms, owed_at_ms - 1000)
        if not waiting:
            starts_ms = max(starts_ms, gaps[0][0])
        bill = self.bill.copy()
        for begin_ms, end_ms, weight in waiting:
            put(bill, self.policy, begin_ms, end_ms, weight)
        for begin_ms, end_ms in gaps:
            if begin_ms < owed_at_ms:
                put(bill, self.policy, begin_ms, min(end_ms, owed_at_ms), self.weight)
        if self.fee.minor(bill) > self.fee.minor(self.bill):
            return starts_ms, owed_at_ms
        return starts_ms, self._growth(bill, [_after(gap, owed_at_ms) for gap in gaps])

    def _growth(self, bill: Bill, gaps: Iterable[Span]) -> int | None:
        """When the amount first grows if the gaps are billed one after the other. Uses the bill up."""
        now = self.fee.minor(self.bill)
        for gap in gaps:
            for begin_ms, end_ms, day in _days(self.policy, *gap):
                earlier = bill.copy()
                bill.add(end_ms - begin_ms, self.weight, day)
                if self.fee.minor(bill) > now:
                    return begin_ms + self._grown_after_ms(earlier, end_ms - begin_ms, day, now)
        return None

    def _grown_after_ms(self, bill: Bill, within_ms: int, day: int, now: int) -> int:
        """After how much more of the day the amount is above `now`: it turns where a second becomes whole."""
        low, high = 0, (bill.billable_ms + within_ms - bill.whole_ms) // 1000
        while high - low > 1:
            middle = (low + high) // 2
            later = bill.copy()
            later.add(_to_whole(bill, middle), self.weight, day)
            low, high = (low, middle) if self.fee.minor(later) > now else (middle, high)
        return _to_whole(bill, high)


def _to_whole(bill: Bill, whole_s: int) -> int:
    """ms until so many more whole seconds are on the bill."""
    return bill.whole_ms + whole_s * 1000 - bill.billable_ms


def _days(policy: OverstayPolicy, from_ms: int, to_ms: int) -> Iterator[tuple[int, int, int]]:
    if policy.cap_per_day is not None:
        yield from by_day(policy.tz, from_ms, to_ms)
    elif from_ms < to_ms:
        yield from_ms, to_ms, ALL


def _after(span: Span, moment_ms: int) -> Span:
    return max(span[0], moment_ms), max(span[1], moment_ms)
