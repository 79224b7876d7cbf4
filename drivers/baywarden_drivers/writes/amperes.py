"""Limits in A per phase and how a device says them, in A or in W: rounded so that no phase ever gets more."""

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal

from baywarden_drivers.profile.conduct import Control
from baywarden_drivers.profile.points import Point, WritePoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.values.value import PointValue
from baywarden_drivers.writes.wording import HARMLESS, is_special, sayable

_MILLI = Decimal("0.001")
_NO_CONTROL = Control()
_LOWEST_V_SHARE = Decimal("0.9")
"""EN 50160: the voltage may be 10 % below the nominal one, and then the same watts are the most amperes."""
_LIFTING = ("no limit", "autostart")
"""Meanings of 0 with which it limits nothing."""


class Amperes:
    """Between A per phase and the unit of a point, with the phases that the device has told last."""

    def __init__(self, profile: Profile) -> None:
        self._control = profile.control or _NO_CONTROL
        self._phases_point = profile.readable.get(self._control.phases_point or "")
        self._written = {(one.type, one.address, one.scope): one for one in profile.write}
        self._told: int | None = None

    def look(self, values: Mapping[str, PointValue]) -> None:
        """Take note of the phases that are in use."""
        if self._phases_point is None:
            return
        found = values.get(self._phases_point.name)
        self._told = None if found is None else _phases_in(self._phases_point, found)

    @property
    def phases(self) -> int:
        """How many phases share the power; one where nobody knows, so that all of it fits on a single one."""
        return self._told or self._control.power_phases or 1

    def said(self, point: WritePoint, amps: Decimal) -> Decimal:
        """The limit as the point says it, in its unit, rounded down; 0 stands for a pause. Raises ValueRefused."""
        return sayable(point, amps * self._watts_per_ampere if point.unit == "W" else amps)

    def shown(self, point: Point, number: Decimal | int) -> Decimal | None:
        """A number of the point in A per phase, watts rounded up; None for one that is no quantity.

        A register that is written as well holds what was written: 0 may stand there for no limit at all.
        """
        twin = self._written.get((point.type, point.address, point.scope))
        if number < 0 or is_special(point, number) or (twin is not None and _limits_nothing(twin, number)):
            return None
        if point.unit != "W":
            return Decimal(number)
        return (number / self._watts_per_ampere).quantize(_MILLI, rounding=ROUND_CEILING)

    @property
    def _watts_per_ampere(self) -> Decimal:
        return self._control.nominal_v * _LOWEST_V_SHARE * self.phases


def _limits_nothing(written: WritePoint, number: Decimal | int) -> bool:
    """Whether the number that was written is no limit; one too low for a limit may be taken for that 0."""
    if is_special(written, number):
        return True
    if written.zero not in _LIFTING:
        return False
    is_too_low = written.min is not None and number < written.min and written.below_min not in HARMLESS
    return not number or is_too_low


def _phases_in(point: Point, found: PointValue) -> int | None:
    """1, 2 or 3 as a number, or as the first digit of the meaning of a code."""
    number = found.number
    if number is None:
        return None
    meaning = point.values.get(int(number), "")
    phases = int(meaning[0]) if meaning[:1].isdigit() else int(number)
    return phases if phases in (1, 2, 3) and (meaning or not point.values) else None
