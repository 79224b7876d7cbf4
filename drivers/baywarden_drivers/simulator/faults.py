"""Faults on command: what a device does wrong, and until when."""

from dataclasses import dataclass, field
from enum import Enum
from math import inf
from random import Random


class FaultKind(Enum):
    """What can be ordered.

    A silent device does nothing at all; a mute one does what it is told but its answer is lost. `value` of
    `delay` is milliseconds of the wire's own time, of `late` the milliseconds by which an answer comes after the
    next request, of `slow` those from byte to byte, of `bits` the share of bits that arrive wrong, of
    `exception` the Modbus exception code.
    """

    SILENCE = "silence"
    MUTE = "mute"
    DELAY = "delay"
    LATE = "late"
    SLOW = "slow"
    BITS = "bits"
    CUT = "cut"
    DUPLICATE = "duplicate"
    HANG_UP = "hang_up"
    EXCEPTION = "exception"
    FROZEN = "frozen"
    STUCK = "stuck"
    IGNORE_WRITES = "ignore_writes"


LIE_KINDS = frozenset({FaultKind.FROZEN, FaultKind.STUCK, FaultKind.IGNORE_WRITES})
"""Kinds that are no matter of single requests."""


@dataclass(slots=True)
class ActiveFault:
    """A fault that lasts until the simulated second `until_s` and strikes `share` of the requests.

    `times` counts down the requests that it still strikes; None: no end.
    """

    value: float
    until_s: float
    share: float = 1.0
    times: int | None = None


@dataclass(slots=True)
class Faults:
    """The faults of one device; each kind at most once. The same `seed` gives the same luck."""

    active: dict[FaultKind, ActiveFault] = field(default_factory=dict)
    seed: int = 0
    luck: Random = field(init=False)

    def __post_init__(self) -> None:
        self.luck = Random(self.seed)

    def set(
        self,
        kind: FaultKind,
        now_s: float,
        *,
        value: float = 0,
        for_s: float | None = None,
        share: float = 1.0,
        times: int | None = None,
    ) -> None:
        """Begin a fault; without `for_s` and `times` it lasts until it is cleared."""
        self.active[kind] = ActiveFault(value, inf if for_s is None else now_s + for_s, share, times)

    def clear(self, kind: FaultKind | None = None) -> None:
        """End one kind of fault, or all of them."""
        if kind is None:
            self.active.clear()
        else:
            self.active.pop(kind, None)

    def value(self, kind: FaultKind, now_s: float) -> float | None:
        """The value of a fault that holds now, else None."""
        fault = self.active.get(kind)
        if fault is None or now_s >= fault.until_s:
            return None
        return fault.value

    def holds(self, kind: FaultKind, now_s: float) -> bool:
        return self.value(kind, now_s) is not None

    def strike(self, now_s: float) -> dict[FaultKind, float]:
        """Which faults strike the request that has just come, with their values."""
        struck: dict[FaultKind, float] = {}
        for kind, fault in list(self.active.items()):
            if now_s >= fault.until_s or kind in LIE_KINDS:
                continue
            if fault.share < 1 and self.luck.random() >= fault.share:
                continue
            struck[kind] = fault.value
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    del self.active[kind]
        return struck
