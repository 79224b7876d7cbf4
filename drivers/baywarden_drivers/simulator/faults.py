"""Faults on command: what a device does wrong, and until when."""

from dataclasses import dataclass, field
from enum import Enum
from math import inf


class FaultKind(Enum):
    """`delay` is in milliseconds of the wire's own time, `exception` the Modbus exception code.

    A silent device does nothing at all; a mute one does what it is told but its answer is lost.
    """

    SILENCE = "silence"
    MUTE = "mute"
    DELAY = "delay"
    EXCEPTION = "exception"
    FROZEN = "frozen"
    IGNORE_WRITES = "ignore_writes"


@dataclass(frozen=True, slots=True)
class ActiveFault:
    """A fault that lasts until the simulated second `until_s`."""

    value: int
    until_s: float


@dataclass(slots=True)
class Faults:
    """The faults of one device; each kind at most once."""

    active: dict[FaultKind, ActiveFault] = field(default_factory=dict)

    def set(self, kind: FaultKind, now_s: float, *, value: int = 0, for_s: float | None = None) -> None:
        """Begin a fault; without `for_s` it lasts until it is cleared."""
        self.active[kind] = ActiveFault(value, inf if for_s is None else now_s + for_s)

    def clear(self, kind: FaultKind | None = None) -> None:
        """End one kind of fault, or all of them."""
        if kind is None:
            self.active.clear()
        else:
            self.active.pop(kind, None)

    def value(self, kind: FaultKind, now_s: float) -> int | None:
        """The value of a fault that holds now, else None."""
        fault = self.active.get(kind)
        if fault is None or now_s >= fault.until_s:
            return None
        return fault.value

    def holds(self, kind: FaultKind, now_s: float) -> bool:
        return self.value(kind, now_s) is not None
