"""What a register of a given name would say: from the profiles' words to physics, in A, V, W, Wh and s."""

from collections.abc import Callable, Mapping, Sequence
from math import sqrt
from typing import Protocol, TypeVar

from baywarden_drivers.simulator.meter import Meter
from baywarden_drivers.simulator.outlet import Outlet
from baywarden_drivers.value import Value

Truth = Value | float | None


class Station(Protocol):
    """A whole charger."""

    @property
    def outlets(self) -> Sequence[Outlet]: ...

    @property
    def uptime_s(self) -> float: ...


_Thing = TypeVar("_Thing")


def _per_phase(stem: str, ask: Callable[[_Thing, int], float]) -> dict[str, Callable[[_Thing], Truth]]:
    """The same question for L1, L2 and L3."""

    def of(phase: int) -> Callable[[_Thing], Truth]:
        return lambda thing: ask(thing, phase)

    return {f"{stem}{phase}": of(phase) for phase in (1, 2, 3)}


OUTLET: Mapping[str, Callable[[Outlet], Truth]] = {
    **_per_phase("current_l", lambda o, n: o.currents_a[n - 1]),
    **_per_phase("voltage_l", lambda o, n: o.voltage_v(n)),
    **_per_phase("power_l", lambda o, n: o.power_of_w(n)),
    **_per_phase("energy_import_l", lambda o, n: o.energy_of_wh[n - 1]),
    "current": lambda o: sum(o.currents_a),
    "current_n": lambda o: o.current_a if o.active_phases == 1 else 0.0,
    "voltage": lambda o: o.voltage_v(1),
    "power": lambda o: o.power_w,
    "apparent_power": lambda o: o.power_w,
    "frequency": lambda o: o.grid.frequency_hz(o.now_s),
    "energy_total": lambda o: o.energy_total_wh,
    "energy_since_power_on": lambda o: o.energy_total_wh - o.energy_at_power_on_wh,
    "energy_session": lambda o: o.energy_session_wh,
    "energy_session_legacy": lambda o: o.energy_session_wh,
    "session_duration": lambda o: o.session_duration_s,
    "session_duration_legacy": lambda o: o.session_duration_s,
    "connection_duration": lambda o: o.session_duration_s,
    "id_tag": lambda o: o.id_tag,
    "error_code": lambda o: o.error_code,
    "limit_feedback": lambda o: o.allowance.allowed_a,
    "limit_modbus": lambda o: o.allowance.modbus_limit_a,
    "max_current_session": lambda o: o.allowance.allowed_a,
    "pwm_current": lambda o: o.allowance.offered_a,
    "max_current_hw": lambda o: o.allowance.rules.max_a,
    "operator_limit": lambda o: o.allowance.rules.max_a,
    "min_current": lambda o: o.allowance.rules.min_a,
    "cable_rating": lambda o: 32 if o.car else 0,
    "setpoint_percent": lambda o: 100 * o.allowance.allowed_a / o.allowance.rules.max_a,
    "setpoint_accounted": lambda o: int(o.allowance.written_a is not None),
    "setpoint_valid_time": lambda o: o.allowance.failsafe.remaining_s(o.now_s),
    "failsafe_current": lambda o: o.allowance.failsafe.current_a,
    "failsafe_timeout": lambda o: o.allowance.failsafe.timeout_s,
    "failsafe_active": lambda o: int(o.allowance.failsafe.is_active(o.now_s)),
    "enabled": lambda o: int(o.allowance.enabled),
    "availability": lambda o: int(o.in_service),
    "remote_lock": lambda o: int(o.in_service),
    "lock_state": lambda o: int(o.locked),
    "relay_state": lambda o: {0: 0, 1: 5}.get(o.active_phases if o.current_a else 0, 1),
    "phases": lambda o: o.phases_used,
    "phase_switch_state": lambda o: int(o.phases_used == 3),
    "cable_state": lambda o: 7 if o.car else 3,
    "ev_present": lambda o: int(o.car is not None),
    "ev_soc": lambda o: 100 * o.car.soc if o.car else 0,
    "ev_max_current": lambda o: o.car.max_current_a if o.car else 0,
    "ev_required_energy": lambda o: o.car.missing_wh if o.car else 0,
}

STATION: Mapping[str, Callable[[Station], Truth]] = {
    **_per_phase("station_current_l", lambda c, n: sum(o.grid_currents_a()[n - 1] for o in c.outlets)),
    "station_power": lambda c: sum(o.power_w for o in c.outlets),
    "station_max_current": lambda c: sum(o.allowance.rules.max_a for o in c.outlets),
    "station_availability": lambda c: int(any(o.in_service for o in c.outlets)),
    "connector_count": lambda c: len(c.outlets),
    "temperature": lambda _: 31.5,
    "uptime": lambda c: c.uptime_s,
}

METER: Mapping[str, Callable[[Meter], Truth]] = {
    **_per_phase("current_l", lambda m, n: m.currents_a[n - 1]),
    **_per_phase("voltage_l", lambda m, n: m.voltage_v(n)),
    **_per_phase("power_l", lambda m, n: m.power_of_w(n)),
    **_per_phase("apparent_power_l", lambda m, n: m.power_of_w(n)),
    **_per_phase("energy_import_l", lambda m, n: m.energy_of_wh[n - 1]),
    **_per_phase("energy_sum_l", lambda m, n: m.energy_of_wh[n - 1]),
    "current": lambda m: sum(m.currents_a),
    "current_n": lambda m: max(m.currents_a) - min(m.currents_a),
    "voltage": lambda m: m.voltage_v(1),
    "power": lambda m: m.power_w,
    "power_import": lambda m: m.power_w,
    "apparent_power": lambda m: m.power_w,
    "frequency": lambda m: m.grid.frequency_hz(m.now_s),
    "energy_total": lambda m: m.energy_total_wh,
    "energy_sum": lambda m: m.energy_total_wh,
    "energy_net": lambda m: m.energy_total_wh,
}


TEXTS: Mapping[str, str] = {"firmware": "1.9.0", "protocol_version": "0.6", "software_version": "1.9.0"}
NUMBERS: Mapping[str, float] = {
    "firmware": 0x030A39,
    "map_version": 0x0108,
    "release_mode": 5,
    "meter_state": 3,
    "temperature": 31.5,
}
ARRAYS: Mapping[str, tuple[int, ...]] = {"software_version": (5, 33, 0)}
"""What a point says that no physics stands behind; settings of the site may say otherwise."""


def line_to_line(name: str, phase_v: Callable[[int], float]) -> float | None:
    """The voltage between two phases, when the name is of that kind."""
    if name not in ("voltage_l1_l2", "voltage_l2_l3", "voltage_l3_l1"):
        return None
    first, second = phase_v(int(name[9])), phase_v(int(name[12]))
    return sqrt(first**2 + second**2 + first * second)


def power_factor(name: str, unit: str | None) -> float | None:
    """Everything here has a power factor of 1."""
    if not name.startswith("power_factor"):
        return None
    return 100.0 if unit == "percent" else 1.0
