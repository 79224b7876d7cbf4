"""What a charger's register of a given name would say: from the profiles' words to physics, in A, V, W, Wh and s."""

from collections.abc import Callable, Mapping, Sequence
from math import sqrt
from typing import Protocol, TypeVar

from baywarden_drivers.simulator.outlet import Outlet
from baywarden_drivers.simulator.words import Pilot
from baywarden_drivers.values.value import Value

Truth = Value | float | None
"""None is the point's own "not available"."""
Teller = Callable[[], Truth]

ONE_PHASE_RELAY = 5
AMPERES_PER_PERCENT = 0.6
"""IEC 61851-1: from 6 to 51 A the pilot's duty cycle in percent is the current divided by this."""


class Station(Protocol):
    """A whole charger."""

    @property
    def outlets(self) -> Sequence[Outlet]: ...

    @property
    def uptime_s(self) -> float: ...


_Thing = TypeVar("_Thing")


def per_phase(stem: str, ask: Callable[[_Thing, int], float]) -> dict[str, Callable[[_Thing], Truth]]:
    """The same question for L1, L2 and L3."""

    def of(phase: int) -> Callable[[_Thing], Truth]:
        return lambda thing: ask(thing, phase)

    return {f"{stem}{phase}": of(phase) for phase in (1, 2, 3)}


def _energy(outlet: Outlet) -> Truth:
    return outlet.energy_total_wh


def _allowed_w(outlet: Outlet) -> float:
    return outlet.allowance.allowed_a * outlet.w_per_a


def _most_w(outlet: Outlet) -> float:
    return outlet.allowance.rules.max_a * outlet.w_per_a


def _least_w(outlet: Outlet) -> float:
    return outlet.allowance.rules.min_a * outlet.w_per_a


def _written_w(outlet: Outlet) -> float:
    written_w = outlet.allowance.written_w
    return _most_w(outlet) if written_w is None else written_w


def _most_a(outlet: Outlet) -> float:
    return outlet.allowance.rules.max_a


def _duty_percent(outlet: Outlet) -> float:
    offered_a = outlet.allowance.offered_a
    return offered_a / AMPERES_PER_PERCENT if offered_a else 100.0


def _relay(outlet: Outlet) -> int:
    if not outlet.current_a:
        return 0
    return ONE_PHASE_RELAY if outlet.active_phases == 1 else 1


def _pilot_v(outlet: Outlet) -> int:
    """The positive half of the control pilot by IEC 61851-1."""
    return {"A": 12, "B": 9, "C": 6}.get(outlet.pilot.letter, 0)


def _moment(moment_s: float | None) -> int:
    """A moment as the simulator counts it; 0 where there is none."""
    return 0 if moment_s is None else int(moment_s)


