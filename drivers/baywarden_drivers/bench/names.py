"""Which points of which devices a request on the wire is about, and what its answer says of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Final, TypeVar

from baywarden_drivers.bench.frames import KINDS, Answer
from baywarden_drivers.links.request import Request
from baywarden_drivers.profile.addressing import place
from baywarden_drivers.profile.points import Point, ReadPoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.values.codec import decode
from baywarden_drivers.values.value import Quality

_DIGITS: Final = {"f32": 9, "f64": 17}
"""So many decimal digits tell any two floats apart."""
_Point = TypeVar("_Point", bound=Point)


@dataclass(frozen=True, slots=True)
class Tenant:
    """A device on the traced link."""

    profile: Profile
    unit: int
    connector: int = 1


class Names:
    """Points by where they stand on one link."""

    def __init__(self, tenants: Iterable[Tenant]) -> None:
        self._reads: dict[tuple[int, str], list[tuple[int, ReadPoint]]] = {}
        self._writes: dict[tuple[int, str], list[tuple[int, Point]]] = {}
        for tenant in tenants:
            for read in tenant.profile.read:
                where = place(tenant.profile, read, tenant.connector, tenant.unit)
                self._reads.setdefault((where.unit, read.type), []).append((where.address, read))
            for write in tenant.profile.write:
                where = place(tenant.profile, write, tenant.connector, tenant.unit)
                self._writes.setdefault((where.unit, write.type), []).append((where.address, write))

    def of(self, request: Request) -> list[str]:
        """Names of all points that lie inside the request."""
        if request.is_write:
            return [point.name for _, point in _inside(self._writes, request)]
        return [point.name for _, point in _inside(self._reads, request)]

    def values(self, request: Request, answer: Answer) -> Mapping[str, str]:
        """What the answer of a read says of each of them, for people."""
        if request.is_write or not answer.good:
            return {}
        found = {}
        for address, point in _inside(self._reads, request):
            start = address - request.address
            found[point.name] = _shown(point, answer.values[start : start + point.count])
        return found


def _inside(
    places: Mapping[tuple[int, str], list[tuple[int, _Point]]], request: Request
) -> list[tuple[int, _Point]]:
    known = places.get((request.unit, KINDS[request.function]), [])
    last = request.address + request.count
    return [(at, one) for at, one in known if request.address <= at and at + one.count <= last]


def _shown(point: ReadPoint, registers: tuple[int, ...]) -> str:
    value = decode(point, registers, 0)
    if value.quality is not Quality.GOOD:
        return f"{value.quality.value} ({value.reason})" if value.reason else value.quality.value
    shown = value.value.hex() if isinstance(value.value, bytes) else _figure(point, value.value)
    return f"{shown} {point.unit}" if point.unit else shown


def _figure(point: ReadPoint, value: object) -> str:
    """As it is; a float without the digits that its registers do not hold."""
    if isinstance(value, Decimal) and point.dtype in _DIGITS:
        value = value.normalize(Context(prec=_DIGITS[point.dtype]))
        return f"{value:f}"
    return str(value)
