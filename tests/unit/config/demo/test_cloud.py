"""The small cloud on a real broker, beside a site that is played by the test."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from baywarden_config.demo.cloud import Cloud
from support.broker import Broker

NINE = datetime(2026, 6, 15, 9, tzinfo=UTC)


def booking(seq: int, status: str = "RESERVED") -> bytes:
    """A booking event as a site renders it."""
    event = {
        "sequence": f"{1:010d}.{seq:016d}",
        "type": "io.baywarden.booking.changed.v1",
        "time": "2026-06-15T09:00:00Z",
        "data": {"booking_id": "b-1", "rev": seq, "status": status},
    }
    return json.dumps(event).encode()


class PlayedSite:
    """Holds a stream of its own, answers `replay` from it, and remembers every command."""

    def __init__(self, port: int) -> None:
        self.events = {seq: booking(seq) for seq in range(1, 8)}
        self.commands: list[tuple[str, dict[str, Any]]] = []
        self.came = threading.Condition()
        self._ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="demo", protocol=mqtt.MQTTv5)
        self._client.on_connect = lambda *_: self._listen()
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = lambda _c, _u, message: self._obey(message)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._ready.wait(10)

    def send(self, *numbers: int) -> None:
        for seq in numbers:
            self._client.publish("evs/1/demo/evt/booking", self.events[seq], qos=1)

    def _listen(self) -> None:
        self._client.subscribe("evs/1/demo/cmd/#", qos=1)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _obey(self, message: mqtt.MQTTMessage) -> None:
        name, body = message.topic.rpartition("/")[2], json.loads(message.payload)
        with self.came:
            self.commands.append((name, body))
            self.came.notify_all()
        if name == "replay":
            for seq in range(body["params"]["from_seq"], body["params"]["to_seq"] + 1):
                self._client.publish("evs/1/demo/replay/booking", self.events[seq], qos=1)
        reply = json.dumps({"id": body["id"], "result": "ACCEPTED", "reason": None})
        topic = getattr(message.properties, "ResponseTopic", "")
        self._client.publish(topic, reply, qos=1)


@pytest.fixture
def cloud(broker: Broker) -> Iterator[Cloud]:
    cloud = Cloud(broker.host, broker.port, "demo", now=lambda: NINE, mono=time.monotonic)
    cloud.start()
    until = time.monotonic() + 10
    while not cloud.subscribed and time.monotonic() < until:
        time.sleep(0.01)
    yield cloud
    cloud.stop()


@pytest.fixture
def site(broker: Broker) -> Iterator[PlayedSite]:
    site = PlayedSite(broker.port)
    yield site
    site.close()


def wait_for_rev(cloud: Cloud, rev: int) -> None:
    until = time.monotonic() + 10
    while cloud.store.bookings.get("b-1", {}).get("rev") != rev:
        assert time.monotonic() < until, cloud.store
        time.sleep(0.01)


@pytest.mark.broker
def test_a_hole_in_a_stream_is_asked_for_and_filled(cloud: Cloud, site: PlayedSite) -> None:
    site.send(1, 2, 5)
    wait_for_rev(cloud, 5)
    inbox = cloud.store.inboxes["booking"]
    assert (inbox.last_seq, inbox.gaps, inbox.duplicates) == (5, 0, 0)
    replays = [body["params"] for name, body in site.commands if name == "replay"]
    assert replays == [{"stream": "booking", "epoch": 1, "from_seq": 3, "to_seq": 4}]


@pytest.mark.broker
def test_a_missing_tail_is_found_by_the_sites_own_count(cloud: Cloud, site: PlayedSite) -> None:
    site.send(1)
    wait_for_rev(cloud, 1)
    assert not cloud.expect({"booking": (1, 7)})
    wait_for_rev(cloud, 7)
    assert cloud.expect({"booking": (1, 7)})


@pytest.mark.broker
def test_a_command_carries_its_expiry_and_its_answer_comes_back(cloud: Cloud, site: PlayedSite) -> None:
    command_id = cloud.ask("booking.put", {"booking_id": "b-9"}, valid_s=60)
    reply = cloud.reply(command_id, timeout_s=10)
    assert reply is not None
    assert reply["result"] == "ACCEPTED"
    name, body = site.commands[0]
    assert name == "booking.put"
    assert (body["issued_at"], body["expires_at"]) == ("2026-06-15T09:00:00Z", "2026-06-15T09:01:00Z")


def test_news_comes_in_the_order_of_the_stream_whatever_the_order_of_arrival() -> None:
    cloud = Cloud("127.0.0.1", 1, "demo", now=lambda: NINE, mono=lambda: 0.0)
    for seq in (2, 3, 1):
        cloud.take("evs/1/demo/evt/booking", booking(seq))
    assert [cloud.news.get_nowait().data["rev"] for _ in range(3)] == [1, 2, 3]
    assert cloud.news.empty()


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("evs/1/demo/evt/booking", b"not json"),
        ("evs/1/demo/evt/booking", b"{}"),
        ("evs/1/demo/evt/nothing", booking(1)),
        ("evs/1/demo/state", b"\xff"),
        ("evs/1/demo/rsp/demo-cloud", b"[]"),
    ],
)
def test_what_cannot_be_read_is_counted_and_stops_nothing(topic: str, payload: bytes) -> None:
    cloud = Cloud("127.0.0.1", 1, "demo", now=lambda: NINE, mono=lambda: 0.0)
    cloud.take(topic, payload)
    cloud.take("evs/1/demo/evt/booking", booking(1))
    assert cloud.store.unreadable == 1
    assert cloud.store.bookings["b-1"]["rev"] == 1
