"""The part of `status` about the wires: one line for each link, and one for each unit that something is wrong with."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from baywarden_config.layout import UNKNOWN, age, said, table

Data = Mapping[str, Any]

COLUMNS: Final = (
    "LINK", "WHERE", "UNITS", "IN USE %", "REQUESTS", "TIME-OUTS", "DAMAGED", "REFUSED", "P50 MS <=", "P99 MS <=",
)  # fmt: skip


def link_rows(data: Data, local: bool) -> Sequence[str]:
    """A table of the links: counts are since the daemon started, use is of the last half minute or so."""
    del local
    rows = [_row(link) for link in data.get("links") or ()]
    return table(COLUMNS, rows) if rows else []


def _row(link: Data) -> list[str]:
    units = list(link.get("units") or ())
    share = link.get("utilisation")
    return [
        said(link.get("link_id")),
        f"{said(link.get('where'))}{'' if link.get('open') else ' (closed)'}",
        str(len(units)),
        UNKNOWN if share is None else f"{100 * share:.1f}",
        said(link.get("requests")),
        *(_sum(units, key) for key in ("time_outs", "damaged", "exceptions")),
        *(_under_ms(units, share) for share in (0.5, 0.99)),
    ]


def _sum(units: Sequence[Data], key: str) -> str:
    counts = [unit.get(key) for unit in units]
    known = [count for count in counts if isinstance(count, int)]
    return str(sum(known)) if len(known) == len(counts) else UNKNOWN


def _under_ms(units: Sequence[Data], share: float) -> str:
    """The end of the bucket below which that share of all answers of the link came."""
    trips = [unit.get("round_trip_ms") or {} for unit in units]
    ends = next((trip["up_to"] for trip in trips if trip.get("up_to")), ())
    counts = [sum(column) for column in zip(*(trip.get("answers") or () for trip in trips), strict=False)]
    seen, wanted = 0, share * sum(counts)
    for end, count in zip(ends, counts, strict=False):
        seen += count
        if count and seen >= wanted:
            return UNKNOWN if end is None else str(end)
    return UNKNOWN


def link_faults(data: Data, local: bool) -> Iterator[str]:
    """What is wrong with single units, or has often been."""
    del local
    for link in data.get("links") or ():
        for unit in link.get("units") or ():
            words = list(_faults(unit))
            if words:
                names = ", ".join(unit.get("devices") or ())
                where = f"{link.get('link_id')} unit {unit.get('unit')}{f' ({names})' if names else ''}"
                yield f"{where}: {'; '.join(words)}"


def _faults(unit: Data) -> Iterator[str]:
    silences = unit.get("silences_in_row") or 0
    if silences:
        again = f", asked again in {age(unit.get('retry_in_s'))}" if unit.get("quarantined") else ""
        yield f"silent {silences} times in a row{again}"
    requests = unit.get("requests") or 0
    for key, word in (("time_outs", "not answered"), ("damaged", "damaged")):
        count = unit.get(key) or 0
        if not silences and count * 100 > requests:
            yield f"{count} of {requests} {word}"
