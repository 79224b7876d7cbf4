"""The words for what an outlet is doing, as people and protocols use them."""

from enum import Enum


class Pilot(Enum):
    """IEC 61851-1 control pilot states; the digit 2 means that the charger offers current (PWM is on)."""

    A = "A"
    B1 = "B1"
    B2 = "B2"
    C1 = "C1"
    C2 = "C2"
    E = "E"
    F = "F"

    @property
    def letter(self) -> str:
        """The state without its digit."""
        return self.value[0]


class OutletState(Enum):
    """What a charger calls it (OCPP 1.6 connector states)."""

    AVAILABLE = "available"
    PREPARING = "preparing"
    CHARGING = "charging"
    SUSPENDED_EV = "suspended_ev"
    SUSPENDED_EVSE = "suspended_evse"
    FINISHING = "finishing"
    RESERVED = "reserved"
    UNAVAILABLE = "unavailable"
    FAULTED = "faulted"
