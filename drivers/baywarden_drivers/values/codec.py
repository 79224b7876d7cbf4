"""Registers to values and back, exactly: `encode` turns what `decode` said into the same registers."""

import struct
from collections.abc import Callable, Sequence
from decimal import Context, Decimal
from typing import Final
from weakref import ref

from baywarden_drivers.mono import mono_ms
from baywarden_drivers.profile.points import ReadPoint
from baywarden_drivers.values.encoding import bytes_swapped, encode
from baywarden_drivers.values.text import text_of
from baywarden_drivers.values.value import PointValue, Quality, Value

__all__ = ["Decoder", "PointValue", "Quality", "Value", "decode", "decoder", "encode"]

Decoder = Callable[[Sequence[int], int], PointValue]
"""Takes the registers (or bits) of the point and the time of the answer."""

_Interpreted = tuple[Value | None, Quality, str]
_Interpret = Callable[[Sequence[int]], _Interpreted]
_EXACT = Context(prec=800)  # the smallest 64-bit float has 767 digits
_SIGNED = frozenset({"i16", "i32", "i64"})
_ONE = Decimal(1)
_KNOWN: Final[dict[int, tuple["ref[ReadPoint]", Decoder]]] = {}
"""By the identity of the point, for a point has no hash; gone with it."""


def decode(point: ReadPoint, registers: Sequence[int], read_mono_ms: int | None = None) -> PointValue:
    """The value in `registers`, which are exactly those of the point, lowest address first."""
    return decoder(point)(registers, mono_ms() if read_mono_ms is None else read_mono_ms)


def decoder(point: ReadPoint) -> Decoder:
    """`decode` with everything about the point worked out beforehand: made once for all devices of a profile.

    A site has hundreds of devices of two or three kinds, and decoders of its own for each would be most of what
    a device takes in memory.
    """
    key = id(point)
    known = _KNOWN.get(key)
    if known is not None and known[0]() is point:
        return known[1]
    made = _made(point)
    _KNOWN[key] = ref(point, lambda _: _KNOWN.pop(key, None)), made
    return made


def _made(point: ReadPoint) -> Decoder:
    """No part of it holds the point itself, which could never be forgotten then."""
    interpret = _swapping(_interpreter(point)) if point.low_byte_first else _interpreter(point)
    count = point.count

    def run(registers: Sequence[int], read_mono_ms: int) -> PointValue:
        if len(registers) != count:
            reason = f"{len(registers)} registers instead of {count}"
            return PointValue(None, Quality.INVALID, read_mono_ms, reason)
        value, quality, reason = interpret(registers)
        return PointValue(value, quality, read_mono_ms, reason)

    return run


def _interpreter(point: ReadPoint) -> _Interpret:
    if point.dtype == "string":
        encoding, prefix = point.encoding, point.prefix
        return lambda registers: _text(registers, encoding, prefix)
    if point.dtype == "bytes":
        return lambda registers: (struct.pack(f">{len(registers)}H", *registers), Quality.GOOD, "")
    if point.dtype == "bool":
        return _bits if point.count > 1 else lambda registers: (int(bool(registers[0])), Quality.GOOD, "")
    if point.dtype in ("f32", "f64"):
        return _float(point)
    if point.dtype == "bcd":
        return _bcd(point)
    return _array(point) if point.dtype in ("u16", "i16") and point.count > 1 else _whole(point)


def _swapping(interpret: _Interpret) -> _Interpret:
    return lambda registers: interpret(bytes_swapped(registers))


def _text(registers: Sequence[int], encoding: str, prefix: str) -> _Interpreted:
    if all(register == 0xFFFF for register in registers):
        return None, Quality.NOT_AVAILABLE, "filled with 0xFFFF"
    try:
        return text_of(registers, encoding).removeprefix(prefix), Quality.GOOD, ""
    except UnicodeDecodeError:
        return None, Quality.INVALID, f"not {encoding} text: {' '.join(f'{one:04x}' for one in registers)}"


def _bits(registers: Sequence[int]) -> _Interpreted:
    return tuple(int(bool(bit)) for bit in registers), Quality.GOOD, ""


