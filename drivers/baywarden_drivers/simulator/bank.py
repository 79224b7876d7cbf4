"""The registers of one unit, made from its profile: who may read and write what, and what stands there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Protocol

from pymodbus.constants import ExcCodes

from baywarden_drivers.profile.addressing import place, register_shift
from baywarden_drivers.profile.base import FIELDBUS_BITS
from baywarden_drivers.profile.points import Point, ReadPoint, WritePoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.simulator.registers import registers_of
from baywarden_drivers.simulator.truth import Truth
from baywarden_drivers.values.codec import Decoder, decoder
from baywarden_drivers.values.value import Value

Where = tuple[str, int]
"""Register type and address."""


class Silence(Enum):
    """Answers that are none."""

    CLOSES = "closes"
    """The device closes the connection."""


Refusal = ExcCodes | Silence

MOST_PLANS = 1024
REFUSING = frozenset({"refused", "invalid", "forbidden", "not documented"})
"""What a profile says of a number that the device does not take."""


@dataclass(frozen=True, slots=True)
class BankHabits:
    """Habits of this very unit that its profile only warns of.

    `max_registers`: it refuses longer reads; `closes_on`: points (or addresses) at which it closes the connection.
    """

    max_registers: int | None = None
    closes_on: frozenset[str | int] = frozenset()


class Owner(Protocol):
    """The device whose registers these are. `connector` is None for points of the station."""

    profile: Profile
    habits: BankHabits

    def truth(self, point: ReadPoint, connector: int | None) -> Truth:
        """What the point says now, in the point's own unit."""
        ...

    def take(self, point: WritePoint, connector: int | None, value: Value) -> None:
        """Do what was written."""
        ...

    def has(self, name: str) -> bool:
        """Whether this device has the point at all (optional ones may be missing)."""
        ...

    def is_status(self, point: ReadPoint) -> bool:
        """Whether the point tells what the device is doing."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """A read point of one connector at its address."""

    owner: Owner
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
    decode: Decoder


@dataclass(slots=True)
class Bank:
    """One unit's registers."""

    owner: Owner
    connectors: set[int] = field(default_factory=set)
    slots: list[Slot] = field(default_factory=list)
    background: dict[Where, int] = field(default_factory=dict)
    """Registers that always say the same and belong to no point."""
    _frozen: bool = False
    _stuck: bool = False
    _at: dict[Where, list[Slot]] = field(default_factory=dict)
    _writes: dict[Where, WriteSlot] = field(default_factory=dict)
    _plans: dict[tuple[str, int, int], Refusal | tuple[Slot, ...]] = field(default_factory=dict)
    _last: dict[Slot, tuple[Truth, list[int]]] = field(default_factory=dict)

    def add(self, owner: Owner, point: ReadPoint, connector: int | None, address: int) -> None:
        """Put a read point in its place."""
        slot = Slot(owner, point, connector, address)
        self.slots.append(slot)
        for covered in range(address, slot.end):
            self._at.setdefault((point.type, covered), []).append(slot)

    def add_write(self, point: WritePoint, connector: int | None, address: int) -> None:
        """Put a write point in its place."""
        self._writes[point.type, address] = WriteSlot(point, connector, address, _decoder_of(point))

    # Reading

    def read(self, kind: str, address: int, count: int) -> list[int] | Refusal:
        """The registers (or bits) asked for, or the exception with which the device answers."""
        key = (kind, address, count)
        slots = self._plans.get(key)
        if slots is None:
            slots = self._plan(key)
        if isinstance(slots, ExcCodes | Silence):
            return slots
        values = [0] * count
        if self.background:
            values = [self.background.get((kind, one), 0) for one in range(address, address + count)]
        for slot in slots:
            first = slot.address - address
            registers = self._registers(slot)
            if first >= 0 and first + len(registers) <= count and slot.point.mask is None:
                values[first : first + len(registers)] = registers
                continue
            for index, register in enumerate(registers, first):
                if 0 <= index < count:
                    values[index] |= register
        return values

    def _plan(self, key: tuple[str, int, int]) -> Refusal | tuple[Slot, ...]:
        """The slots of a read, or its refusal; the same reads come again and again."""
        if len(self._plans) >= MOST_PLANS:
            self._plans.clear()
        refusal = self._refuses_read(*key)
        plan = self._plans[key] = tuple(self._between(*key)) if refusal is None else refusal
        return plan

    def _refuses_read(self, kind: str, address: int, count: int) -> Refusal | None:
        habits = self.owner.profile.protocol
        most = habits.max_bits_per_read if kind in FIELDBUS_BITS else habits.max_registers_per_read
        if self.owner.habits.closes_on and self._closes(kind, address, count):
            return Silence.CLOSES
        if not 1 <= count <= min(most, self.owner.habits.max_registers or most):
            return ExcCodes.ILLEGAL_VALUE
        if (habits.start_even and address % 2) or (habits.count_even and count % 2):
            return ExcCodes.ILLEGAL_ADDRESS
        if self._exactly(kind, address, count):
            return None
        if habits.exact_read or not self._may_span(kind, address, count):
            return ExcCodes.ILLEGAL_ADDRESS
        return None

    def _exactly(self, kind: str, address: int, count: int) -> list[Slot]:
        """The slots that are just this read."""
        return [
            slot
            for slot in self._at.get((kind, address), ())
            if slot.address == address and slot.point.count == count
        ]

    def _closes(self, kind: str, address: int, count: int) -> bool:
        names = self.owner.habits.closes_on
        for one in range(address, address + count):
            if one in names or any(slot.point.name in names for slot in self._at.get((kind, one), ())):
                return True
        return False

    def _may_span(self, kind: str, address: int, count: int) -> bool:
        """Whether a read that is not exactly one point may cover these addresses."""
        wanted = [(kind, one) for one in range(address, address + count)]
        if any(self._is_in(one, unreadable=True) for one in wanted):
            return False
        documented = [one in self._at or one in self.background for one in wanted]
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
        """The slots that a read touches, each once.

        A read of just one point is answered by that one; else of several without a mask at one place the first,
        and none that has to be read by itself.
        """
        exact = [slot for slot in self._exactly(kind, address, count) if slot.point.mask is None][:1]
        if exact:
            yield from exact
            return
        is_short = bool(self._exactly(kind, address, count))
        seen: set[Slot] = set()
        for one in range(address, address + count):
            slots = [slot for slot in self._at.get((kind, one), []) if is_short or not slot.point.alone]
            whole = [slot for slot in slots if slot.point.mask is None][:1]
            for slot in whole or slots:
                if slot not in seen:
                    seen.add(slot)
                    yield slot

    def _registers(self, slot: Slot) -> list[int]:
        last = self._last.get(slot)
        if last is not None and (self._frozen or (self._stuck and slot.owner.is_status(slot.point))):
            return last[1]
        truth = slot.owner.truth(slot.point, slot.connector)
        if last is None or last[0] != truth:
            registers = registers_of(slot.point, truth, factor_of(slot))
            last = self._last[slot] = (truth, registers)
        return last[1]

    def hold(self, *, frozen: bool, stuck: bool) -> None:
        """Begin or end to say the same for ever: everything, or only what tells the device's state."""
        if (frozen and not self._frozen) or (stuck and not self._stuck):
            for slot in self.slots:
                self._registers(slot)
        self._frozen, self._stuck = frozen, stuck

    # Writing

    def write(self, function: int, kind: str, address: int, values: Sequence[int]) -> Refusal | None:
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
            value = value_written(slot, raw)
            if value is None:
                return ExcCodes.ILLEGAL_VALUE
            wanted.append((slot, value))
            here += slot.point.count
        for slot, value in wanted:
            self.owner.take(slot.point, slot.connector, value)
        return None


