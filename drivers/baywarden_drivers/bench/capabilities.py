"""What a device can do for a site, as far as its profile knows, in words for people."""

from baywarden_drivers.profile.schema import Profile

_MEASURES = (
    ("currents", ("current_l1",)),
    ("voltages", ("voltage_l1", "voltage_l1_l2")),
    ("power", ("power",)),
    ("energy", ("energy_total",)),
    ("export", ("energy_export",)),
    ("session energy", ("energy_session",)),
    ("card", ("id_tag",)),
    ("state of charge", ("ev_soc",)),
)
_SILENT_TRIGGERS = ("none", "unknown")


def transports(profile: Profile) -> list[str]:
    """The wires it is sold with, in the words of site.toml."""
    wires = profile.transport
    found = (("tcp", wires.tcp), ("rtu", wires.rtu), ("rtu-over-tcp", wires.rtu_over_tcp))
    return [name for name, wire in found if wire is not None]


def transport_facts(profile: Profile) -> list[str]:
    """The same with what the factory sets."""
    wires = profile.transport
    facts = []
    if wires.tcp is not None:
        facts.append(f"tcp {wires.tcp.port}")
    if wires.rtu is not None:
        facts.append(f"rtu {wires.rtu.baud}/8{wires.rtu.parity}{wires.rtu.stop_bits}")
    if wires.rtu_over_tcp is not None:
        facts.append("rtu-over-tcp")
    return facts


def capabilities(profile: Profile) -> list[str]:
    """Control first, then measurements."""
    return [*_control(profile), *measures(profile)]


def measures(profile: Profile) -> list[str]:
    """What it measures or tells."""
    names = {*profile.readable, *(one.name for one in profile.derive)}
    return [word for word, points in _MEASURES if any(point in names for point in points)]


def has_failsafe(profile: Profile) -> bool:
    """Whether it is known to fall to a safe current by itself."""
    return profile.failsafe is not None and profile.failsafe.trigger not in _SILENT_TRIGGERS


def _control(profile: Profile) -> list[str]:
    if profile.kind == "meter":
        return []
    control = profile.control
    found = []
    if control is not None:
        point = profile.writable.get(control.limit)
        found.append(f"limit in {point.unit if point is not None and point.unit else 'A'}")
        if control.readback is not None:
            found.append("read back")
        if control.pause or (point is not None and point.zero_is_safe):
            found.append("pause")
    if has_failsafe(profile):
        found.append("fail-safe")
    if profile.connectors.count > 1:
        found.append(f"up to {profile.connectors.count} connectors")
    return found
