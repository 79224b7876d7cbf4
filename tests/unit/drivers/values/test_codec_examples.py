"""Registers and their values, by examples from manuals and by hand."""

import gc
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from weakref import ref

import pytest

from baywarden_drivers import Quality, ValueRefused, decode, encode
from baywarden_drivers.profile import ReadPoint, WritePoint
from baywarden_drivers.values.codec import decoder


def reading(dtype: str, count: int = 1, **more: Any) -> ReadPoint:
    """A read point of that type."""
    named = {"name": "p", "type": "holding", "address": 0, "count": count, "dtype": dtype}
    return ReadPoint.model_validate(named | more)


@pytest.mark.parametrize(
    ("point", "registers", "value"),
    [
        (reading("u16"), [65535], 65535),
        (reading("i16"), [0xFFFF], -1),
        (reading("u32", 2), [1, 2], 65538),
        (reading("u32", 2, word_order="lsw_first"), [2, 1], 65538),
        (reading("i32", 2, scale=Decimal("0.1")), [0xFFFF, 0xFFF6], Decimal("-1.0")),
        (reading("u64", 4), [0, 0, 1, 0], 65536),
        (reading("i64", 4, word_order="lsw_first"), [0xFFFE, 0xFFFF, 0xFFFF, 0xFFFF], -2),
        (reading("f32", 2), [0x4366, 0x3333], Decimal("230.1999969482421875")),
        (reading("f32", 2, word_order="lsw_first"), [0x0000, 0x3F80], 1),
        (reading("f64", 4), [0x3FF0, 0, 0, 0], 1),
        (reading("bcd", 2), [0x1234, 0x5678], 12345678),
        (reading("bool"), [2], 1),
        (reading("bitfield32", 2), [0x8000, 1], 0x80000001),
        (reading("bytes", 2), [0x0102, 0x0304], b"\x01\x02\x03\x04"),
        (reading("u16", 3), [5, 22, 1], (5, 22, 1)),
        (reading("u16", mask=0xF0, shift=4), [0xABCD], 0xC),
        (reading("string", 2), [0x4332, 0x0000], "C2"),
        (reading("string", 2, encoding="ascii_low_byte"), [0x0043, 0x0032], "C2"),
        (reading("string", 1, encoding="ascii_swapped"), [0x3243], "C2"),
        (reading("string", 2, encoding="utf16"), [0x00E9, 0x0031], "\u00e91"),
        (reading("string", 3), [0x4120, 0x2020, 0xFFFF], "A"),
    ],
)
def test_registers_mean_a_value_and_the_value_the_registers(
    point: ReadPoint, registers: list[int], value: object
) -> None:
    decoded = decode(point, registers, 42)
    assert decoded.quality is Quality.GOOD
    assert decoded.value == value
    assert decoded.read_mono_ms == 42


@pytest.mark.parametrize(
    ("point", "registers", "quality"),
    [
        (reading("u16", nan=("0xFFFF",)), [0xFFFF], Quality.NOT_AVAILABLE),
        (reading("i32", 2, nan=("-1",)), [0xFFFF, 0xFFFF], Quality.NOT_AVAILABLE),
        (
            reading("i32", 2, nan=("0x7FFFFFFF",), word_order="lsw_first"),
            [0xFFFF, 0x7FFF],
            Quality.NOT_AVAILABLE,
        ),
        (reading("f32", 2, nan=("NaN",)), [0x7FC0, 0], Quality.NOT_AVAILABLE),
        (reading("f32", 2), [0x7FC0, 1], Quality.INVALID),
        (reading("f32", 2, nan=("NaN",)), [0x7F80, 0], Quality.INVALID),
        (reading("f32", 2, nan=("NaN",)), [0xFF80, 0], Quality.INVALID),
        (reading("i32", 2, overflow_high_word=0x7FFF, word_order="lsw_first"), [5, 0x7FFF], Quality.INVALID),
        (reading("bcd"), [0x12A4], Quality.INVALID),
        (reading("bcd", nan=("0x9999",)), [0x9999], Quality.NOT_AVAILABLE),
        (reading("u16", 3, nan=("0x8000",)), [1, 2, 0x8000], Quality.NOT_AVAILABLE),
        (reading("string", 1), [0xC3FF], Quality.INVALID),
        (reading("string", 2), [0xFFFF, 0xFFFF], Quality.NOT_AVAILABLE),
        (reading("u16", max=Decimal(400)), [401], Quality.INVALID),
        (reading("u32", 2), [1], Quality.INVALID),
    ],
)
def test_what_is_no_value_has_no_value_and_a_reason(
    point: ReadPoint, registers: Sequence[int], quality: Quality
) -> None:
    decoded = decode(point, registers, 0)
    assert decoded.quality is quality
    assert decoded.value is None
    assert decoded.reason


def writing(dtype: str = "u16", count: int = 1, **more: Any) -> WritePoint:
    """A write point of that type."""
    named = {"name": "limit", "type": "holding", "address": 0, "count": count, "dtype": dtype}
    return WritePoint.model_validate(named | more)


@pytest.mark.parametrize(
    ("point", "value", "registers"),
    [
        (writing(), 7.99, [7]),
        (writing(scale=Decimal("0.1")), 6.1, [61]),
        (writing(scale=Decimal("0.1")), Decimal("6.19"), [61]),
        (writing(scale=Decimal("0.001")), 16, [16000]),
        (writing("i16"), -1.5, [0xFFFE]),
        (writing("bcd"), 12.9, [0x12]),
        (writing("f32", 2), Decimal("6.1"), [0x40C3, 0x3333]),
        (writing("f32", 2), 16, [0x4180, 0]),
        (writing("f32", 2, word_order="lsw_first"), 16, [0, 0x4180]),
    ],
)
def test_a_limit_is_rounded_down(point: WritePoint, value: Decimal | float, registers: list[int]) -> None:
    assert encode(point, value) == registers


@pytest.mark.parametrize(
    ("point", "value"),
    [
        (writing(), 65536),
        (writing(), -1),
        (writing("i16"), 40000),
        (writing("f32", 2), Decimal("1e39")),
        (writing("f32", 2, scale=Decimal("0.1")), 1.7e308),
        (writing(), float("nan")),
        (writing(), float("inf")),
        (writing(), "7"),
        (writing("string", 1), "long"),
        (writing("string", 4), "\u00e9"),
        (writing("string", 4), 7),
        (writing("bytes", 2), b"1"),
        (writing("u16", 2), (1, 2, 3)),
        (writing("bcd"), 10_000),
        (writing(), None),
    ],
)
def test_what_the_registers_cannot_hold_is_refused(point: WritePoint, value: Any) -> None:
    with pytest.raises(ValueRefused):
        encode(point, value)


def test_devices_of_one_profile_share_the_decoder_of_a_point() -> None:
    point = reading("i32", 2)
    assert decoder(point) is decoder(point)
    assert decoder(reading("i32", 2)) is not decoder(point)


@pytest.mark.parametrize(
    ("dtype", "count"),
    [("u16", 1), ("u16", 2), ("i32", 2), ("f32", 2), ("bcd", 1), ("bool", 1), ("string", 2), ("bytes", 2)],
)
def test_a_decoder_lets_its_point_go(dtype: str, count: int) -> None:
    point = reading(dtype, count)
    kept, gone = decoder(point), ref(point)
    del point
    gc.collect()
    assert gone() is None
    assert kept([0] * count, 1).read_mono_ms == 1
