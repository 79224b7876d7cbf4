"""What the site shows of each outlet on a real broker: told when it changes, with its age at the moment of telling."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from baywarden.services.cloud import Cloud
from baywarden.services.doors import Doors
from baywarden.sync import CloudOptions
from support.broker import Broker
from support.clock import FakeClock
from support.cloud_ear import CloudEar
from support.site_at_work import SiteAtWork, site_at_work, until
from support.sync_site import heard
from support.wires import Proxy

pytestmark = pytest.mark.broker


@asynccontextmanager
async def shown(work: SiteAtWork, host: str, port: int) -> AsyncIterator[Cloud]:
    """The site with its link to the cloud."""
    options = CloudOptions(
        "site-1", host, port, tls=False, backoff_first_s=0.3, backoff_min_s=0.05, backoff_max_s=0.5
    )
    doors = Doors(work.brain, work.steward, work.board, work.store, clock=work.clock, version="0")
    cloud = Cloud(
        options, brain=work.brain, steward=work.steward, books=work.store, doors=doors, clock=work.clock
    )
    link = asyncio.create_task(cloud.run())
    try:
        await until(lambda: cloud.is_connected)
        yield cloud
    finally:
        link.cancel()
        await asyncio.gather(link, return_exceptions=True)


async def cycle(work: SiteAtWork, cloud: Cloud) -> None:
    """One cycle with what follows it."""
    await work.cycle()
    cloud.after_cycle(work.board.snapshot())


async def test_an_outlet_is_told_of_when_something_has_changed_and_not_for_its_age(
    broker: Broker, tmp_path: Path, clock: FakeClock
) -> None:
    with CloudEar(broker.host, broker.port) as ear:
        async with site_at_work(tmp_path, clock) as work, shown(work, broker.host, broker.port) as cloud:
            for _ in range(3):
                await cycle(work, cloud)
            await heard(ear, lambda: bool(ear.objects("evse/b1/status") and ear.objects("evse/b2/status")))
            for _ in range(15):
                await cycle(work, cloud)
            work.plug("b2")
            for _ in range(15):
                await cycle(work, cloud)
            await heard(ear, lambda: ear.objects("evse/b2/status")[-1]["limit_a"] == 16)
        of_b1, of_b2 = ear.objects("evse/b1/status"), ear.objects("evse/b2/status")
    assert [(one["availability"], one["limit_a"], one["label"]) for one in of_b1] == [
        ("available", 0, "Bay b1")
    ]
    assert (of_b2[-1]["availability"], of_b2[-1]["state"]) == ("occupied", "charging")
    assert of_b2[-1]["session_id"] is not None and of_b2[-1]["booking_id"] is None


async def test_after_an_outage_an_outlet_is_as_old_as_it_is_by_then(
    broker: Broker, tmp_path: Path, clock: FakeClock
) -> None:
    with CloudEar(broker.host, broker.port) as ear:
        async with (
            Proxy(broker.host, broker.port) as proxy,
            site_at_work(tmp_path, clock) as work,
            shown(work, proxy.host, proxy.port) as cloud,
        ):
            await cycle(work, cloud)
            await heard(ear, lambda: bool(ear.objects("evse/b1/status")))
            await clock.advance(7.5)
            told = len(ear.objects("evse/b1/status"))
            proxy.cut()
            await heard(ear, lambda: len(ear.objects("evse/b1/status")) > told)
        ages_s = [one["age_s"] for one in ear.objects("evse/b1/status")]
    assert ages_s[0] < 1 and ages_s[-1] == 7.5
