"""Chargers and meters on Modbus, described by profiles; nothing here has heard of a booking or a site.

    profile = load_profile("keba-p30")
    async with LinkPool() as pool:
        charger = open_device(pool, TcpEndpoint("192.0.2.7"), profile, name="Bay 3")
        poll = await charger.poll()
        print(charger.status(poll), poll["power"].value)
        await charger.set_current_limit(10)

Errors are drawn at the top of `errors`. Energies are in Wh and times in s, whatever the registers count in.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from baywarden_drivers.device import Device, open_device
    from baywarden_drivers.doubts.decision import Decision
    from baywarden_drivers.errors import (
        DeviceError,
        DriverError,
        Fault,
        Garbled,
        LinkDown,
        NoAnswer,
        NotApplied,
        ProfileError,
        Refused,
        ValueRefused,
    )
    from baywarden_drivers.links import (
        Endpoint,
        Link,
        LinkPool,
        RtuOverTcpEndpoint,
        RtuOverTcpLink,
        SerialEndpoint,
        SerialLink,
        TcpEndpoint,
        TcpLink,
        UnitStatistics,
    )
    from baywarden_drivers.polls.planner import Block, plan
    from baywarden_drivers.polls.poll import Identity, Poll
    from baywarden_drivers.profile import Profile, load_profile, profile_names, usable_names
    from baywarden_drivers.values.codec import decode, encode
    from baywarden_drivers.values.status import ChargerStatus
    from baywarden_drivers.values.value import PointValue, Quality
    from baywarden_drivers.writes.guard import FailsafeReport

__all__ = [
    "Block",
    "ChargerStatus",
    "Decision",
    "Device",
    "DeviceError",
    "DriverError",
    "Endpoint",
    "FailsafeReport",
    "Fault",
    "Garbled",
    "Identity",
    "Link",
    "LinkDown",
    "LinkPool",
    "NoAnswer",
    "NotApplied",
    "PointValue",
    "Poll",
    "Profile",
    "ProfileError",
    "Quality",
    "Refused",
    "RtuOverTcpEndpoint",
    "RtuOverTcpLink",
    "SerialEndpoint",
    "SerialLink",
    "TcpEndpoint",
    "TcpLink",
    "UnitStatistics",
    "ValueRefused",
    "decode",
    "encode",
    "load_profile",
    "open_device",
    "plan",
    "profile_names",
    "usable_names",
]

_HOMES = {
    "Block": "polls.planner",
    "ChargerStatus": "values.status",
    "Decision": "doubts.decision",
    "Device": "device",
    "DeviceError": "errors",
    "DriverError": "errors",
    "Endpoint": "links",
    "FailsafeReport": "writes.guard",
    "Fault": "errors",
    "Garbled": "errors",
    "Identity": "polls.poll",
    "Link": "links",
    "LinkDown": "errors",
    "LinkPool": "links",
    "NoAnswer": "errors",
    "NotApplied": "errors",
    "PointValue": "values.value",
    "Poll": "polls.poll",
    "Profile": "profile",
    "ProfileError": "errors",
    "Quality": "values.value",
    "Refused": "errors",
    "RtuOverTcpEndpoint": "links",
    "RtuOverTcpLink": "links",
    "SerialEndpoint": "links",
    "SerialLink": "links",
    "TcpEndpoint": "links",
    "TcpLink": "links",
    "UnitStatistics": "links",
    "ValueRefused": "errors",
    "decode": "values.codec",
    "encode": "values.codec",
    "load_profile": "profile",
    "open_device": "device",
    "plan": "polls.planner",
    "profile_names": "profile",
    "usable_names": "profile",
}


def __getattr__(name: str) -> object:
    """Import a name when it is first used: whoever only reads profiles does not pay for the wires."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
