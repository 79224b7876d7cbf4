"""Profiles: TOML files that turn registers into named points with units, checked when they are read."""

from baywarden_drivers.errors import Fault, ProfileError
from baywarden_drivers.profile.addressing import Place, place, port_shift, register_shift
from baywarden_drivers.profile.conduct import (
    Condition,
    Control,
    Failsafe,
    PointWrite,
    Startup,
    Status,
    StatusRule,
)
from baywarden_drivers.profile.doubts import Check, Choice, Doubt
from baywarden_drivers.profile.habits import (
    Connectors,
    Protocol,
    RtuOverTcpTransport,
    RtuTransport,
    Span,
    Sunspec,
    TcpTransport,
    Transports,
)
from baywarden_drivers.profile.loader import load_profile, parse_profile, profile_names, usable_names
from baywarden_drivers.profile.points import Derived, Point, ReadPoint, WritePoint
from baywarden_drivers.profile.schema import Profile

__all__ = [
    "Check",
    "Choice",
    "Condition",
    "Connectors",
    "Control",
    "Derived",
    "Doubt",
    "Failsafe",
    "Fault",
    "Place",
    "Point",
    "PointWrite",
    "Profile",
    "ProfileError",
    "Protocol",
    "ReadPoint",
    "RtuOverTcpTransport",
    "RtuTransport",
    "Span",
    "Startup",
    "Status",
    "StatusRule",
    "Sunspec",
    "TcpTransport",
    "Transports",
    "WritePoint",
    "load_profile",
    "parse_profile",
    "place",
    "port_shift",
    "profile_names",
    "register_shift",
    "usable_names",
]
