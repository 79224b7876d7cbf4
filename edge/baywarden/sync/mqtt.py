"""The site's voice in the cloud: one MQTT 5 connection at a time, for as long as the daemon runs."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from random import Random
from typing import Any, Final, Protocol

from baywarden.model.command import Reply
from baywarden.model.event import Stream
from baywarden.model.evse import EvseStatus
from baywarden.ports.clock import Clock
from baywarden.ports.store import Archive, Leftovers, Outbox, Parking, StoreError
from baywarden.sync.acks import Acks
from baywarden.sync.birth import birth_document, farewell_document
from baywarden.sync.carrier import REFUSED, Incoming, Parcel
from baywarden.sync.courier import Courier
from baywarden.sync.desk import Answered, Desk, OnCommand
from baywarden.sync.envelope import compact_json
from baywarden.sync.errors import FilesUnusable, LinkLost
from baywarden.sync.lanes import Lane, until_first_failure
from baywarden.sync.leftovers import Heirlooms
from baywarden.sync.link import Link
from baywarden.sync.mirror import Mirror
from baywarden.sync.options import CloudOptions
from baywarden.sync.pacing import Backoff, Pace
from baywarden.sync.parked import ReleasedEvents
from baywarden.sync.refusals import Refusals
from baywarden.sync.replays import Replays
from baywarden.sync.snapshots import SiteFacts, Snapshots
from baywarden.sync.tally import LOG, CloudState, Tally
from baywarden.sync.topics import Topics

_STABLE_AFTER_S: Final = 60.0
_LOOK_EVERY_S: Final = 5.0
_FAREWELL_S: Final = 2.0
_SUSPICIOUS_LIVES: Final = 4
_CONNECTED: Final = "connected"
_MOST_PARKED_TOLD: Final = 100
_FEW: Final = frozenset({Stream.BOOKING, Stream.SESSION, Stream.PENALTY, Stream.NOTICE})
"""Streams that are short beside the others and tell what people wait for: their backlog may go out faster."""
_FEW_FASTER: Final = 4


class Waiting(Outbox, Parking, Archive, Protocol):
    """The events of the store, those in order and those that were refused, and its records."""


async def _never_answered(_command_id: str) -> Reply | None:
    return None


class MqttSync:
    """Events, statuses and answers out, commands in.

    `run` is supervised by the daemon; all else may be called at any time on the event loop's thread and never
    waits for the network.
    """

    def __init__(
        self,
        options: CloudOptions,
        outbox: Waiting,
        *,
        clock: Clock,
        on_command: OnCommand,
        answered: Answered = _never_answered,
        leftovers: Leftovers | None = None,
        birth: Callable[[], Mapping[str, Any]] = dict,
        facts: Callable[[], SiteFacts] = SiteFacts,
        random: Random | None = None,
    ) -> None:
        self._options = options
        self._outbox = outbox
        self._clock = clock
        self._birth = birth
        self._random = random or Random()
        self._topics = Topics(options.site_id)
        self._tally = Tally()
        self._refusals = Refusals(self._random)
        self._mirror = Mirror(self._topics, self._refusals, self._tally, lambda: clock.now().at)
        paces = {True: Pace(options.drain_per_s * _FEW_FASTER), False: Pace(options.drain_per_s)}
        self._birth_news = asyncio.Event()
        self._released = ReleasedEvents(
            outbox,
            self._topics,
            courier=self._new_courier(Pace(options.replay_per_s)),
            tally=self._tally,
            page_rows=options.page_rows,
            on_sent=self._birth_news.set,
        )
        self._lanes = {stream: self._new_lane(stream, paces[stream in _FEW]) for stream in Stream}
        self._acks = Acks(outbox, self._lanes, self._topics, self._tally, self._epoch_tag)
        self._replays = Replays(
            outbox=outbox,
            topics=self._topics,
            courier=self._new_courier(Pace(options.replay_per_s)),
            tally=self._tally,
            page_rows=options.page_rows,
        )
        self._heirlooms = leftovers and Heirlooms(
            leftovers,
            outbox,
            self._topics,
            pace=Pace(options.replay_per_s),
            refusals=self._refusals,
            tally=self._tally,
            random=self._random,
            page_rows=options.page_rows,
        )
        self._desk = Desk(
            topics=self._topics,
            tally=self._tally,
            clock=clock,
            replays=self._replays,
            snapshots=Snapshots(outbox, outbox, facts=facts, epoch_tag=self._epoch_tag),
            refusals=self._refusals,
            on_command=on_command,
            answered=answered,
            timeout_s=options.command_timeout_s,
        )
        self._backoff = Backoff(
            options.backoff_first_s, options.backoff_min_s, options.backoff_max_s, self._random
        )
        self._link: Link | None = None
        self._since_at: datetime = clock.now().at
        self._reason = "not tried yet"
        self._attempts = 0
        self._short_lives = 0

    def _new_lane(self, stream: Stream, pace: Pace) -> Lane:
        return Lane(
            stream=stream,
            topic=self._topics.events(stream),
            outbox=self._outbox,
            parking=self._outbox,
            courier=self._new_courier(pace),
            tally=self._tally,
            page_rows=self._options.page_rows,
            random=self._random,
            on_parked=self.parked_changed,
        )

    def _epoch_tag(self) -> str | None:
        tag = self._birth().get("epoch_tag")
        return tag if isinstance(tag, str) else None

    def _new_courier(self, pace: Pace) -> Courier:
        return Courier(pace=pace, refusals=self._refusals, tally=self._tally, random=self._random)

    @property
    def state(self) -> CloudState:
        """For the status page."""
        remarks = self._tally.remarks() if self._link is not None else None
        return CloudState(
            self._link is not None,
            self._since_at,
            f"{self._reason}; {remarks}" if remarks else self._reason,
            self._attempts,
            self._tally.alarms(),
            self._tally.counters(),
        )

    @property
    def progress(self) -> int:
        """Rises at least every few seconds while the link works or is being tried; for the watchdog."""
        return self._tally.progress

    def wake(self) -> None:
        """A commit may have added events."""
        for lane in self._lanes.values():
            lane.wake()

    def parked_changed(self) -> None:
        """An event was parked or released: the birth document names those that are."""
        self._birth_news.set()
        self._released.wake()

    def publish_status(
        self,
        status: EvseStatus,
        extras: Mapping[str, Any] | None = None,
        live: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        """The newest status of an outlet, for the broker to keep. `extras` are more plain JSON fields.

        Those of `live` (ages) are looked up whenever it is sent, and are no reason to send it.
        """
        self._mirror.put(status, extras or {}, live)

    def drop_status(self, evse_id: str) -> None:
        """The outlet was removed from the site."""
        self._mirror.drop(evse_id)

    def publish_tele(self, evse_id: str, values: Mapping[str, Any]) -> bool:
        """Live values, sent now or never; whether they were sent."""
        if self._link is None:
            return False
        parcel = Parcel(
            self._topics.live(evse_id), compact_json(values), expiry_s=self._options.tele_expiry_s
        )
        is_sent = self._link.publish_lossy(parcel)
        self._tally.count("tele_sent" if is_sent else "tele_dropped")
        return is_sent

    async def run(self) -> None:
        """Connect, and connect again, until cancelled; then say goodbye and close."""
        while True:
            self._attempts += 1
            began_s = asyncio.get_running_loop().time()
            try:
                await self._one_connection()
            except LinkLost as lost:
                self._note_lost(lost, asyncio.get_running_loop().time() - began_s)
                await self._pause(lost)

    async def _one_connection(self) -> None:
        link = Link(self._options, self._topics, self._farewell("lost"), self._hear)
        self._desk.new_connection()
        self._acks.new_connection()
        try:
            await link.open()
            await self._greet(link)
            await until_first_failure(
                [
                    partial(self._watch, link),
                    partial(self._desk.run, link),
                    partial(self._acks.run, link),
                    partial(self._released.run, link),
                    partial(self._mirror.run, link),
                    partial(self._replays.run, link),
                    *([partial(self._heirlooms.run, link)] if self._heirlooms else []),
                    partial(self._refresh_birth, link),
                    *(partial(lane.run, link) for lane in self._lanes.values()),
                ]
            )
        except asyncio.CancelledError:
            await self._say_goodbye(link)
            raise
        finally:
            self._link = None
            await link.close()

    async def _greet(self, link: Link) -> None:
        """What is true now first: birth, then the statuses; history comes after."""
        await self._resume_lanes()
        for topic_filter in (self._topics.commands, self._topics.acks):
            code = await link.subscribe(topic_filter)
            if code >= REFUSED:
                text = f"the broker refused our subscription to {topic_filter} with {code:#04x}"
                self._tally.trouble("subscribe_refused", text)
        await self._publish_birth(link)
        self._mirror.forget_given()
        self._note_connected(link)
        await self._mirror.flush(link)

    def _hear(self, message: Incoming) -> None:
        if not self._acks.take(message):
            self._desk.hand_in(message)

    async def _resume_lanes(self) -> None:
        try:
            heads = await self._outbox.heads()
        except StoreError as error:
            raise LinkLost(f"the outbox cannot be read: {error}") from error
        for head in heads:
            self._lanes[head.stream].resume(head.acked_seq, cloud_acks=head.cloud_acks)

    async def _watch(self, link: Link) -> None:
        while not link.lost.done():
            self._tally.progress += 1
            await asyncio.wait((link.lost,), timeout=_LOOK_EVERY_S)
        raise link.lost.result()

    async def _refresh_birth(self, link: Link) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._options.state_every_s):
                    await self._birth_news.wait()
            self._birth_news.clear()
            await self._publish_birth(link)

    async def _publish_birth(self, link: Link) -> None:
        parcel = Parcel(self._topics.state, await self._birth_document(), retain=True)
        code = await self._refusals.publish(link, parcel)
        if code >= REFUSED:
            self._tally.trouble("state_refused", f"the birth document was refused with {code:#04x}")

    async def _birth_document(self) -> bytes:
        try:
            heads = await self._outbox.heads()
            parked, _ = await self._outbox.parked(_MOST_PARKED_TOLD)
        except StoreError as error:
            raise LinkLost(f"the outbox cannot be read: {error}") from error
        return birth_document(self._clock.now(), self._birth(), heads, parked)

    def _farewell(self, reason: str) -> bytes:
        return farewell_document(self._clock.now(), reason)

    async def _say_goodbye(self, link: Link) -> None:
        if link is not self._link or link.lost.done():
            return
        with suppress(LinkLost, TimeoutError):
            async with asyncio.timeout(_FAREWELL_S):
                await link.publish(Parcel(self._topics.state, self._farewell("stopped"), retain=True))

    def _note_connected(self, link: Link) -> None:
        LOG.info("connected to the cloud at %s:%d", self._options.host, self._options.port)
        self._link = link
        self._since_at = self._clock.now().at
        self._reason = _CONNECTED
        self._attempts = 0
        self._tally.end_alarm("files")
        self._tally.is_well("link_lost")
        self._tally.count("connected")

    def _note_lost(self, lost: LinkLost, lived_s: float) -> None:
        self._tally.trouble(
            "link_lost", f"no cloud at {self._options.host}:{self._options.port}: {lost.reason}"
        )
        if isinstance(lost, FilesUnusable):
            self._tally.alarm("files", lost.reason)
        else:
            self._tally.end_alarm("files")
        if self._reason == _CONNECTED:
            self._since_at = self._clock.now().at
            self._judge_life(lost, lived_s)
        self._reason = lost.reason

    def _judge_life(self, lost: LinkLost, lived_s: float) -> None:
        """A broker need not say that another client took our place: then every life is short."""
        self._short_lives = 0 if lived_s >= _STABLE_AFTER_S else self._short_lives + 1
        if not self._short_lives:
            self._backoff.reset()
            self._tally.end_alarm("identity")
        elif lost.is_taken_over:
            self._tally.alarm("identity", f"another client uses the id {self._options.site_id!r}")
        elif self._short_lives >= _SUSPICIOUS_LIVES:
            text = f"the broker keeps ending our connections: is {self._options.site_id!r} in use twice?"
            self._tally.alarm("identity", text)

    async def _pause(self, lost: LinkLost) -> None:
        left_s = self._backoff.next_s()
        if lost.is_taken_over:
            left_s = self._options.takeover_pause_s * self._random.uniform(0.75, 1.25)
        while left_s > 0:
            self._tally.progress += 1
            await asyncio.sleep(min(left_s, _LOOK_EVERY_S))
            left_s -= _LOOK_EVERY_S
