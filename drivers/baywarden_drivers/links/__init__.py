"""Wires and their owners."""

from baywarden_drivers.links.link import Link
from baywarden_drivers.links.pool import (
    Endpoint,
    LinkPool,
    RtuOverTcpEndpoint,
    RtuOverTcpLink,
    SerialEndpoint,
    SerialLink,
    TcpEndpoint,
    TcpLink,
)
from baywarden_drivers.links.request import Request
from baywarden_drivers.links.units import Pacing, UnitStatistics
from baywarden_drivers.links.wire import Tracer

__all__ = [
    "Endpoint",
    "Link",
    "LinkPool",
    "Pacing",
    "Request",
    "RtuOverTcpEndpoint",
    "RtuOverTcpLink",
    "SerialEndpoint",
    "SerialLink",
    "TcpEndpoint",
    "TcpLink",
    "Tracer",
    "UnitStatistics",
]
