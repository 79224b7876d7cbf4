"""Which record lives in which table, and the columns by which it is found."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, TypeVar

from baywarden.model.booking import Booking
from baywarden.model.evse import EvseState
from baywarden.model.notice import Notice
from baywarden.model.overstay import Penalty, PenaltyStatus
from baywarden.model.session import MeterSample, Session, SessionStatus
from baywarden.ports.store import StoreDamaged
from baywarden.store.codec import check_sum, decode, encode, to_us

T = TypeVar("T")
Value = str | int | None


@dataclass(frozen=True)
class Table(Generic[T]):
    """One kind of record. `once` keeps the first record of an id; the others are replaced by the newest."""

    name: str
    model: type[T]
    columns: Mapping[str, Callable[[T], Value]]
    once: bool = False
    upsert: str = field(init=False)

    def __post_init__(self) -> None:
        names = (*self.columns, "body", "crc")
        changed = ", ".join(f"{name} = excluded.{name}" for name in names if name != "id")
        # An unchanged record is not written again: that spares the flash, and a final one may be repeated.
        on_conflict = (
            "NOTHING" if self.once else f"UPDATE SET {changed} WHERE {self.name}.body <> excluded.body"
        )
        marks = ", ".join("?" * len(names))
        sql = (
            f"INSERT INTO {self.name} ({', '.join(names)}) VALUES ({marks}) ON CONFLICT (id) DO {on_conflict}"
        )
        object.__setattr__(self, "upsert", sql)

    def row(self, record: T) -> tuple[Any, ...]:
        """The values of `upsert`."""
        body = encode(record)
        return (*(value(record) for value in self.columns.values()), body.decode(), check_sum(body))

    def record(self, body: str, crc: int) -> T:
        """The record of a row. Raises StoreDamaged."""
        return intact(self.model, body, crc)


def intact(model: type[T], body: str, crc: int) -> T:
    """The record whose body has this check sum. Raises StoreDamaged."""
    if check_sum(body.encode()) != crc:
        raise StoreDamaged(f"a stored {model.__name__.lower()} does not have its check sum any more")
    return decode(model, body)


def bare(evse: EvseState) -> EvseState:
    """The outlet without what has a table of its own."""
    return replace(evse, bookings=(), session=None, penalty=None)


EVSES: Final = Table(name="evses", model=EvseState, columns={"id": lambda e: e.evse_id})
BOOKINGS: Final = Table(
    name="bookings",
    model=Booking,
    columns={
        "id": lambda b: b.id,
        "at_us": lambda b: to_us(b.start_at),
        "live": lambda b: int(not b.status.is_final),
        "evse_id": lambda b: b.evse_id,
        "status": lambda b: b.status.value,
        "token": lambda b: b.token,
        "session_id": lambda b: b.session_id,
    },
)
SESSIONS: Final = Table(
    name="sessions",
    model=Session,
    columns={
        "id": lambda s: s.id,
        "at_us": lambda s: to_us(s.started_at),
        "live": lambda s: int(s.status is not SessionStatus.COMPLETED),
        "evse_id": lambda s: s.evse_id,
        "status": lambda s: s.status.value,
        "token": lambda s: s.token,
        "booking_id": lambda s: s.booking_id,
    },
)
PENALTIES: Final = Table(
    name="penalties",
    model=Penalty,
    columns={
        "id": lambda p: p.id,
        "at_us": lambda p: to_us(p.from_at),
        "live": lambda p: int(p.status is PenaltyStatus.ACCRUING),
        "evse_id": lambda p: p.evse_id,
        "status": lambda p: p.status.value,
        "kind": lambda p: p.kind.value,
        "token": lambda p: p.token,
        "booking_id": lambda p: p.booking_id,
        "session_id": lambda p: p.session_id,
    },
)
NOTICES: Final = Table(
    name="notices",
    model=Notice,
    once=True,
    columns={
        "id": lambda n: n.key,
        "at_us": lambda n: to_us(n.at),
        "evse_id": lambda n: n.evse_id,
        "kind": lambda n: n.kind.value,
        "token": lambda n: n.token,
        "booking_id": lambda n: n.booking_id,
        "session_id": lambda n: n.session_id,
    },
)
SAMPLES: Final = Table(
    name="samples",
    model=MeterSample,
    once=True,
    columns={
        "id": lambda s: f"{s.session_id}/{to_us(s.at)}/{s.context.value}",
        "at_us": lambda s: to_us(s.at),
        "evse_id": lambda s: s.evse_id,
        "session_id": lambda s: s.session_id,
    },
)

PAGED: Final[Mapping[str, Table[Any]]] = {
    t.name: t for t in (BOOKINGS, SESSIONS, PENALTIES, NOTICES, SAMPLES)
}
"""What `history` shows."""
CHECKED: Final = (
    "evses",
    "bookings",
    "sessions",
    "penalties",
    "notices",
    "samples",
    "commands",
    "anchor",
    "events",
    "parked",
    "tokens",
    "token_head",
)
"""Tables whose rows carry a check sum of `body`."""
