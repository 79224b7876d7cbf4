"""What can go wrong below the services.

DriverError
  ProfileError     a profile cannot be used: names file, place and what would be right
  ValueRefused     a value that this device cannot be told; nothing was sent
  DeviceError      carries the device's name and what was tried
    LinkDown       nothing was sent: try again later
    NoAnswer       sent, silence: a write may have happened, so look before repeating
    Refused        the device said no: keep its code
    Garbled        an answer nobody should trust
    NotApplied     written and answered, but the device reads back something else
"""

from collections.abc import Sequence
from dataclasses import dataclass


class DriverError(Exception):
    """The root of everything that this package raises on purpose."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a profile: where it is, what is wrong and what would be right."""

    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


class ProfileError(DriverError):
    """A profile that cannot be used, with all its faults at once."""

    def __init__(self, source: str, faults: Sequence[Fault]) -> None:
        self.source = source
        self.faults = tuple(faults)
        super().__init__("\n".join([f"{source}:", *(f"  {fault}" for fault in self.faults)]))


class ValueRefused(DriverError):
    """A value that cannot be put into a register or that the device would not take as meant."""


class DeviceError(DriverError):
    """A device did not do what was asked."""

    def __init__(self, detail: str, *, device: str = "", tried: str = "") -> None:
        self.detail = detail
        self.device = device
        self.tried = tried
        super().__init__(detail)

    def __str__(self) -> str:
        return ": ".join(part for part in (self.device, self.tried, self.detail) if part)


class LinkDown(DeviceError):
    """Nothing was sent: there is no connection, or the device is being left in peace."""


class NoAnswer(DeviceError):
    """The request was sent and silence followed; a write may have happened."""


class Refused(DeviceError):
    """The device answered with an exception; `code` is the Modbus exception code."""

    def __init__(self, detail: str, *, code: int, device: str = "", tried: str = "") -> None:
        super().__init__(detail, device=device, tried=tried)
        self.code = code


class Garbled(DeviceError):
    """An answer came that does not belong to the request or was damaged."""


class NotApplied(DeviceError):
    """A value was written but another one is in force."""
