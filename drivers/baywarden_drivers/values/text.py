"""Text in registers: two characters in each, one in each, swapped, or UTF-16."""

import struct
from collections.abc import Sequence

from baywarden_drivers.errors import ValueRefused

_FILL = " \x00\xff"


def text_of(registers: Sequence[int], encoding: str) -> str:
    """The text up to the first zero, without fill at its end. Raises UnicodeDecodeError."""
    match encoding:
        case "ascii_low_byte":
            data = bytes(register & 0xFF for register in registers)
        case "ascii_swapped":
            data = struct.pack(f"<{len(registers)}H", *registers)
        case "utf16":
            data = struct.pack(f">{len(registers)}H", *registers)
            return data.decode("utf-16-be").partition("\x00")[0].rstrip(" \x00\uffff")
        case _:
            data = struct.pack(f">{len(registers)}H", *registers)
    return data.partition(b"\x00")[0].rstrip(_FILL.encode("latin-1")).decode("ascii")


def registers_of(text: str, encoding: str, count: int) -> list[int]:
    """The registers that hold `text`, filled up with zeros. Raises ValueRefused when it does not fit."""
    try:
        data = text.encode("utf-16-be" if encoding == "utf16" else "ascii")
    except UnicodeEncodeError as error:
        raise ValueRefused(f"{text!r} cannot be written as {encoding}: {error.reason}") from error
    size = count if encoding == "ascii_low_byte" else 2 * count
    if len(data) > size:
        raise ValueRefused(f"{text!r} is longer than {size} bytes")
    data = data.ljust(size, b"\x00")
    if encoding == "ascii_low_byte":
        return list(data)
    return list(struct.unpack(f"{'<' if encoding == 'ascii_swapped' else '>'}{count}H", data))
