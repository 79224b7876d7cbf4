"""What the control socket tells: the truth about outlets, meters and devices."""

from typing import TYPE_CHECKING, Any

from baywarden_drivers.simulator.charger import Charger
from baywarden_drivers.simulator.device import Written
from baywarden_drivers.simulator.meter import Meter
from baywarden_drivers.simulator.outlet import Outlet

if TYPE_CHECKING:
    from baywarden_drivers.simulator.simulation import Simulation

Answer = dict[str, Any]


def state_of(site: "Simulation") -> Answer:
    """All outlets and meters as they truly are, the faults that hold, and where everything listens."""
    now_s = site.look()
    return {
        "now_s": round(now_s, 3),
        "outlets": {name: outlet_as_told(site, outlet) for name, outlet in site.outlets.items()},
        "meters": {name: _meter(meter) for name, meter in site.meters.items()},
        "faults": {
            name: [kind.value for kind in device.faults.active if device.faults.holds(kind, now_s)]
            for name, device in site.devices.items()
            if device.faults.active
        },
        "listeners": {name: listener.where for name, listener in site.listeners.items()},
    }


def written_of(site: "Simulation", since_s: float) -> Answer:
    """What was written, and what each outlet allowed from when on and why."""
    return {
        "writes": [_write(site, one) for one in site.written() if one.at_s >= since_s],
        "allowed": [
            {"at_s": round(one.at_s, 3), "outlet": name, "allowed_a": one.allowed_a, "why": one.why.value}
            for name, outlet in site.outlets.items()
            for one in outlet.allowance.history
            if one.at_s >= since_s
        ],
    }


def outlet_as_told(site: "Simulation", outlet: Outlet) -> Answer:
    """The truth about one outlet."""
    car = outlet.car
    return {
        "outlet": outlet.name,
        "device": site.device(outlet.name).name,
        "state": outlet.state.value,
        "pilot": outlet.pilot.value,
        "wiring": outlet.wiring,
        "currents_a": [round(current_a, 3) for current_a in outlet.currents_a],
        "grid_currents_a": [round(current_a, 3) for current_a in outlet.grid_currents_a()],
        "power_w": round(outlet.power_w, 1),
        "energy_wh": round(outlet.energy_total_wh, 1),
        "session_wh": round(outlet.energy_session_wh, 1),
        "allowed_a": outlet.allowance.allowed_a,
        "offered_a": outlet.allowance.offered_a,
        "written_a": outlet.allowance.written_a,
        "failsafe": outlet.allowance.failsafe.is_active(outlet.now_s),
        "error_code": outlet.error_code,
        "id_tag": outlet.id_tag,
        "car": None
        if car is None
        else {"name": car.name, "soc": round(car.soc, 4), "missing_wh": round(car.missing_wh)},
    }


def _meter(meter: Meter) -> Answer:
    return {
        "currents_a": [round(current_a, 3) for current_a in meter.currents_a],
        "power_w": round(meter.power_w, 1),
        "energy_wh": round(meter.energy_total_wh, 1),
    }


def _write(site: "Simulation", one: Written) -> Answer:
    device = site.devices[one.device]
    outlet = None
    if one.connector is not None and isinstance(device, Charger):
        outlet = device.outlets[one.connector - 1].name
    value = str(one.value) if isinstance(one.value, str | bytes | tuple) else float(one.value)
    return {
        "at_s": round(one.at_s, 3),
        "device": one.device,
        "outlet": outlet,
        "point": one.point,
        "value": value,
    }
