"""The registers of one unit, made from its profile: who may read and write what, and what stands there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from pymodbus.constants import ExcCodes

from baywarden_drivers.codec import decode, encode
from baywarden_drivers.errors import ValueRefused
from baywarden_drivers.profile.addressing import place, register_shift
from baywarden_drivers.profile.base import FIELDBUS_BITS
from baywarden_drivers.profile.points import ReadPoint, WritePoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.simulator.truth import Truth
from baywarden_drivers.value import Value

Where = tuple[str, int]
"""Register type and address."""

MOST_PLANS = 1024
REFUSING = frozenset({"refused", "invalid", "forbidden", "not documented"})
"""What a profile says of a number that the device does not take."""


class Owner(Protocol):
    """The device whose registers these are. `connector` is None for points of the station."""

    profile: Profile

    def truth(self, point: ReadPoint, connector: int | None) -> Truth:
        """What the point says now, in the point's own unit."""
        ...

    def take(self, point: WritePoint, connector: int | None, value: Value) -> None:
        """Do what was written."""
        ...

    def has(self, name: str) -> bool:
        """Whether this device has the point at all (optional ones may be missing)."""
        ...


@dataclass(frozen=True, slots=True)
class Slot:
    """A read point of one connector at its address."""

    point: ReadPoint
    connector: int | None
    address: int

    @property
    def end(self) -> int:
        return self.address + self.point.count


@dataclass(frozen=True, slots=True)
class WriteSlot:
    """A write point of one connector at its address."""

    point: WritePoint
    connector: int | None
    address: int


@dataclass(slots=True)
class Bank:
    """One unit's registers."""

    owner: Owner
    connectors: set[int] = field(default_factory=set)
    frozen: bool = False
    slots: list[Slot] = field(default_factory=list)
    _at: dict[Where, list[Slot]] = field(default_factory=dict)
    _writes: dict[Where, WriteSlot] = field(default_factory=dict)
    _plans: dict[tuple[str, int, int], ExcCodes | tuple[Slot, ...]] = field(default_factory=dict)
    _last: dict[tuple[str, int | None], tuple[Truth, list[int]]] = field(default_factory=dict)

    def add(self, point: ReadPoint, connector: int | None, address: int) -> None:
        """Put a read point in its place."""
        slot = Slot(point, connector, address)
        self.slots.append(slot)
        for covered in range(address, slot.end):
            self._at.setdefault((point.type, covered), []).append(slot)

    def add_write(self, point: WritePoint, connector: int | None, address: int) -> None:
        """Put a write point in its place."""
        self._writes[point.type, address] = WriteSlot(point, connector, address)

    # Reading

    def read(self, kind: str, address: int, count: int) -> list[int] | ExcCodes:
        """The registers (or bits) asked for, or the exception with which the device answers."""
        slots = self._asked_for(kind, address, count)
        if isinstance(slots, ExcCodes):
            return slots
        values = [0] * count
        for slot in slots:
            for index, register in enumerate(self._registers(slot), slot.address - address):
                if 0 <= index < count:
                    values[index] |= register
        return values

    def _asked_for(self, kind: str, address: int, count: int) -> ExcCodes | tuple[Slot, ...]:
        """The slots of a read, or its refusal; the same reads come again and again."""
        key = (kind, address, count)
        if key not in self._plans:
            if len(self._plans) >= MOST_PLANS:
                self._plans.clear()
            refusal = self._refuses_read(kind, address, count)
            self._plans[key] = tuple(self._between(kind, address, count)) if refusal is None else refusal
        return self._plans[key]

    def _refuses_read(self, kind: str, address: int, count: int) -> ExcCodes | None:
        habits = self.owner.profile.protocol
        most = habits.max_bits_per_read if kind in FIELDBUS_BITS else habits.max_registers_per_read
        if not 1 <= count <= most:
            return ExcCodes.ILLEGAL_VALUE
        if (habits.start_even and address % 2) or (habits.count_even and count % 2):
            return ExcCodes.ILLEGAL_ADDRESS
        is_one_point = any(
            slot.address == address and slot.point.count == count
            for slot in self._at.get((kind, address), ())
        )
        if is_one_point:
            return None
        if habits.exact_read or not self._may_span(kind, address, count):
            return ExcCodes.ILLEGAL_ADDRESS
        return None

    def _may_span(self, kind: str, address: int, count: int) -> bool:
        """Whether a read that is not exactly one point may cover these addresses."""
        wanted = [(kind, one) for one in range(address, address + count)]
        if any(self._is_in(one, unreadable=True) for one in wanted):
            return False
        documented = [one in self._at for one in wanted]
        if all(documented):
            return True
        if self.owner.profile.protocol.gaps_readable:
            return documented[0] and documented[-1]
        return all(
            known or self._is_in(one, unreadable=False) for known, one in zip(documented, wanted, strict=True)
        )

    def _is_in(self, where: Where, *, unreadable: bool) -> bool:
        """Whether an address lies in one of the profile's spans."""
        profile = self.owner.profile
        kind, address = where
        for span in profile.protocol.unreadable if unreadable else profile.protocol.blocks:
            for connector in self.connectors:
                shift = register_shift(profile, span.scope, connector)
                if span.type == kind and span.first + shift <= address <= span.last + shift:
                    return True
        return False

    def _between(self, kind: str, address: int, count: int) -> Iterator[Slot]:
        """The slots that a read touches, each once; of several without a mask at one place only the first."""
        seen: set[int] = set()
        for one in range(address, address + count):
            slots = self._at.get((kind, one), [])
            whole = [slot for slot in slots if slot.point.mask is None][:1]
            for slot in whole or slots:
                if id(slot) not in seen:
                    seen.add(id(slot))
                    yield slot

    def _registers(self, slot: Slot) -> list[int]:
        key = (slot.point.name, slot.connector)
        last = self._last.get(key)
        if last is not None and self.frozen:
            return last[1]
        truth = self.owner.truth(slot.point, slot.connector)
        if last is None or last[0] != truth:
            last = self._last[key] = (truth, registers_of(slot.point, truth))
        return last[1]

    # Writing

    def write(self, function: int, kind: str, address: int, values: Sequence[int]) -> ExcCodes | None:
        """Do what was written, all of it or nothing; an exception code is the device's answer."""
        wanted: list[tuple[WriteSlot, Value]] = []
        here = address
        while here < address + len(values):
            slot = self._writes.get((kind, here))
            if slot is None or here + slot.point.count > address + len(values):
                return ExcCodes.ILLEGAL_ADDRESS
            if function not in (slot.point.functions or ()):
                return ExcCodes.ILLEGAL_FUNCTION
            raw = values[here - address : here - address + slot.point.count]
            value = value_written(slot.point, raw)
            if value is None:
                return ExcCodes.ILLEGAL_VALUE
            wanted.append((slot, value))
            here += slot.point.count
        for slot, value in wanted:
            self.owner.take(slot.point, slot.connector, value)
        return None


