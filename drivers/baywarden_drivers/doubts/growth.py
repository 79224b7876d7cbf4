"""A counter held against the power over time: which of several scales is the one in which it grows."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

_STEPS = 5
"""So many steps of the coarsest choice have to flow before anything is said."""
_LEAST_WH = Decimal(50)
_TOLERANCE = Decimal("1.5")
_LONGEST_GAP_MS = 60_000
"""Over a longer one nobody knows what flowed."""
_LONGEST_MS = 6 * 3_600_000
"""What the device uses itself adds up: with so little power for so long nothing can be said."""
_MS_PER_HOUR = 3_600_000

Number = int | Decimal


@dataclass(frozen=True, slots=True)
class Growth:
    """Under each choice: what flowed by the power, and by how much the counter has risen, in Wh."""

    flowed_wh: tuple[Decimal, ...]
    risen_wh: tuple[Decimal, ...]

    def fitting(self) -> list[int]:
        """The choices under which both agree."""
        both = zip(self.flowed_wh, self.risen_wh, strict=True)
        return [
            place
            for place, (flowed, risen) in enumerate(both)
            if flowed / _TOLERANCE <= risen <= flowed * _TOLERANCE
        ]


class GrowthWatch:
    """Collects readings until enough has flowed.

    `steps_wh` are those of the counter under each choice; `shares` is what each choice makes of the power that is
    told: all 1 where the counter alone is in doubt.
    """

    def __init__(self, steps_wh: Sequence[Decimal], shares: Sequence[Decimal]) -> None:
        self._shares = tuple(shares)
        self._enough_wh = max(_LEAST_WH, _STEPS * max(steps_wh)) / min(self._shares)
        self._start: tuple[Number, ...] | None = None
        self._started_ms = 0
        self._power: tuple[Number, int] | None = None
        self._flowed_wh = Decimal(0)

    def power(self, power_w: Number | None, at_ms: int) -> None:
        """The power of one poll; None where it is not known."""
        before, self._power = self._power, None if power_w is None else (power_w, at_ms)
        if self._start is None or (before is not None and before[1] == at_ms):
            return
        is_gap = before is None or power_w is None or at_ms - before[1] > _LONGEST_GAP_MS
        if is_gap or at_ms - self._started_ms > _LONGEST_MS:
            self._start = None
        elif before is not None and power_w is not None:
            mean_w = (Decimal(before[0]) + power_w) / 2
            self._flowed_wh += abs(mean_w) * (at_ms - before[1]) / _MS_PER_HOUR

    @property
    def wants_counter(self) -> bool:
        """Whether a reading of the counter is of use now: at the start, and when enough has flowed."""
        return self._power is not None and (self._start is None or self._flowed_wh >= self._enough_wh)

    def counter(self, readings: Sequence[Number | None], at_ms: int) -> Growth | None:
        """The counter under each choice, read just now; the growth once that says something."""
        known = tuple(one for one in readings if one is not None)
        if len(known) < len(readings):
            self._start = None
            return None
        start, flowed_wh = self._start, self._flowed_wh
        self._start, self._started_ms, self._flowed_wh = known, at_ms, Decimal(0)
        if start is None or any(now < before for now, before in zip(known, start, strict=True)):
            return None
        risen = tuple(Decimal(now) - before for now, before in zip(known, start, strict=True))
        return Growth(tuple(flowed_wh * share for share in self._shares), risen)
