"""A site's cloud link with a fake store behind it, and the ways to watch it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from tempfile import NamedTemporaryFile
from typing import Any

from baywarden.model.command import Command, Reply, Result
from baywarden.model.event import Stream
from baywarden.sync import CloudOptions
from baywarden.sync.mqtt import MqttSync
from support.clock import FakeClock
from support.cloud_ear import CloudEar
from support.fake_outbox import FakeOutbox


class Site:
    """A site with a fake store and a brain that accepts everything."""

    def __init__(self, host: str, port: int, **changes: Any) -> None:
        self.outbox = FakeOutbox()
        self.clock = FakeClock()
        self.commands: list[Command] = []
        options = CloudOptions(
            "site-1",
            host,
            port,
            tls=False,
            backoff_first_s=0.3,
            backoff_min_s=0.05,
            backoff_max_s=0.5,
            ack_timeout_s=10,
            drain_per_s=0,
            replay_per_s=0,
        )
        if (password := changes.pop("password", None)) is not None:
            self._secret = NamedTemporaryFile("w")  # noqa: SIM115 (it goes with the site)
            self._secret.write(password)
            self._secret.flush()
            changes["password_file"] = Path(self._secret.name)
        self.options = replace(options, **changes)
        self.sync = MqttSync(
            self.options,
            self.outbox,
            clock=self.clock,
            on_command=self._carry_out,
            answered=self.outbox.answer,
            birth=lambda: {"versions": {"baywarden": "0.1.0"}},
            random=Random(1),
        )

    async def _carry_out(self, command: Command) -> Reply:
        self.commands.append(command)
        reply = Reply(command.id, Result.ACCEPTED, rev=len(self.commands))
        self.outbox.answers[command.id] = reply
        return reply

    def add(self, stream: Stream, count: int = 1) -> None:
        for _ in range(count):
            self.outbox.add(stream)
        self.sync.wake()

    @asynccontextmanager
    async def trying(self) -> AsyncIterator[None]:
        """The link is being tried; at the end it is stopped."""
        task = asyncio.create_task(self.sync.run())
        try:
            yield
        finally:
            task.cancel()
            ends = await asyncio.gather(task, return_exceptions=True)
            assert isinstance(ends[0], asyncio.CancelledError), ends

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The link is up."""
        async with self.trying():
            await until(lambda: self.sync.state.connected)
            yield


async def until(is_so: Callable[[], bool], timeout_s: float = 20.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not is_so():  # what is watched belongs to other threads, too
            await asyncio.sleep(0.01)


async def heard(ear: CloudEar, is_so: Callable[[], bool]) -> None:
    await asyncio.to_thread(ear.wait, is_so)


async def told(ear: CloudEar, tail: str, payload: bytes, **options: Any) -> None:
    """The cloud publishes and the broker has it."""
    await asyncio.to_thread(partial(ear.say, tail, payload, **options))


def numbers(payloads: list[bytes]) -> list[int]:
    return [int(json.loads(payload)["id"].split("-")[1]) for payload in payloads]


def put_booking(command_id: str = "c-1", **changes: Any) -> bytes:
    body: dict[str, Any] = {
        "id": command_id,
        "expires_at": "2026-06-15T09:10:00Z",
        "params": {
            "booking_id": "b-1",
            "start_at": "2026-06-15T10:00:00Z",
            "end_at": "2026-06-15T11:00:00Z",
            "token": "04A1B2C3D4",
        },
    }
    return json.dumps(body | changes).encode()
