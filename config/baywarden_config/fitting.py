"""What in a site.toml cannot work with the profiles of its devices: kind and connectors."""

from collections.abc import Iterator

from baywarden.settings import Fault, Settings
from baywarden.settings.wires import ChargerSettings, MeterSettings
from baywarden_drivers.errors import ProfileError
from baywarden_drivers.profile import Profile, load_profile


def device_faults(settings: Settings) -> Iterator[Fault]:
    """What cannot work."""
    folders = [settings.site.profile_folder]
    for place, device in devices_of(settings):
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


def devices_of(settings: Settings) -> Iterator[tuple[str, ChargerSettings | MeterSettings]]:
    """Chargers and meters, each with its place in the file."""
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
