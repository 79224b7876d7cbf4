"""The habits of a device on its wire: pauses, blocks, transports and how its connectors are addressed."""

from typing import Annotated, Literal

from pydantic import Field

from baywarden_drivers.profile.base import (
    Address,
    Ints,
    Part,
    RegisterType,
    Scope,
    Texts,
    ToTuple,
    UnitId,
    WordOrder,
)

Milliseconds = Annotated[int, Field(ge=0, le=600_000)]


class Span(Part):
    """Registers `first` to `last`, both included, as connector 1 has them."""

    type: RegisterType
    first: Address
    last: Address
    scope: Scope = "connector"


class Sunspec(Part):
    """Where a SunSpec device is looked for, and the models that the points of the profile describe.

    The chain begins with the mark "SunS" at one of `bases`; a point's `address` counts from the register with
    the number of its model.
    """

    bases: Ints = (40_000, 50_000, 0)
    models: Annotated[Ints, Field(min_length=1)]
    profiles: Texts = ()
    """Names of profiles with a sunspec part of their own: the one whose models the device has is used instead."""


class Protocol(Part):
    """What the device wants of whoever talks to it."""

    word_order: WordOrder = "msw_first"
    functions_write: Ints = (6, 16)
    max_registers_per_read: Annotated[int, Field(ge=1, le=125)] = 125
    max_bits_per_read: Annotated[int, Field(ge=1, le=2000)] = 256
    exact_read: bool = False
    """A read must cover exactly one documented point."""
    gaps_readable: bool = False
    """A read may run across undocumented registers."""
    max_gap_registers: Annotated[int, Field(ge=0)] = 125
    """The longest gap worth reading across, where gaps are readable."""
    start_even: bool = False
    count_even: bool = False
    """Start address and register count of a read must be even."""
    blocks: Annotated[tuple[Span, ...], ToTuple] = ()
    """Inside these a read may run across undocumented registers although elsewhere it may not."""
    unreadable: Annotated[tuple[Span, ...], ToTuple] = ()
    """Registers that no read may touch unless a point there is asked for alone."""
    min_request_gap_ms: Milliseconds = 0
    """From the end of an answer to the next request."""
    min_read_interval_ms: Milliseconds = 0
    min_write_interval_ms: Milliseconds = 0
    """From request to request of the same kind."""
    min_poll_interval_ms: Milliseconds = 0
    """From poll to poll."""
    response_timeout_ms: Annotated[int, Field(ge=50, le=60_000)] = 1000
    fallback_registers_per_read: Annotated[int, Field(ge=1, le=125)] | None = None
    """Some units take no more than this: used from then on when a longer read is refused or not answered."""
    recommended_poll_s: Annotated[int, Field(ge=1, le=3600)] | None = None
    connection: Literal["persistent", "short"] = "persistent"
    """short: other masters need their turn, so the connection is closed after each poll."""
    discard_first_read_after_connect: bool = False
    """The first answer on a new connection may be nonsense: it is asked for twice, the second one counts."""
    max_clients: Annotated[int, Field(ge=1)] | None = None
    idle_close_s: Annotated[int, Field(ge=1)] | None = None
    sunspec: Sunspec | None = None
    quirks: Texts = ()


class _Units(Part):
    unit_id: UnitId | None = None
    unit_min: UnitId = 1
    unit_max: UnitId = 255
    note: str = ""


class TcpTransport(_Units):
    """Modbus TCP as the factory sets it."""

    port: Annotated[int, Field(ge=1, le=65_535)] = 502


class RtuTransport(_Units):
    """Modbus RTU as the factory sets it; data bits are 8."""

    baud: Annotated[int, Field(ge=300)] = 9600
    baud_options: Ints = ()
    parity: Literal["N", "E", "O"] = "N"
    parity_options: Annotated[tuple[Literal["N", "E", "O"], ...], ToTuple] = ()
    stop_bits: Literal[1, 2] = 1


class RtuOverTcpTransport(_Units):
    """Modbus RTU frames through a serial gateway."""

    port: Annotated[int, Field(ge=1, le=65_535)] | None = None


class Transports(Part):
    """The wires that the device is sold with."""

    tcp: TcpTransport | None = None
    rtu: RtuTransport | None = None
    rtu_over_tcp: Annotated[RtuOverTcpTransport | None, Field(alias="rtu-over-tcp")] = None


class Connectors(Part):
    """How many connectors are behind one address, and where connector N is.

    unit_id: at unit `first + (N - 1) * stride`; register_offset: `(N - 1) * stride` is added to every address
    that is not of the station; tcp_port: on port + `(N - 1) * stride`.
    """

    count: Annotated[int, Field(ge=1, le=64)] = 1
    addressing: Literal["single", "unit_id", "register_offset", "tcp_port"] = "single"
    first: int = 1
    base: Address = 0
    stride: int = 1
    station_unit_id: UnitId | None = None
    count_point: str | None = None
    phases: Literal[1, 3] = 3
    note: str = ""
