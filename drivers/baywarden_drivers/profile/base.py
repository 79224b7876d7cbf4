"""The words shared by all parts of a profile."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

RegisterType = Literal["holding", "input", "coil", "discrete"]
Dtype = Literal[
    "u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64",
    "string", "bool", "bcd", "bytes", "bitfield16", "bitfield32",
]  # fmt: skip
WordOrder = Literal["msw_first", "lsw_first"]
Encoding = Literal["ascii", "ascii_low_byte", "ascii_swapped", "utf16"]
Scope = Literal["connector", "station"]
Unit = Literal[
    "A",
    "V",
    "W",
    "VA",
    "var",
    "Wh",
    "kWh",
    "varh",
    "kvarh",
    "Hz",
    "s",
    "ms",
    "h",
    "percent",
    "degC",
    "deg",
    "dBm",
]
Iec = Literal["A", "B", "C", "D", "E", "F"]
State = Literal[
    "available",
    "preparing",
    "charging",
    "suspended_ev",
    "suspended_evse",
    "finishing",
    "reserved",
    "unavailable",
    "faulted",
]

DTYPE_REGISTERS: Mapping[str, int] = {
    "u16": 1, "i16": 1, "bitfield16": 1, "bool": 1, "u32": 2, "i32": 2, "f32": 2, "bitfield32": 2,
    "u64": 4, "i64": 4, "f64": 4,
}  # fmt: skip
"""Registers of the types that have a fixed size."""

FIELDBUS_BITS: frozenset[str] = frozenset({"coil", "discrete"})
"""Register types that hold single bits."""


def _exact(value: Any) -> Any:
    """Integers and decimals of the file as Decimal; anything else is left for the error message."""
    if isinstance(value, bool):
        return value
    return Decimal(value) if isinstance(value, int) else value


def _int_keys(value: Any) -> Any:
    """TOML keys are text; the raw values they stand for are numbers."""
    if not isinstance(value, dict):
        return value
    try:
        return {int(key, 0) if isinstance(key, str) else key: text for key, text in value.items()}
    except ValueError as error:
        raise ValueError(f"keys must be raw register values: {error}") from None


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Exact = Annotated[Decimal, BeforeValidator(_exact)]
Address = Annotated[int, Field(ge=0, le=0xFFFF)]
UnitId = Annotated[int, Field(ge=0, le=255)]
RawNames = Annotated[Mapping[int, str], BeforeValidator(_int_keys)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
Ints = Annotated[tuple[int, ...], BeforeValidator(_as_tuple)]
ToTuple = BeforeValidator(_as_tuple)


class Part(BaseModel):
    """A part of a profile: frozen, and every key that is not known is an error."""

    # Built when first asked for: a profile is checked as a whole, and few parts are ever made alone.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)