def _join(registers: Sequence[int], lsw_first: bool) -> int:
    raw = 0
    for register in reversed(registers) if lsw_first else registers:
        raw = raw << 16 | register
    return raw


def _sentinels(point: ReadPoint, bits: int) -> frozenset[int]:
    all_ones = (1 << bits) - 1
    return frozenset(int(text, 0) & all_ones for text in point.nan if text != "NaN")


def _float(point: ReadPoint) -> _Interpret:
    lsw_first = point.word_order == "lsw_first"
    size, layout = (4, ">f") if point.dtype == "f32" else (8, ">d")
    sentinels = _sentinels(point, size * 8)
    nan_is_usual = "NaN" in point.nan
    finish = _finisher(point)

    def interpret(registers: Sequence[int]) -> _Interpreted:
        raw = _join(registers, lsw_first)
        if raw in sentinels:
            return None, Quality.NOT_AVAILABLE, "the device has no value"
        number = struct.unpack(layout, raw.to_bytes(size, "big"))[0]
        if number != number:  # noqa: PLR0124 (only NaN differs from itself)
            if nan_is_usual:
                return None, Quality.NOT_AVAILABLE, "the device has no value"
            return None, Quality.INVALID, "NaN"
        if number in (float("inf"), float("-inf")):
            return None, Quality.INVALID, "infinite"
        return finish(Decimal(number))

    return interpret


def _whole(point: ReadPoint) -> _Interpret:
    lsw_first = point.word_order == "lsw_first"
    bits = 16 * point.count
    sentinels = _sentinels(point, bits)
    overflow, top = point.overflow_high_word, bits - 16
    sign = 1 << (bits - 1) if point.dtype in _SIGNED else 0
    mask, shift = point.mask, point.shift
    finish = _finisher(point)

    def interpret(registers: Sequence[int]) -> _Interpreted:
        raw = registers[0] if bits == 16 else _join(registers, lsw_first)
        if raw in sentinels:
            return None, Quality.NOT_AVAILABLE, "the device has no value"
        if overflow is not None and raw >> top == overflow:
            return None, Quality.INVALID, "too large for the device to show"
        if mask is not None:
            raw &= mask
        elif raw & sign:
            raw -= sign << 1
        return finish(raw >> shift)

    return interpret


def _array(point: ReadPoint) -> _Interpret:
    sentinels = _sentinels(point, 16)
    signed = point.dtype == "i16"
    scale = point.scale

    def interpret(registers: Sequence[int]) -> _Interpreted:
        if sentinels and not sentinels.isdisjoint(registers):
            return None, Quality.NOT_AVAILABLE, "the device has no value"
        whole = [one - 0x10000 if signed and one & 0x8000 else one for one in registers]
        if scale == _ONE:
            return tuple(whole), Quality.GOOD, ""
        return tuple(_EXACT.multiply(Decimal(one), scale) for one in whole), Quality.GOOD, ""

    return interpret


def _bcd(point: ReadPoint) -> _Interpret:
    lsw_first = point.word_order == "lsw_first"
    sentinels = _sentinels(point, 16 * point.count)
    finish = _finisher(point)

    def interpret(registers: Sequence[int]) -> _Interpreted:
        raw = _join(registers, lsw_first)
        if raw in sentinels:
            return None, Quality.NOT_AVAILABLE, "the device has no value"
        digits = f"{raw:x}"
        if not digits.isdecimal():
            return None, Quality.INVALID, f"0x{digits} is not made of decimal digits"
        return finish(int(digits))

    return interpret


def _finisher(point: ReadPoint) -> Callable[[int | Decimal], _Interpreted]:
    """Scale a number and judge its range."""
    scale = None if point.scale == _ONE else point.scale
    low, high = point.min, point.max

    def finish(number: int | Decimal) -> _Interpreted:
        if scale is not None:
            number = _EXACT.multiply(Decimal(number), scale)
        if (low is not None and number < low) or (high is not None and number > high):
            return None, Quality.INVALID, f"{number} is outside {low} to {high}"
        return number, Quality.GOOD, ""

    return finish
