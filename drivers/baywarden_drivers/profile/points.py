"""Registers as named points with units."""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from baywarden_drivers.profile.base import (
    DTYPE_REGISTERS,
    FIELDBUS_BITS,
    Address,
    Dtype,
    Encoding,
    Exact,
    Ints,
    Part,
    RawNames,
    RegisterType,
    Scope,
    Texts,
    ToTuple,
    Unit,
    UnitId,
    WordOrder,
)
from baywarden_drivers.profile.conduct import Condition

Poll = Literal["hot", "cold", "once"]
"""hot: with every poll; cold: slowly in turn; once: after each new contact, then kept."""

Zero = Literal[
    "pause", "off", "no limit", "error state", "ends the session", "refused", "invalid", "forbidden",
    "failsafe off", "blocked", "autostart", "not documented",
]  # fmt: skip
"""What a device does with 0. Only `pause` and `off` are safe ways to stop charging."""

_NUMERIC = frozenset({"u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64", "bcd"})
_FLOATS = frozenset({"f32", "f64"})
_WORDS = frozenset({"u16", "i16"})
_MAX_SCALE_DIGITS = 9


class Point(Part):
    """What reading and writing have in common. `address` is the number in the Modbus request."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    type: RegisterType
    address: Address
    count: Annotated[int, Field(ge=1, le=125)] = 1
    dtype: Dtype
    word_order: WordOrder | None = None
    """None in a file: the order of `protocol.word_order`; a loaded profile has it filled in."""
    low_byte_first: bool = False
    """The two bytes of every register stand the other way round."""
    scale: Annotated[Exact, Field(gt=0)] = Decimal(1)
    """Value in `unit` = raw value times `scale`."""
    unit: Unit | None = None
    encoding: Encoding = "ascii"
    scope: Scope = "connector"
    unit_id: UnitId | None = None
    """A unit number that this point always answers at."""
    optional: bool = False
    """Not on all versions: probed alone once, and done without when it is refused."""
    values: RawNames = Field(default_factory=dict)
    """Raw value to meaning."""
    min: Exact | None = None
    max: Exact | None = None
    """The legal range in `unit`; a value that is read outside of it is invalid."""
    note: str = ""

    @property
    def end(self) -> int:
        """The first address after the point."""
        return self.address + self.count

    @model_validator(mode="after")
    def _size_fits_type(self) -> Self:
        size = DTYPE_REGISTERS.get(self.dtype)
        is_array = self.dtype in _WORDS and self.count > 1
        if self.type in FIELDBUS_BITS:
            if self.dtype != "bool":
                raise ValueError(f"type {self.type} holds bits: dtype must be bool")
            if self.low_byte_first:
                raise ValueError(f"type {self.type} holds bits, which have no bytes to swap")
        elif size is not None and size != self.count and not is_array:
            raise ValueError(f"dtype {self.dtype} takes count = {size}, not {self.count}")
        if self.end > 0x10000:
            raise ValueError(f"ends at {self.end - 1}, past the last address 65535")
        return self

    @model_validator(mode="after")
    def _range_is_one(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")
        return self

    @model_validator(mode="after")
    def _scale_is_meant(self) -> Self:
        if self.scale != 1 and self.dtype not in _NUMERIC:
            raise ValueError(f"dtype {self.dtype} cannot have a scale")
        if len(self.scale.as_tuple().digits) > _MAX_SCALE_DIGITS:
            raise ValueError(f"scale {self.scale} has more than {_MAX_SCALE_DIGITS} digits")
        return self


class ReadPoint(Point):
    """A point that can be read."""

    poll: Poll = "cold"
    nan: Annotated[Texts, ToTuple] = ()
    """Raw values (numbers as text) that mean "not available"; `NaN` for any float NaN."""
    overflow_high_word: Annotated[int, Field(ge=0, le=0xFFFF)] | None = None
    """A most significant register with this value means that the value cannot be shown."""
    mask: Annotated[int, Field(gt=0)] | None = None
    shift: Annotated[int, Field(ge=0, le=63)] = 0
    alone: bool = False
    """Read by itself: in a longer read other things stand at its address."""
    scale_point: str | None = None
    """The value is also multiplied by 10 to the power of this point."""
    multiply_by: Texts = ()
    """Names of ratio points that are multiplied in as well."""
    sunspec: Literal["common", "model"] | None = None
    """SunSpec: `address` counts from the register with the number of model 1, or of the model found."""
    prefix: str = ""
    """Text that stands before the value and is no part of it."""
    only_when: Annotated[tuple[Condition, ...], ToTuple] = ()
    """The value counts only while all of these hold; otherwise the device has none."""

    @model_validator(mode="after")
    def _prefix_is_of_a_text(self) -> Self:
        if self.prefix and self.dtype != "string":
            raise ValueError(f"dtype {self.dtype} cannot have a prefix")
        return self

    @model_validator(mode="after")
    def _sentinels_are_numbers(self) -> Self:
        for text in self.nan:
            if text == "NaN" and self.dtype in _FLOATS:
                continue
            try:
                int(text, 0)
            except ValueError:
                wanted = "NaN" if self.dtype in _FLOATS else 'a number such as "0xFFFF" or "-1"'
                raise ValueError(f"nan = {text!r}: use {wanted}") from None
        return self


class WritePoint(Point):
    """A point that can be written."""

    functions: Ints | None = None
    """Modbus functions that the device takes here; None in a file: those of `protocol.functions_write`."""
    zero: Zero = "not documented"
    below_min: Zero = "not documented"
    """What the device does with 0 and with values between 0 and `min`."""
    default: Exact | None = None
    """The factory's raw value."""
    persistent: bool = False
    """Kept over a restart of the device."""
    cyclic: bool = True
    """False: flash or EEPROM that wears; never written by a loop."""
    refresh_s: Annotated[int, Field(gt=0)] | None = None
    """Write at least this often."""
    min_interval_s: Annotated[int, Field(ge=0)] = 0
    """Write at most this often."""
    step: Annotated[Exact, Field(gt=0)] | None = None
    """Only multiples of this, in `unit`, are taken by all versions: a number is rounded down to one."""

    @model_validator(mode="after")
    def _can_be_written(self) -> Self:
        if self.type not in ("holding", "coil"):
            raise ValueError(f"type {self.type} cannot be written: use holding or coil")
        allowed = (5, 15) if self.type == "coil" else (6, 16)
        for function in self.functions or ():
            if function not in allowed:
                raise ValueError(f"function {function} cannot write a {self.type}: use one of {allowed}")
        return self

    @property
    def zero_is_safe(self) -> bool:
        """Whether writing 0 only pauses charging."""
        return self.zero in ("pause", "off")


class Derived(Part):
    """A point that is computed where the device has no good value of its own. Exactly one way is given.

    Of several with one name the first that has a value counts.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    sum_of: Annotated[tuple[str, ...], ToTuple] = ()
    minus: Annotated[tuple[str, ...], ToTuple] = ()
    """Taken off the sum."""
    product_of: Annotated[tuple[str, ...], ToTuple] = ()
    accumulates: str | None = None
    """A counter that starts anew with each session: its rises, added up since the first reading."""
    unit: Unit | None = None
    note: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """The points that it is made of."""
        return (
            *self.sum_of,
            *self.minus,
            *self.product_of,
            *([self.accumulates] if self.accumulates else ()),
        )

    @model_validator(mode="after")
    def _is_made_one_way(self) -> Self:
        if sum(map(bool, (self.sum_of, self.product_of, self.accumulates))) != 1:
            raise ValueError("give exactly one of sum_of, product_of, accumulates")
        if self.minus and not self.sum_of:
            raise ValueError("minus needs sum_of")
        return self
