"""How the wires are doing, for `status`: figures of each link and of each unit on it since the daemon started."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, Protocol

from baywarden_drivers import Device, Link, UnitStatistics
from baywarden_drivers.links import ROUND_TRIP_BUCKETS_MS


class Fitted(Protocol):
    """A device and the link it hangs on; `names` are all ids that mean it."""

    @property
    def names(self) -> frozenset[str]: ...

    @property
    def device(self) -> Device: ...

    @property
    def link_id(self) -> str: ...

    @property
    def link(self) -> Link: ...


def bus_report(fittings: Sequence[Fitted]) -> list[Mapping[str, Any]]:
    """One row for each wire; a link of site.toml has several where connectors have ports of their own."""
    wires: dict[Link, str] = {one.link: one.link_id for one in fittings}
    return [
        _wire_report(link_id, link, [one for one in fittings if one.link is link])
        for link, link_id in wires.items()
    ]


def _wire_report(link_id: str, link: Link, fittings: Iterable[Fitted]) -> Mapping[str, Any]:
    names: dict[int, set[str]] = {}
    for one in fittings:
        for unit in one.device.units:
            names.setdefault(unit, set()).update(one.names)
    figures = link.wire_statistics()
    return {
        "link_id": link_id,
        "where": link.name,
        "open": figures.is_open,
        "utilisation": round(figures.utilisation, 4),
        "requests": figures.requests,
        "busy_s": round(figures.busy_s, 3),
        "connections": figures.connections,
        "failures": figures.failures,
        "hang_ups": figures.hang_ups,
        "bytes_sent": figures.bytes_sent,
        "bytes_received": figures.bytes_received,
        "hears_itself": figures.hears_itself,
        "units": [
            _unit_report(unit, sorted(names.get(unit, ())), one)
            for unit, one in sorted(link.statistics().items())
        ],
    }


def _unit_report(unit: int, devices: Sequence[str], figures: UnitStatistics) -> Mapping[str, Any]:
    return {
        "unit": unit,
        "devices": devices,
        "requests": figures.requests,
        "answers": figures.answers,
        "time_outs": figures.time_outs,
        "damaged": figures.garbled,
        "exceptions": figures.exceptions,
        "silences_in_row": figures.silences_in_row,
        "quarantined": figures.quarantined,
        "retry_in_s": round(figures.retry_in_s, 1) if figures.quarantined else None,
        "utilisation": round(figures.utilisation, 4),
        "busy_s": round(figures.busy_s, 3),
        "bytes_sent": figures.bytes_sent,
        "round_trip_ms": {
            "last": figures.last_round_trip_ms,
            "p50_under": _finite(figures.round_trip_ms(0.5)),
            "p99_under": _finite(figures.round_trip_ms(0.99)),
            "up_to": [*ROUND_TRIP_BUCKETS_MS, None],
            "answers": list(figures.round_trips),
        },
    }


def _finite(milliseconds: float | None) -> float | None:
    """JSON has no infinity: what took longer than the last bucket has no upper end."""
    return milliseconds if milliseconds is not None and isfinite(milliseconds) else None
