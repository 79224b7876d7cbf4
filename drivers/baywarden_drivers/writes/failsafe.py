"""What a charger shows of its own fail-safe, and whether that is safe enough."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from baywarden_drivers.profile.conduct import Failsafe
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.values.value import PointValue
from baywarden_drivers.writes.amperes import Amperes
from baywarden_drivers.writes.wording import meaning_of, plain

Values = Mapping[str, PointValue]

_SOON_S = 5.0
"""So long after a set-point a count-down still shows nearly all of the time-out."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The settings that were read; None is what the device does not tell.

    `current_a` is the largest current that it may fall to; `meaning` says that none is set, or what is set instead.
    `timeout_s` is documented where the device has a fixed one. `off` are sentences on what switches it off, or may.
    """

    current_a: Decimal | None
    timeout_s: Decimal | None
    meaning: str | None
    off: tuple[str, ...]
    is_counted: bool = False
    """The time-out is what a count-down begins at."""

    def faults(
        self, most_a: Decimal | None, most_s: Decimal | None, *, is_told_all: bool = True
    ) -> list[str]:
        """Why it would not fall to `most_a` in `most_s`. Unless `is_told_all`, silence on a setting is no fault."""
        found = [] if self.meaning is None else [f"the fail-safe current {self.meaning}"]
        if self.meaning is None and self.current_a is None and is_told_all:
            found.append("the fail-safe current cannot be read back")
        if self.current_a is not None and most_a is not None and self.current_a > most_a:
            found.append(f"the fail-safe current is {plain(self.current_a)} A, not {plain(most_a)} A or less")
        if self.timeout_s is None and is_told_all:
            unknown = "has not been seen after a set-point yet" if self.is_counted else "cannot be read back"
            found.append(f"the time-out {unknown}")
        if self.timeout_s is not None and most_s is not None and self.timeout_s > most_s and not self.off:
            found.append(f"the time-out is {plain(self.timeout_s)} s, not {plain(most_s)} s or less")
        return [*found, *self.off]


def names_of(failsafe: Failsafe) -> list[str]:
    """The points that may show the settings."""
    switches = (one.point for one in failsafe.enable)
    named = (*_current_names(failsafe), failsafe.timeout_point, failsafe.remaining_point, *switches)
    return [name for name in named if name is not None]


def hides_a_setting(profile: Profile, failsafe: Failsafe) -> bool:
    """Whether current or time-out can never be read here, so that nothing but silence proves it armed."""
    known_s = (failsafe.timeout_point, failsafe.remaining_point)
    has_time = any(name in profile.readable for name in known_s) or (
        known_s == (None, None) and bool(failsafe.default_timeout_s)
    )
    return not has_time or not any(name in profile.readable for name in _current_names(failsafe))


class CountDown:
    """The time-out behind a point that only counts down: what it began at after the newest set-point.

    A later reading shows what is left of it, which says nothing of the time-out.
    """

    def __init__(self) -> None:
        self.longest_s: Decimal | None = None
        """None until it was seen right after a set-point."""
        self._written_at = float("-inf")

    def look(self, found: PointValue | None, written_at: float) -> None:
        """Take note of a reading, and of when the newest set-point was sent."""
        number = None if found is None else found.number
        if found is None or number is None or not -0.001 < found.read_mono_ms / 1000 - written_at <= _SOON_S:
            return
        is_next = written_at != self._written_at
        if is_next or self.longest_s is None or number > self.longest_s:
            self.longest_s, self._written_at = Decimal(number), written_at

    def forget(self) -> None:
        """It may be another device by now, or have other settings."""
        self.longest_s = None


def shown_by(
    profile: Profile,
    failsafe: Failsafe,
    amperes: Amperes,
    values: Values,
    counted_s: Decimal | None = None,
) -> Shown:
    """The settings by the values of the points in `names_of`; `counted_s` is what a count-down began at."""
    current_a, meaning = _current(profile, failsafe, amperes, values)
    timeout_s = _number(values, failsafe.timeout_point)
    off = [
        f"{one.point} is {plain(number)}, not {plain(one.value)}"
        for one in failsafe.enable
        if one.point != failsafe.heartbeat_point  # a flag that the device clears is no switch
        and (number := _number(values, one.point)) is not None
        and number != one.value
    ]
    if timeout_s is not None and timeout_s in failsafe.off_values:
        off.insert(0, f"the time-out is {plain(timeout_s)} s, which means off")
    elif timeout_s == 0:
        off.insert(0, "the time-out is 0 s, of which nobody has said what it means")
    if timeout_s is None and failsafe.remaining_point is not None:
        timeout_s = counted_s or None
        if _number(values, failsafe.remaining_point) == 0 or counted_s == 0:
            off.insert(0, f"{failsafe.remaining_point} is 0 s: it does not run")
    if failsafe.timeout_point is None and failsafe.remaining_point is None and failsafe.default_timeout_s:
        timeout_s = Decimal(failsafe.default_timeout_s)
    return Shown(current_a, timeout_s, meaning, tuple(off), is_counted=failsafe.remaining_point is not None)


def _current_names(failsafe: Failsafe) -> tuple[str | None, ...]:
    return failsafe.current_point, *failsafe.also_current, failsafe.power_point


def _current(
    profile: Profile, failsafe: Failsafe, amperes: Amperes, values: Values
) -> tuple[Decimal | None, str | None]:
    shown: list[Decimal] = []
    for name in _current_names(failsafe):
        point, number = profile.readable.get(name or ""), _number(values, name)
        if point is None or number is None:
            continue
        if number == failsafe.pause_current:
            shown.append(Decimal(0))
            continue
        amps = None if number in failsafe.unset_currents else amperes.shown(point, number)
        if amps is None:
            return None, f"is {plain(number)}, which means: {meaning_of(point, number) or 'none is set'}"
        shown.append(amps)
    return max(shown, default=None), None


def _number(values: Values, name: str | None) -> Decimal | None:
    point = values.get(name or "")
    number = None if point is None else point.number
    return None if number is None else Decimal(number)
