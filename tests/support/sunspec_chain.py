"""A chain of SunSpec models in the registers of a test server."""

from collections.abc import Sequence

from baywarden_drivers import Profile, encode
from baywarden_drivers.values.value import Value
from support.modbus_peer import Registers

MARK = (0x5375, 0x6E53)
END = (0xFFFF, 0)
COMMON = (1, 66)
WYE_INT = (203, 105)
WYE_FLOAT = (213, 124)


def lay_chain(
    registers: Registers,
    models: Sequence[tuple[int, int]],
    *,
    base: int = 40_000,
    unit: int = 1,
    end: Sequence[int] = END,
) -> list[int]:
    """Put models (number and length) one behind the other; their addresses."""
    registers.cells.setdefault(unit, {})
    registers.set(unit, "holding", base, *MARK)
    addresses = []
    at = base + len(MARK)
    for number, length in models:
        addresses.append(at)
        registers.set(unit, "holding", at, number, length, *([0] * length))
        at += 2 + length
    registers.set(unit, "holding", at, *end)
    return addresses


def put_at(
    registers: Registers, profile: Profile, model_address: int, unit: int = 1, **values: Value | None
) -> None:
    """Set points of the model at this address, by a profile whose addresses count from it."""
    for name, value in values.items():
        point = profile.readable[name]
        registers.set(unit, point.type, model_address + point.address, *encode(point, value))
