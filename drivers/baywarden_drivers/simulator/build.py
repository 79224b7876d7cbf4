"""From a site's description to its things: outlets, meters, devices and the wires they hang on."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from baywarden_drivers.errors import ProfileError
from baywarden_drivers.profile import Profile, load_profile
from baywarden_drivers.simulator.allowance import Allowance
from baywarden_drivers.simulator.bank import BankHabits
from baywarden_drivers.simulator.bus import Bus, Seat
from baywarden_drivers.simulator.charger import Charger
from baywarden_drivers.simulator.choices import Chosen, as_chosen
from baywarden_drivers.simulator.device import Device, DeviceSettings
from baywarden_drivers.simulator.errors import SiteFileError
from baywarden_drivers.simulator.failsafe import Failsafe
from baywarden_drivers.simulator.listeners import Listener, SerialListener, TcpListener
from baywarden_drivers.simulator.meter import BaseLoad, Meter
from baywarden_drivers.simulator.meter_device import MeterDevice, SunspecPlace, meters_bank
from baywarden_drivers.simulator.outlet import Outlet
from baywarden_drivers.simulator.shipped import failsafe_of, is_dc, limit_rules_of
from baywarden_drivers.simulator.site import ChargerSpec, ListenerSpec, MeterSpec, SiteSpec
from baywarden_drivers.simulator.sunspec import length_of, model_of
from baywarden_drivers.simulator.truth import Truth
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
        _charger(spec, _profile(spec.name, spec.profile, "charger", folders), site.seed)
        for spec in site.charger
    ]
    outlets = {outlet.name: outlet for charger in chargers for outlet in charger.outlets}
    meters = [
        _meter(spec, _profile(spec.name, spec.profile, "meter", folders), outlets, site.seed)
        for spec in site.meter
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


def _chains(devices: list[Device]) -> dict[int, Seat]:
    """SunSpec meters at one unit stand one behind the other; faults of the first are those of all."""
    chains: dict[int, list[MeterDevice]] = {}
    for device in devices:
        if isinstance(device, MeterDevice) and device.sunspec is not None:
            chains.setdefault(device.unit, []).append(device)
    for unit, meters in chains.items():
        meters[0].banks = {(0, unit): meters_bank(meters)}
    return {unit: Seat(meters[0], meters[0].banks[0, unit]) for unit, meters in chains.items()}


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


def _settings(
    spec: ChargerSpec | MeterSpec, chosen: Chosen, seed: int, values: Mapping[str, Truth] | None = None
) -> DeviceSettings:
    """What the site says of a device; its own values before those that follow from what it is."""
    return DeviceSettings(
        unit=spec.unit,
        values={**chosen.values, **(values or {}), **spec.values},
        without=(spec.without | chosen.without) - frozenset(spec.values),
        habits=BankHabits(spec.max_registers, spec.closes_on),
        seed=crc32(spec.name.encode()) + seed,
    )


def _charger(spec: ChargerSpec, profile: Profile, seed: int) -> Charger:
    most = profile.connectors.count
    if len(spec.outlets) > most:
        raise SiteFileError(
            f"charger {spec.name}: {spec.profile} has {'one outlet' if most == 1 else f'at most {most} outlets'}, "
            f"not {len(spec.outlets)}"
        )
    dc = is_dc(profile) if spec.dc is None else spec.dc
    limits = limit_rules_of(profile, spec.max_current_a, reaction_s=spec.reaction_s, dc=dc)
    failsafe = failsafe_of(profile, timeout_s=spec.failsafe_timeout_s, current_a=spec.failsafe_current_a)
    outlets = [
        Outlet(
            name,
            Allowance(limits, Failsafe(failsafe)),
            phases=spec.phases,
            wiring=spec.wiring[index] if spec.wiring else (1, 2, 3)[: spec.phases],
            needs_tag=spec.needs_tag,
            dc=dc,
        )
        for index, name in enumerate(spec.outlets)
    ]
    chosen = as_chosen(profile, spec.choices, spec.name)
    return Charger(spec.name, chosen.profile, outlets, settings=_settings(spec, chosen, seed))


def _meter(spec: MeterSpec, profile: Profile, outlets: dict[str, Outlet], seed: int) -> MeterDevice:
    behind = list(outlets) if spec.measures is None else spec.measures
    steps = tuple(
        (step.at_s, _phases(step.base_a)) for step in sorted(spec.schedule, key=lambda one: one.at_s)
    )
    base = BaseLoad(steps or ((0.0, _phases(spec.base_a)),), spec.repeat_s)
    phases = profile.connectors.phases if spec.phases is None else spec.phases
    meter = Meter(spec.name, [outlets[name] for name in behind], base, phases=phases)
    chosen = as_chosen(profile, spec.choices, spec.name)
    if profile.protocol.sunspec is None:
        if spec.model is not None or spec.base is not None:
            raise SiteFileError(f"meter {spec.name}: model and base are of SunSpec; {profile.name} is not")
        return MeterDevice(spec.name, chosen.profile, meter, settings=_settings(spec, chosen, seed))
    model = model_of(profile, spec.model, phases, f"meter {spec.name}")
    numbers: dict[str, Truth] = {"model_id": model, "model_length": length_of(model)}
    settings = _settings(spec, chosen, seed, numbers)
    return MeterDevice(
        spec.name, chosen.profile, meter, settings=settings, sunspec=SunspecPlace(model, spec.base)
    )


def _phases(base_a: float | tuple[float, float, float]) -> tuple[float, float, float]:
    return base_a if isinstance(base_a, tuple) else (base_a, base_a, base_a)


def _listener(spec: ListenerSpec, devices: list[Device], bind: str, look: Callable[[], float]) -> Listener:
    seats: dict[int, dict[int, Seat]] = {0: _chains(devices)}
    chained = {id(device) for device in devices if isinstance(device, MeterDevice) and device.sunspec}
    for device in devices:
        if id(device) in chained:
            continue
        for (shift, unit), bank in device.banks.items():
            at_port = seats.setdefault(shift, {})
            if unit in at_port:
                both = f"{at_port[unit].device.name} and {device.name}"
                raise SiteFileError(
                    f"listener {spec.name}: {both} both answer at unit {unit}; give one another `unit`"
                )
            at_port[unit] = Seat(device, bank)
    if spec.tcp is None and (
        everybody := [seat for at in seats.values() for unit, seat in at.items() if not unit]
    ):
        raise SiteFileError(
            f"listener {spec.name}: {everybody[0].device.name} has unit 0: that is all devices of a serial line at once"
        )
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
