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
NO_MASTER_CODE = 1
"""The error code of a box that has stopped because its controller is silent."""
DC_LEAST_A = 0.7
"""About 500 W: less a DC charger does not deliver."""
BATTERY_EMPTY_V, BATTERY_FULL_V = 340.0, 410.0


@dataclass(slots=True)
class Outlet:
    """All true values of one outlet. Phase numbers are its own; `wiring` says which grid phase feeds each.

    A DC outlet (`dc`) is counted by what it takes from the grid: three equal phases and no losses.
    """

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
    session_count: int = 0
    dc: bool = False
    energy_limit_wh: float | None = None
    """A session ends once it has got so much."""
    no_master_code: int = NO_MASTER_CODE
    latches: bool = False
    """An error of a silent controller stays until it is told to go on."""
    _finished: bool = False
    _authorized: bool = False
    _ready_s: float = 0.0
    _cut_s: float | None = None
    _is_latched: bool = False

    def __post_init__(self) -> None:
        self.phases_used = self.phases
        self._share_power()

    # What people do

    def plug(self, car: Car) -> None:
        """A car arrives; an earlier one has left before."""
        self.unplug()
        self.car = car
        self.locked = True
        self.session_started_s, self.session_ended_s = self.now_s, None
        self.energy_session_wh = 0.0
        self.energy_limit_wh = None
        self.session_count += 1
        self.id_tag = ""
        self._finished = False
        self._authorized = not self.needs_tag
        self._ready_s = self.now_s + HANDSHAKE_S
        self._share_power()
        if car.tag:
            self.present_tag(car.tag)

    def unplug(self) -> None:
        """The car leaves; the session's energy stays readable until the next one, its card does not."""
        if self.car is None:
            return
        self._cut()
        self.id_tag = ""
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

    def start(self) -> None:
        """Begin again where the session was ended but the car is still there."""
        if self.car is not None and self._finished:
            self._finished = False
            self.locked = True
            self._ready_s = self.now_s + HANDSHAKE_S

    def set_counter(self, energy_wh: float) -> None:
        """Let the counter stand at another figure, as after an exchange of the meter inside."""
        share = energy_wh / self.phases
        self.energy_of_wh[: self.phases] = [share] * self.phases
        self.energy_of_wh[self.phases :] = [0.0] * (len(self.energy_of_wh) - self.phases)

    def fault(self, code: int) -> None:
        """Raise an error (a number above 0) or clear it (0)."""
        self.error_code = code

    def reboot(self) -> None:
        """The charger restarts; what is plugged in begins a new session."""
        car = self.car
        self._cut()
        self._is_latched = False
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
        self._share_power()
        self.allowance.advance(self.now_s)
        if self.latches and self.allowance.failsafe.is_fault(self.now_s):
            self._is_latched = True
        if self.car is None and before_a == 0:
            return
        self._draw(dt_s)
        if before_a > 0 and self.current_a == 0:
            self._cut_s = self.now_s
        for phase in range(1, self.phases + 1):
            self.energy_of_wh[phase - 1] += self.power_of_w(phase) * dt_s / 3600
        if self.car is not None:
            energy_wh = self.power_w * dt_s / 3600
            self.energy_session_wh += energy_wh
            self.car.take(energy_wh)
            if self.energy_limit_wh is not None and self.energy_session_wh >= self.energy_limit_wh:
                self.stop()

    def _share_power(self) -> None:
        """A limit of power counts for the phases that the car uses, or could use; DC is taken from three."""
        phases = 3 if self.dc else self.active_phases or self.phases_used
        w_per_a = self.grid.nominal_v * phases
        if w_per_a != self.allowance.w_per_a:
            self.allowance.convert(w_per_a)

    def _draw(self, dt_s: float) -> None:
        if self.car is None or not self._may_charge:
            self.current_a = 0.0
        else:
            span_a = (min(DC_LEAST_A, self.car_max_a), self.car_max_a) if self.dc else None
            self.current_a = self.car.follow(self.current_a, self.allowance.offered_a, dt_s, dc_span_a=span_a)

    def _cut(self) -> None:
        self.current_a = 0.0

    # What is true now

    @property
    def is_faulted(self) -> bool:
        return self.error_code != 0 or self._is_latched or self.allowance.failsafe.is_fault(self.now_s)

    def unlatch(self) -> None:
        """The controller has told the charger to go on after its own silence."""
        self._is_latched = False

    @property
    def w_per_a(self) -> float:
        """Watts of one ampere per phase here."""
        return self.allowance.w_per_a

    @property
    def error_told(self) -> int:
        """The error code that the charger shows."""
        return self.error_code or (self.no_master_code if self.is_faulted else 0)

    @property
    def is_authorized(self) -> bool:
        """Whether a session may run: a card was held to the reader, or none is needed."""
        return self._authorized

    @property
    def car_max_a(self) -> float:
        """The most that the car there can take per phase; 0 without one."""
        if self.car is None:
            return 0.0
        return self.car.dc_power_w / self.w_per_a if self.dc else self.car.max_current_a

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
        if self.car is None:
            return 0
        return self.phases if self.dc else min(self.car.phases, self.phases_used, self.phases)

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
    def voltage_dc_v(self) -> float:
        """What the car's battery has at a DC outlet, rising with its charge."""
        if not self.dc or self.car is None:
            return 0.0
        return BATTERY_EMPTY_V + (BATTERY_FULL_V - BATTERY_EMPTY_V) * self.car.soc

    @property
    def current_dc_a(self) -> float:
        return self.power_w / self.voltage_dc_v if self.voltage_dc_v else 0.0

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
