"""A value as a device gave it: with its quality and the time of the reading."""

from decimal import Decimal
from enum import Enum
from typing import NamedTuple

Value = int | Decimal | str | bytes | tuple[int | Decimal, ...]
"""Numbers are int where the register is a plain integer and Decimal where it has a scale or is a float."""


class Quality(Enum):
    """How far a value may be believed."""

    GOOD = "good"
    NOT_AVAILABLE = "not_available"
    """The device itself says that it has no value."""
    INVALID = "invalid"
    """The registers do not make sense."""
    SUSPECT = "suspect"
    """A plausible number that what was known before speaks against."""
    FROZEN = "frozen"
    """It has not moved although it should have: old, however often it is read."""
    MISSING = "missing"
    """It could not be read."""


class PointValue(NamedTuple):
    """`value` is None unless the quality is GOOD; `read_mono_ms` is when the answer came (CLOCK_BOOTTIME).

    A tuple, because a poll makes dozens of them and nothing else that is frozen is made as fast.
    """

    value: Value | None
    quality: Quality
    read_mono_ms: int
    reason: str = ""

    @property
    def good(self) -> bool:
        """Whether there is a value."""
        return self.quality is Quality.GOOD

    @property
    def number(self) -> int | Decimal | None:
        """The value where it is a good number."""
        value = self.value
        return value if isinstance(value, (int, Decimal)) else None

    def read_again(self, read_mono_ms: int) -> "PointValue":
        """The same found once more, at this time."""
        return PointValue(self.value, self.quality, read_mono_ms, self.reason)
