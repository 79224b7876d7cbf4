"""What in a site.toml may work, but not as the makers of its devices say."""

import math
from collections.abc import Iterator, Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Final

from baywarden.settings import Fault, Settings
from baywarden.settings.wires import ChargerSettings, LinkSettings, MeterSettings, SerialLink
from baywarden_config.bus.budget import line_of
from baywarden_config.fitting import devices_of
from baywarden_drivers.bench.budget import FULL, budget_of
from baywarden_drivers.bench.capabilities import has_failsafe
from baywarden_drivers.errors import DriverError
from baywarden_drivers.profile import Profile, load_profile
from baywarden_drivers.writes.amperes import Amperes

_WIRES: Final = {"tcp": "tcp", "rtu": "rtu", "rtu-over-tcp": "rtu_over_tcp"}
_HIGHEST_A: Final = 80


def device_warnings(settings: Settings) -> Iterator[Fault]:
    """One for each thing that deserves a second look; every profile is there."""
    links = {link.id: link for link in settings.links}
    folders = [settings.site.profile_folder]
    for place, device in devices_of(settings):
        profile = load_profile(device.profile, folders)
        yield from _wire(place, device, profile, links[device.link])
        if isinstance(device, ChargerSettings):
            yield from _charger(place, device, profile)
    places = _places(settings)
    for index, link in enumerate(settings.links):
        yield from _line(f"links[{index}]", settings, link, places)


def _wire(
    place: str, device: ChargerSettings | MeterSettings, profile: Profile, link: LinkSettings
) -> Iterator[Fault]:
    """Whether the device speaks on such a wire, and at its speed."""
    if getattr(profile.transport, _WIRES[link.type]) is None:
        yield Fault(f"{place}.link", f"{device.profile!r} is not known to speak {link.type}")
    rtu = profile.transport.rtu
    if rtu is None or not isinstance(link, SerialLink):
        return
    if rtu.baud_options and link.baud not in (rtu.baud, *rtu.baud_options):
        known = ", ".join(str(one) for one in sorted({rtu.baud, *rtu.baud_options}))
        yield Fault(f"{place}.link", f"{device.profile!r} is not known to take {link.baud} baud", known)
    if rtu.parity_options and link.parity not in (rtu.parity, *rtu.parity_options):
        known = ", ".join(sorted({rtu.parity, *rtu.parity_options}))
        yield Fault(f"{place}.link", f"{device.profile!r} is not known to take parity {link.parity}", known)


def _charger(place: str, charger: ChargerSettings, profile: Profile) -> Iterator[Fault]:
    if not has_failsafe(profile):
        yield Fault(
            place, f"{charger.profile!r} has no fail-safe: it keeps its last limit when we are silent"
        )
    for index, evse in enumerate(charger.evses):
        least_a = least_limit_a(profile, evse.min_current_a)
        if least_a is not None and least_a > evse.min_current_a:
            yield Fault(
                f"{place}.evses[{index}].min_current_a",
                f"{evse.min_current_a:f} A is less than {charger.profile!r} can tell a car: it pauses instead",
                f"{least_a} or more",
            )


def least_limit_a(profile: Profile, wanted_a: Decimal) -> Decimal | None:
    """`wanted_a`, or the next whole A above it with which the device still charges; None where nobody knows."""
    point = profile.writable.get(profile.control.limit) if profile.control is not None else None
    if point is None:
        return None
    amperes = Amperes(profile)
    begin = int(wanted_a.to_integral_value(ROUND_CEILING))
    try:
        found = (
            amps for amps in (wanted_a, *map(Decimal, range(begin, _HIGHEST_A))) if amperes.said(point, amps)
        )
        return next(found, None)
    except DriverError:
        return None


def _places(settings: Settings) -> dict[str, str]:
    """The table of every outlet's charger and of every meter, by their ids."""
    return {
        one.id: place
        for place, device in devices_of(settings)
        for one in (device.evses if isinstance(device, ChargerSettings) else (device,))
    }


def _line(place: str, settings: Settings, link: LinkSettings, places: Mapping[str, str]) -> Iterator[Fault]:
    """Whether the wire carries its devices as often as they are to be asked."""
    line = line_of(settings, link)
    budget = budget_of(link.id, line.setting, line.devices)
    slow = {places[share.name]: share for share in budget.shares if share.own_s > share.poll_s}
    for device_place, share in slow.items():
        problem = f"{share.profile!r} takes {share.own_s:.1f} s for a poll, more than the {share.poll_s:g} s of poll_s"
        yield Fault(f"{device_place}.poll_s", problem, f"{math.ceil(share.own_s)} or more")
    if budget.load > FULL:
        yield Fault(
            place,
            f"it would be in use {budget.load:.0%} of its time: see `baywarden bus budget --config FILE`",
        )
    if isinstance(link, SerialLink) and not link.path.startswith("/") and "://" not in link.path:
        yield Fault(
            f"{place}.path", f"{link.path!r} counts from the folder that the daemon is started in", "/dev/..."
        )
