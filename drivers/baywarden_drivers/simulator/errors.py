"""What the simulator may raise.

SimulatorError
  SiteFileError    names the file, the place in it and what is accepted there
  UnknownName      no outlet, meter or device of that name; lists the known ones
  BadRequest       a request that nobody understands; says what would be right
  CannotServe      a port is taken or a serial port cannot be opened
"""

from collections.abc import Iterable


class SimulatorError(Exception):
    """The root of what the simulator may raise."""


class SiteFileError(SimulatorError):
    """A site file cannot be used as it is."""


class UnknownName(SimulatorError):
    """A name that nobody has."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(f"no {kind} {name!r}; there are: {', '.join(sorted(known)) or 'none'}")


class BadRequest(SimulatorError):
    """A request that nobody understands."""


class CannotServe(SimulatorError):
    """A listener could not be opened."""
