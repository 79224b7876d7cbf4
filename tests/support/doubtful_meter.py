"""A meter whose profile leaves things open, and the registers that decide them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from baywarden_drivers import LinkPool, Profile, TcpEndpoint, encode
from baywarden_drivers.profile import parse_profile
from baywarden_drivers.values.value import Value
from support.made_up_meter import MADE_UP_METER
from support.modbus_peer import Registers, tcp_server

PROFILE = (
    MADE_UP_METER
    + """
[protocol]
response_timeout_ms = {timeout_ms}
functions_write = [16]
[transport.tcp]

[[read]]
name = "power"
type = "input"
address = 10
count = 2
dtype = "f32"
unit = "W"
poll = "hot"

[[read]]
name = "frequency"
type = "input"
address = 20
count = 2
dtype = "f32"
unit = "Hz"
poll = "hot"

[[read]]
name = "energy_total"
type = "input"
address = 30
count = 2
dtype = "u32"
unit = "kWh"
scale = 0.1
poll = "hot"

[[read]]
name = "firmware"
type = "input"
address = 40
count = 4
dtype = "string"
poll = "once"

[[write]]
name = "set_power_limit"
type = "holding"
address = 50
count = 2
dtype = "f32"
unit = "W"
"""
)


def profile_with(*doubts: str, timeout_ms: int = 5_000) -> Profile:
    """The made-up meter with these doubts."""
    return parse_profile(PROFILE.format(timeout_ms=timeout_ms) + "".join(doubts), "acme.toml", "acme")


def fill(registers: Registers, profile: Profile, **values: Value) -> None:
    """Put values where this profile has them."""
    for name, value in values.items():
        point = profile.readable[name]
        registers.set(1, point.type, point.address, *encode(point, value))


def metering(**changes: Value) -> Registers:
    """The registers of the made-up meter as its file has it."""
    registers = Registers(1)
    values: dict[str, Value] = {"power": 1500, "frequency": 50, "energy_total": 7000, "firmware": "5.30.1"}
    fill(registers, profile_with(), **{**values, **changes})
    return registers


@asynccontextmanager
async def reached(registers: Registers) -> AsyncIterator[tuple[LinkPool, TcpEndpoint]]:
    """A server with these registers, and how to reach it."""
    async with tcp_server(registers) as port, LinkPool() as pool:
        yield pool, TcpEndpoint("127.0.0.1", port)
