"""Whatever a point of any device says, a reader of its registers finds it, and nothing where there is nothing."""

from decimal import Decimal
from functools import lru_cache

from hypothesis import given, settings
from hypothesis import strategies as st

from baywarden_drivers.profile import ReadPoint, profile_names
from baywarden_drivers.simulator.bank import Slot, factor_of
from baywarden_drivers.simulator.made_up import capacity
from baywarden_drivers.values.value import PointValue, Quality
from support.simulated import Bench

TEXTS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1)


@lru_cache(maxsize=100)
def bench_of(name: str) -> Bench:
    return Bench(name)


@lru_cache(maxsize=100)
def slots_of(name: str) -> tuple[Slot, ...]:
    """Numbers and texts; what decides the scale of others is left alone."""
    bench = bench_of(name)
    banks = bench.device.banks.values()
    # Of two names for the same registers the first one speaks.
    slots = [
        slot
        for bank in banks
        for slot in {(one.point.type, one.address): one for one in reversed(bank.slots)}.values()
    ]
    factors = {factor for slot in slots for factor in (slot.point.scale_point, *slot.point.multiply_by)}
    return tuple(
        slot
        for slot in slots
        if slot.point.name not in factors
        and slot.point.dtype not in ("bytes", "bool")
        and not is_list(slot.point)
    )


def is_list(point: ReadPoint) -> bool:
    return point.dtype in ("u16", "i16") and point.count > 1


def bounds(slot: Slot) -> tuple[Decimal, Decimal]:
    """The smallest and largest value that the registers can say and the profile believes."""
    point, factor = slot.point, Decimal(str(factor_of(slot)))
    signed = point.dtype in ("i16", "i32", "i64")
    bits = 16 * point.count - (1 if signed else 0)
    raw = 10 ** (4 * point.count) - 1 if point.dtype == "bcd" else (1 << bits) - 1
    if point.mask is not None:
        raw = point.mask >> point.shift
    if point.dtype in ("f32", "f64"):
        raw = 10**9
    step = point.scale * factor
    low = -step * raw if signed or point.dtype in ("f32", "f64") else Decimal(0)
    return (
        max(low, low if point.min is None else point.min * factor),
        min(step * raw, step * raw if point.max is None else point.max * factor),
    )


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(profile_names()), st.data())
def test_a_number_or_text_comes_back_as_it_was(name: str, data: st.DataObject) -> None:
    slot = data.draw(st.sampled_from(slots_of(name)), label="point")
    point = slot.point
    if point.dtype == "string":
        text = data.draw(TEXTS)[: capacity(point)]
        told = said(name, slot, text)
        assert told.value == text.removeprefix(point.prefix)
        return
    low, high = bounds(slot)
    value = data.draw(st.decimals(low, high, allow_nan=False, allow_infinity=False, places=3), label="value")
    told = said(name, slot, value)
    factor = Decimal(str(factor_of(slot)))
    if not told.good:
        assert is_at_an_edge(point, told), f"{point.name}: {value} reads as {told}"
        return
    exact, step = value, point.scale * factor
    if point.dtype in ("f32", "f64"):
        step = abs(exact) / 2**22 + Decimal("1e-20")
    assert 0 <= exact - Decimal(told.number or 0) * factor <= step, f"{point.name}: {told} for {value}"


def is_at_an_edge(point: ReadPoint, told: PointValue) -> bool:
    """A raw value that means "not available", or one that rounding down puts below the range."""
    return (
        bool(point.nan)
        if told.quality is Quality.NOT_AVAILABLE
        else point.min is not None or bool(point.overflow_high_word)
    )


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(profile_names()), st.data())
def test_a_point_that_has_no_value_says_so_where_it_can(name: str, data: st.DataObject) -> None:
    slot = data.draw(st.sampled_from(slots_of(name)), label="point")
    told = said(name, slot, None)
    if slot.point.nan:
        assert told.quality is Quality.NOT_AVAILABLE
    else:
        assert told.value in (0, "") or told.quality is Quality.INVALID


def said(name: str, slot: Slot, value: str | Decimal | None) -> PointValue:
    """What a reader finds where the point says `value`."""
    bench = bench_of(name)
    bench.simulation.say("it", slot.point.name, value)
    try:
        return bench.read(slot.point.name)
    finally:
        bench.simulation.clear("it")
