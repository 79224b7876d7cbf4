"""All wires of the site and what is on them, made from site.toml."""

from collections.abc import Mapping
from dataclasses import dataclass

from baywarden.devices import ModbusMeter, ModbusOutlet
from baywarden.devices.workbench import Fitting, Workbench
from baywarden.ports.clock import Clock
from baywarden.settings import Settings
from baywarden.settings.kinds import as_ms, milli
from baywarden.settings.wires import (
    ChargerSettings,
    LinkSettings,
    MeterSettings,
    RtuOverTcpLink,
    SerialLink,
    TcpLink,
)
from baywarden_drivers import (
    Device,
    Endpoint,
    LinkPool,
    RtuOverTcpEndpoint,
    SerialEndpoint,
    TcpEndpoint,
    load_profile,
    open_device,
)
from baywarden_drivers.profile import port_shift


@dataclass(frozen=True)
class Wires:
    """The outlets and meters, with the links below them."""

    outlets: tuple[ModbusOutlet, ...]
    meters: tuple[ModbusMeter, ...]
    every_ms: Mapping[str, int]
    """How often to poll, by outlet or meter id."""
    pool: LinkPool
    workbench: Workbench
    devices: Mapping[str, Device]
    """By what they are called where the next run finds them: `outlet bay-1`, `meter main`."""

    async def close(self) -> None:
        """Close all links."""
        await self.pool.close()


def open_wires(settings: Settings, clock: Clock) -> Wires:
    """Everything of site.toml that hangs on a wire; nothing is sent yet. Raises DriverError for a bad profile."""
    maker = _Maker(settings)
    outlets = tuple(_outlets(settings, maker, clock))
    meters = tuple(
        ModbusMeter(
            maker.open(meter, meter.connector, f"meter {meter.id}", {meter.id}, f"meter {meter.id}"),
            meter.id,
            clock=clock,
        )
        for meter in settings.meters
    )
    every_ms = {meter.id: as_ms(meter.poll_s) for meter in settings.meters}
    every_ms |= {evse.id: as_ms(charger.poll_s) for charger in settings.chargers for evse in charger.evses}
    rtu_links = frozenset(link.id for link in settings.links if not isinstance(link, TcpLink))
    workbench = Workbench(maker.fittings, rtu_links, settings.site.profile_folder)
    return Wires(outlets, meters, every_ms, maker.pool, workbench, maker.devices)


class _Maker:
    """Opens devices on shared links and remembers what hangs where."""

    def __init__(self, settings: Settings) -> None:
        self.pool = LinkPool()
        self.fittings: list[Fitting] = []
        self.devices: dict[str, Device] = {}
        self._folders = [settings.site.profile_folder]
        self._endpoints = {link.id: endpoint_of(link) for link in settings.links}

    def open(
        self, place: ChargerSettings | MeterSettings, connector: int, name: str, names: set[str], kept_as: str
    ) -> Device:
        """A device; `names` are the ids by which the technician may ask for it."""
        profile = load_profile(place.profile, self._folders)
        endpoint = self._endpoints[place.link]
        device = open_device(self.pool, endpoint, profile, unit=place.unit, connector=connector, name=name)
        link = self.pool.link(endpoint, port_shift(profile, connector))
        unit = profile.default_unit if place.unit is None else place.unit
        self.devices[kept_as] = device
        self.fittings.append(Fitting(frozenset(names), device, place.link, link, unit, connector))
        return device


def endpoint_of(link: LinkSettings) -> Endpoint:
    """The drivers' words for a link."""
    if isinstance(link, SerialLink):
        return SerialEndpoint(link.path, link.baud, link.parity, link.stop_bits)
    if isinstance(link, RtuOverTcpLink):
        return RtuOverTcpEndpoint(link.host, link.port)
    return TcpEndpoint(link.host, link.port)


def _outlets(settings: Settings, maker: _Maker, clock: Clock) -> list[ModbusOutlet]:
    outlets = []
    for charger in settings.chargers:
        for evse in charger.evses:
            names = {evse.id, charger.id} if len(charger.evses) == 1 else {evse.id}
            device = maker.open(
                charger, evse.connector, f"{charger.id} ({evse.label})", names, f"outlet {evse.id}"
            )
            outlets.append(
                ModbusOutlet(
                    device, evse.id, clock=clock,
                    failsafe_ma=milli(charger.failsafe_current_a), failsafe_timeout_s=charger.failsafe_timeout_s,
                )
            )  # fmt: skip
    return outlets
