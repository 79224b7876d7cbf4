"""Where a point of a given connector answers."""

from dataclasses import dataclass

from baywarden_drivers.profile.points import Point
from baywarden_drivers.profile.schema import Profile


@dataclass(frozen=True, slots=True)
class Place:
    """A register address at a unit, on the base port plus `port_shift`."""

    port_shift: int
    unit: int
    address: int


def place(profile: Profile, point: Point, connector: int = 1, unit: int | None = None) -> Place:
    """The place of `point` for `connector` (from 1); `unit` is the configured unit of connector 1."""
    steps = (connector - 1) * profile.connectors.stride
    return Place(
        port_shift(profile, connector),
        _unit_of(profile, point, steps, profile.default_unit if unit is None else unit),
        point.address + register_shift(profile, point.scope, connector),
    )


def port_shift(profile: Profile, connector: int) -> int:
    """How far the TCP port of `connector` is above that of connector 1."""
    is_by_port = profile.connectors.addressing == "tcp_port"
    return (connector - 1) * profile.connectors.stride if is_by_port else 0


def register_shift(profile: Profile, scope: str, connector: int) -> int:
    """How far the registers of `connector` are above those of connector 1."""
    is_by_register = profile.connectors.addressing == "register_offset" and scope == "connector"
    return (connector - 1) * profile.connectors.stride if is_by_register else 0


def _unit_of(profile: Profile, point: Point, steps: int, base_unit: int) -> int:
    if point.unit_id is not None:
        return point.unit_id
    if point.scope == "station":
        station = profile.connectors.station_unit_id
        return base_unit if station is None else station
    return base_unit + steps if profile.connectors.addressing == "unit_id" else base_unit
