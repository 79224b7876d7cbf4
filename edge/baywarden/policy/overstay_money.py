"""From billable time to money. Time is weighted: ms times the multiplier, kept as an integer."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor, lcm

from baywarden.model.overstay import OccupancyBand, OverstayPolicy, Rounding

MS_PER_MIN = 60_000


@dataclass(slots=True)
class Bill:
    """Billable time so far. Only whole seconds count, and the session is rounded up to a step once.

    What was owed at any moment stays owed (`peak`): the seconds that fill up a step take the last
    multiplier, so without it an amount could fall again when the site empties within a step.
    """

    step_ms: int
    billable_ms: int = 0
    weighted: int = 0
    whole_ms: int = 0
    whole_weighted: int = 0
    last_weight: int = 0
    peak: int = 0

    def add(self, duration_ms: int, weight: int) -> None:
        """Lengthen the billable time; the whole second that ends in it takes its weight."""
        total_ms = self.billable_ms + duration_ms
        whole_ms = total_ms - total_ms % 1000
        if whole_ms > self.whole_ms:
            self.whole_weighted = self.weighted + (whole_ms - self.billable_ms) * weight
            self.whole_ms = whole_ms
            self.last_weight = weight
        self.weighted += duration_ms * weight
        self.billable_ms = total_ms

    def mark(self) -> None:
        """Take what is owed now as the least that will be owed."""
        self.peak = max(self.peak, self.owed)

    @property
    def billed_ms(self) -> int:
        """Billable whole seconds, rounded up to the step."""
        return -(-self.whole_ms // self.step_ms) * self.step_ms

    @property
    def owed(self) -> int:
        """Weighted ms after the step."""
        return max(self.peak, self.whole_weighted + (self.billed_ms - self.whole_ms) * self.last_weight)


@dataclass(frozen=True, slots=True)
class Fee:
    """The arithmetic of one policy's money. All in the minor unit; `scale` makes multipliers whole."""

    per_weighted_ms: Fraction
    scale: int
    rounding: Rounding
    cap: Fraction | None
    least: Fraction

    def minor(self, weighted: int) -> int:
        """The amount of so much weighted time: cap, then dust dropped, then the one rounding."""
        amount = self.per_weighted_ms * weighted
        if self.cap is not None and amount > self.cap:
            amount = self.cap
        if amount < self.least:
            return 0
        rounded = _rounded(amount, self.rounding)
        # A cap finer than the minor unit is never exceeded by the rounding.
        return rounded if self.cap is None else min(rounded, floor(self.cap))

    def is_capped(self, weighted: int) -> bool:
        """Whether the cap is reached, so that more time costs no more."""
        return self.cap is not None and self.per_weighted_ms * weighted >= self.cap

    def multiplier(self, weight: int) -> Decimal:
        """The multiplier as it stands in the policy."""
        return Decimal(weight) / self.scale


def fee_of(policy: OverstayPolicy) -> Fee:
    """The money side of a policy."""
    scale = lcm(*(Fraction(band.multiplier).denominator for band in policy.occupancy))
    unit = 10**policy.minor_digits
    cap = policy.cap_per_session
    return Fee(
        per_weighted_ms=Fraction(policy.rate_per_min) * unit / (MS_PER_MIN * scale),
        scale=scale,
        rounding=policy.rounding,
        cap=None if cap is None else Fraction(cap) * unit,
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
