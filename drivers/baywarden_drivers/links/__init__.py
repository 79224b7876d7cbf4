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
from baywarden_drivers.links.statistics import ROUND_TRIP_BUCKETS_MS, LinkStatistics, UnitStatistics
from baywarden_drivers.links.units import Pacing
from baywarden_drivers.links.wire import Tracer

__all__ = [
    "ROUND_TRIP_BUCKETS_MS",
    "Endpoint",
    "Link",
    "LinkPool",
    "LinkStatistics",
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
