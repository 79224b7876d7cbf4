"""From billable time to money. Time is weighted: ms times the multiplier, kept as an integer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor, lcm
from typing import Self

from baywarden.model.overstay import OccupancyBand, OverstayPolicy, Rounding

MS_PER_MIN = 60_000


@dataclass(slots=True)
class Bill:
    """Billable time so far. Only whole seconds count, and the session is rounded up to a step once.

    The seconds that fill up a step take the last multiplier: should the site empty within a step, what is
    owed falls by what the fuller site would have added.
    """

    step_ms: int
    billable_ms: int = 0
    whole_ms: int = 0
    last_weight: int = 0
    last_day: int = 0
    by_day: dict[int, int] = field(default_factory=dict)
    """The weighted whole seconds of each day, in ms."""
    _begun_weighted: int = 0
    """Of the second that is not whole yet."""

    def add(self, duration_ms: int, weight: int, day: int) -> None:
        """Lengthen the billable time; the whole second that ends in it takes its weight and day."""
        total_ms = self.billable_ms + duration_ms
        whole_ms = total_ms - total_ms % 1000
        if whole_ms > self.whole_ms:
            weighted = self._begun_weighted + (whole_ms - self.billable_ms) * weight
            self.by_day[day] = self.by_day.get(day, 0) + weighted
            self._begun_weighted = (total_ms - whole_ms) * weight
            self.whole_ms, self.last_weight, self.last_day = whole_ms, weight, day
        else:
            self._begun_weighted += duration_ms * weight
        self.billable_ms = total_ms

    def copy(self) -> Self:
        """Another with the same time on it."""
        return type(self)(
            self.step_ms,
            self.billable_ms,
            self.whole_ms,
            self.last_weight,
            self.last_day,
            dict(self.by_day),
            self._begun_weighted,
        )

    @property
    def billed_ms(self) -> int:
        """Billable whole seconds, rounded up to the step."""
        return -(-self.whole_ms // self.step_ms) * self.step_ms

    @property
    def owed(self) -> tuple[int, ...]:
        """Weighted ms of each day after the step, whose rest belongs to the last day."""
        fill = (self.billed_ms - self.whole_ms) * self.last_weight
        return tuple(
            weighted + fill if day == self.last_day else weighted for day, weighted in self.by_day.items()
        )


@dataclass(frozen=True, slots=True)
class Fee:
    """The arithmetic of one policy's money. All in the minor unit; `scale` makes multipliers whole."""

    per_weighted_ms: Fraction
    scale: int
    rounding: Rounding
    cap: Fraction | None
    cap_per_day: Fraction | None
    least: Fraction

    def minor(self, bill: Bill) -> int:
        """The amount of a bill: caps, then dust dropped, then the one rounding."""
        amount = self._capped_by_day(bill)
        if self.cap is not None and amount > self.cap:
            amount = self.cap
        if amount < self.least:
            return 0
        rounded = _rounded(amount, self.rounding)
        # A cap finer than the minor unit is never exceeded by the rounding.
        return rounded if self.cap is None else min(rounded, floor(self.cap))

    def is_spent(self, bill: Bill) -> bool:
        """Whether the cap of the session is reached, so that more time costs no more."""
        return self.cap is not None and self._capped_by_day(bill) >= self.cap

    def is_capped(self, bill: Bill) -> bool:
        """Whether a cap, of the session or of one of its days, is reached."""
        if self.is_spent(bill):
            return True
        most = self.cap_per_day
        return most is not None and any(self.per_weighted_ms * weighted >= most for weighted in bill.owed)

    def multiplier(self, weight: int) -> Decimal:
        """The multiplier as it stands in the policy."""
        return Decimal(weight) / self.scale

    def _capped_by_day(self, bill: Bill) -> Fraction:
        if self.cap_per_day is None:
            return self.per_weighted_ms * sum(bill.owed)
        amounts = (min(self.per_weighted_ms * weighted, self.cap_per_day) for weighted in bill.owed)
        return sum(amounts, Fraction(0))


def fee_of(policy: OverstayPolicy) -> Fee:
    """The money side of a policy."""
    scale = lcm(*(Fraction(band.multiplier).denominator for band in policy.occupancy))
    unit = 10**policy.minor_digits
    return Fee(
        per_weighted_ms=Fraction(policy.rate_per_min) * unit / (MS_PER_MIN * scale),
        scale=scale,
        rounding=policy.rounding,
        cap=None if policy.cap_per_session is None else Fraction(policy.cap_per_session) * unit,
        cap_per_day=None if policy.cap_per_day is None else Fraction(policy.cap_per_day) * unit,
        least=Fraction(policy.min_amount) * unit,
    )


def weight_of(bands: Sequence[OccupancyBand], occupancy_pct: int | None, scale: int) -> int:
    """The multiplier, as an integer of 1/scale, at so many percent of the outlets in use.

    The highest band that is reached counts; below the lowest nothing is billed. An unknown occupancy
    is billed the least that any occupancy would be: nothing, unless a band begins at 0 %.
    """
    if not bands:
        return scale
    if occupancy_pct is None:
        if min(band.min_pct for band in bands) > 0:
            return 0
        return int(min(Fraction(band.multiplier) for band in bands) * scale)
    reached = [band for band in bands if band.min_pct <= occupancy_pct]
    if not reached:
        return 0
    return int(Fraction(max(reached, key=lambda band: band.min_pct).multiplier) * scale)


def _rounded(amount: Fraction, rounding: Rounding) -> int:
    if rounding is Rounding.UP:
        return ceil(amount)
    if rounding is Rounding.HALF_EVEN:
        return round(amount)
    return floor(amount + Fraction(1, 2))