OUTLET: Mapping[str, Callable[[Outlet], Truth]] = {
    **per_phase("current_l", lambda o, n: o.currents_a[n - 1]),
    **per_phase("voltage_l", lambda o, n: o.voltage_v(n)),
    **per_phase("power_l", lambda o, n: o.power_of_w(n)),
    **per_phase("apparent_power_l", lambda o, n: o.power_of_w(n)),
    **per_phase("energy_import_l", lambda o, n: o.energy_of_wh[n - 1]),
    "current": lambda o: sum(o.currents_a),
    "current_n": lambda o: o.current_a if o.active_phases == 1 else 0.0,
    "current_dc": lambda o: o.current_dc_a,
    "voltage": lambda o: o.voltage_v(1),
    "voltage_dc": lambda o: o.voltage_dc_v,
    "power": lambda o: o.power_w,
    "power_dc": lambda o: o.power_w if o.dc else 0.0,
    "power_max": _most_w,
    "apparent_power": lambda o: o.power_w,
    "frequency": lambda o: o.grid.frequency_hz(o.now_s),
    "energy_total": _energy,
    "energy_total_64": _energy,
    "energy_total_fine": _energy,
    "energy_total_coarse": _energy,
    "energy_total_float": _energy,
    "energy_since_power_on": lambda o: o.energy_total_wh - o.energy_at_power_on_wh,
    "energy_session": lambda o: o.energy_session_wh,
    "energy_session_legacy": lambda o: o.energy_session_wh,
    "session_duration": lambda o: o.session_duration_s,
    "session_duration_legacy": lambda o: o.session_duration_s,
    "connection_duration": lambda o: o.session_duration_s,
    "contactor_time": lambda o: o.session_duration_s,
    "session_start": lambda o: _moment(o.session_started_s),
    "session_end": lambda o: _moment(o.session_ended_s),
    "session_id": lambda o: o.session_count,
    "session_count": lambda o: o.session_count,
    "id_tag": lambda o: o.id_tag,
    "authorization_state": lambda o: int(o.is_authorized),
    "error_code": lambda o: o.error_told,
    "limit_feedback": lambda o: o.allowance.allowed_a,
    "limit_modbus": lambda o: o.allowance.modbus_limit_a,
    "limit_feedback_power": _allowed_w,
    "limit_modbus_power": _written_w,
    "max_current_session": lambda o: o.allowance.allowed_a,
    "pwm_current": lambda o: o.allowance.offered_a,
    "pwm_duty": _duty_percent,
    "max_current_hw": _most_a,
    "dip_max_current": _most_a,
    "operator_limit": _most_a,
    "planned_max_current": _most_a,
    "downgrade_current": _most_a,
    "current_after_boot": _most_a,
    "min_current": lambda o: o.allowance.rules.min_a,
    "planned_min_current": lambda o: o.allowance.rules.min_a,
    "max_power": _most_w,
    "max_power_hw": _most_w,
    "max_power_ac": _allowed_w,
    "max_power_dc": _allowed_w,
    "min_power": _least_w,
    "min_power_dc": _least_w,
    "cable_rating": lambda o: 32 if o.car else 0,
    "setpoint_percent": lambda o: 100 * o.allowance.allowed_a / o.allowance.rules.max_a,
    "setpoint_accounted": lambda o: int(o.allowance.written_a is not None),
    "setpoint_valid_time": lambda o: o.allowance.failsafe.remaining_s(o.now_s),
    "failsafe_current": lambda o: o.allowance.failsafe.current_a,
    "failsafe_current_1p": lambda o: o.allowance.failsafe.current_a,
    "failsafe_power": lambda o: o.allowance.failsafe.power_w(o.w_per_a),
    "failsafe_timeout": lambda o: o.allowance.failsafe.timeout_s,
    "failsafe_enable": lambda o: int(o.allowance.failsafe.enabled),
    "failsafe_active": lambda o: int(o.allowance.failsafe.is_active(o.now_s)),
    "lifebit": lambda o: int(o.allowance.failsafe.shows_flag(o.now_s)),
    "enabled": lambda o: int(o.allowance.enabled),
    "enable": lambda o: int(o.allowance.enabled),
    "release": lambda o: int(o.allowance.enabled),
    "allow": lambda o: int(o.allowance.enabled),
    "force_state": lambda o: int(not o.allowance.enabled),
    "availability": lambda o: int(o.in_service),
    "remote_lock": lambda o: int(o.in_service),
    "inhibit": lambda o: int(not o.in_service),
    "lock_state": lambda o: int(o.locked),
    "relay_state": _relay,
    "contactor_state": lambda o: int(o.current_a > 0),
    "charging": lambda o: int(o.current_a > 0),
    "phases": lambda o: o.phases_used,
    "assigned_phases": lambda o: o.phases_used,
    "requested_phases": lambda o: o.phases_used,
    "grid_phases": lambda o: o.phases,
    "phase_switch_state": lambda o: int(o.phases_used == 3),
    "cable_state": lambda o: 7 if o.car else 3,
    "cp_voltage_plus": _pilot_v,
    "cp_voltage_minus": lambda o: 0 if o.pilot in (Pilot.A, Pilot.E, Pilot.F) else -12,
    "proximity_state": lambda o: int(o.car is not None),
    "ev_present": lambda o: int(o.car is not None),
    "ev_phases": lambda o: o.car.phases if o.car else 0,
    "ev_soc": lambda o: 100 * o.car.soc if o.car else 0,
    "ev_max_current": lambda o: o.car.max_current_a if o.car else 0,
    "ev_max_power": lambda o: o.car_max_a * o.w_per_a,
    "ev_required_energy": lambda o: o.car.missing_wh if o.car else 0,
}

CODES = frozenset({"cable_state", "evse_state", "ocpp_status", "lock_state", "proximity_state", "ev_present"})
"""Numbers that every maker chooses: where the rules of a profile ask for them, they say what the rules want."""

STATION: Mapping[str, Callable[[Station], Truth]] = {
    **per_phase("station_current_l", lambda c, n: sum(o.grid_currents_a()[n - 1] for o in c.outlets)),
    "station_power": lambda c: sum(o.power_w for o in c.outlets),
    "station_max_current": lambda c: sum(o.allowance.rules.max_a for o in c.outlets),
    "station_limit_power": lambda c: sum(_allowed_w(o) for o in c.outlets),
    "station_availability": lambda c: int(any(o.in_service for o in c.outlets)),
    "station_time": lambda c: c.uptime_s,
    "connector_count": lambda c: len(c.outlets),
    "temperature": lambda _: 31.5,
    "uptime": lambda c: c.uptime_s,
}


def line_to_line(name: str, phase_v: Callable[[int], float]) -> Teller | None:
    """Tells the voltage between two phases, when the name is of that kind."""
    if name not in ("voltage_l1_l2", "voltage_l2_l3", "voltage_l3_l1"):
        return None
    one, other = int(name[9]), int(name[12])

    def tell() -> Truth:
        first, second = phase_v(one), phase_v(other)
        return sqrt(first**2 + second**2 + first * second)

    return tell
