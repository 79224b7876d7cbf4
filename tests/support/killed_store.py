"""A program that commits and acknowledges while it is killed, again and again; prints what was lost as JSON.

Run as `python killed_store.py FOLDER ROUNDS SEED`.
It forks instead of starting anew, so a round costs milliseconds.
"""

import asyncio
import json
import os
import random
import select
import signal
import sys
import time
from pathlib import Path

from baywarden.model.event import Stream
from baywarden.ports.store import Batch
from support.books import booking, draft, open_books


async def commit_for_ever(folder: Path, acknowledged: int, pipe: int) -> None:
    """Four bookings at a time, so that some commits go together; each acknowledged when it is durable."""
    store = open_books(folder)

    async def one(number: int) -> None:
        key = f"b-{number % 4}"
        await store.commit(Batch(bookings=(booking(key, rev=number),), drafts=(draft(subject=key),)))
        os.write(pipe, f"{number}\n".encode())
        await store.freed(Stream.BOOKING, (await store.heads())[3].last_seq // 2)

    number = acknowledged
    while True:
        await asyncio.gather(*(one(number + i) for i in range(1, 5)))
        number += 4


def one_round(folder: Path, acknowledged: int, dice: random.Random, *, early: bool) -> int:
    """Fork, let it work for a moment, kill it (`early`: maybe before it is ready); the last number acknowledged."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        asyncio.run(commit_for_ever(folder, acknowledged, writer))
    os.close(writer)
    if not early:
        select.select([reader], [], [], 30.0)
    time.sleep(dice.uniform(0.002, 0.04))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reader) as lines:
        return max((int(line) for line in lines if line.endswith("\n")), default=acknowledged)


async def judge(folder: Path, acknowledged: int) -> tuple[list[str], int]:
    """What is wrong with the ledger after a kill, and the last number in it."""
    store = open_books(folder)
    wrong: list[str] = [*(await store.load()).notes]
    rows, _ = await store.history("bookings")
    head = (await store.heads())[3]
    events = await store.replay(Stream.BOOKING, head.epoch, 1, head.last_seq, 1_000_000)
    if [event.seq for event in events] != list(range(1, head.last_seq + 1)):
        wrong.append("the numbers have a gap")
    last = max((row["rev"] for row in rows), default=0)
    if last < acknowledged:
        wrong.append(f"{acknowledged} was acknowledged, {last} is the newest")
    if len(events) < last - 3:  # a group of four may be cut in its middle
        wrong.append(f"{last} revisions, {len(events)} events")
    await store.close()
    return wrong, last


def main() -> None:
    folder, rounds, dice = Path(sys.argv[1]), int(sys.argv[2]), random.Random(int(sys.argv[3]))
    asyncio.run(judge(folder, 0))
    acknowledged, wrong = 0, list[str]()
    for number in range(rounds):
        newest = one_round(folder, acknowledged, dice, early=number % 4 == 0)
        complaints, last = asyncio.run(judge(folder, newest))
        wrong += complaints
        acknowledged = -(-last // 4) * 4
    print(json.dumps({"wrong": wrong, "acknowledged": acknowledged}))


if __name__ == "__main__":
    main()
