"""What a device has said: the values of a poll, and who it is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from baywarden_drivers.doubts.decision import Decision
from baywarden_drivers.values.value import PointValue


@dataclass(frozen=True, slots=True)
class Poll(Mapping[str, PointValue]):
    """The values of one poll by name; every point of the profile is there, unread ones as MISSING.

    Each has its quality and the time it was read. `contact` rises whenever the device was newly connected, came
    back from silence, restarted or turned out to be another: arm it then. `faults` are sentences on what could
    not be read or is not believed.
    """

    points: Mapping[str, PointValue]
    contact: int
    faults: tuple[str, ...] = ()
    polled_mono_ms: int = 0

    def age_s(self, name: str) -> float:
        """How old the value was at the end of the poll; for one that could not be read, since when."""
        return (self.polled_mono_ms - self.points[name].read_mono_ms) / 1000

    def __getitem__(self, name: str) -> PointValue:
        return self.points[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.points)

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answers; None where the device does not say. `values` are all points that are read once.

    `decisions` is what it has shown of what its profile leaves open.
    """

    vendor: str
    model: str
    serial: str | None
    firmware: str | None
    values: Mapping[str, PointValue] = field(default_factory=dict)
    decisions: tuple[Decision, ...] = ()
