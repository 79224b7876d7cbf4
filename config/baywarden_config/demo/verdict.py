"""What the cloud holds beside what the site's ledger holds. Pure: it compares, others read."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Final, NamedTuple

from baywarden_config.demo.byhand import by_hand
from baywarden_config.demo.cloud import Store
from baywarden_config.demo.inbox import Inbox
from baywarden_config.demo.ledger import Ledger, Row

_ALIKE: Final[Mapping[str, tuple[str, ...]]] = {
    "booking": ("rev", "status", "evse_id", "session_id"),
    "session": ("status", "evse_id", "penalty_id"),
    "penalty": ("rev", "kind", "status", "amount_minor", "currency", "billed_s"),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The figures of the report. `differences` are sentences on what the two sides tell differently."""

    bookings: list[Row]
    sessions: list[Row]
    penalties: list[Row]
    energy_wh: int
    events_sent: int
    events_received: int
    gaps: int
    duplicates: int
    lost: int
    altered: int
    differences: list[str]

    @property
    def good(self) -> bool:
        """Whether the cloud holds exactly what the site holds."""
        return not (self.lost or self.gaps or self.altered or self.differences)

    def as_json(self) -> dict[str, Any]:
        """The report."""
        return {**asdict(self), "good": self.good}


def judge(ledger: Ledger, cloud: Store) -> Verdict:
    """Compare event by event and thing by thing, up to where the ledger's streams stood when it was read."""
    streams = [_compare(ledger, cloud.inboxes[stream], stream) for stream in ledger.heads]
    told = cloud.as_of({stream: last_seq for stream, (_, last_seq) in ledger.heads.items()})
    return Verdict(
        bookings=list(ledger.bookings),
        sessions=list(ledger.sessions),
        penalties=[{**row, "amount": amount_of(row)} for row in ledger.penalties],
        energy_wh=sum(row["energy_wh"] for row in ledger.sessions),
        events_sent=sum(last_seq for _, last_seq in ledger.heads.values()),
        events_received=sum(stream.received for stream in streams),
        gaps=sum(stream.gaps for stream in streams),
        duplicates=sum(inbox.duplicates for inbox in cloud.inboxes.values()),
        lost=sum(stream.lost for stream in streams),
        altered=sum(stream.altered for stream in streams),
        differences=list(_differences(ledger, told)),
    )


def amount_of(penalty: Row) -> str:
    """280 minor units of two digits are "2.80", exactly."""
    return format(Decimal(penalty["amount_minor"]).scaleb(-penalty["minor_digits"]), "f")


class _Compared(NamedTuple):
    received: int
    gaps: int
    lost: int
    altered: int


def _compare(ledger: Ledger, inbox: Inbox, stream: str) -> _Compared:
    """A gap is a number that is missing below one that came; lost is also what is missing at the end."""
    epoch, last_seq = ledger.heads[stream]
    held = {**inbox.applied, **inbox.held} if inbox.epoch == epoch else {}
    came = {seq: payload for seq, payload in held.items() if seq <= last_seq}
    written = ledger.events.get(stream, {})
    altered = sum(1 for seq, event in written.items() if seq in came and json.loads(came[seq]) != event)
    return _Compared(
        len(came), max(came, default=0) - len(came), last_seq - len(came), altered + inbox.altered
    )


def _differences(ledger: Ledger, cloud: Store) -> Iterator[str]:
    yield from _differ("booking", ledger.bookings, cloud.bookings)
    yield from _differ("session", ledger.sessions, cloud.sessions)
    for row in ledger.sessions:
        told = cloud.sessions.get(row["id"])
        if row["status"] == "COMPLETED" and told is not None and told["energy_wh"] != row["energy_wh"]:
            energies = f"{row['energy_wh']} Wh at the site and {told['energy_wh']} Wh in the cloud"
            yield f"session {row['id']}: {energies}"
    yield from _differ("penalty", ledger.penalties, cloud.penalties)
    for row in ledger.penalties:
        if row["kind"] == "OVERSTAY" and row["status"] == "FINAL":
            worked_out = by_hand(row)
            if worked_out.amount_minor != row["amount_minor"]:
                yield f"penalty {row['id']}: {row['amount_minor']} in the ledger, by hand {worked_out}"


def _differ(kind: str, rows: Iterable[Row], told: Mapping[str, Row]) -> Iterator[str]:
    written = {row["id"]: row for row in rows}
    for thing_id in sorted({*written, *told}):
        if thing_id not in told or thing_id not in written:
            where = "the cloud" if thing_id not in told else "the ledger"
            yield f"{kind} {thing_id} is not known to {where}"
            continue
        for name in _ALIKE[kind]:
            site, cloud = written[thing_id].get(name), told[thing_id].get(name)
            if site != cloud:
                yield f"{kind} {thing_id}: {name} is {site} at the site and {cloud} in the cloud"