def factor_of(slot: Slot) -> float:
    """What a reader multiplies the register by besides its scale: scale points and transformer ratios."""
    point, readable = slot.point, slot.owner.profile.readable
    factor = 1.0
    if point.scale_point is not None:
        exponent = slot.owner.truth(readable[point.scale_point], slot.connector)
        factor *= 10.0 ** int(exponent) if isinstance(exponent, int | float) else 1.0
    for name in point.multiply_by:
        ratio = slot.owner.truth(readable[name], slot.connector)
        factor *= 1.0 if ratio is None or isinstance(ratio, str | bytes | tuple) else float(ratio)
    return factor


def banks_of(owner: Owner, connectors: int, unit: int) -> dict[tuple[int, int], Bank]:
    """All registers of a device, by port shift and unit number."""
    banks: dict[tuple[int, int], Bank] = {}
    profile = owner.profile
    for connector in range(1, connectors + 1):
        for point in profile.read:
            if (point.scope == "connector" or connector == 1) and owner.has(point.name):
                at = place(profile, point, connector, unit)
                bank = banks.setdefault((at.port_shift, at.unit), Bank(owner))
                bank.add(owner, point, connector if point.scope == "connector" else None, at.address)
                bank.connectors.add(connector)
        for write in profile.write:
            if (write.scope == "connector" or connector == 1) and owner.has(write.name):
                at = place(profile, write, connector, unit)
                bank = banks.setdefault((at.port_shift, at.unit), Bank(owner))
                bank.add_write(write, connector if write.scope == "connector" else None, at.address)
                bank.connectors.add(connector)
    return banks


def value_written(slot: WriteSlot, registers: Sequence[int]) -> Value | None:
    """The value in the point's unit, or None when the device does not take it."""
    point, value = slot.point, slot.decode(registers, 0).value
    if value is None or isinstance(value, str | bytes | tuple):
        return value
    if point.values:
        if int(value / point.scale) in point.values:
            return value
        if point.min is None and point.max is None:
            return None
    return value if _is_taken(point, value) else None


def _is_taken(point: WritePoint, value: int | Decimal) -> bool:
    if value < 0 and (point.min is None or value >= point.min) and point.unit in ("A", "W"):
        return False
    if point.max is not None and value > point.max:
        return False
    if point.min is None or value >= point.min:
        return True
    return value >= 0 and (point.zero if value == 0 else point.below_min) not in REFUSING


def _decoder_of(point: WritePoint) -> Decoder:
    """Registers of a write point as a reader would understand them, whatever its range."""
    skip = {"min", "max", "values"}
    same = {name: getattr(point, name) for name in Point.model_fields if name not in skip}
    return decoder(ReadPoint.model_construct(**same))
