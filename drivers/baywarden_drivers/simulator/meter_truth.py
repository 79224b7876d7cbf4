"""What a meter's register of a given name would say, in A, V, W and Wh. Import is positive, the power factor 1."""

from collections.abc import Callable, Mapping

from baywarden_drivers.simulator.meter import Meter
from baywarden_drivers.simulator.truth import Truth, per_phase


def _nothing(_: Meter) -> Truth:
    return 0


def _import(meter: Meter) -> Truth:
    return meter.energy_total_wh


def _export(meter: Meter) -> Truth:
    return meter.export_total_wh


METER: Mapping[str, Callable[[Meter], Truth]] = {
    **per_phase("current_l", lambda m, n: m.currents_a[n - 1]),
    **per_phase("voltage_l", lambda m, n: m.voltage_v(n)),
    **per_phase("power_l", lambda m, n: m.power_of_w(n)),
    **per_phase("apparent_power_l", lambda m, n: abs(m.power_of_w(n))),
    **per_phase("reactive_power_l", lambda _m, _n: 0.0),
    **per_phase("energy_import_l", lambda m, n: m.energy_of_wh[n - 1]),
    **per_phase("energy_export_l", lambda m, n: m.export_of_wh[n - 1]),
    **per_phase("energy_sum_l", lambda m, n: m.energy_of_wh[n - 1] + m.export_of_wh[n - 1]),
    "current": lambda m: sum(m.currents_a),
    "current_n": lambda m: max(m.currents_a) - min(m.currents_a),
    "voltage": lambda m: sum(m.voltage_v(n) for n in m.phase_numbers) / m.phases,
    "power": lambda m: m.power_w,
    "power_import": lambda m: max(0.0, m.power_w),
    "power_export": lambda m: max(0.0, -m.power_w),
    "power_demand": lambda m: m.power_w,
    "apparent_power": lambda m: abs(m.power_w),
    "reactive_power": _nothing,
    "frequency": lambda m: m.grid.frequency_hz(m.now_s),
    "phase_angle": _nothing,
    "energy_total": _import,
    "energy_total_float": _import,
    "energy_total_coarse": _import,
    "energy_import_t1": _import,
    "energy_import_t2": _nothing,
    "energy_import_resettable": lambda m: m.energy_total_wh - m.reset_at_wh[0],
    "energy_export": _export,
    "energy_export_coarse": _export,
    "energy_export_t1": _export,
    "energy_export_t2": _nothing,
    "energy_export_resettable": lambda m: m.export_total_wh - m.reset_at_wh[1],
    "energy_sum": lambda m: m.energy_total_wh + m.export_total_wh,
    "energy_sum_resettable": lambda m: m.energy_total_wh + m.export_total_wh - sum(m.reset_at_wh),
    "energy_net": lambda m: m.energy_total_wh - m.export_total_wh,
    "reactive_energy_import": _nothing,
    "reactive_energy_export": _nothing,
    "reactive_energy_sum": _nothing,
    "running_hours": lambda m: m.now_s,
}
