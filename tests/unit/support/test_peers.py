"""The peers that other tests rely on do what they say, of whichever kind this machine has."""

import os
import threading
import tty
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from support.broker import Broker, BrokerKind, broker_kinds
from support.serial_pair import SerialPair


def echo_once(port: int, payload: bytes) -> bytes:
    """Publish at QoS 1 and wait for the message to come back."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    got: list[bytes] = []
    came = threading.Event()

    def on_connect(*_: object) -> None:
        client.subscribe("echo", qos=1)

    def on_subscribe(*_: object) -> None:
        client.publish("echo", payload, qos=1)

    def on_message(_client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        got.append(bytes(message.payload))
        came.set()

    client.on_subscribe = on_subscribe
    client.on_connect = on_connect
    client.on_message = on_message
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        assert came.wait(10)
    finally:
        client.disconnect()
        client.loop_stop()
    return got[0]


@pytest.mark.broker
@pytest.mark.parametrize("kind", broker_kinds())
def test_a_broker_serves_mqtt_5_and_comes_back_on_the_same_port(tmp_path: Path, kind: BrokerKind) -> None:
    with Broker(tmp_path, kind=kind) as broker:
        assert echo_once(broker.port, b"one") == b"one"
        broker.kill()
        assert not broker.running
        broker.restart()
        assert echo_once(broker.port, b"two") == b"two"
    assert not broker.running


def test_a_machine_without_mosquitto_still_has_a_broker() -> None:
    assert BrokerKind.IOTCORE in broker_kinds()


def both_ways(pair: SerialPair) -> tuple[bytes, bytes]:
    ends = [os.open(end, os.O_RDWR | os.O_NOCTTY) for end in (pair.left, pair.right)]
    try:
        for end in ends:
            tty.setraw(end)
        os.write(ends[0], b"\x01\x03\x00\xff\r\n")
        there = os.read(ends[1], 6)
        os.write(ends[1], b"\x00\x11\x13\x04")
        return there, os.read(ends[0], 4)
    finally:
        for end in ends:
            os.close(end)


@pytest.mark.serial
@pytest.mark.parametrize("use_socat", [None, False])
def test_a_serial_pair_carries_every_byte_both_ways_also_after_a_replug(
    tmp_path: Path, use_socat: bool | None
) -> None:
    with SerialPair(tmp_path, use_socat=use_socat) as pair:
        assert both_ways(pair) == (b"\x01\x03\x00\xff\r\n", b"\x00\x11\x13\x04")
        pair.unplug()
        assert not pair.left.exists()
        pair.replug()
        assert both_ways(pair) == (b"\x01\x03\x00\xff\r\n", b"\x00\x11\x13\x04")
