"""What a write point can say: its range, its special values, and a number as the device will hear it."""

from collections.abc import Sequence
from decimal import Decimal

from baywarden_drivers.errors import ValueRefused
from baywarden_drivers.profile.points import Point, ReadPoint, WritePoint
from baywarden_drivers.values.codec import decode
from baywarden_drivers.values.encoding import encode
from baywarden_drivers.values.value import Value

_NEVER_ZERO = frozenset({"refused", "invalid", "forbidden"})
HARMLESS = ("pause", "off")
"""Meanings of a number that only stop charging."""
_ZERO = Decimal(0)


def exact(number: Decimal | float) -> Decimal:
    """The number as it is written: 6.1 is 61/10."""
    return number if isinstance(number, Decimal) else Decimal(str(number))


def plain(number: Decimal | None) -> str:
    """For people: 6.000 is 6."""
    return "?" if number is None else f"{number.normalize():f}"


def meaning_of(point: Point, number: Decimal | int) -> str | None:
    """The meaning of a number (in the point's unit) that stands for something else, such as -1 for no limit."""
    return point.values.get(number / point.scale) if point.values else None  # type: ignore[call-overload]  # finds equal ints


def is_special(point: Point, number: Decimal | int) -> bool:
    """Whether the number is no quantity although the point holds one."""
    return _is_quantity(point) and meaning_of(point, number) is not None


def is_stored(point: WritePoint) -> bool:
    """Whether each write wears the device's flash."""
    return point.persistent or not point.cyclic


def check_range(point: WritePoint, value: Value | float) -> None:
    """Raises ValueRefused for a value that the device would not take as it is meant."""
    if isinstance(value, str | bytes | tuple):
        return
    number = exact(value)
    if not number.is_finite():
        raise ValueRefused(f"{point.name}: {number} is not a number")
    if meaning_of(point, number) is not None:
        return
    if point.values and not _is_quantity(point):
        choices = ", ".join(f"{raw} ({meaning})" for raw, meaning in point.values.items())
        raise ValueRefused(f"{point.name}: {number} has no meaning; there are {choices}")
    if not number and point.zero not in _NEVER_ZERO and (point.zero != "not documented" or not point.min):
        return
    if point.min is not None and 0 < number < point.min and point.below_min in HARMLESS:
        return
    if (point.min is not None and number < point.min) or (point.max is not None and number > point.max):
        raise ValueRefused(f"{point.name}: {number} is outside {point.min} to {point.max}")


def sayable(point: WritePoint, amount: Decimal) -> Decimal:
    """The largest quantity that is not above `amount` (in the point's unit) and that the device takes as one.

    0 where even the smallest is above it. Raises ValueRefused for what is no quantity.
    """
    if not amount.is_finite() or amount < 0:
        raise ValueRefused(f"{point.name}: {amount} {point.unit or ''} is no limit")
    said = as_number(point, encode(point, min(amount, _most(point))))
    while said > 0 and is_special(point, said):
        said = as_number(point, encode(point, said - point.scale))
    return _ZERO if point.min is not None and said < point.min else said


def as_number(point: Point, registers: Sequence[int]) -> Decimal:
    """What registers of a write point say."""
    twin = ReadPoint.model_construct(
        **{name: getattr(point, name) for name in Point.model_fields if name not in ("min", "max")}
    )
    number = decode(twin, registers, 0).number
    if number is None:
        raise ValueRefused(f"{point.name}: is not a number")
    return Decimal(number)


def _is_quantity(point: Point) -> bool:
    """Whether it holds amounts, so that its `values` are only those which stand for something else."""
    return point.min is not None or point.max is not None or point.unit is not None


def _most(point: WritePoint) -> Decimal:
    """The largest quantity that its registers hold or that its profile allows."""
    if point.max is not None:
        return point.max
    if point.dtype not in ("u16", "u32", "i16", "i32"):
        return Decimal("Infinity")
    bits = 16 * point.count - (point.dtype[0] == "i")
    return Decimal((1 << bits) - 1) * point.scale
