"""A site's cloud link with its real ledger behind it; what happens there is made up."""

import asyncio
import sqlite3
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from baywarden.model.command import Command, Reply, Result
from baywarden.model.event import EventDraft, Stream
from baywarden.model.time import ClockQuality, Now
from baywarden.ports.store import Batch
from baywarden.store import open_store
from baywarden.store.files import Files
from baywarden.sync import CloudOptions
from baywarden.sync.envelope import renderer
from baywarden.sync.mqtt import MqttSync

SITE = "site-1"


class WallClock:
    """The real time, always trusted."""

    def now(self) -> Now:
        return Now(datetime.now(UTC), int(time.monotonic() * 1000), "boot-1", ClockQuality.SYNCHRONISED)

    async def sleep_until(self, mono_ms: int) -> None:
        await asyncio.sleep(max(0.0, mono_ms / 1000 - time.monotonic()))


class StoredSite:
    """Commits events and lets the real link carry them."""

    def __init__(self, folder: Path, host: str, port: int, **changes: Any) -> None:
        self.folder = folder
        self.store = open_store(folder, render=renderer(SITE), site_id=SITE)
        plain = CloudOptions(
            SITE,
            host,
            port,
            tls=False,
            backoff_first_s=0.2,
            backoff_min_s=0.05,
            backoff_max_s=0.4,
            ack_timeout_s=5,
            drain_per_s=0,
            replay_per_s=0,
            state_every_s=0.5,
        )
        self.sync = MqttSync(
            replace(plain, **changes),
            self.store,
            clock=WallClock(),
            on_command=self._accept,
            answered=self.store.answer,
            leftovers=self.store,
            birth=lambda: {"epoch_tag": self.store.stats()["epoch_tag"]},
            random=Random(1),
        )
        self.committed = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The link is tried until the end; then the ledger is closed."""
        task = asyncio.create_task(self.sync.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self.store.close()

    async def commit(self, *streams: Stream) -> None:
        """One transaction with an event on each."""
        at = datetime.now(UTC)
        drafts = []
        for stream in streams:
            self.committed += 1
            data = {"n": self.committed}
            drafts.append(EventDraft(stream, f"{stream.value}.changed.v1", "x", at, data, "S", "boot-1"))
        await self.store.commit(Batch(drafts=tuple(drafts)))
        self.sync.wake()

    def ledger(self) -> Mapping[str, list[bytes]]:
        """All payloads of each stream in order, read from the file itself."""
        found: defaultdict[str, list[bytes]] = defaultdict(list)
        with closing(sqlite3.connect(Files(self.folder).ledger)) as db:
            for stream, seq, body in db.execute("SELECT stream, seq, body FROM events ORDER BY stream, seq"):
                found[stream].append(body)
                assert seq == len(found[stream]), "the ledger itself has a hole"
        return found

    async def _accept(self, command: Command) -> Reply:
        return Reply(command.id, Result.ACCEPTED)
