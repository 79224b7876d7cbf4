"""Laws of the codec: what was decoded is encoded into the same registers, and nothing that is encoded grows."""

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from baywarden_drivers import Quality, ValueRefused, decode, encode, load_profile, profile_names
from baywarden_drivers.profile import ReadPoint

INTEGERS = {
    "u16": 1, "i16": 1, "u32": 2, "i32": 2, "u64": 4, "i64": 4, "bitfield16": 1, "bitfield32": 2,
}  # fmt: skip
SCALABLE = ("u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64")
scales = st.sampled_from(
    [Decimal(text) for text in ("1", "0.1", "0.001", "10", "0.25", "1000", "3600", "0.003")]
)
orders = st.sampled_from(["msw_first", "lsw_first"])
registers = st.integers(0, 0xFFFF)


@st.composite
def numeric_points(draw: st.DrawFn) -> ReadPoint:
    """A point of any numeric type, scale and word order."""
    dtype = draw(st.sampled_from([*INTEGERS, "f32", "f64"]))
    count = INTEGERS.get(dtype) or {"f32": 2, "f64": 4}[dtype]
    scale = draw(scales) if dtype in SCALABLE else Decimal(1)
    return made(dtype, count, scale=scale, word_order=draw(orders))


def made(dtype: str, count: int, **more: Any) -> ReadPoint:
    """A point of that type."""
    named = {"name": "p", "type": "holding", "address": 0, "count": count, "dtype": dtype}
    return ReadPoint.model_validate(named | more)


@given(numeric_points(), st.data())
def test_encoding_what_was_decoded_gives_the_same_registers(point: ReadPoint, data: st.DataObject) -> None:
    raw = data.draw(st.lists(registers, min_size=point.count, max_size=point.count))
    value = decode(point, raw, 0)
    assume(value.good)
    assert value.value is not None
    assert encode(point, value.value) == raw


@given(numeric_points(), st.data())
def test_a_value_is_never_encoded_as_a_larger_one(point: ReadPoint, data: st.DataObject) -> None:
    amps = data.draw(st.decimals(min_value=-1000, max_value=1000, allow_nan=False, places=6))
    try:
        said = decode(point, encode(point, amps), 0).number
    except ValueRefused:
        return
    assert said is not None
    assert said <= amps
    if point.dtype in INTEGERS:
        assert Fraction(amps) - Fraction(said) < Fraction(point.scale)
    else:
        assert math.isclose(float(said), float(amps), rel_tol=1e-6, abs_tol=1e-37)


@given(numeric_points(), st.floats(allow_nan=True, allow_infinity=True))
def test_any_float_is_encoded_or_refused(point: ReadPoint, value: float) -> None:
    try:
        raw = encode(point, value)
    except ValueRefused:
        return
    assert math.isfinite(value)
    assert len(raw) == point.count
    assert all(0 <= register <= 0xFFFF for register in raw)


@given(st.integers(0, 99_999_999), orders)
def test_decimal_digits_in_nibbles_go_there_and_back(number: int, order: str) -> None:
    point = made("bcd", 2, word_order=order)
    assert decode(point, encode(point, number), 0).value == number


TEXTS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=6)


@given(TEXTS, st.sampled_from(["ascii", "ascii_low_byte", "ascii_swapped", "utf16"]))
def test_a_text_goes_there_and_back(text: str, encoding: str) -> None:
    point = made("string", 6, encoding=encoding)
    assert decode(point, encode(point, text), 0).value == text


@given(
    st.lists(registers, min_size=3, max_size=3),
    st.sampled_from(["ascii", "ascii_swapped", "utf16", "ascii_low_byte"]),
)
def test_any_registers_are_a_text_or_said_not_to_be(raw: list[int], encoding: str) -> None:
    point = made("string", 3, encoding=encoding)
    value = decode(point, raw, 0)
    assert value.good == isinstance(value.value, str)


EVERY_POINT = [
    pytest.param(point, id=f"{name}-{point.name}")
    for name in profile_names()
    for point in load_profile(name).read
    if point.nan
]


@pytest.mark.parametrize("point", EVERY_POINT)
def test_the_sentinel_of_a_point_is_not_available(point: ReadPoint) -> None:
    value = decode(point, encode(point, None), 0)
    assert value.quality is Quality.NOT_AVAILABLE
    assert value.value is None


@given(st.data())
def test_every_point_of_every_profile_survives_any_registers(data: st.DataObject) -> None:
    profile = load_profile(data.draw(st.sampled_from(profile_names())))
    point = data.draw(st.sampled_from(profile.read))
    raw = data.draw(st.lists(registers, min_size=point.count, max_size=point.count))
    value = decode(point, raw, 5)
    assert value.read_mono_ms == 5
    assert value.good == (value.value is not None)
    assert value.good or value.reason
