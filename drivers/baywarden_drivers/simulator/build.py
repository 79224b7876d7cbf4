"""From a site's description to its things: outlets, meters, devices and the wires they hang on."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from baywarden_drivers.errors import ProfileError
from baywarden_drivers.profile import Profile, load_profile
from baywarden_drivers.simulator.allowance import Allowance
from baywarden_drivers.simulator.bus import Bus, Seat
from baywarden_drivers.simulator.charger import Charger, failsafe_of, limit_rules_of
from baywarden_drivers.simulator.device import Device
from baywarden_drivers.simulator.errors import SiteFileError
from baywarden_drivers.simulator.failsafe import Failsafe
from baywarden_drivers.simulator.listeners import Listener, SerialListener, TcpListener
from baywarden_drivers.simulator.meter import BaseLoad, Meter
from baywarden_drivers.simulator.meter_device import MeterDevice
from baywarden_drivers.simulator.outlet import Outlet
from baywarden_drivers.simulator.site import ChargerSpec, ListenerSpec, MeterSpec, SiteSpec
from baywarden_drivers.simulator.world import World


@dataclass(frozen=True, slots=True)
class Built:
    """The parts of a site, by name."""

    world: World
    devices: dict[str, Device]
    listeners: dict[str, Listener]


def build(site: SiteSpec, *, bind: str, look: Callable[[], float], folders: Iterable[str | Path]) -> Built:
    """Make everything and open nothing. `look` moves the world on. Raises SiteFileError."""
    folders = tuple(folders)
    chargers = [
        _charger(spec, _profile(spec.name, spec.profile, "charger", folders)) for spec in site.charger
    ]
    outlets = {outlet.name: outlet for charger in chargers for outlet in charger.outlets}
    meters = [
        _meter(spec, _profile(spec.name, spec.profile, "meter", folders), outlets) for spec in site.meter
    ]
    devices: dict[str, Device] = {device.name: device for device in (*chargers, *meters)}
    wires = {spec.name: spec.listener for spec in (*site.charger, *site.meter)}
    listeners = {
        spec.name: _listener(
            spec, [devices[name] for name, wire in wires.items() if wire == spec.name], bind, look
        )
        for spec in site.listener
    }
    world = World(outlets.values(), [device.meter for device in meters])
    return Built(world, devices, listeners)


def _profile(device: str, name: str, kind: str, folders: tuple[str | Path, ...]) -> Profile:
    try:
        profile = load_profile(name, folders)
    except ProfileError as error:
        raise SiteFileError(f"{device}: {error}") from error
    if profile.kind != kind:
        raise SiteFileError(
            f"{device}: the profile {name!r} is of a {profile.kind}; list it as [[{profile.kind}]]"
        )
    return profile


def _charger(spec: ChargerSpec, profile: Profile) -> Charger:
    most = profile.connectors.count
    if len(spec.outlets) > most:
        raise SiteFileError(
            f"charger {spec.name}: {spec.profile} has at most {most} outlets, not {len(spec.outlets)}"
        )
    limits = limit_rules_of(profile, spec.max_current_a, reaction_s=spec.reaction_s)
    failsafe = failsafe_of(profile, timeout_s=spec.failsafe_timeout_s, current_a=spec.failsafe_current_a)
    outlets = [
        Outlet(
            name,
            Allowance(limits, Failsafe(failsafe)),
            phases=spec.phases,
            wiring=spec.wiring[index] if spec.wiring else (1, 2, 3)[: spec.phases],
            needs_tag=spec.needs_tag,
        )
        for index, name in enumerate(spec.outlets)
    ]
    return Charger(spec.name, profile, outlets, unit=spec.unit, values=spec.values, without=spec.without)


def _meter(spec: MeterSpec, profile: Profile, outlets: dict[str, Outlet]) -> MeterDevice:
    behind = list(outlets) if spec.measures is None else spec.measures
    steps = tuple(
        (step.at_s, _phases(step.base_a)) for step in sorted(spec.schedule, key=lambda one: one.at_s)
    )
    base = BaseLoad(steps or ((0.0, _phases(spec.base_a)),), spec.repeat_s)
    meter = Meter(spec.name, [outlets[name] for name in behind], base, phases=profile.connectors.phases)
    return MeterDevice(spec.name, profile, meter, unit=spec.unit, values=spec.values, without=spec.without)


def _phases(base_a: float | tuple[float, float, float]) -> tuple[float, float, float]:
    return base_a if isinstance(base_a, tuple) else (base_a, base_a, base_a)


def _listener(spec: ListenerSpec, devices: list[Device], bind: str, look: Callable[[], float]) -> Listener:
    seats: dict[int, dict[int, Seat]] = {0: {}}
    for device in devices:
        for (shift, unit), bank in device.banks.items():
            at_port = seats.setdefault(shift, {})
            if unit in at_port:
                both = f"{at_port[unit].device.name} and {device.name}"
                raise SiteFileError(
                    f"listener {spec.name}: {both} both answer at unit {unit}; give one another `unit`"
                )
            at_port[unit] = Seat(device, bank)
    buses = {shift: Bus(look, units) for shift, units in seats.items()}
    if spec.serial is None:
        port = spec.tcp if spec.tcp is not None else spec.rtu_over_tcp or 0
        return TcpListener(buses, host=bind, port=port, rtu=spec.tcp is None)
    if len(buses) > 1:
        raise SiteFileError(
            f"listener {spec.name}: a device with one port for each connector needs tcp, not serial"
        )
    line = next((device.profile.transport.rtu for device in devices if device.profile.transport.rtu), None)
    return SerialListener(buses[0], path=Path(spec.serial) if spec.serial else None, line=line)
