"""A tiny cloud, written from the contract alone: each stream once and in order, and what is missing is asked for.

It shares no code with the site. What it has stored outlives every broker; it may say so on `ack/{stream}`.
"""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

ASK_EVERY_S = 0.7


class CloudMirror:
    """`asks`: for replays of what is missing; `acks`: tells what is stored."""

    def __init__(
        self, host: str, port: int, *, site_id: str = "site-1", asks: bool = True, acks: bool = False
    ) -> None:
        self.root = f"evs/1/{site_id}/"
        self.stored: defaultdict[str, list[bytes]] = defaultdict(list)
        """The payloads of each stream; the one with number n at n - 1."""
        self.duplicates = self.altered = self.asked = 0
        self.epoch = 1
        self.connected = False
        self.state: dict[str, Any] = {}
        self.on_stored: Callable[[str, bytes], None] = lambda stream, payload: None
        self._held: defaultdict[str, dict[int, bytes]] = defaultdict(dict)
        self._told: dict[str, int] = {}
        self._asks, self._acks = asks, acks
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=f"mirror-{id(self)}", protocol=MQTTProtocolVersion.MQTTv5
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._subscribe
        self._client.on_subscribe = lambda *_: setattr(self, "connected", True)
        self._client.on_disconnect = lambda *_: setattr(self, "connected", False)
        self._client.on_message = self._hear
        session = Properties(PacketTypes.CONNECT)
        session.SessionExpiryInterval = 3600
        self._client.connect(host, port, clean_start=False, properties=session)
        self._worker = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Self:
        self._client.loop_start()
        self._worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._worker.join()
        self._client.disconnect()
        self._client.loop_stop()

    def count(self) -> int:
        """How many events are stored."""
        return sum(len(payloads) for payloads in list(self.stored.values()))

    def _subscribe(self, client: Client, *_: object) -> None:
        client.subscribe([(self.root + tail, 1) for tail in ("evt/#", "replay/#", "state")])

    def _hear(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        kind, _, stream = message.topic.removeprefix(self.root).partition("/")
        with self._lock:
            if kind == "state":
                self.state = json.loads(message.payload)
            else:
                self._take(stream, bytes(message.payload))

    def _take(self, stream: str, payload: bytes) -> None:
        epoch, seq = (int(part) for part in json.loads(payload)["id"].split("-"))
        assert epoch == self.epoch, "these sites keep their ledger"
        stored = self.stored[stream]
        if seq <= len(stored):
            self.duplicates += 1
            self.altered += stored[seq - 1] != payload
            return
        self._held[stream][seq] = payload
        while (following := self._held[stream].pop(len(stored) + 1, None)) is not None:
            stored.append(following)
            self.on_stored(stream, following)

    def _work(self) -> None:
        asked_at = 0.0
        while not self._is_over.wait(0.05):
            with self._lock:
                if self._acks:
                    self._tell()
                if self._asks and time.monotonic() >= asked_at + ASK_EVERY_S:
                    asked_at = time.monotonic()
                    self._ask()

    def _tell(self) -> None:
        for stream in self.state.get("streams", {}):
            seq = len(self.stored[stream])
            if self._told.get(stream) != seq:
                self._told[stream] = seq
                word = {"epoch": self.epoch, "seq": seq}
                self._client.publish(f"{self.root}ack/{stream}", json.dumps(word), 1, retain=True)

    def _ask(self) -> None:
        for stream, head in self.state.get("streams", {}).items():
            have, held = len(self.stored[stream]), self._held[stream]
            last = min(held) - 1 if held else head["last_seq"]
            if last <= have or not self.connected:
                continue
            self.asked += 1
            expires_at = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
            order = {"stream": stream, "epoch": self.epoch, "from_seq": have + 1, "to_seq": last}
            body = {"id": f"ask-{self.asked}", "expires_at": expires_at, "params": order}
            self._client.publish(self.root + "cmd/replay", json.dumps(body), 1)
