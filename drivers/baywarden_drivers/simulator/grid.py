"""The mains at the site: voltage and frequency that move a little, as pure functions of time."""

from dataclasses import dataclass
from math import pi, sin

THIRD_TURN = 2 * pi / 3


@dataclass(frozen=True, slots=True)
class Grid:
    """The ripple is there because real values move: one that never changes may be taken for a dead one."""

    nominal_v: float = 230.0
    ripple_v: float = 0.8
    nominal_hz: float = 50.0

    def voltage_v(self, phase: int, at_s: float) -> float:
        """Line to neutral, phase 1 to 3."""
        return self.nominal_v + self.ripple_v * sin(at_s / 11 + phase * THIRD_TURN)

    def frequency_hz(self, at_s: float) -> float:
        return self.nominal_hz + 0.01 * sin(at_s / 37)
