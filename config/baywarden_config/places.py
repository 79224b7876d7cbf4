"""Hosts, ports, serial settings and unit numbers as people type them."""

import re
from typing import TYPE_CHECKING, Final

from baywarden_config.errors import WrongUse

if TYPE_CHECKING:
    from baywarden_drivers.bench.line import Setting

MODBUS_PORT: Final = 502
_SETTING: Final = re.compile(r"(\d+)(?:[/ ,]?8?([NEO])([12])?)?", re.IGNORECASE)


def host_port(text: str, usual: int = MODBUS_PORT) -> tuple[str, int]:
    """`192.0.2.7`, `box.local:1502` or `[2001:db8::7]:502`. Raises WrongUse."""
    host, port = text, str(usual)
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not host or not port.isdecimal() or not 1 <= int(port) <= 65_535:
        raise WrongUse(f"{text!r} is no address; say HOST or HOST:PORT, like 192.0.2.7:502")
    return host, int(port)


def serial_setting(text: str) -> "Setting":
    """`9600`, `9600/8N1` or `19200/8E1`. Raises WrongUse."""
    from baywarden_drivers.bench.line import Setting

    match = _SETTING.fullmatch(text.strip())
    if match is None or not 300 <= int(match[1]) <= 1_000_000:
        raise WrongUse(f"{text!r} is no setting of a serial port; say it like 9600/8N1 or 19200/8E1")
    parity = (match[2] or "N").upper()
    return Setting(
        int(match[1]),
        "E" if parity == "E" else "O" if parity == "O" else "N",
        2 if match[3] == "2" else 1,
    )


def unit_numbers(text: str, least: int = 1, most: int = 247) -> list[int]:
    """`1-8,33` as numbers, each once and in order. Raises WrongUse."""
    units: set[int] = set()
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            raise WrongUse(f"{text!r}: say unit numbers like 1-8,33")
        begin, end = int(first), int(last or first)
        if not least <= begin <= end <= most:
            raise WrongUse(f"{text!r}: unit numbers are {least} to {most}")
        units.update(range(begin, end + 1))
    return sorted(units)
