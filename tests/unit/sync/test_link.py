"""One connection and the daemon's way with it, against a broker that misbehaves as told."""

import asyncio
import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from baywarden.model.event import Stream
from baywarden.sync.errors import LinkLost
from baywarden.sync.link import Link
from baywarden.sync.options import CloudOptions
from baywarden.sync.topics import Topics
from support.scripted_broker import ScriptedBroker
from support.sync_site import Site, until


async def test_the_will_is_left_with_the_broker_at_every_connect() -> None:
    async with ScriptedBroker() as broker:
        site = Site("127.0.0.1", broker.port, will_delay_s=45)
        async with site.running():
            assert broker.greeting is not None
            will = broker.greeting.will
    assert will is not None
    assert (will.topic, will.qos, will.is_retained) == ("evs/1/site-1/state", 1, True)
    assert will.delay_s == 45
    told = json.loads(will.payload)
    assert (told["online"], told["reason"]) == (False, "lost")


async def test_the_broker_is_told_who_comes_and_to_keep_what_is_sent_meanwhile() -> None:
    async with ScriptedBroker() as broker:
        site = Site("127.0.0.1", broker.port, username="warden", password="päss", session_expiry_s=600)
        async with site.running():
            greeting = broker.greeting
    assert greeting is not None
    assert (greeting.client_id, greeting.username) == ("site-1", "warden")
    assert greeting.password == "päss".encode()
    assert (greeting.clean_start, greeting.session_expiry_s) == (False, 600)


async def test_a_puback_that_never_comes_ends_the_connection() -> None:
    async with ScriptedBroker(lambda topic, payload: None if "evt/" in topic else 0) as broker:
        site = Site("127.0.0.1", broker.port, ack_timeout_s=0.2)
        site.add(Stream.BOOKING)
        async with site.trying():
            await until(lambda: broker.connects >= 2)
            await until(lambda: "no PUBACK within 0.2 s" in site.sync.state.reason)
            broker.puback = lambda topic, payload: 0
            await until(lambda: site.outbox.acked(Stream.BOOKING) == 1)


async def test_a_broker_that_accepts_and_then_says_nothing_is_given_up() -> None:
    async with ScriptedBroker() as broker:
        broker.connack = b""
        site = Site("127.0.0.1", broker.port, connect_timeout_s=0.2)
        async with site.trying():
            await until(lambda: broker.connects >= 2)
            assert site.sync.state.reason == "no welcome within 0.2 s"


@pytest.mark.parametrize(
    ("code", "words"), [(0x86, "Bad user name"), (0x87, "Not authorized"), (0x88, "unavailable")]
)
async def test_a_refused_connection_names_the_brokers_reason(code: int, words: str) -> None:
    async with ScriptedBroker() as broker:
        broker.connack = bytes([0x20, 3, 0, code, 0])
        site = Site("127.0.0.1", broker.port)
        async with site.trying():
            await until(lambda: words in site.sync.state.reason)
            assert not site.sync.state.connected


async def test_a_site_whose_place_was_taken_leaves_it_for_a_long_time() -> None:
    async with ScriptedBroker() as broker:
        site = Site("127.0.0.1", broker.port, takeover_pause_s=3600)
        async with site.running():
            broker.disconnect_all(0x8E)
            await until(lambda: site.sync.state.alarm == "another client uses the id 'site-1'")
            await asyncio.sleep(1)
            assert broker.connects == 1


async def test_any_other_end_is_mended_soon() -> None:
    async with ScriptedBroker() as broker:
        site = Site("127.0.0.1", broker.port)
        async with site.running():
            broker.disconnect_all(0x8B)
            await until(lambda: broker.connects == 2)
            await until(lambda: site.sync.state.connected)
            assert site.sync.state.counters["link_lost"] == 1


async def test_an_event_larger_than_the_broker_takes_is_parked_unsent() -> None:
    async with ScriptedBroker() as broker:
        broker.connack = bytes([0x20, 8, 0, 0, 5, 0x27, 0, 0, 8, 0])  # Maximum Packet Size 2048
        site = Site("127.0.0.1", broker.port)
        site.outbox.add(Stream.BOOKING, {"text": "x" * 4096})
        site.add(Stream.BOOKING)
        async with site.running():
            await until(lambda: site.outbox.acked(Stream.BOOKING) == 2)
            assert len(broker.topics("evt/booking")) == 1
            assert site.sync.state.counters["parked"] == 1


async def test_no_more_is_in_flight_than_the_broker_allows() -> None:
    async with ScriptedBroker(lambda topic, payload: None if "evt/" in topic else 0) as broker:
        broker.connack = bytes([0x20, 6, 0, 0, 3, 0x21, 0, 2])  # Receive Maximum 2
        site = Site("127.0.0.1", broker.port)
        for stream in Stream:
            site.add(stream, 3)
        async with site.running():
            await until(lambda: len(broker.topics("evt/")) == 2)
            await asyncio.sleep(0.3)
            assert len(broker.topics("evt/")) == 2


async def test_each_stream_has_one_event_in_flight() -> None:
    async with ScriptedBroker(lambda topic, payload: None if "evt/" in topic else 0) as broker:
        site = Site("127.0.0.1", broker.port)
        for stream in Stream:
            site.add(stream, 3)
        async with site.running():
            await until(lambda: len(broker.topics("evt/")) == len(Stream))
            await asyncio.sleep(0.3)
            assert sorted(broker.topics("evt/")) == sorted(
                f"evs/1/site-1/evt/{stream.value}" for stream in Stream
            )


