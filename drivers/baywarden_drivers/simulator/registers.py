"""The registers that say a truth, also one that is too large for them."""

from decimal import Decimal

from baywarden_drivers.errors import ValueRefused
from baywarden_drivers.profile.points import ReadPoint
from baywarden_drivers.simulator.truth import Truth
from baywarden_drivers.values.encoding import encode

COUNTING_UNITS = frozenset({"Wh", "varh", "s", None})


def registers_of(point: ReadPoint, truth: Truth, factor: float = 1.0) -> list[int]:
    """What stands there. A counter too large starts anew, as real ones do; other values stop at the end.

    `factor`: what a reader multiplies the register by besides its scale.
    """
    if factor != 1.0 and isinstance(truth, int | float | Decimal):
        truth = Decimal(str(truth)) / Decimal(str(factor))
    try:
        return encode(point, truth)
    except ValueRefused:
        if truth is None:
            return encode(point, 0) if point.dtype != "string" else encode(point, "")
        if not isinstance(truth, int | float | Decimal):
            raise
        return encode(point, _within(point, Decimal(str(truth))))


def _within(point: ReadPoint, number: Decimal) -> Decimal:
    bits = 16 * point.count
    signed = point.dtype in ("i16", "i32", "i64")
    most = 10 ** (4 * point.count) if point.dtype == "bcd" else 1 << (bits - 1 if signed else bits)
    step = Decimal(point.scale)
    if point.unit in COUNTING_UNITS and number >= 0:
        return number % (step * (most if point.dtype == "bcd" else 1 << (bits - 1)))
    if number < 0 and not signed:
        return Decimal(0)
    return step * (most - 1) if number > 0 else -step * (most - 1)
