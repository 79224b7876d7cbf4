"""Who may talk to whom: passwords, certificates and access lists, with each broker that this machine has.

Mosquitto has all of them. iotcore knows passwords and shows a certificate; the rest is done by a wire before it.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from baywarden.model.event import Stream
from support.broker import Broker, BrokerKind, broker_kinds
from support.certificates import Papers
from support.cloud_ear import CloudEar
from support.strict_broker import passwords, strict_broker, tls
from support.sync_site import Site, heard, put_booking, told, until
from support.wires import Gate, Proxy

pytestmark = pytest.mark.broker

each_broker = pytest.mark.parametrize("kind", broker_kinds(), ids=lambda kind: kind.value)


async def reason_to_stay_out(host: str, port: int, **options: Any) -> str:
    """Why a site, which tries again and again, does not get in."""
    site = Site(host, port, **options)
    async with site.trying():
        await until(lambda: site.sync.state.attempts >= 2)
        assert not site.sync.state.connected
        return site.sync.state.reason


@each_broker
async def test_only_the_right_password_opens_the_door(tmp_path: Path, kind: BrokerKind) -> None:
    with strict_broker(tmp_path, kind, *passwords(tmp_path, kind, {"site-1": "right"})) as broker:
        door = (broker.host, broker.port)
        reasons = await asyncio.gather(
            reason_to_stay_out(*door, username="site-1", password="wrong"),
            reason_to_stay_out(*door, username="site-2", password="right"),
            reason_to_stay_out(*door),
        )
        site = Site(*door, username="site-1", password="right")
        async with site.running():
            assert site.sync.state.reason == "connected"
    # iotcore hangs up without a word; that a word is passed on is shown with the scripted broker.
    said = "the broker refused us" if kind is BrokerKind.MOSQUITTO else "the connection broke"
    assert all(said in reason for reason in reasons), reasons
    assert "right" not in repr(site.options)


@asynccontextmanager
async def guarded(folder: Path, kind: BrokerKind) -> AsyncIterator[tuple[Broker, int]]:
    """A broker, and the port at which site-1 may publish nothing but its state and its bookings."""
    rules = folder / "acl"
    rules.write_text(
        "user site-1\n"
        "topic readwrite evs/1/site-1/state\n"
        "topic read evs/1/site-1/cmd/#\n"
        "topic write evs/1/site-1/evt/booking\n"
        "user cloud\n"
        "topic readwrite evs/#\n"
    )
    lines = passwords(folder, kind, {"site-1": "a", "cloud": "b"})
    if kind is BrokerKind.MOSQUITTO:
        with strict_broker(folder, kind, *lines, f"acl_file {rules}") as broker:
            yield broker, broker.port
        return
    allowed = {"evs/1/site-1/state", "evs/1/site-1/evt/booking"}
    with strict_broker(folder, kind, *lines) as broker:
        async with Gate(broker.host, broker.port, lambda topic: topic in allowed) as gate:
            yield broker, gate.port


@each_broker
async def test_a_stream_that_the_access_list_forbids_does_not_hold_up_the_others(
    tmp_path: Path, kind: BrokerKind
) -> None:
    async with guarded(tmp_path, kind) as (broker, port):
        site = Site(broker.host, port, username="site-1", password="a")
        site.add(Stream.PENALTY, 3)
        site.add(Stream.BOOKING, 30)
        with CloudEar(broker.host, broker.port, username="cloud", password="b") as ear:
            async with site.running():
                await heard(ear, lambda: len(ear.payloads("evt/booking")) == 30)
                await until(lambda: site.sync.state.counters.get("parked", 0) >= 1)
                await told(ear, "cmd/booking.put", put_booking())
                await until(lambda: site.sync.state.counters.get("replies_refused") == 1)
        assert not ear.payloads("evt/penalty")
        assert "penalty 1-" in str(site.sync.state.alarm)


@each_broker
async def test_the_site_talks_to_nobody_but_its_own_broker(tmp_path: Path, kind: BrokerKind) -> None:
    papers = Papers(tmp_path)
    own = papers.of("site-1")
    with strict_broker(tmp_path, kind, *tls(papers, kind)) as broker:
        async with Site(broker.host, broker.port, **own).running():
            pass
        misnamed, foreign, public, missing = await asyncio.gather(
            reason_to_stay_out("localhost", broker.port, **own),
            reason_to_stay_out(broker.host, broker.port, **own | {"ca_file": papers.path("other")}),
            reason_to_stay_out(broker.host, broker.port, **own | {"ca_file": None}),
            reason_to_stay_out(broker.host, broker.port, **own | {"ca_file": papers.path("gone")}),
        )
    assert "certificate verify failed" in foreign
    assert "certificate verify failed" in public
    assert "Hostname mismatch" in misnamed
    assert "gone.pem" in missing


@asynccontextmanager
async def certified(folder: Path, kind: BrokerKind, papers: Papers) -> AsyncIterator[int]:
    """The port of a broker to which only sites with a certificate of our authority come through."""
    if kind is BrokerKind.MOSQUITTO:
        with strict_broker(folder, kind, *tls(papers, kind)) as broker:
            yield broker.port
        return
    with strict_broker(folder, kind) as broker:
        async with Proxy(broker.host, broker.port, tls=papers.broker_context()) as proxy:
            yield proxy.port


@each_broker
async def test_a_site_shows_its_certificate_to_a_broker_that_asks(tmp_path: Path, kind: BrokerKind) -> None:
    papers = Papers(tmp_path)
    own = papers.of("site-1")
    async with certified(tmp_path, kind, papers) as port:
        async with Site("127.0.0.1", port, **own).running():
            pass
        await asyncio.gather(
            reason_to_stay_out("127.0.0.1", port, **own | {"cert_file": None, "key_file": None}),
            reason_to_stay_out("127.0.0.1", port, **papers.of("forged")),
        )


TOO_OLD = [ssl.TLSVersion.TLSv1_1] if ssl.HAS_TLSv1_1 else []


def only(version: ssl.TLSVersion, context: ssl.SSLContext) -> ssl.SSLContext:
    """The same context, bound to one version, however old."""
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    return context


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
@pytest.mark.parametrize(
    "version", [*TOO_OLD, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=lambda version: version.name
)
async def test_tls_is_spoken_from_version_1_2_on(
    broker: Broker, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    papers = Papers(tmp_path)
    own = papers.of("site-1")
    async with Proxy(broker.host, broker.port, tls=only(version, papers.broker_context())) as proxy:
        visitor = only(version, papers.site_context("site-1"))
        _, wire = await asyncio.open_connection(proxy.host, proxy.port, ssl=visitor)
        wire.close()
        if version in TOO_OLD:
            assert "SSL" in await reason_to_stay_out(proxy.host, proxy.port, **own)
        else:
            async with Site(proxy.host, proxy.port, **own).running():
                pass
