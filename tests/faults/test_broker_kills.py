"""The broker is killed at random moments while events flow: the cloud's copy equals the ledger, once and in order.

A PUBACK is no delivery: one broker writes its queue to the disk now and then, the other one never.
Run with the environment variable KILLS_SEED to repeat a campaign.
"""

import asyncio
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from baywarden.model.event import Stream
from support.broker import Broker, BrokerKind, broker_kinds
from support.cloud_mirror import CloudMirror
from support.stored_site import StoredSite

pytestmark = pytest.mark.broker

STREAMS = (Stream.BOOKING, Stream.SESSION, Stream.PENALTY, Stream.METER)
PATIENCE_S = 60.0


def forgetful(folder: Path) -> Broker:
    """A broker that keeps nothing over a restart: no sessions, no queues, no retained messages."""
    broker = Broker(folder)
    if broker.kind is BrokerKind.MOSQUITTO:
        conf = folder / "mosquitto.conf"
        conf.write_text(conf.read_text().replace("persistence true", "persistence false"))
    return broker


async def flow(site: StoredSite, dice: random.Random) -> None:
    """Events without end."""
    while True:
        await site.commit(*dice.sample(STREAMS, dice.randint(1, 3)))
        await asyncio.sleep(dice.uniform(0, 0.01))


async def campaign(folder: Path, broker: Broker, kills: int, *, asks: bool, acks: bool) -> None:
    """Kill, restart, drain, and compare with the file."""
    seed = int(os.environ.get("KILLS_SEED") or random.SystemRandom().randrange(10**6))
    print(f"KILLS_SEED={seed}")
    dice = random.Random(seed)
    with broker, CloudMirror(broker.host, broker.port, asks=asks, acks=acks) as mirror:
        site = StoredSite(folder / "site", broker.host, broker.port)
        async with site.running():
            await until(lambda: mirror.connected and site.sync.state.connected)
            flowing = asyncio.create_task(flow(site, dice))
            for _ in range(kills):
                await asyncio.sleep(dice.uniform(0.05, 0.5))
                await asyncio.to_thread(broker.kill)
                await asyncio.sleep(dice.uniform(0, 0.1))
                await asyncio.to_thread(broker.restart)
                # The next kill is worth something only when events flow again.
                await until(lambda: mirror.connected and site.sync.state.connected)
            flowing.cancel()
            await asyncio.gather(flowing, return_exceptions=True)
            await until(lambda: mirror.count() >= site.committed)
            ledger = await asyncio.to_thread(site.ledger)
        heads = await site.store.heads()
    counters = site.sync.state.counters
    print(
        f"{kills} kills, {site.committed} events, {mirror.duplicates} duplicates, {mirror.asked} replays asked"
    )
    print(f"site: {dict(counters)}; freed {[head.acked_seq for head in heads]}")
    assert mirror.altered == 0
    assert {stream: payloads for stream, payloads in mirror.stored.items() if payloads} == ledger
    assert counters["connected"] > kills
    assert acks == any(head.cloud_acks for head in heads)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():
            await asyncio.sleep(0.01)


WAYS = [
    pytest.param(False, True, False, id="a broker that forgets, a cloud that asks"),
    pytest.param(False, False, True, id="a broker that forgets, a cloud that acknowledges and never asks"),
    pytest.param(True, True, False, id="a broker that keeps some, a cloud that asks"),
    pytest.param(True, True, True, id="a broker that keeps some, a cloud that does both"),
]


def made(folder: Path, *, keeps: bool) -> Broker:
    if not keeps:
        return forgetful(folder)
    if BrokerKind.MOSQUITTO not in broker_kinds():
        pytest.skip("only mosquitto keeps anything over a restart")
    return Broker(folder, kind=BrokerKind.MOSQUITTO)


@pytest.mark.parametrize(("keeps", "asks", "acks"), WAYS[:2] + WAYS[3:])
async def test_a_few_broker_kills_lose_double_and_disorder_nothing(
    tmp_path: Path, keeps: bool, asks: bool, acks: bool
) -> None:
    await campaign(tmp_path, made(tmp_path / "broker", keeps=keeps), 2, asks=asks, acks=acks)


@pytest.mark.campaign
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("keeps", "asks", "acks"), WAYS)
async def test_a_hundred_broker_kills_lose_double_and_disorder_nothing(
    tmp_path: Path, keeps: bool, asks: bool, acks: bool
) -> None:
    await campaign(tmp_path, made(tmp_path / "broker", keeps=keeps), 100, asks=asks, acks=acks)
