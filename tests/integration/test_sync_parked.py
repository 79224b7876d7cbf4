"""A poison message against a real broker: parked, named, released."""

import asyncio
from pathlib import Path

import pytest

from baywarden.model.event import Stream
from support.broker import Broker, BrokerKind, broker_kinds
from support.cloud_ear import CloudEar
from support.sync_site import Site, heard, numbers, until

pytestmark = [
    pytest.mark.broker,
    pytest.mark.skipif(
        BrokerKind.MOSQUITTO not in broker_kinds(), reason="needs mosquitto: it tells its limit"
    ),
]
SMALL = "max_packet_size 20000\n"


async def test_a_message_that_is_too_large_holds_up_nothing_and_is_sent_when_it_is_released(
    tmp_path: Path,
) -> None:
    broker = Broker(tmp_path, kind=BrokerKind.MOSQUITTO)
    conf = tmp_path / "mosquitto.conf"
    text = conf.read_text()
    conf.write_text(text + SMALL)
    site = Site(broker.host, broker.port)
    poison = site.outbox.add(Stream.PENALTY, {"text": "x" * 30_000})
    site.add(Stream.PENALTY, 2)
    with broker, CloudEar(broker.host, broker.port) as ear:
        async with site.running():
            await heard(ear, lambda: numbers(ear.payloads("evt/penalty")) == [2, 3])
            await heard(ear, lambda: ear.objects("state")[-1]["streams"]["penalty"].get("parked") == [1])
            assert "penalty 1-1 was refused for good with code 0x95" in str(site.sync.state.alarm)
            conf.write_text(text)
            await asyncio.to_thread(broker.restart)
            await until(lambda: ear.listening and site.sync.state.connected)
            await site.outbox.release(Stream.PENALTY, 1, 1)
            site.sync.parked_changed()
            await heard(ear, lambda: ear.payloads("replay/penalty") == [poison.payload])
            await heard(ear, lambda: "parked" not in ear.objects("state")[-1]["streams"]["penalty"])
            await until(lambda: site.sync.state.alarm is None)
