"""The order in which settings and units of a serial line are tried: by the facts of the profiles, likely ones first."""

from collections import Counter
from collections.abc import Iterable, Sequence

from baywarden_drivers.bench.line import Setting
from baywarden_drivers.links.request import Request
from baywarden_drivers.profile.habits import RtuTransport
from baywarden_drivers.profile.schema import Profile

_RARE_BAUDS = frozenset({300, 600, 1200})
_PROBES = ((4, 0, 2), (3, 0, 1))
"""Function, address and count. A device that follows the standard answers each, if only with an exception; some
keep silent about registers that they do not have."""


def likely_settings(profiles: Iterable[Profile], *, rare: bool = False) -> list[Setting]:
    """Factory settings by how many profiles have them, then what devices can be set to."""
    weights: Counter[Setting] = Counter()
    for profile in profiles:
        rtu = profile.transport.rtu
        if rtu is None:
            continue
        weights[Setting(rtu.baud, rtu.parity, rtu.stop_bits)] += 1000
        for baud in rtu.baud_options or (rtu.baud,):
            for parity in rtu.parity_options or (rtu.parity,):
                if rare or baud not in _RARE_BAUDS:
                    weights[Setting(baud, parity, rtu.stop_bits)] += 1
    return [setting for setting, _ in sorted(weights.items(), key=lambda one: (-one[1], one[0].baud))]


def likely_units(profiles: Iterable[Profile], units: Sequence[int]) -> list[int]:
    """The wanted units, factory numbers by how many profiles have them first."""
    factory = Counter(
        unit for profile in profiles if (unit := _factory_unit(profile.transport.rtu)) is not None
    )
    return sorted(units, key=lambda unit: (-factory[unit], unit))


def usual_units(profiles: Iterable[Profile], upto: int = 8) -> list[int]:
    """Units 1 to `upto` and every number that some factory sets."""
    factory = {unit for profile in profiles if (unit := _factory_unit(profile.transport.rtu)) is not None}
    return sorted({*range(1, upto + 1), *factory} - {0})


def probe_requests(unit: int) -> list[Request]:
    """Questions that find out whether somebody is there."""
    return [Request(unit, function, address, count) for function, address, count in _PROBES]


def _factory_unit(rtu: RtuTransport | None) -> int | None:
    if rtu is None:
        return None
    return 1 if rtu.unit_id is None else rtu.unit_id
