"""Values that are made of several points."""

from collections.abc import Mapping
from decimal import Decimal

from baywarden_drivers.profile.points import Derived, ReadPoint
from baywarden_drivers.value import PointValue, Quality


def multiplied(point: ReadPoint, values: Mapping[str, PointValue]) -> PointValue:
    """The value times its scale register and ratios; without one of them it is missing."""
    own = values[point.name]
    number = own.number
    if number is None:
        return own
    product = Decimal(number)
    for name in (point.scale_point, *point.multiply_by):
        if name is None:
            continue
        factor = values[name].number
        if factor is None:
            return PointValue(None, Quality.MISSING, own.read_mono_ms, f"{name} is not known")
        product *= Decimal(10) ** int(factor) if name == point.scale_point else factor
    return PointValue(product, Quality.GOOD, own.read_mono_ms)


def summed(derived: Derived, values: Mapping[str, PointValue]) -> PointValue:
    """The sum, as old as its oldest part; without one part there is no sum."""
    parts = [values[name] for name in derived.sum_of]
    oldest = min(part.read_mono_ms for part in parts)
    total: int | Decimal = 0
    for name, part in zip(derived.sum_of, parts, strict=True):
        number = part.number
        if number is None:
            return PointValue(None, part.quality, oldest, f"{name}: {part.reason}")
        total += number
    return PointValue(total, Quality.GOOD, oldest)
