"""What the control socket and a site file's events can ask for: `{"do": "plug", "outlet": "a1", ...}`."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from baywarden_drivers.simulator.charger import Charger
from baywarden_drivers.simulator.device import Written
from baywarden_drivers.simulator.errors import SimulatorError, UnknownName
from baywarden_drivers.simulator.faults import FaultKind
from baywarden_drivers.simulator.outlet import Outlet
from baywarden_drivers.simulator.site import CarSpec

if TYPE_CHECKING:
    from baywarden_drivers.simulator.simulation import Simulation


class BadRequest(SimulatorError):
    """A request that nobody understands; the text says what would be right."""


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    do: str


class _AtOutlet(_Request):
    outlet: str


class _Plug(_AtOutlet, CarSpec):
    pass


class _Tag(_AtOutlet):
    tag: str = Field(min_length=1)


class _Fault(_AtOutlet):
    code: int = Field(default=1, ge=0)


class _Service(_AtOutlet):
    in_service: bool


class _AtDevice(_Request):
    device: str


class _Inject(_AtDevice):
    value: int = Field(default=0, ge=0)
    for_s: float | None = Field(default=None, gt=0)


class _Clear(_AtDevice):
    kind: FaultKind | None = None


class _Disconnect(_Request):
    listener: str
    for_s: float = Field(default=0.0, ge=0)


class _Base(_Request):
    meter: str
    base_a: float | tuple[float, float, float]


class _Written(_Request):
    since_s: float = 0.0


Answer = dict[str, Any]


def perform(site: "Simulation", request: Mapping[str, Any]) -> Answer:
    """Do it and answer. Raises BadRequest and UnknownName."""
    act, asked = _understood(request)
    return act(site, asked)


def check(site: "Simulation", request: Mapping[str, Any]) -> None:
    """Whether a later request can be done at all. Raises BadRequest and UnknownName."""
    _, asked = _understood(request)
    named = asked.model_dump()
    for kind, find in (("outlet", site.outlet), ("device", site.device), ("listener", site.where)):
        if kind in named:
            find(named[kind])
    if "meter" in named and named["meter"] not in site.meters:
        raise UnknownName("meter", named["meter"], site.meters)


def _understood(request: Mapping[str, Any]) -> "tuple[Callable[[Simulation, Any], Answer], _Request]":
    name = request.get("do")
    if not isinstance(name, str) or name not in REQUESTS:
        raise BadRequest(f"unknown request {name!r}; there are {', '.join(sorted(REQUESTS))}")
    shape, act = REQUESTS[name]
    try:
        return act, shape.model_validate(dict(request))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise BadRequest(f"{name}: {faults}") from None


def _plug(site: "Simulation", asked: _Plug) -> Answer:
    site.plug(asked.outlet, asked.make())
    return _outlet(site, site.outlet(asked.outlet))


def _unplug(site: "Simulation", asked: _AtOutlet) -> Answer:
    site.unplug(asked.outlet)
    return _outlet(site, site.outlet(asked.outlet))


def _tag(site: "Simulation", asked: _Tag) -> Answer:
    site.tag(asked.outlet, asked.tag)
    return _outlet(site, site.outlet(asked.outlet))


def _stop(site: "Simulation", asked: _AtOutlet) -> Answer:
    site.stop_session(asked.outlet)
    return _outlet(site, site.outlet(asked.outlet))


def _fault(site: "Simulation", asked: _Fault) -> Answer:
    site.fault(asked.outlet, asked.code)
    return _outlet(site, site.outlet(asked.outlet))


def _service(site: "Simulation", asked: _Service) -> Answer:
    site.outlet(asked.outlet).in_service = asked.in_service
    return _outlet(site, site.outlet(asked.outlet))


def _inject(site: "Simulation", asked: _Inject) -> Answer:
    site.inject(asked.device, FaultKind(asked.do), value=asked.value, for_s=asked.for_s)
    return {}


def _clear(site: "Simulation", asked: _Clear) -> Answer:
    site.clear(asked.device, asked.kind)
    return {}


def _reboot(site: "Simulation", asked: _AtDevice) -> Answer:
    site.reboot(asked.device)
    return {}


def _disconnect(site: "Simulation", asked: _Disconnect) -> Answer:
    site.disconnect(asked.listener, asked.for_s)
    return {}


def _base(site: "Simulation", asked: _Base) -> Answer:
    base_a = asked.base_a
    site.set_base(asked.meter, base_a if isinstance(base_a, tuple) else (base_a, base_a, base_a))
    return {}


def _state(site: "Simulation", _: _Request) -> Answer:
    """All outlets and meters as they truly are."""
    now_s = site.look()
    return {
        "now_s": round(now_s, 3),
        "outlets": {name: _outlet(site, outlet) for name, outlet in site.outlets.items()},
        "meters": {
            name: {
                "currents_a": [round(current_a, 3) for current_a in meter.currents_a],
                "power_w": round(meter.power_w, 1),
                "energy_wh": round(meter.energy_total_wh, 1),
            }
            for name, meter in site.meters.items()
        },
        "listeners": {name: listener.where for name, listener in site.listeners.items()},
    }


def _written(site: "Simulation", asked: _Written) -> Answer:
    """What was written, and what each outlet allowed from when on and why."""
    outlets = site.outlets
    return {
        "writes": [_write(site, one) for one in site.written() if one.at_s >= asked.since_s],
        "allowed": [
            {"at_s": round(one.at_s, 3), "outlet": name, "allowed_a": one.allowed_a, "why": one.why.value}
            for name, outlet in outlets.items()
            for one in outlet.allowance.history
            if one.at_s >= asked.since_s
        ],
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


def _outlet(site: "Simulation", outlet: Outlet) -> Answer:
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


REQUESTS: Mapping[str, tuple[type[_Request], Callable[["Simulation", Any], Answer]]] = {
    "plug": (_Plug, _plug),
    "unplug": (_AtOutlet, _unplug),
    "tag": (_Tag, _tag),
    "stop": (_AtOutlet, _stop),
    "fault": (_Fault, _fault),
    "service": (_Service, _service),
    **{kind.value: (_Inject, _inject) for kind in FaultKind},
    "clear": (_Clear, _clear),
    "reboot": (_AtDevice, _reboot),
    "disconnect": (_Disconnect, _disconnect),
    "base": (_Base, _base),
    "state": (_Request, _state),
    "written": (_Written, _written),
}
