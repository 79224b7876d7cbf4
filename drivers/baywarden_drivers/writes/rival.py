"""A second controller on the same charger: a limit that nobody here has written."""

from collections.abc import Mapping
from decimal import Decimal

from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.values.value import PointValue
from baywarden_drivers.writes.amperes import Amperes
from baywarden_drivers.writes.wording import plain

NEAR_A = Decimal("0.05")
"""Registers of different grain show the same limit so far apart."""
_TOLD_FOR_MS = 900_000


class Rival:
    """Watches the read-back of one connector between our own writes.

    A higher limit is always another's doing. A lower one only where the read point is the very register that
    was written: elsewhere a cable, heat or a switch may lower it. The fail-safe current is the device's own doing.
    """

    def __init__(self, profile: Profile, amperes: Amperes) -> None:
        control = profile.control
        self._amperes = amperes
        self._readback = None if control is None else profile.readable.get(control.readback or "")
        written = None if control is None else profile.writable.get(control.limit)
        self._is_mirror = (
            self._readback is not None
            and written is not None
            and (self._readback.type, self._readback.address) == (written.type, written.address)
        )
        failsafe = profile.failsafe
        self._failsafe_point = profile.readable.get((failsafe and failsafe.current_point) or "")
        self._ours_a: Decimal | None = None
        self._phases = amperes.phases
        self._shown_a: Decimal | None = None
        self._told_ms = 0
        self._seen_ms = 0
        self._foreign_a: Decimal | None = None
        self._last: tuple[int, Decimal, Decimal] | None = None
        self.count = 0
        """How often a limit was changed that was not ours to change."""

    def told(self, written_a: Decimal, shown_a: Decimal, now_ms: int) -> None:
        """We wrote a limit and read this one back."""
        self._ours_a, self._shown_a, self._told_ms, self._foreign_a = written_a, shown_a, now_ms, None
        self._phases = self._amperes.phases

    def forget(self) -> None:
        """A write is under way, or the device has restarted: what it shows now proves nothing."""
        self._ours_a = None

    def fault(self, values: Mapping[str, PointValue], now_ms: int) -> str | None:
        """A sentence for a quarter of an hour after each change that was not ours."""
        self._look(values, now_ms)
        if self._last is None or now_ms - self._last[0] > _TOLD_FOR_MS:
            return None
        _, shown_a, ours_a = self._last
        times = "once" if self.count == 1 else f"{self.count} times"
        return (
            f"another controller has changed its limit {times}, last to {plain(shown_a)} A "
            f"where {plain(ours_a)} A were written"
        )

    def _look(self, values: Mapping[str, PointValue], now_ms: int) -> None:
        if self._readback is None or self._ours_a is None or self._shown_a is None:
            return
        if self._amperes.phases != self._phases:
            return  # the same watts are other amperes now
        point = values.get(self._readback.name)
        if point is None:
            return
        number, self._seen_ms, last_ms = point.number, point.read_mono_ms, self._seen_ms
        if number is None or point.read_mono_ms <= self._told_ms or point.read_mono_ms == last_ms:
            return
        shown_a = self._amperes.shown(self._readback, number)
        if shown_a is None or not self._is_foreign(shown_a, self._ours_a, self._shown_a, values):
            self._foreign_a = None
        elif self._foreign_a is None or abs(shown_a - self._foreign_a) > NEAR_A:
            self._foreign_a = shown_a
            self.count += 1
            self._last = now_ms, shown_a, self._ours_a

    def _is_foreign(
        self, shown_a: Decimal, ours_a: Decimal, confirmed_a: Decimal, values: Mapping[str, PointValue]
    ) -> bool:
        is_higher = shown_a > max(ours_a, confirmed_a) + NEAR_A
        is_lower = self._is_mirror and shown_a < confirmed_a - NEAR_A
        return (is_higher or is_lower) and not self._is_failsafe(shown_a, values)

    def _is_failsafe(self, shown_a: Decimal, values: Mapping[str, PointValue]) -> bool:
        point = None if self._failsafe_point is None else values.get(self._failsafe_point.name)
        number = None if point is None else point.number
        return number is not None and abs(Decimal(number) - shown_a) <= NEAR_A
