"""Values that are made of several points."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from baywarden_drivers.profile.points import Derived, ReadPoint
from baywarden_drivers.values.value import PointValue, Quality

Number = int | Decimal
Values = Mapping[str, PointValue]

_LARGEST_EXPONENT = 10
"""SunSpec's scale factors lie between -10 and 10."""
_GLITCH_MS = 120_000
"""A counter that is back at its old value in one step and so soon was never started anew."""
_JITTER = Decimal("0.9")
"""A counter that falls by less than a tenth has not been started anew."""


def multiplied(point: ReadPoint, values: Values) -> PointValue:
    """The value times its scale register and ratios; without one of them it is missing."""
    own = values[point.name]
    number = own.number
    if number is None or (point.scale_point is None and not point.multiply_by):
        return own
    product = Decimal(number)
    for name in (point.scale_point, *point.multiply_by):
        if name is None:
            continue
        factor = _number(values, name)
        if factor is None:
            return PointValue(None, Quality.MISSING, own.read_mono_ms, f"{name} is not known")
        if name != point.scale_point:
            product *= factor
        elif not -_LARGEST_EXPONENT <= factor <= _LARGEST_EXPONENT:
            return PointValue(
                None, Quality.INVALID, own.read_mono_ms, f"{name} = {factor} is no power of ten"
            )
        else:
            product = product.scaleb(int(factor))
    return PointValue(product, Quality.GOOD, own.read_mono_ms)


def only_when(value: PointValue, holds: bool | None) -> PointValue:
    """The value while its conditions hold; otherwise the device has none, or it is not known whether."""
    if holds or value.value is None:
        return value
    if holds is None:
        return PointValue(None, Quality.MISSING, value.read_mono_ms, "not known whether it counts now")
    return PointValue(None, Quality.NOT_AVAILABLE, value.read_mono_ms, "does not count now")


def derived_by(derived: Derived) -> Callable[[Values], PointValue]:
    """A function that makes the value from those of a poll; it may remember what it saw before."""
    if derived.accumulates is not None:
        return Accumulator(derived.accumulates).added_up
    if derived.product_of:
        return lambda values: _made(derived.product_of, values, _product)
    taken_off = len(derived.minus)
    return lambda values: _made((*derived.sum_of, *derived.minus), values, lambda all_: _sum(all_, taken_off))


def makers(derived: Iterable[Derived]) -> list[tuple[str, Callable[[Values], PointValue]]]:
    """Every name with what makes its value: the first of its derived points that has one."""
    by_name: dict[str, list[Callable[[Values], PointValue]]] = {}
    for one in derived:
        by_name.setdefault(one.name, []).append(derived_by(one))
    return [(name, ways[0] if len(ways) == 1 else _first_good(ways)) for name, ways in by_name.items()]


def _first_good(ways: Sequence[Callable[[Values], PointValue]]) -> Callable[[Values], PointValue]:
    """The first good value; once one was good, never one from further down: counters would jump."""
    last = len(ways)

    def make(values: Values) -> PointValue:
        nonlocal last
        made = [way(values) for way in ways]
        best = next((place for place, one in enumerate(made[:last]) if one.good), None)
        if best is None:
            return made[0 if last == len(ways) else last - 1]
        last = best + 1
        return made[best]

    return make


def _made(names: tuple[str, ...], values: Values, combine: Callable[[list[Number]], Number]) -> PointValue:
    """The combination, as old as its oldest part; without one part there is none."""
    parts = [values.get(name) for name in names]
    oldest = min((part.read_mono_ms for part in parts if part is not None), default=0)
    numbers: list[Number] = []
    for name, part in zip(names, parts, strict=True):
        number = None if part is None else part.number
        if number is None:
            return _without(name, part, oldest)
        numbers.append(number)
    return PointValue(combine(numbers), Quality.GOOD, oldest)


def _without(name: str, part: PointValue | None, at_ms: int) -> PointValue:
    """What is derived where one part is not known."""
    if part is None:
        return PointValue(None, Quality.MISSING, at_ms, f"{name} is not read here")
    return PointValue(None, part.quality, at_ms, f"{name}: {part.reason}")


def _product(numbers: list[Number]) -> Number:
    product: Number = 1
    for number in numbers:
        product *= number
    return product


def _sum(numbers: list[Number], taken_off: int) -> Number:
    """The sum of all but the last `taken_off`, less those."""
    total: Number = 0
    for place, number in enumerate(numbers, 1):
        total += number if place <= len(numbers) - taken_off else -number
    return total


def _number(values: Values, name: str) -> Number | None:
    found = values.get(name)
    return None if found is None else found.number


class Accumulator:
    """Adds up the rises of a counter that starts anew with each session; 0 at its first reading."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._last: Number | None = None
        self._total: Number = 0
        self._fall: _Fall | None = None

    def added_up(self, values: Values) -> PointValue:
        """The sum so far, as old as the reading; nothing while the counter cannot be read."""
        part = values.get(self._name)
        number = None if part is None else part.number
        if part is None or number is None:
            return _without(self._name, part, 0 if part is None else part.read_mono_ms)
        self._take(number, part.read_mono_ms)
        return PointValue(self._total, Quality.GOOD, part.read_mono_ms)

    def _take(self, number: Number, at_ms: int) -> None:
        last = number if self._last is None else self._last
        if _JITTER * last < number < last:
            return
        if number < last:
            self._fall = _Fall(last, self._total, number, at_ms)
            self._total += number
        elif self._fall is not None and self._fall.was_none(last, number, at_ms):
            self._total = max(self._total, self._fall.total + number - self._fall.before)
        else:
            self._total += number - last
        self._last = number


@dataclass(frozen=True, slots=True)
class _Fall:
    """A counter that fell from `before`, with the total of that moment, to `after`."""

    before: Number
    total: Number
    after: Number
    at_ms: int

    def was_none(self, last: Number, number: Number, at_ms: int) -> bool:
        """Whether it went on where it was: some devices show 0 for a moment between two states."""
        return last == self.after and number >= self.before and at_ms - self.at_ms <= _GLITCH_MS
