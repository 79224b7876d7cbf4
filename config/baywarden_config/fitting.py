"""Whether the devices of a site.toml fit their profiles: kind, wire, connectors, fail-safe."""

from collections.abc import Iterator
from typing import Final

from baywarden.settings import Fault, Settings
from baywarden.settings.wires import ChargerSettings, MeterSettings
from baywarden_drivers.errors import ProfileError
from baywarden_drivers.profile import Profile, load_profile

_WIRES: Final = {"tcp": "tcp", "rtu": "rtu", "rtu-over-tcp": "rtu_over_tcp"}


def device_faults(settings: Settings) -> Iterator[Fault]:
    """What cannot work."""
    folders = [settings.site.profile_folder]
    for place, device in _devices(settings):
        try:
            profile = load_profile(device.profile, folders)
        except ProfileError as error:
            yield Fault(f"{place}.profile", str(error))
            continue
        kind = "charger" if isinstance(device, ChargerSettings) else "meter"
        if profile.kind != kind:
            yield Fault(
                f"{place}.profile", f"{device.profile!r} describes a {profile.kind}", f"a profile of a {kind}"
            )
        elif isinstance(device, ChargerSettings):
            yield from _connectors(place, device, profile)
        elif device.connector > profile.connectors.count:
            yield _beyond(f"{place}.connector", device.connector, profile)


def device_warnings(settings: Settings) -> Iterator[Fault]:
    """What may work, but not as its maker says."""
    types = {link.id: link.type for link in settings.links}
    folders = [settings.site.profile_folder]
    for place, device in _devices(settings):
        profile = load_profile(device.profile, folders)
        wire = types[device.link]
        if getattr(profile.transport, _WIRES[wire]) is None:
            yield Fault(f"{place}.link", f"{device.profile!r} is not known to speak {wire}")
        if isinstance(device, ChargerSettings) and profile.failsafe is None:
            yield Fault(
                place, f"{device.profile!r} has no fail-safe: it keeps its last limit when we are silent"
            )


def _devices(settings: Settings) -> Iterator[tuple[str, ChargerSettings | MeterSettings]]:
    for index, charger in enumerate(settings.chargers):
        yield f"chargers[{index}]", charger
    for index, meter in enumerate(settings.meters):
        yield f"meters[{index}]", meter


def _connectors(place: str, charger: ChargerSettings, profile: Profile) -> Iterator[Fault]:
    for index, evse in enumerate(charger.evses):
        if evse.connector > profile.connectors.count:
            yield _beyond(f"{place}.evses[{index}].connector", evse.connector, profile)


def _beyond(place: str, connector: int, profile: Profile) -> Fault:
    return Fault(place, f"{profile.name!r} has no connector {connector}", f"1 to {profile.connectors.count}")
