"""Values to registers. A number between two raw values is always rounded down, so a limit never grows."""

import struct
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import TypeVar

from baywarden_drivers.errors import ValueRefused
from baywarden_drivers.profile.points import Point, ReadPoint, WritePoint
from baywarden_drivers.values.text import registers_of
from baywarden_drivers.values.value import Value

_NAN = {"f32": 0x7FC0_0000, "f64": 0x7FF8_0000_0000_0000}


def encode(point: Point, value: Value | float | None) -> list[int]:
    """The registers (or bits) that say `value`, in the point's unit; None is the point's "not available".

    Raises ValueRefused for a value that the registers cannot hold.
    """
    registers = _in_order(point, value)
    return bytes_swapped(registers) if point.low_byte_first else registers


def bytes_swapped(registers: Sequence[int]) -> list[int]:
    """The same registers with the two bytes of each the other way round."""
    return [register >> 8 | (register & 0xFF) << 8 for register in registers]


def _in_order(point: Point, value: Value | float | None) -> list[int]:
    if value is None:
        return _split(point, _sentinel(point))
    if point.dtype == "string":
        return registers_of(_with_prefix(point, _typed(point, value, str)), point.encoding, point.count)
    if point.dtype == "bytes":
        return _packed(point, _typed(point, value, bytes))
    if point.dtype in ("u16", "i16", "bool") and point.count > 1:
        return _array(point, _typed(point, value, tuple))
    if isinstance(value, str | bytes | tuple):
        raise ValueRefused(f"{point.name}: {value!r} is not a number")
    if point.dtype == "bool":
        return [1 if value else 0]
    return _split(point, _raw(point, value))


_Kind = TypeVar("_Kind")


def _typed(point: Point, value: object, kind: type[_Kind]) -> _Kind:
    if not isinstance(value, kind):
        raise ValueRefused(f"{point.name}: {value!r} is not of type {kind.__name__}")
    return value


def _with_prefix(point: Point, text: str) -> str:
    return point.prefix + text if isinstance(point, ReadPoint) and text else text


def _sentinel(point: Point) -> int:
    nan = point.nan if isinstance(point, ReadPoint) else ()
    if not nan:
        raise ValueRefused(f"{point.name}: has no value that means not available")
    if nan[0] == "NaN":
        return _NAN[point.dtype]
    return int(nan[0], 0) & ((1 << 16 * point.count) - 1)


def _packed(point: Point, data: bytes) -> list[int]:
    if len(data) != 2 * point.count:
        raise ValueRefused(f"{point.name}: {len(data)} bytes instead of {2 * point.count}")
    return list(struct.unpack(f">{point.count}H", data))


def _array(point: Point, values: Sequence[int | Decimal]) -> list[int]:
    if len(values) != point.count:
        raise ValueRefused(f"{point.name}: {len(values)} values instead of {point.count}")
    if point.dtype == "bool":
        return [1 if one else 0 for one in values]
    return [_integer(point, _exact(point, one) / Fraction(point.scale), 16) for one in values]


def _exact(point: Point, value: int | float | Decimal) -> Fraction:
    """The number as it is written: 6.1 is 61/10, not the nearest binary fraction."""
    try:
        return Fraction(str(value) if isinstance(value, float) else value)
    except (ValueError, OverflowError) as error:
        raise ValueRefused(f"{point.name}: {value} is not a finite number") from error


def _raw(point: Point, value: int | float | Decimal) -> int:
    number = _in_steps(point, _exact(point, value)) / Fraction(point.scale)
    if point.dtype in ("f32", "f64"):
        is_minus_zero = not number and str(value).startswith("-")
        return _float_bits(point, number, is_minus_zero)
    if point.dtype == "bcd":
        return _bcd(point, floor(number))
    if isinstance(point, ReadPoint) and (point.shift or point.mask is not None):
        number = Fraction(floor(number) << point.shift)
    return _integer(point, number, 16 * point.count)


def _in_steps(point: Point, number: Fraction) -> Fraction:
    """Rounded down to a multiple of the steps that the device takes."""
    if not isinstance(point, WritePoint) or point.step is None:
        return number
    step = Fraction(point.step)
    return floor(number / step) * step


def _integer(point: Point, number: Fraction, bits: int) -> int:
    raw = floor(number)
    signed = point.dtype in ("i16", "i32", "i64")
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if not low <= raw <= high:
        raise ValueRefused(f"{point.name}: {raw} does not fit into {point.dtype} ({low} to {high})")
    return raw & ((1 << bits) - 1)


def _bcd(point: Point, number: int) -> int:
    if number < 0 or len(str(number)) > 4 * point.count:
        raise ValueRefused(f"{point.name}: {number} does not fit into {4 * point.count} decimal digits")
    return int(str(number), 16)


def _float_bits(point: Point, number: Fraction, is_minus_zero: bool) -> int:
    layout, whole = (">f", ">I") if point.dtype == "f32" else (">d", ">Q")
    try:
        packed = struct.pack(layout, -0.0 if is_minus_zero else float(number))
    except OverflowError as error:
        raise ValueRefused(f"{point.name}: the value does not fit into {point.dtype}") from error
    bits: int = struct.unpack(whole, packed)[0]
    if Fraction(struct.unpack(layout, packed)[0]) <= number:
        return bits
    return _next_below(bits, 1 << (31 if point.dtype == "f32" else 63))


def _next_below(bits: int, sign: int) -> int:
    """The next smaller float, as bits."""
    if bits & sign:
        return bits + 1
    return bits - 1 if bits else sign | 1


def _split(point: Point, raw: int) -> list[int]:
    registers = [raw >> 16 * place & 0xFFFF for place in range(point.count)]
    if point.word_order != "lsw_first":
        registers.reverse()
    return registers
