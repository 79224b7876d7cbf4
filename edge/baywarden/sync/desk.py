"""The desk where the cloud's commands come in, one after the other, and their answers go out.

A command is acknowledged to the broker only after its answer is stored and sent: whatever breaks before that
brings the command again, and with it the first answer.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from baywarden.model.command import Command, Door, Reason, Reply, Result
from baywarden.ports.clock import Clock
from baywarden.ports.store import StoreError
from baywarden.sync.carrier import REFUSED, Carrier, Incoming, Parcel
from baywarden.sync.commands import (
    encode_reply,
    read_command,
    read_replay,
    read_snapshot,
    refuse_expired,
)
from baywarden.sync.errors import CommandRefused
from baywarden.sync.refusals import Refusals
from baywarden.sync.replays import Replays
from baywarden.sync.requests import REPLAY, SNAPSHOT
from baywarden.sync.snapshots import Snapshots
from baywarden.sync.tally import LOG, Tally
from baywarden.sync.topics import Topics

OnCommand = Callable[[Command], Awaitable[Reply]]
"""Carries a command out; returns once the answer is stored durably."""
Answered = Callable[[str], Awaitable[Reply | None]]
"""The stored answer to a command id (ports.store.Ledger.answer)."""

_MOST_WAITING: Final = 64


class Desk:
    """Commands in, answers out."""

    def __init__(
        self,
        *,
        topics: Topics,
        tally: Tally,
        clock: Clock,
        replays: Replays,
        snapshots: Snapshots,
        refusals: Refusals,
        on_command: OnCommand,
        answered: Answered,
        timeout_s: float,
    ) -> None:
        self._topics = topics
        self._tally = tally
        self._clock = clock
        self._replays = replays
        self._snapshots = snapshots
        self._refusals = refusals
        self._on_command = on_command
        self._answered = answered
        self._timeout_s = timeout_s
        self._waiting: asyncio.Queue[Incoming] = asyncio.Queue()
        self._at_work: set[asyncio.Task[Reply]] = set()

    def new_connection(self) -> None:
        """What still waits came by an older connection: the broker sends it again."""
        self._waiting = asyncio.Queue()

    def hand_in(self, message: Incoming) -> None:
        """A message from the broker. QoS 1 is bounded by our receive maximum, QoS 0 here."""
        if self._waiting.qsize() >= _MOST_WAITING and message.qos == 0:
            self._tally.trouble("commands_dropped", "commands without QoS 1 come too fast; some are dropped")
            return
        self._waiting.put_nowait(message)

    async def run(self, link: Carrier) -> None:
        """Answer until the link is lost (LinkLost)."""
        while True:
            message = await self._waiting.get()
            reply = await self._consider(message)
            if reply is not None:
                await self._send(link, message, reply)
            link.acknowledge(message)
            self._tally.count("commands")

    async def _consider(self, message: Incoming) -> Reply | None:
        name = self._topics.command_name(message.topic)
        if name is None:
            self._tally.trouble("strange_topics", "a message came on a topic that is not ours")
            return None
        if message.retained:
            self._tally.trouble(
                "retained_commands", f"a retained {name} is ignored: it has no time of its own"
            )
            return None
        try:
            return await self._answer(name, message.payload)
        except CommandRefused as refused:
            self._tally.trouble(
                f"refused_{refused.reason.value.lower()}", f"{name[:64]} refused: {refused.detail}"
            )
            return refused.reply()

    async def _answer(self, name: str, payload: bytes) -> Reply:
        if name == REPLAY:
            order = read_replay(payload, door=Door.CLOUD, now=self._clock.now())
            return await self._guarded(order.id, self._replays.take(order))
        if name == SNAPSHOT:
            wanted = read_snapshot(payload, door=Door.CLOUD, now=self._clock.now())
            return await self._guarded(wanted.id, self._snapshots.page(wanted))
        command = read_command(name, payload, door=Door.CLOUD)
        return await self._guarded(command.id, self._carry_out(command))

    async def _carry_out(self, command: Command) -> Reply:
        known = await self._answered(command.id)
        if known is not None:
            self._tally.count("commands_repeated")
            return known
        refuse_expired(command.id, command.expires_at, self._clock.now())
        return await self._on_command(command)

    async def _guarded(self, command_id: str, work: Awaitable[Reply]) -> Reply:
        """Whatever happens inside becomes an answer: no command may stop the next one."""
        task = asyncio.ensure_future(work)
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.shield(task)
        except CommandRefused:
            raise
        except TimeoutError:
            self._tally.trouble("command_timeouts", f"no answer to a command within {self._timeout_s:g} s")
            return Reply(
                command_id, Result.TIMEOUT, Reason.TIMEOUT, "no answer yet; ask again with the same id"
            )
        except StoreError as error:
            self._tally.trouble("store_errors", f"a command cannot be stored: {error}")
            return Reply(command_id, Result.FAILED, Reason.STORE_FULL, "it cannot be stored now")
        except Exception:  # noqa: BLE001 (the answer says so, the log has it, the next command goes on)
            self._tally.count("commands_failed")
            LOG.exception("a command failed in a way that was not foreseen")
            return Reply(command_id, Result.FAILED, Reason.FAILED, "an internal error; it is logged on site")

    async def _send(self, link: Carrier, message: Incoming, reply: Reply) -> None:
        topic = self._topics.response(message.response_topic)
        parcel = Parcel(topic, encode_reply(reply), correlation=message.correlation)
        code = await self._refusals.publish(link, parcel)
        if code >= REFUSED:
            self._tally.trouble("replies_refused", f"an answer on {topic} was refused with {code:#04x}")