def banks_of(owner: Owner, connectors: int, unit: int) -> dict[tuple[int, int], Bank]:
    """All registers of a device, by port shift and unit number."""
    banks: dict[tuple[int, int], Bank] = {}
    profile = owner.profile
    for connector in range(1, connectors + 1):
        for point in profile.read:
            if (point.scope == "connector" or connector == 1) and owner.has(point.name):
                at = place(profile, point, connector, unit)
                bank = banks.setdefault((at.port_shift, at.unit), Bank(owner))
                bank.add(point, connector if point.scope == "connector" else None, at.address)
                bank.connectors.add(connector)
        for write in profile.write:
            if (write.scope == "connector" or connector == 1) and owner.has(write.name):
                at = place(profile, write, connector, unit)
                bank = banks.setdefault((at.port_shift, at.unit), Bank(owner))
                bank.add_write(write, connector if write.scope == "connector" else None, at.address)
                bank.connectors.add(connector)
    return banks


def registers_of(point: ReadPoint, truth: Truth) -> list[int]:
    """The registers that say it; a counter too large for them starts anew, as the real ones do."""
    try:
        return encode(point, truth)
    except ValueRefused:
        if not isinstance(truth, int | float):
            raise
        turns = Decimal(str(truth)) % (Decimal(point.scale) * (1 << (16 * point.count - 1)))
        return encode(point, turns)


def value_written(point: WritePoint, registers: Sequence[int]) -> Value | None:
    """The value in the point's unit, or None when the device does not take it."""
    value = decode(_as_read(point), registers, 0).value
    if value is None:
        return None
    if point.values and (not isinstance(value, int) or value not in point.values):
        return None
    if isinstance(value, int | Decimal) and not _is_taken(point, value):
        return None
    return value


def _is_taken(point: WritePoint, value: int | Decimal) -> bool:
    if value < 0 or (point.max is not None and value > point.max):
        return False
    if point.min is None or value >= point.min:
        return True
    return (point.zero if value == 0 else point.below_min) not in REFUSING


def _as_read(point: WritePoint) -> ReadPoint:
    return ReadPoint(
        name=point.name,
        type=point.type,
        address=point.address,
        count=point.count,
        dtype=point.dtype,
        word_order=point.word_order,
        scale=point.scale,
        unit=point.unit,
        encoding=point.encoding,
    )
