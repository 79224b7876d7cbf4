"""Devices on one line that can fall silent, behind an adapter that may hear itself."""

from collections.abc import Iterable

from support.modbus_peer import Reply
from support.rough_slave import rtu_slave


def slaves(*units: int) -> "Slaves":
    """Those that answer."""
    return Slaves(set(units))


class Slaves:
    """A script: devices on one line that can fall silent, behind an adapter that may hear itself."""

    def __init__(self, units: set[int]) -> None:
        self.units = units
        self.silent: set[int] = set()
        self.echoes = False

    def __call__(self, request: bytes) -> Iterable[Reply]:
        answer = rtu_slave(request, self.units - self.silent)
        if self.echoes:
            yield 0, request
        if answer is not None:
            yield 0, answer
