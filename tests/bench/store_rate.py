"""Commits per second of the ledger, as a share of bare fdatasync per second on the same disk in the same run.

Run as `python tests/bench/store_rate.py [FOLDER]`; the folder should be on the disk that is asked about.
"""

import asyncio
import json
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from baywarden.model.event import Stream
from baywarden.ports.store import Batch
from baywarden.store import Store
from support.books import AT, booking, draft, now, open_books

ROUND_S = 0.25
ROUNDS = 11
GOAL_1, LEAST_1, GOAL_50, LEAST_50 = 0.7, 0.5, 0.4, 0.25


@dataclass(frozen=True, slots=True)
class Rates:
    """Per second, and ratios to the yardstick."""

    fdatasync: float
    one_event: float
    fifty_events: float
    booking_and_event: float
    fifty_callers: float
    one_event_ratio: float
    fifty_events_ratio: float
    writer_cpu_us_per_commit: float
    sqlite: str


def bare_syncs(folder: Path) -> float:
    """Appends of one page, each with its fdatasync."""
    handle = os.open(folder / "yardstick", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    page, count, begun = bytes(4096), 0, time.perf_counter()
    while (passed := time.perf_counter() - begun) < ROUND_S:
        os.write(handle, page)
        os.fdatasync(handle)
        count += 1
    os.close(handle)
    return count / passed


async def per_second(work: Callable[[], Awaitable[object]]) -> float:
    """How often `work` is done."""
    count, begun = 0, time.perf_counter()
    while (passed := time.perf_counter() - begun) < ROUND_S:
        await work()
        count += 1
    return count / passed


async def measure(folder: Path) -> Rates:
    """The yardstick and the store take turns, so that both meet the same disk."""
    store = open_books(folder)
    event = draft(Stream.STATUS, "x" * 500)
    found: dict[str, list[float]] = {}

    async def with_booking() -> None:
        await store.commit(Batch(bookings=(booking(rev=time.monotonic_ns()),), drafts=(event,)))

    async def together() -> None:
        await asyncio.gather(*(store.commit(Batch(drafts=(event,))) for _ in range(50)))

    cpu = await _cpu_us_per_commit(store, Batch(drafts=(event,)))
    for _ in range(ROUNDS):
        found.setdefault("fdatasync", []).append(bare_syncs(folder))
        for name, work in (
            ("one_event", lambda: store.commit(Batch(drafts=(event,)))),
            ("fifty_events", lambda: store.commit(Batch(drafts=(event,) * 50))),
            ("booking_and_event", with_booking),
            ("fifty_callers", together),
        ):
            found.setdefault(name, []).append(await per_second(work))
        head = next(head for head in await store.heads() if head.stream is Stream.STATUS)
        await store.freed(Stream.STATUS, head.last_seq)
        await store.tend(now(AT, trusted=False))
    await store.close()
    median = {name: sorted(rates)[len(rates) // 2] for name, rates in found.items()}
    return Rates(
        **median,
        one_event_ratio=_ratio(found["one_event"], found["fdatasync"]),
        fifty_events_ratio=_ratio(found["fifty_events"], found["fdatasync"]),
        writer_cpu_us_per_commit=cpu,
        sqlite=sqlite3.sqlite_version,
    )


def _ratio(rates: list[float], yardsticks: list[float]) -> float:
    """Median of the rounds' own ratios: what disturbs a round disturbs both."""
    return sorted(rate / yardstick for rate, yardstick in zip(rates, yardsticks, strict=True))[
        len(rates) // 2
    ]


async def _cpu_us_per_commit(store: Store, batch: Batch, count: int = 300) -> float:
    begun = time.process_time()
    for _ in range(count):
        await store.commit(batch)
    return (time.process_time() - begun) / count * 1e6


def main() -> int:
    """Print the rates as JSON; 1 when one is below the least that will do."""
    parent = sys.argv[1] if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        rates = asyncio.run(measure(Path(folder)))
    print(
        json.dumps(
            {name: round(v, 3) if isinstance(v, float) else v for name, v in asdict(rates).items()}, indent=2
        )
    )
    print(f"1 event a commit: {rates.one_event_ratio:.2f} of fdatasync (goal {GOAL_1}, least {LEAST_1})")
    print(
        f"50 events a commit: {rates.fifty_events_ratio:.2f} of fdatasync (goal {GOAL_50}, least {LEAST_50})"
    )
    return int(rates.one_event_ratio < LEAST_1 or rates.fifty_events_ratio < LEAST_50)


if __name__ == "__main__":
    sys.exit(main())
