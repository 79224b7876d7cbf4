"""Hours by the clock on the site's wall."""

from dataclasses import dataclass
from datetime import time
from enum import Enum


class Weekday(Enum):
    """ISO weekdays, Monday first."""

    MON = 0
    TUE = 1
    WED = 2
    THU = 3
    FRI = 4
    SAT = 5
    SUN = 6


@dataclass(frozen=True, slots=True)
class LocalWindow:
    """Hours of some days; `end` <= `start` wraps past midnight and belongs to the day of the start."""

    start: time
    end: time
    days: frozenset[Weekday] = frozenset(Weekday)
