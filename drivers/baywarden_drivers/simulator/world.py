"""Everything physical at one site, moved forward in small steps."""

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from itertools import count

from baywarden_drivers.simulator.meter import Meter
from baywarden_drivers.simulator.outlet import Outlet

STEP_S = 1.0
"""The longest step; shorter ones happen whenever somebody looks..."""
SHORTEST_STEP_S = 0.05
"""...but who looks again so soon sees the same."""


class World:
    """Outlets, meters and the things that will happen to them, on one simulated time."""

    def __init__(self, outlets: Iterable[Outlet], meters: Iterable[Meter]) -> None:
        self.outlets = {outlet.name: outlet for outlet in outlets}
        self.meters = {meter.name: meter for meter in meters}
        self.now_s = 0.0
        self._agenda: list[tuple[float, int, Callable[[], object]]] = []
        self._order = count()
        self._is_moving = False

    def at(self, moment_s: float, happen: Callable[[], object]) -> None:
        """Let something happen at a simulated second; what is already past happens with the next step."""
        heappush(self._agenda, (moment_s, next(self._order), happen))

    def advance_to(self, moment_s: float) -> None:
        """Move everything to `moment_s`; time never goes back."""
        if self._is_moving or moment_s - self.now_s < SHORTEST_STEP_S:
            return
        self._is_moving = True
        try:
            self._move_to(moment_s)
        finally:
            self._is_moving = False

    @property
    def is_moving(self) -> bool:
        """Whether something that was to happen is happening now, at `now_s`."""
        return self._is_moving

    def _move_to(self, moment_s: float) -> None:
        while self.now_s < moment_s:
            until_s = min(moment_s, self.now_s + STEP_S)
            if self._agenda:
                until_s = min(until_s, max(self._agenda[0][0], self.now_s))
            self._step(until_s - self.now_s)
            self.now_s = until_s
            self._run_due()

    def _step(self, dt_s: float) -> None:
        if dt_s <= 0:
            return
        for outlet in self.outlets.values():
            outlet.step(dt_s)
        for meter in self.meters.values():
            meter.step(dt_s)

    def _run_due(self) -> None:
        while self._agenda and self._agenda[0][0] <= self.now_s:
            _, _, happen = heappop(self._agenda)
            happen()
