"""Values that can be trusted: what a device says is held against what can be and against what it said before."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache

from baywarden_drivers.profile.points import ReadPoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.values.counter import Counter
from baywarden_drivers.values.plausible import PHASES, Range, hardware_w, range_of
from baywarden_drivers.values.stillness import Stillness
from baywarden_drivers.values.value import PointValue, Quality, Value

Number = int | Decimal
_Judge = Callable[[Number, int], tuple[str, Quality] | None]

_COUNTERS = ("energy_total", "energy_export")
_NEWS_MS = 900_000
"""A counter that starts anew is told of for so long."""
_JUMP = Decimal("0.3")
_LIVE_V = Decimal(50)
"""Below this a phase is dead, and may come alive at once."""
_LOOKS = 3
_TOGETHER_MS = 2000
_DISPUTE_MS = 30_000
_DISPUTE_LOOKS = 5
_HIGH_V = 300
_SURPLUS = Decimal("1.25")
_SURPLUS_W = 500


class Watch:
    """Judges the values of one device poll by poll; made once per device and kept for its life.

    Call `judge` with all values at the end of every poll, also of values that were not read anew: what has the
    time of an earlier look is not judged twice.
    """

    def __init__(self, profile: Profile) -> None:
        self._looks = [look for point in profile.read if (look := _look_of(profile, point)) is not None]
        known = {point.name for point in profile.read}
        made = {derived.name for derived in profile.derive if derived.name in _COUNTERS} - known
        self._looks += [_counter_look(profile, name, Decimal(1)) for name in sorted(made)]
        self._stillness = Stillness(profile)
        self._dispute = _Dispute(profile) if "power" in known else None
        self._news: list[tuple[int, str]] = []

    def judge(
        self, values: Mapping[str, PointValue], now_ms: int
    ) -> tuple[Mapping[str, PointValue], list[str]]:
        """The values as far as they may be believed, and a sentence on each that may not.

        One that is not believed has no value, its quality and a reason. `now_ms` is CLOCK_BOOTTIME.
        """
        doubted: dict[str, PointValue] = {}
        for look in self._looks:
            point = values.get(look.name)
            if point is not None and (verdict := look.judge(point)) is not None:
                doubted[look.name] = PointValue(None, verdict[1], point.read_mono_ms, verdict[0])
            if look.counter is not None and look.counter.news is not None:
                self._news.append((now_ms, f"{look.name} {look.counter.news}"))
                look.counter.news = None
        sentences = [f"{name}: {point.reason}" for name, point in doubted.items()]
        self._dispute_power(values, doubted, sentences)
        self._mind_stillness(values, doubted, sentences)
        if self._news:
            self._news = [(at_ms, text) for at_ms, text in self._news if now_ms - at_ms < _NEWS_MS]
            sentences += [text for _, text in self._news]
        return ({**values, **doubted} if doubted else values), sentences

    def _dispute_power(
        self, values: Mapping[str, PointValue], doubted: dict[str, PointValue], sentences: list[str]
    ) -> None:
        if self._dispute is None or "power" in doubted:
            return
        fault = self._dispute.look(values)
        if fault is not None:
            sentences.append(f"power: {fault}")
            doubted["power"] = PointValue(None, Quality.SUSPECT, values["power"].read_mono_ms, fault)

    def _mind_stillness(
        self, values: Mapping[str, PointValue], doubted: dict[str, PointValue], sentences: list[str]
    ) -> None:
        fault = self._stillness.look(values)
        if fault is None:
            return
        sentences.append(fault)
        for name in self._stillness.names:
            point = values[name]
            if point.value is not None:
                doubted[name] = PointValue(None, Quality.FROZEN, point.read_mono_ms, fault)


class _Look:
    """All judges of one point, and the verdict on its last reading."""

    __slots__ = ("_at_ms", "_believed", "_judges", "_verdict", "counter", "name")

    def __init__(self, name: str, *judges: _Judge, counter: Counter | None = None) -> None:
        self.name = name
        self.counter = counter
        self._judges = judges
        self._at_ms = -1
        self._believed: Value | None = None
        self._verdict: tuple[str, Quality] | None = None

    def judge(self, point: PointValue) -> tuple[str, Quality] | None:
        """The reason not to believe it, and its quality then.

        To no judge it is news when a number that he believed last is read again: it is let pass without asking.
        """
        at_ms, number = point.read_mono_ms, point.value
        if number is not None and number is self._believed:
            self._at_ms = at_ms
            return None
        if at_ms == self._at_ms:
            return self._verdict
        self._at_ms, self._verdict, self._believed = at_ms, None, None
        if isinstance(number, int | Decimal):
            for judge in self._judges:
                verdict = judge(number, at_ms)
                if verdict is not None:
                    self._verdict = verdict
                    return verdict
            self._believed = number
        return None


def _look_of(profile: Profile, point: ReadPoint) -> _Look | None:
    judges: list[_Judge] = []
    span = range_of(profile, point)
    if span is not None:
        judges.append(_ranging(span))
    if point.name in _COUNTERS and point.unit == "Wh":
        return _counter_look(profile, point.name, point.scale)
    if point.unit == "V" and point.name.startswith("voltage_l"):
        judges.append(_Jump().judge)
    return _Look(point.name, *judges) if judges else None


def _counter_look(profile: Profile, name: str, step_wh: Decimal) -> _Look:
    """What is sent back may be 0 for ever, and what is added up here begins at 0."""
    is_ours = any(one.name == name and one.accumulates for one in profile.derive)
    waits = name == "energy_total" and not is_ours
    counter = Counter(hardware_w(profile), step_wh, waits_at_zero=waits)
    return _Look(name, _counting(counter), counter=counter)


@lru_cache(maxsize=256)
def _ranging(span: Range) -> _Judge:
    """One judge for all points of a range: it remembers nothing, and a site has thousands of a few kinds."""

    def judge(number: Number, _: int) -> tuple[str, Quality] | None:
        fault = span.fault(number)
        return None if fault is None else (fault, Quality.INVALID)

    return judge


def _counting(counter: Counter) -> _Judge:
    def judge(number: Number, at_ms: int) -> tuple[str, Quality] | None:
        fault = counter.fault(number, at_ms)
        return None if fault is None else (fault, Quality.SUSPECT)

    return judge


class _Jump:
    """A live voltage does not change by 30 % at once, unless it stays there."""

    __slots__ = ("_base", "_odd", "_odd_looks")

    def __init__(self) -> None:
        self._base: Decimal | None = None
        self._odd = Decimal(0)
        self._odd_looks = 0

    def judge(self, reading: Number, _: int) -> tuple[str, Quality] | None:
        base, number = self._base, Decimal(reading)
        if base is None or base < _LIVE_V or abs(number - base) <= _JUMP * base:
            self._base, self._odd_looks = number, 0
            return None
        is_same = self._odd_looks > 0 and abs(number - self._odd) <= _JUMP * max(self._odd, _LIVE_V)
        self._odd, self._odd_looks = number, self._odd_looks + 1 if is_same else 1
        if self._odd_looks >= _LOOKS:
            self._base, self._odd_looks = number, 0
            return None
        return f"jumped from {base:.6g} to {number:.6g} V", Quality.SUSPECT


class _Dispute:
    """Power that the currents beside it cannot carry, for so long that no load step explains it."""

    __slots__ = ("_at_ms", "_currents", "_fault", "_looks", "_margin_w", "_since_ms", "_voltages")

    def __init__(self, profile: Profile) -> None:
        phases = PHASES[: profile.connectors.phases]
        readable = profile.readable
        self._currents = [f"current_{phase}" for phase in phases if f"current_{phase}" in readable]
        if len(self._currents) < len(phases):
            self._currents = []
        self._voltages = [f"voltage_{phase}" for phase in phases]
        coarse = sum(
            readable[name].scale for name in self._currents if readable[name].dtype not in ("f32", "f64")
        )
        self._margin_w = _SURPLUS_W + coarse * _HIGH_V
        self._at_ms = -1
        self._since_ms = 0
        self._looks = 0
        self._fault: str | None = None

    def look(self, values: Mapping[str, PointValue]) -> str | None:
        """What speaks against the power."""
        power = values.get("power")
        if power is None or power.read_mono_ms == self._at_ms or not self._currents:
            return self._fault
        self._at_ms = power.read_mono_ms
        watts = Decimal(0) if power.number is None else abs(Decimal(power.number))
        most_w = None if watts <= self._margin_w else self._most_w(values, power.read_mono_ms)
        if most_w is None or power.number is None or watts <= most_w:
            self._looks, self._fault = 0, None
            return None
        if not self._looks:
            self._since_ms = power.read_mono_ms
        self._looks += 1
        if self._looks >= _DISPUTE_LOOKS and power.read_mono_ms - self._since_ms >= _DISPUTE_MS:
            self._fault = f"{power.number:.6g} W is more than its currents carry ({most_w:.0f} W)"
        return self._fault

    def _most_w(self, values: Mapping[str, PointValue], at_ms: int) -> Decimal | None:
        """The power that the currents allow; None when one is missing or of another moment."""
        watts = Decimal(0)
        for current_name, voltage_name in zip(self._currents, self._voltages, strict=True):
            current = values.get(current_name)
            if current is None or current.number is None or abs(current.read_mono_ms - at_ms) > _TOGETHER_MS:
                return None
            voltage = values.get(voltage_name)
            volts = None if voltage is None else voltage.number
            watts += abs(Decimal(current.number)) * Decimal(
                _HIGH_V if volts is None else max(Decimal(volts), Decimal(_LIVE_V))
            )
        return watts * _SURPLUS + self._margin_w
