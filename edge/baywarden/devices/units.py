"""From the drivers' values to the model's whole units. Unknown stays None."""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from baywarden_drivers import PointValue

MILLI: Final = Decimal(1000)


def whole(values: Mapping[str, PointValue], name: str, scale: Decimal = Decimal(1)) -> int | None:
    """The number of a point times `scale`, rounded to the nearest whole; None when there is no good one."""
    point = values.get(name)
    number = None if point is None else point.number
    if number is None:
        return None
    return int((Decimal(number) * scale).to_integral_value(rounding=ROUND_HALF_EVEN))


def first_whole(
    values: Mapping[str, PointValue], names: tuple[str, ...], scale: Decimal = Decimal(1)
) -> int | None:
    """The first of the points that has a good number."""
    for name in names:
        number = whole(values, name, scale)
        if number is not None:
            return number
    return None


def phases_ma(values: Mapping[str, PointValue]) -> tuple[int | None, int | None, int | None]:
    """The currents of L1, L2 and L3 in mA."""
    return (
        whole(values, "current_l1", MILLI),
        whole(values, "current_l2", MILLI),
        whole(values, "current_l3", MILLI),
    )


def text(values: Mapping[str, PointValue], name: str) -> str | None:
    """The text of a point; numbers (a card's UID) in hexadecimal; None when there is none or it is empty."""
    point = values.get(name)
    if point is None or point.value is None:
        return None
    value = point.value
    if isinstance(value, int):
        return f"{value:08X}" if value else None
    return str(value).strip("\0 ") or None
