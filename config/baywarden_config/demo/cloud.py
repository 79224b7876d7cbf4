"""The small cloud of the demo: it only subscribes and sends commands, and keeps everything in memory."""

import json
import queue
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from baywarden_config.demo.inbox import Inbox, Missing, numbered

STREAMS: Final = ("status", "session", "meter", "booking", "penalty", "notice", "audit")
_QOS: Final = 1
_ASK_AGAIN_S: Final = 2.0
_PATIENCE_S: Final = 2.0
"""After a birth the backlog may still be on its way; what is missing later is lost."""
_MOST_EVENTS_ASKED: Final = 1000


@dataclass(frozen=True, slots=True)
class News:
    """One event, in its stream's order, as the cloud applied it."""

    stream: str
    type: str
    at: datetime
    data: Mapping[str, Any]


@dataclass(slots=True)
class _Asked:
    """A replay under way; while the hole shrinks there is no need to ask again."""

    missing: Missing
    from_seq: int
    again_at: float

    def covers(self, missing: Missing) -> bool:
        whole = self.missing
        return whole.epoch == missing.epoch and whole.from_seq <= missing.from_seq <= whole.to_seq


@dataclass(slots=True)
class Store:
    """What the cloud knows: the streams, and the newest state of each thing by its id."""

    inboxes: dict[str, Inbox] = field(default_factory=lambda: {name: Inbox(name) for name in STREAMS})
    bookings: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    sessions: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    penalties: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    unreadable: int = 0

    def apply(self, stream: str, event: Mapping[str, Any]) -> News:
        """Entity events carry the full state: the last one in order wins."""
        data = event["data"]
        for name, things in (
            ("booking", self.bookings),
            ("session", self.sessions),
            ("penalty", self.penalties),
        ):
            if stream == name:
                things[data[f"{name}_id"]] = data
        return News(stream, event["type"], datetime.fromisoformat(event["time"]), data)

    def as_of(self, heads: Mapping[str, int]) -> "Store":
        """The same cloud at the moment when its streams ended at these numbers."""
        then = Store()
        for stream, last_seq in heads.items():
            for seq, payload in sorted(self.inboxes[stream].applied.items()):
                if seq <= last_seq:
                    then.apply(stream, json.loads(payload))
        return then