async def test_a_command_is_acknowledged_to_the_broker_after_its_reply() -> None:
    async with ScriptedBroker(lambda topic, payload: None if "rsp/" in topic else 0) as broker:
        site = Site("127.0.0.1", broker.port, ack_timeout_s=1)
        body: dict[str, Any] = {
            "id": "c",
            "expires_at": "2026-06-15T09:10:00Z",
            "params": {"session_id": "s"},
        }
        async with site.running():
            broker.send_command("evs/1/site-1/cmd/session.stop", json.dumps(body).encode(), mid=7)
            await until(lambda: len(broker.topics("rsp/default")) == 1)
            await asyncio.sleep(0.1)
            assert broker.acked_mids == []
            await until(lambda: broker.connects == 2)
            await until(lambda: site.sync.state.connected)
            broker.puback = lambda topic, payload: 0
            broker.send_command("evs/1/site-1/cmd/session.stop", json.dumps(body).encode(), mid=8)
            await until(lambda: broker.acked_mids == [8])
        assert len(site.commands) == 1


async def test_a_topic_that_is_not_text_is_acknowledged_and_forgotten() -> None:
    async with ScriptedBroker() as broker:
        site = Site("127.0.0.1", broker.port)
        async with site.running():
            broker.send_raw_command(b"evs/1/site-1/cmd/\xff", b"{}", mid=3)
            await until(lambda: broker.acked_mids == [3])
            assert site.sync.state.connected


async def test_the_watchdog_sees_progress_while_the_link_is_only_tried() -> None:
    async with ScriptedBroker() as broker:
        port = broker.port
    site = Site("127.0.0.1", port)
    async with site.trying():
        await until(lambda: site.sync.state.attempts >= 2)
        before = site.sync.progress
        await until(lambda: site.sync.progress > before)
        assert "refused" in site.sync.state.reason


async def test_a_stop_while_connecting_is_quick() -> None:
    async with ScriptedBroker() as broker:
        broker.connack = b""
        site = Site("127.0.0.1", broker.port)
        async with asyncio.timeout(2):
            async with site.trying():
                await until(lambda: broker.connects == 1)


def connecting() -> list[threading.Thread]:
    """The threads in which a connection is still being made."""
    return [thread for thread in threading.enumerate() if thread.name == "mqtt-connect"]


async def test_a_connect_that_was_given_up_never_speaks_to_the_broker_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, names = threading.Event(), socket.getaddrinfo

    def slow_name_server(host: Any, *rest: Any, **more: Any) -> Any:
        if host != "broker.example":
            return names(host, *rest, **more)
        found.wait(10)
        return names("127.0.0.1", *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", slow_name_server)
    async with ScriptedBroker() as broker:
        options = CloudOptions("site-1", "broker.example", broker.port, tls=False, connect_timeout_s=0.2)
        link = Link(options, Topics("site-1"), b"{}", lambda message: None)
        with pytest.raises(LinkLost, match=r"no welcome within 0.2 s"):
            await link.open()
        await link.close()
        assert connecting()
        found.set()
        await until(lambda: not connecting())
        await asyncio.sleep(0.2)
        assert broker.connects == 0


async def test_a_password_is_read_at_each_connection_without_its_line_end(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b" first \r\n")
    async with ScriptedBroker() as broker:
        site = Site("127.0.0.1", broker.port, username="warden", password_file=secret)
        async with site.running():
            assert broker.greeting is not None and broker.greeting.password == b" first "
            secret.write_bytes("zwöte".encode())
            broker.disconnect_all(0x8B)
            await until(lambda: broker.connects == 2)
            assert broker.greeting.password == "zwöte".encode()


async def test_without_its_secret_the_site_says_so_and_connects_as_soon_as_it_is_there(
    tmp_path: Path,
) -> None:
    secret = tmp_path / "secret"
    async with ScriptedBroker() as broker:
        site = Site("127.0.0.1", broker.port, username="warden", password_file=secret)
        async with site.trying():
            await until(lambda: site.sync.state.attempts >= 2)
            state = site.sync.state
            assert not state.connected and str(secret) in state.reason
            assert state.alarm == state.reason
            assert broker.connects == 0
            secret.write_text("late\n")
            await until(lambda: site.sync.state.connected)
            assert site.sync.state.alarm is None
            assert broker.greeting is not None and broker.greeting.password == b"late"


async def test_a_certificate_that_is_none_is_named_as_the_fault_of_a_file(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("no certificate")
    async with ScriptedBroker() as broker:
        site = Site("127.0.0.1", broker.port, tls=True, ca_file=ca)
        async with site.trying():
            await until(lambda: site.sync.state.attempts >= 2)
            assert str(site.sync.state.alarm).startswith(f"a file of [cloud] cannot be used: {ca}")


async def test_that_nobody_listens_stands_in_the_reason_of_the_link() -> None:
    async with ScriptedBroker(lambda topic, payload: 0x10 if "evt/booking" in topic else 0) as broker:
        site = Site("127.0.0.1", broker.port)
        site.add(Stream.BOOKING)
        async with site.running():
            await until(lambda: site.sync.state.counters.get("no_subscribers") == 1)
            assert site.sync.state.reason == "connected; nobody has subscribed to evs/1/site-1/evt/booking"
