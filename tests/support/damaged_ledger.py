"""A ledger with something in it, and the places at which its file can be spoilt."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from baywarden.model.booking import BookingStatus
from baywarden.model.command import CancelBooking, Command, Door, Reply, Result
from baywarden.model.event import Stream
from baywarden.model.overstay import PenaltyStatus
from baywarden.ports.store import Batch
from baywarden.store.files import Files
from support.books import AT, booking, draft, evse, now, open_books, penalty, session

PAGE = 4096


def kept_files(folder: Path, pattern: str) -> list[bytes]:
    return [path.read_bytes() for path in folder.glob(pattern)]


async def a_used_ledger(folder: Path, *, backup: bool = False, rows: int = 300) -> bytes:
    """Bookings, a live session, final penalties, a reply, some events freed; the bytes of the closed file."""
    store = open_books(folder)
    live = (booking("b-live", start_at=AT + timedelta(days=1), end_at=AT + timedelta(days=1, hours=1)),)
    done = tuple(booking(f"b-{n}", status=BookingStatus.FULFILLED) for n in range(rows))
    final = tuple(penalty(f"p-{n}", status=PenaltyStatus.FINAL) for n in range(rows))
    await store.commit(
        Batch(
            evses=(evse(),),
            bookings=done + live,
            sessions=(session(),),
            penalties=(*final, penalty("p-live")),
            drafts=tuple(draft(subject=f"b-{n}") for n in range(rows)),
            answered=(
                Command("c-1", "booking.cancel", CancelBooking("b-1"), Door.CLOUD),
                Reply("c-1", Result.ACCEPTED),
            ),
        )
    )
    await store.freed(Stream.BOOKING, rows - 10)
    if backup:
        await store.tend(now())
    await store.close()
    return Files(folder).ledger.read_bytes()


def pages_of(ledger: Path, table: str) -> list[int]:
    """Leaf pages of a table, by looking for its rows: page numbers from 1."""
    with closing(sqlite3.connect(ledger)) as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    data = ledger.read_bytes()
    found, todo = [], [root]
    while todo:
        page = todo.pop()
        head = (page - 1) * PAGE
        if data[head] == 0x0D:
            found.append(page)
        elif data[head] == 0x05:
            count = int.from_bytes(data[head + 3 : head + 5])
            cells = (int.from_bytes(data[head + 12 + 2 * i :][:2]) for i in range(count))
            todo += [int.from_bytes(data[head + cell :][:4]) for cell in cells]
            todo.append(int.from_bytes(data[head + 8 : head + 12]))
    return sorted(found)


def zero_a_leaf(table: str) -> Callable[[Path], None]:
    def damage(ledger: Path) -> None:
        page = pages_of(ledger, table)[len(pages_of(ledger, table)) // 2]
        with ledger.open("r+b") as file:
            file.seek((page - 1) * PAGE)
            file.write(bytes(PAGE))

    return damage