class Cloud:
    """A client of the broker. `now` is the site's time: commands expire by it."""

    def __init__(
        self, host: str, port: int, site_id: str, *, now: Callable[[], datetime], mono: Callable[[], float]
    ) -> None:
        self.news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self.store = Store()
        self.state: Mapping[str, Any] = {}
        """The site's birth document, or its will."""
        self._place = (host, port)
        self._root = f"evs/1/{site_id}/"
        self._reply_topic = f"{self._root}rsp/demo-cloud"
        self._now, self._mono = now, mono
        self._asked: dict[str, _Asked] = {}
        self._replies: dict[str, Mapping[str, Any]] = {}
        self._changed = threading.Condition(threading.RLock())
        self._birth_heads: Mapping[str, tuple[int, int]] = {}
        self._born_at = 0.0
        self._subscribed = False
        self._client = self._make_client()

    def start(self) -> None:
        """Connect and keep connected; a broker that is away is tried again each second."""
        self._client.connect_async(*self._place, keepalive=10, clean_start=True)
        self._client.loop_start()

    def stop(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def connected(self) -> bool:
        """Whether the broker is there."""
        return bool(self._client.is_connected())

    @property
    def subscribed(self) -> bool:
        """Whether the broker is there and sends what the site says."""
        return self._subscribed and self.connected

    def ask(self, name: str, params: Mapping[str, Any], *, valid_s: float = 600.0) -> str:
        """Send a command; its id. It is worth nothing after `valid_s` of the site's time."""
        command_id, at = uuid.uuid4().hex, self._now()
        body = {
            "id": command_id,
            "issued_at": _rfc3339(at),
            "expires_at": _rfc3339(at + timedelta(seconds=valid_s)),
            "params": dict(params),
        }
        properties = Properties(PacketTypes.PUBLISH)
        properties.ResponseTopic = self._reply_topic
        properties.CorrelationData = command_id.encode()
        self._client.publish(f"{self._root}cmd/{name}", json.dumps(body), qos=_QOS, properties=properties)
        return command_id

    def reply(self, command_id: str, timeout_s: float = 0.0) -> Mapping[str, Any] | None:
        """The answer to a command; None when it has not come within `timeout_s`."""
        with self._changed:
            self._changed.wait_for(lambda: command_id in self._replies, timeout_s)
            return self._replies.get(command_id)

    def expect(self, heads: Mapping[str, tuple[int, int]]) -> bool:
        """Whether every stream has come up to (epoch, seq); what has not is asked for again, patiently."""
        with self._changed:
            lacking = [
                missing
                for stream, (epoch, seq) in heads.items()
                if (missing := self.store.inboxes[stream].expect(epoch, seq)) is not None
            ]
            for missing in lacking:
                self._ask_for(missing)
            return not lacking

    def tend(self) -> None:
        """Ask again for holes that were not filled and tails that never came; to be called now and then."""
        with self._changed:
            for inbox in self.store.inboxes.values():
                self._ask_for(inbox.missing())
            if self._birth_heads and self._mono() > self._born_at + _PATIENCE_S:
                heads, self._birth_heads = self._birth_heads, {}
                self.expect(heads)

    def take(self, topic: str, payload: bytes) -> None:
        """Take one message of the site, whatever it is."""
        kind, _, rest = topic.removeprefix(self._root).partition("/")
        with self._changed:
            try:
                if kind in ("evt", "replay"):
                    self._take_event(rest, payload)
                elif kind == "rsp":
                    reply = json.loads(payload)
                    self._replies[reply["id"]] = reply
                elif kind == "state":
                    self._take_state(json.loads(payload))
            except (ValueError, KeyError, TypeError):
                self.store.unreadable += 1
            self._changed.notify_all()

    def _take_event(self, stream: str, payload: bytes) -> None:
        inbox = self.store.inboxes[stream]
        epoch, seq, _ = numbered(payload)
        taken = inbox.offer(epoch, seq, payload)
        for body in taken.applied:
            self.news.put(self.store.apply(stream, json.loads(body)))
        self._ask_for(taken.missing)

    def _take_state(self, document: Mapping[str, Any]) -> None:
        """The birth document tells the last number of each stream, so a lost tail shows at once."""
        self.state = document
        if document.get("online"):
            streams, epoch = document.get("streams", {}), document.get("epoch", 1)
            self._birth_heads = {name: (epoch, head["last_seq"]) for name, head in streams.items()}
            self._born_at = self._mono()

    def _ask_for(self, missing: Missing | None) -> None:
        if missing is None or not self.connected:
            return
        asked, now = self._asked.get(missing.stream), self._mono()
        if asked is not None and asked.covers(missing):
            if missing.from_seq > asked.from_seq:
                asked.from_seq, asked.again_at = missing.from_seq, now + _ASK_AGAIN_S
            if now < asked.again_at:
                return
        self._asked[missing.stream] = _Asked(missing, missing.from_seq, now + _ASK_AGAIN_S)
        self.ask(
            "replay",
            {
                "stream": missing.stream,
                "epoch": missing.epoch,
                "from_seq": missing.from_seq,
                "to_seq": min(missing.to_seq, missing.from_seq + _MOST_EVENTS_ASKED - 1),
            },
        )

    def _make_client(self) -> mqtt.Client:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="demo-cloud", protocol=mqtt.MQTTv5)
        client.reconnect_delay_set(1, 1)
        client.on_connect = self._subscribe
        client.on_subscribe = lambda *_: self._note_subscribed(True)
        client.on_disconnect = lambda *_: self._note_subscribed(False)
        client.on_message = lambda _client, _userdata, message: self.take(
            message.topic, bytes(message.payload)
        )
        return client

    def _note_subscribed(self, subscribed: bool) -> None:
        self._subscribed = subscribed

    def _subscribe(self, client: mqtt.Client, *_: object) -> None:
        filters = ("evt/#", "replay/#", "state", "rsp/demo-cloud")
        error, _mid = client.subscribe([(self._root + name, _QOS) for name in filters])
        if error is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            client.disconnect()


def _rfc3339(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
