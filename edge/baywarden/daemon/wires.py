"""All wires of the site and what is on them, made from site.toml."""

from collections.abc import Mapping
from dataclasses import dataclass

from baywarden.devices import ModbusMeter, ModbusOutlet
from baywarden.ports.clock import Clock
from baywarden.settings import Settings
from baywarden.settings.kinds import as_ms, milli
from baywarden.settings.wires import LinkSettings, RtuOverTcpLink, SerialLink
from baywarden_drivers import (
    Endpoint,
    LinkPool,
    RtuOverTcpEndpoint,
    SerialEndpoint,
    TcpEndpoint,
    load_profile,
    open_device,
)


@dataclass(frozen=True)
class Wires:
    """The outlets and meters, with the links below them."""

    outlets: tuple[ModbusOutlet, ...]
    meters: tuple[ModbusMeter, ...]
    every_ms: Mapping[str, int]
    """How often to poll, by outlet or meter id."""
    pool: LinkPool

    async def close(self) -> None:
        """Close all links."""
        await self.pool.close()


def open_wires(settings: Settings, clock: Clock) -> Wires:
    """Everything of site.toml that hangs on a wire; nothing is sent yet. Raises DriverError for a bad profile."""
    pool = LinkPool()
    endpoints = {link.id: endpoint_of(link) for link in settings.links}
    folders = [settings.site.profile_folder]
    outlets = tuple(_outlets(settings, endpoints, pool, clock))
    meters = tuple(
        ModbusMeter(
            open_device(
                pool, endpoints[meter.link], load_profile(meter.profile, folders),
                unit=meter.unit, connector=meter.connector, name=f"meter {meter.id}",
            ),
            meter.id,
            clock=clock,
        )
        for meter in settings.meters
    )  # fmt: skip
    every_ms = {meter.id: as_ms(meter.poll_s) for meter in settings.meters}
    every_ms |= {evse.id: as_ms(charger.poll_s) for charger in settings.chargers for evse in charger.evses}
    return Wires(outlets, meters, every_ms, pool)


def endpoint_of(link: LinkSettings) -> Endpoint:
    """The drivers' words for a link."""
    if isinstance(link, SerialLink):
        return SerialEndpoint(link.path, link.baud, link.parity, link.stop_bits)
    if isinstance(link, RtuOverTcpLink):
        return RtuOverTcpEndpoint(link.host, link.port)
    return TcpEndpoint(link.host, link.port)


def _outlets(
    settings: Settings, endpoints: Mapping[str, Endpoint], pool: LinkPool, clock: Clock
) -> list[ModbusOutlet]:
    outlets = []
    folders = [settings.site.profile_folder]
    for charger in settings.chargers:
        profile = load_profile(charger.profile, folders)
        for evse in charger.evses:
            device = open_device(
                pool, endpoints[charger.link], profile,
                unit=charger.unit, connector=evse.connector, name=f"{charger.id} ({evse.label})",
            )  # fmt: skip
            outlets.append(
                ModbusOutlet(
                    device, evse.id, clock=clock,
                    failsafe_ma=milli(charger.failsafe_current_a), failsafe_timeout_s=charger.failsafe_timeout_s,
                )
            )  # fmt: skip
    return outlets
