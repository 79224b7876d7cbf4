"""What the cloud itself says it has stored, on `ack/{stream}`: it frees the outbox where a PUBACK cannot be trusted.

A broker that has acknowledged an event may still lose it. From the first word of the cloud on a stream its PUBACKs
free nothing any more, also after a restart, until the cloud takes its word back with an empty message.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from baywarden.model.event import Stream, StreamHead
from baywarden.ports.store import Outbox, StoreError
from baywarden.sync.carrier import Carrier, Incoming
from baywarden.sync.lanes import Lane
from baywarden.sync.tally import Tally
from baywarden.sync.topics import Topics

_MOST_BYTES: Final = 1024
_STORE_PAUSE_S: Final = 2.0


class Word(NamedTuple):
    """All up to this number of this epoch is stored in the cloud; 0 is nothing yet."""

    epoch: int
    seq: int
    epoch_tag: str | None = None


def read_word(payload: bytes) -> Word | None:
    """None when it is no such word."""
    if len(payload) > _MOST_BYTES:
        return None
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    epoch, seq, tag = found.get("epoch"), found.get("seq"), found.get("epoch_tag")
    if type(epoch) is not int or type(seq) is not int or seq < 0 or not isinstance(tag, str | None):
        return None
    return Word(epoch, seq, tag)


class Acks:
    """Takes the cloud's words: the newest of each stream counts, so a flood of them costs nothing."""

    def __init__(
        self,
        outbox: Outbox,
        lanes: Mapping[Stream, Lane],
        topics: Topics,
        tally: Tally,
        epoch_tag: Callable[[], str | None],
    ) -> None:
        self._outbox = outbox
        self._lanes = lanes
        self._topics = topics
        self._tally = tally
        self._epoch_tag = epoch_tag
        self._newest: dict[Stream, bytes] = {}
        self._unanswered: list[Incoming] = []
        self._news = asyncio.Event()

    def new_connection(self) -> None:
        """What was not acknowledged is sent again by the broker."""
        self._unanswered.clear()

    def take(self, message: Incoming) -> bool:
        """Whether it is a word for us, retained or not."""
        stream = self._topics.acked_stream(message.topic)
        if stream is None:
            return False
        self._newest[stream] = message.payload
        self._unanswered.append(message)
        self._news.set()
        return True

    async def run(self, link: Carrier) -> None:
        """Apply them until the link is lost (LinkLost)."""
        while True:
            await self._news.wait()
            self._news.clear()
            words, self._newest = self._newest, {}
            heard, self._unanswered = self._unanswered, []
            for message in heard:
                link.acknowledge(message)
            for stream, payload in words.items():
                await self._apply(stream, payload)

    async def _apply(self, stream: Stream, payload: bytes) -> None:
        while True:
            try:
                return await self._try(stream, payload)
            except StoreError as error:
                self._tally.trouble("store_errors", f"the outbox cannot be freed: {error}")
                await asyncio.sleep(_STORE_PAUSE_S)

    async def _try(self, stream: Stream, payload: bytes) -> None:
        head = next((head for head in await self._outbox.heads() if head.stream is stream), None)
        lane = self._lanes[stream]
        if not payload:
            await self._outbox.set_cloud_acks(stream, False)
            lane.cloud_is_silent()
            return
        word = read_word(payload)
        if word is None or head is None or not self._is_ours(word, head):
            self._tally.trouble(
                "strange_acks",
                f"the cloud acknowledges of {stream.value} what was never sent: it frees nothing",
            )
            return
        if not head.cloud_acks:
            await self._outbox.set_cloud_acks(stream, True)
        if word.epoch < head.epoch:
            lane.hear(0)
            return
        await self._outbox.freed(stream, word.seq)
        lane.hear(word.seq)
        self._tally.count("acks")

    def _is_ours(self, word: Word, head: StreamHead) -> bool:
        """A word of a lost ledger may name numbers that will be given again: the epoch's tag tells them apart."""
        if word.epoch < head.epoch:
            return True
        tag = self._epoch_tag()
        is_same = word.epoch_tag is None or tag is None or word.epoch_tag == tag
        return is_same and word.epoch == head.epoch and word.seq <= head.last_seq
