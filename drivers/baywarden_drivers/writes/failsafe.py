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


@dataclass(frozen=True, slots=True)
class Shown:
    """The settings that were read; None is what the device does not tell.

    `current_a` is the largest current that it may fall to; `meaning` says that none is set, or what is set instead.
    `timeout_s` is documented where the device has a fixed one. `off` are sentences on what switches it off.
    """

    current_a: Decimal | None
    timeout_s: Decimal | None
    meaning: str | None
    off: tuple[str, ...]

    def faults(
        self, most_a: Decimal | None, most_s: Decimal | None, *, is_told_all: bool = True
    ) -> list[str]:
        """Why it would not fall to `most_a` in `most_s`. Unless `is_told_all`, silence on a setting is no fault."""
        found = [] if self.meaning is None else [f"the fail-safe current {self.meaning}"]
        if self.meaning is None and self.current_a is None and is_told_all:
            found.append("the fail-safe current cannot be read")
        if self.current_a is not None and most_a is not None and self.current_a > most_a:
            found.append(f"the fail-safe current is {plain(self.current_a)} A, not {plain(most_a)} A or less")
        if self.timeout_s is None and is_told_all:
            found.append("the time-out cannot be read")
        if self.timeout_s is not None and most_s is not None and self.timeout_s > most_s and not self.off:
            found.append(f"the time-out is {plain(self.timeout_s)} s, not {plain(most_s)} s or less")
        return [*found, *self.off]


def names_of(failsafe: Failsafe) -> list[str]:
    """The points that may show the settings."""
    switches = (one.point for one in failsafe.enable)
    named = (*_current_names(failsafe), failsafe.timeout_point, failsafe.remaining_point, *switches)
    return [name for name in named if name is not None]


def shown_by(profile: Profile, failsafe: Failsafe, amperes: Amperes, values: Values) -> Shown:
    """The settings by the values of the points in `names_of`."""
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
    if timeout_s is None:
        timeout_s = _number(values, failsafe.remaining_point)
    if failsafe.timeout_point is None and failsafe.remaining_point is None and failsafe.default_timeout_s:
        timeout_s = Decimal(failsafe.default_timeout_s)
    return Shown(current_a, timeout_s, meaning, tuple(off))


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
