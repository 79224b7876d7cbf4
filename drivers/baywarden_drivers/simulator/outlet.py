"""One outlet of one charger: a plug, perhaps a car, and energy that only grows."""

from dataclasses import dataclass, field

from baywarden_drivers.simulator.allowance import Allowance
from baywarden_drivers.simulator.car import Car
from baywarden_drivers.simulator.grid import Grid
from baywarden_drivers.simulator.words import OutletState, Pilot

HANDSHAKE_S = 3.0
"""From plug-in (or the card) to the car's wish to charge."""
C1_S = 3.0
"""How long a car waits with its own switch closed after the offer ended (IEC 61851-1, sequence 9)."""
SHIPPED_ENERGY_WH = 1_000.0
"""A counter that has been through the factory test."""


@dataclass(slots=True)
class Outlet:
    """All true values of one outlet. Phase numbers are its own; `wiring` says which grid phase feeds each."""

    name: str
    allowance: Allowance = field(default_factory=Allowance)
    phases: int = 3
    wiring: tuple[int, ...] = (1, 2, 3)
    needs_tag: bool = False
    grid: Grid = field(default_factory=Grid)
    energy_of_wh: list[float] = field(default_factory=lambda: [SHIPPED_ENERGY_WH / 3] * 3)
    car: Car | None = None
    id_tag: str = ""
    error_code: int = 0
    in_service: bool = True
    locked: bool = False
    phases_used: int = 3
    now_s: float = 0.0
    energy_at_power_on_wh: float = SHIPPED_ENERGY_WH
    session_started_s: float | None = None
    session_ended_s: float | None = None
    energy_session_wh: float = 0.0
    current_a: float = 0.0
    _finished: bool = False
    _authorized: bool = False
    _ready_s: float = 0.0
    _cut_s: float | None = None

    def __post_init__(self) -> None:
        self.phases_used = self.phases

    # What people do

    def plug(self, car: Car) -> None:
        """A car arrives; an earlier one has left before."""
        self.unplug()
        self.car = car
        self.locked = True
        self.session_started_s, self.session_ended_s = self.now_s, None
        self.energy_session_wh = 0.0
        self.id_tag = ""
        self._finished = False
        self._authorized = not self.needs_tag
        self._ready_s = self.now_s + HANDSHAKE_S
        if car.tag:
            self.present_tag(car.tag)

    def unplug(self) -> None:
        """The car leaves; the session's energy stays readable until the next one."""
        if self.car is None:
            return
        self._cut()
        self.car = None
        self.locked = False
        self.session_ended_s = self.now_s
        self._authorized = False

    def present_tag(self, tag: str) -> None:
        """A card is held to the reader: it starts a session that waits for one; the same one ends it."""
        if self.car is not None and self.needs_tag and self._authorized and tag == self.id_tag:
            self.stop()
            return
        self.id_tag = tag
        if not self._authorized:
            self._ready_s = self.now_s + HANDSHAKE_S
        self._authorized = True

    def stop(self) -> None:
        """End the session; the car stays plugged in and gets nothing more."""
        if self.car is not None:
            self._finished = True
            self.locked = False

    def fault(self, code: int) -> None:
        """Raise an error (a number above 0) or clear it (0)."""
        self.error_code = code

    def reboot(self) -> None:
        """The charger restarts; what is plugged in begins a new session."""
        car = self.car
        self._cut()
        self.allowance.reboot(self.now_s)
        self.phases_used = self.phases
        self.energy_at_power_on_wh = self.energy_total_wh
        if car is not None:
            self.car = None
            self.plug(car)

    # Time

    def step(self, dt_s: float) -> None:
        """Let `dt_s` seconds pass with the values that hold at their beginning."""
        before_a = self.current_a
        self.now_s += dt_s
        self.allowance.advance(self.now_s)
        self._draw(dt_s)
        if before_a > 0 and self.current_a == 0:
            self._cut_s = self.now_s
        for phase in range(1, self.phases + 1):
            self.energy_of_wh[phase - 1] += self.power_of_w(phase) * dt_s / 3600
        if self.car is not None:
            energy_wh = self.power_w * dt_s / 3600
            self.energy_session_wh += energy_wh
            self.car.take(energy_wh)

    def _draw(self, dt_s: float) -> None:
        if self.car is None or not self._may_charge:
            self.current_a = 0.0
        else:
            self.current_a = self.car.follow(self.current_a, self.allowance.offered_a, dt_s)

    def _cut(self) -> None:
        self.current_a = 0.0

    # What is true now

    @property
    def is_faulted(self) -> bool:
        return self.error_code != 0 or self.allowance.failsafe.is_fault(self.now_s)

    @property
    def _may_charge(self) -> bool:
        return (
            self.in_service
            and not self.is_faulted
            and self._authorized
            and not self._finished
            and self.now_s >= self._ready_s
        )

    @property
    def state(self) -> OutletState:
        """What the charger calls it."""
        if self.is_faulted:
            return OutletState.FAULTED
        if not self.in_service:
            return OutletState.UNAVAILABLE
        if self.car is None:
            return OutletState.AVAILABLE
        if self._finished:
            return OutletState.FINISHING
        if not self._authorized or self.now_s < self._ready_s:
            return OutletState.PREPARING
        if self.allowance.offered_a <= 0:
            return OutletState.SUSPENDED_EVSE
        return OutletState.CHARGING if self.current_a > 0 else OutletState.SUSPENDED_EV

    @property
    def pilot(self) -> Pilot:
        """The state on the control pilot."""
        state = self.state
        if state in (OutletState.FAULTED, OutletState.UNAVAILABLE):
            return Pilot.F
        if (
            state is OutletState.SUSPENDED_EVSE
            and self._cut_s is not None
            and self.now_s - self._cut_s < C1_S
        ):
            return Pilot.C1
        return PILOTS[state]

    @property
    def active_phases(self) -> int:
        """How many phases the car uses at this outlet."""
        return 0 if self.car is None else min(self.car.phases, self.phases_used, self.phases)

    @property
    def currents_a(self) -> tuple[float, float, float]:
        """Current of the outlet's own L1, L2, L3."""
        used = self.active_phases
        return (
            self.current_a if used >= 1 else 0.0,
            self.current_a if used >= 2 else 0.0,
            self.current_a if used >= 3 else 0.0,
        )

    def voltage_v(self, phase: int) -> float:
        """Voltage of the outlet's own phase; 0 where nothing is wired."""
        return self.grid.voltage_v(self.wiring[phase - 1], self.now_s) if phase <= self.phases else 0.0

    def power_of_w(self, phase: int) -> float:
        """Active power of the outlet's own phase (power factor 1)."""
        return self.currents_a[phase - 1] * self.voltage_v(phase)

    @property
    def power_w(self) -> float:
        return sum(self.power_of_w(phase) for phase in range(1, self.phases + 1))

    @property
    def energy_total_wh(self) -> float:
        """Given to cars since ever; it only grows."""
        return sum(self.energy_of_wh)

    @property
    def session_duration_s(self) -> float:
        """From plug-in to now or to plug-out."""
        if self.session_started_s is None:
            return 0.0
        return (self.now_s if self.session_ended_s is None else self.session_ended_s) - self.session_started_s

    def grid_currents_a(self) -> tuple[float, float, float]:
        """Current on the grid's L1, L2, L3."""
        flows = [0.0, 0.0, 0.0]
        for current_a, grid_phase in zip(self.currents_a, self.wiring, strict=False):
            flows[grid_phase - 1] += current_a
        return flows[0], flows[1], flows[2]


PILOTS: dict[OutletState, Pilot] = {
    OutletState.AVAILABLE: Pilot.A,
    OutletState.PREPARING: Pilot.B1,
    OutletState.CHARGING: Pilot.C2,
    OutletState.SUSPENDED_EV: Pilot.B2,
    OutletState.SUSPENDED_EVSE: Pilot.B1,
    OutletState.FINISHING: Pilot.B1,
}
