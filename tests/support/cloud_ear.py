"""The other end: a client that hears all of a site and can command it."""

import json
import time
from collections.abc import Callable
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties


class CloudEar:
    """Hears `evs/1/{site}/#` (with its own commands left out) and keeps everything in order of arrival.

    `only` is a narrower filter below the site.
    """

    def __init__(
        self, host: str, port: int, site_id: str = "site-1", *, only: str = "#", **credentials: str
    ) -> None:
        self.root = f"evs/1/{site_id}/"
        self.heard: list[tuple[str, bytes, bool]] = []
        self.correlations: dict[str, bytes | None] = {}
        self._listening = False
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=f"ear-{id(self)}", protocol=MQTTProtocolVersion.MQTTv5
        )
        self._client.reconnect_delay_set(1, 1)
        if credentials:
            self._client.username_pw_set(credentials["username"], credentials["password"])
        self._client.on_connect = lambda client, *_: client.subscribe(self.root + only, 1)
        self._client.on_subscribe = lambda *_: setattr(self, "_listening", True)
        self._client.on_disconnect = lambda *_: setattr(self, "_listening", False)
        self._client.on_message = self._hear
        self._client.connect(host, port, clean_start=False, properties=_session())
        self._client.loop_start()

    def __enter__(self) -> Self:
        self.wait(lambda: self._listening)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def listening(self) -> bool:
        """Whether what is said now is heard."""
        return self._listening

    def wait(self, is_so: Callable[[], bool], timeout_s: float = 20.0) -> None:
        """Return as soon as it is so; AssertionError when it never is."""
        until = time.monotonic() + timeout_s
        while not is_so():
            assert time.monotonic() < until, (
                f"never came; heard {[topic for topic, _, _ in self.heard][-20:]}"
            )
            time.sleep(0.01)

    def payloads(self, tail: str) -> list[bytes]:
        """All that was heard on a topic of the site."""
        return [payload for topic, payload, _ in list(self.heard) if topic == self.root + tail]

    def objects(self, tail: str) -> list[dict[str, Any]]:
        """The same, decoded."""
        return [json.loads(payload) for payload in self.payloads(tail) if payload]

    def say(
        self,
        tail: str,
        payload: bytes,
        *,
        retain: bool = False,
        response_topic: str | None = None,
        correlation: bytes | None = None,
    ) -> None:
        """Publish with QoS 1 and wait for the broker."""
        properties = Properties(PacketTypes.PUBLISH)
        if response_topic is not None:
            properties.ResponseTopic = response_topic
        if correlation is not None:
            properties.CorrelationData = correlation
        info = self._client.publish(self.root + tail, payload, 1, retain, properties)
        info.wait_for_publish(20)

    def _hear(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        if "/cmd/" in message.topic:
            return
        self.heard.append((message.topic, bytes(message.payload), message.retain))
        self.correlations[message.topic] = getattr(message.properties, "CorrelationData", None)


def _session() -> Properties:
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 3600
    return properties
