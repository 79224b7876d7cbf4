"""What the wires said of one outlet or meter, in whole SI units; None is unknown and never zero."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType


class Pilot(Enum):
    """IEC 61851-1 control pilot states."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
    F = "F"


class Contact(Enum):
    """Whether the device can be heard."""

    NEVER = "never"
    OK = "ok"
    SILENT = "silent"
    GARBLED = "garbled"
    REFUSED = "refused"
    LINK_DOWN = "link_down"


class ChargerState(Enum):
    """What the charger says it is doing (OCPP 1.6 connector states)."""

    AVAILABLE = "available"
    PREPARING = "preparing"
    CHARGING = "charging"
    SUSPENDED_EV = "suspended_ev"
    SUSPENDED_EVSE = "suspended_evse"
    FINISHING = "finishing"
    RESERVED = "reserved"
    UNAVAILABLE = "unavailable"
    FAULTED = "faulted"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a device has shown of what its profile leaves open; unless `decided`, `choice` is only used for now.

    `why` is what was seen, `text` all of it as a sentence for people.
    """

    name: str
    choice: str
    decided: bool
    why: str
    text: str


@dataclass(frozen=True, slots=True)
class EvseReading:
    """The last thing known of one outlet. `read_mono_ms` is when the status was last heard."""

    evse_id: str
    contact: Contact = Contact.NEVER
    contact_reason: str = ""
    read_mono_ms: int | None = None
    pilot: Pilot | None = None
    state: ChargerState | None = None
    current_ma: tuple[int | None, int | None, int | None] = (None, None, None)
    power_w: int | None = None
    energy_wh: int | None = None
    limit_ma: int | None = None
    error_code: int | None = None
    id_tag: str | None = None
    failsafe_armed: bool | None = None
    detail: str = ""
    decisions: tuple[Decision, ...] = ()


@dataclass(frozen=True, slots=True)
class MeterReading:
    """The last thing known of one meter."""

    meter_id: str
    contact: Contact = Contact.NEVER
    contact_reason: str = ""
    read_mono_ms: int | None = None
    current_ma: tuple[int | None, int | None, int | None] = (None, None, None)
    power_w: int | None = None
    energy_wh: int | None = None
    decisions: tuple[Decision, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All readings of one cycle, frozen."""

    evses: Mapping[str, EvseReading] = field(default_factory=lambda: MappingProxyType({}))
    meters: Mapping[str, MeterReading] = field(default_factory=lambda: MappingProxyType({}))
