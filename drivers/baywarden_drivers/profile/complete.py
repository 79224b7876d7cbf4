"""What a loaded profile has more than its file: every point stands for itself, one unit per quantity."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

from baywarden_drivers.profile.doubts import Doubt
from baywarden_drivers.profile.habits import Protocol
from baywarden_drivers.profile.points import Point, WritePoint
from baywarden_drivers.profile.schema import Profile

_BASE_UNITS: Mapping[str, tuple[str, Decimal]] = {
    "kWh": ("Wh", Decimal(1000)),
    "kvarh": ("varh", Decimal(1000)),
    "ms": ("s", Decimal("0.001")),
    "h": ("s", Decimal(3600)),
}
_COIL_FUNCTIONS = (5, 15)
_Point = TypeVar("_Point", bound=Point)


def filled_in(profile: Profile) -> Profile:
    """The same profile with the protocol's defaults in every point and energies in Wh, times in s."""
    return profile.model_copy(
        update={
            "read": tuple(_completed(point, profile.protocol) for point in profile.read),
            "write": tuple(_completed(point, profile.protocol) for point in profile.write),
            "doubt": tuple(_scaled(doubt, profile) for doubt in profile.doubt),
        }
    )


def _scaled(doubt: Doubt, profile: Profile) -> Doubt:
    """Scales of choices are written for the unit in which the file has the points."""
    points: list[Point] = [one for one in (*profile.read, *profile.write) if one.name in doubt.points]
    unit = points[0].unit if points else None
    if unit is None or unit not in _BASE_UNITS:
        return doubt
    factor = _BASE_UNITS[unit][1]
    choices = [
        one if one.scale is None else one.model_copy(update={"scale": one.scale * factor})
        for one in doubt.choice
    ]
    return doubt.model_copy(update={"choice": tuple(choices)})


def _completed(point: _Point, protocol: Protocol) -> _Point:
    update: dict[str, Any] = {"word_order": point.word_order or protocol.word_order}
    if isinstance(point, WritePoint) and point.functions is None:
        update["functions"] = _COIL_FUNCTIONS if point.type == "coil" else protocol.functions_write
    if point.unit is not None and point.unit in _BASE_UNITS:
        unit, factor = _BASE_UNITS[point.unit]
        update |= {
            "unit": unit,
            "scale": point.scale * factor,
            "min": None if point.min is None else point.min * factor,
            "max": None if point.max is None else point.max * factor,
        }
    return point.model_copy(update=update)
