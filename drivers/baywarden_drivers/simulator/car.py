"""A car: a battery, an onboard charger and its manners."""

from dataclasses import dataclass
from typing import Self

TAPER_SHARE = 0.05
"""Over the last part of the battery the current falls in a straight line down to the minimum."""


@dataclass(slots=True)
class Car:
    """A car that charges until `target_soc`; currents are per phase.

    `ramp_a_per_s` is how fast it follows a higher offer. A lower offer is followed at once. `dc_power_w` is what
    the battery takes from a DC charger, past the onboard one.
    """

    battery_wh: float = 60_000.0
    soc: float = 0.5
    phases: int = 3
    max_current_a: float = 16.0
    min_current_a: float = 6.0
    target_soc: float = 1.0
    ramp_a_per_s: float = 2.0
    name: str = "car"
    tag: str = ""
    dc_power_w: float = 50_000.0

    def __post_init__(self) -> None:
        if self.battery_wh <= 0 or not 0 <= self.soc <= 1 or not 0 < self.target_soc <= 1:
            raise ValueError("a car needs battery_wh > 0, soc from 0 to 1 and target_soc above 0, up to 1")
        if self.phases not in (1, 2, 3) or not 0 < self.min_current_a <= self.max_current_a:
            raise ValueError("a car needs 1, 2 or 3 phases and 0 < min_current_a <= max_current_a")

    @classmethod
    def needing(
        cls,
        need_wh: float,
        *,
        battery_wh: float = 60_000.0,
        phases: int = 3,
        max_current_a: float = 16.0,
        name: str = "car",
        tag: str = "",
    ) -> Self:
        """A car that takes `need_wh` and is full; a need above the battery makes the battery larger."""
        size_wh = max(battery_wh, need_wh)
        soc = 1 - need_wh / size_wh
        return cls(size_wh, soc, phases, max_current_a, name=name, tag=tag)

    @property
    def missing_wh(self) -> float:
        """What it still wants."""
        return max(0.0, (self.target_soc - self.soc) * self.battery_wh)

    @property
    def wants_energy(self) -> bool:
        return self.soc < self.target_soc

    def wish_a(self, most_a: float, least_a: float) -> float:
        """The current it would take where `least_a` to `most_a` can flow; 0 when it is done."""
        if not self.wants_energy:
            return 0.0
        taper = self.missing_wh / (TAPER_SHARE * self.battery_wh)
        return max(least_a, min(1.0, taper) * most_a)

    def follow(
        self, current_a: float, offered_a: float, dt_s: float, *, dc_span_a: tuple[float, float] | None = None
    ) -> float:
        """The current after `dt_s` with `offered_a` on the pilot; below its minimum it takes nothing.

        `dc_span_a` is the least and the most that flows from a DC charger, instead of the onboard charger's.
        """
        least_a, most_a = dc_span_a or (self.min_current_a, self.max_current_a)
        goal_a = min(offered_a, self.wish_a(most_a, least_a))
        if goal_a < least_a:
            return 0.0
        ramped_a = max(current_a, least_a) + self.ramp_a_per_s * dt_s
        return min(goal_a, ramped_a)

    def take(self, energy_wh: float) -> None:
        """Put energy into the battery."""
        self.soc = (
            min(self.target_soc, self.soc + energy_wh / self.battery_wh) if self.wants_energy else self.soc
        )
