"""What the services need of the chargers and meters of the site."""

from dataclasses import dataclass
from typing import Protocol

from baywarden.model.reading import EvseReading, MeterReading


class WireError(Exception):
    """A device did not do what was asked; the text names it and what was tried."""


class WrongRequest(Exception):
    """Something was asked of a device that makes no sense; the text says what would. Nothing was sent."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """What a charger says of its own fail-safe after it was armed; `detail` is a sentence for people."""

    is_armed: bool
    detail: str


class Outlet(Protocol):
    """One connector of one charger, on whatever wire."""

    evse_id: str
    failsafe_ma: int

    async def poll(self) -> EvseReading:
        """Read it once. Never raises for the device's sake: the reading says what was wrong."""
        ...

    async def set_limit(self, limit_ma: int) -> int:
        """Write the limit (rounded down to what the device can say) and read it back; the limit in force in mA.

        Raises WireError when it was not written or did not read back.
        """
        ...

    async def arm(self) -> Guarded:
        """Write fail-safe current and time-out, read them back and judge them. Raises WireError."""
        ...

    async def keep_alive(self) -> None:
        """Whatever the charger needs to believe in its controller. Raises WireError."""
        ...


class Meter(Protocol):
    """One energy meter."""

    meter_id: str

    async def poll(self) -> MeterReading: ...
