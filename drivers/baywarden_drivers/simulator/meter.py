"""A meter: it sees the outlets behind it and whatever else the building draws."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import pi, sin

from baywarden_drivers.simulator.grid import Grid
from baywarden_drivers.simulator.outlet import Outlet

PHASES = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class BaseLoad:
    """Current of others per grid phase, in steps from `at_s` on, which start anew every `repeat_s`.

    Below zero the building feeds into the grid.
    """

    steps: tuple[tuple[float, tuple[float, float, float]], ...] = ((0.0, (0.0, 0.0, 0.0)),)
    repeat_s: float | None = None
    ripple_a: float = 0.05

    def current_a(self, phase: int, at_s: float) -> float:
        """What the building draws on the phase; nothing before the first step."""
        moment_s = at_s % self.repeat_s if self.repeat_s else at_s
        index = bisect_right([start for start, _ in self.steps], moment_s) - 1
        if index < 0:
            return 0.0
        base_a = self.steps[index][1][phase - 1]
        if abs(base_a) <= self.ripple_a:
            return base_a
        return base_a + self.ripple_a * sin(at_s / 5 + phase * 2 * pi / 3)


@dataclass(slots=True)
class Meter:
    """Currents per grid phase are the sum of the outlets behind it and of the base load; power factor 1."""

    name: str
    outlets: Sequence[Outlet] = ()
    base: BaseLoad = field(default_factory=BaseLoad)
    grid: Grid = field(default_factory=Grid)
    phases: int = 3
    now_s: float = 0.0
    energy_of_wh: list[float] = field(default_factory=lambda: [100_000.0, 100_000.0, 100_000.0])
    export_of_wh: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    reset_at_wh: tuple[float, float] = (0.0, 0.0)
    """Import and export when the resettable counters were cleared."""

    def step(self, dt_s: float) -> None:
        """Let `dt_s` seconds pass; call it after the outlets' own step."""
        self.now_s += dt_s
        for phase, current_a in zip(self.phase_numbers, self.currents_a, strict=False):
            energy_wh = current_a * self.voltage_v(phase) * dt_s / 3600
            if energy_wh >= 0:
                self.energy_of_wh[phase - 1] += energy_wh
            else:
                self.export_of_wh[phase - 1] -= energy_wh

    @property
    def phase_numbers(self) -> tuple[int, ...]:
        """The phases that the meter has."""
        return PHASES[: self.phases]

    @property
    def currents_a(self) -> tuple[float, float, float]:
        """Current of L1, L2, L3; nothing on a phase that the meter does not have."""
        flows = [0.0, 0.0, 0.0]
        for phase in self.phase_numbers:
            flows[phase - 1] = self.base.current_a(phase, self.now_s)
        for outlet in self.outlets:
            if outlet.current_a == 0:
                continue
            for phase, current_a in zip(self.phase_numbers, outlet.grid_currents_a(), strict=False):
                flows[phase - 1] += current_a
        return flows[0], flows[1], flows[2]

    def voltage_v(self, phase: int) -> float:
        return self.grid.voltage_v(phase, self.now_s) if phase <= self.phases else 0.0

    def power_of_w(self, phase: int) -> float:
        return self.currents_a[phase - 1] * self.voltage_v(phase)

    @property
    def power_w(self) -> float:
        """Import less export."""
        currents_a = self.currents_a
        return sum(currents_a[phase - 1] * self.voltage_v(phase) for phase in self.phase_numbers)

    @property
    def energy_total_wh(self) -> float:
        """Import since ever; the sum of the phases."""
        return sum(self.energy_of_wh[: self.phases])

    @property
    def export_total_wh(self) -> float:
        """Export since ever; the sum of the phases."""
        return sum(self.export_of_wh[: self.phases])

    def set_counter(self, energy_wh: float) -> None:
        """Let the import counter stand at another figure."""
        for phase in self.phase_numbers:
            self.energy_of_wh[phase - 1] = energy_wh / self.phases

    def clear_resettable(self) -> None:
        """Set the counters back that a command may clear."""
        self.reset_at_wh = (self.energy_total_wh, self.export_total_wh)
