"""The cloud link against a real broker."""

import asyncio
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from baywarden.model.command import PutBooking
from baywarden.model.event import Stream
from baywarden.model.evse import Availability, EvseStatus
from support.broker import Broker, BrokerKind, broker_kinds
from support.cloud_ear import CloudEar
from support.sync_site import Site, heard, numbers, put_booking, told, until
from support.wires import Proxy

pytestmark = pytest.mark.broker

STATUS = EvseStatus("bay-1", Availability.AVAILABLE, "free", datetime(2026, 6, 15, 9, tzinfo=UTC))


async def test_each_stream_arrives_whole_and_in_order(broker: Broker) -> None:
    site = Site(broker.host, broker.port)
    with CloudEar(broker.host, broker.port) as ear:
        site.add(Stream.BOOKING, 250)
        site.add(Stream.METER, 250)
        async with site.running():
            await heard(ear, lambda: len(ear.payloads("evt/booking") + ear.payloads("evt/meter")) == 500)
            site.add(Stream.BOOKING)
            await heard(ear, lambda: len(ear.payloads("evt/booking")) == 251)
            await until(lambda: site.outbox.acked(Stream.BOOKING) == 251)
        assert numbers(ear.payloads("evt/booking")) == list(range(1, 252))
        assert numbers(ear.payloads("evt/meter")) == list(range(1, 251))
        assert site.outbox.longest_page <= site.options.page_rows


async def test_the_birth_document_tells_where_each_stream_stands(broker: Broker) -> None:
    site = Site(broker.host, broker.port)
    site.add(Stream.BOOKING, 3)
    site.outbox.forget_before(Stream.BOOKING, 2)
    async with site.running():
        with CloudEar(broker.host, broker.port) as ear:
            await heard(ear, lambda: bool(ear.objects("state")))
            [state] = ear.objects("state")
    assert state["online"] is True
    assert state["epoch"] == 1
    assert state["boot_id"] == "boot-1"
    assert state["clock_quality"] == "S"
    assert state["versions"] == {"baywarden": "0.1.0"}
    assert state["streams"] == {"booking": {"last_seq": 3, "oldest_seq": 2}}
    assert "booking.changed.v1" in state["schemas"]


async def test_a_clean_stop_leaves_a_retained_goodbye(broker: Broker) -> None:
    site = Site(broker.host, broker.port)
    async with site.running():
        pass
    with CloudEar(broker.host, broker.port) as ear:
        await heard(ear, lambda: bool(ear.objects("state")))
        assert [(state["online"], state["reason"]) for state in ear.objects("state")] == [(False, "stopped")]


@pytest.mark.parametrize("kind", broker_kinds(), ids=lambda kind: kind.value)
async def test_a_site_that_dies_is_declared_offline_by_its_will(tmp_path: Path, kind: BrokerKind) -> None:
    with Broker(tmp_path, kind=kind) as broker, CloudEar(broker.host, broker.port) as ear:
        async with Proxy(broker.host, broker.port) as proxy:
            site = Site(proxy.host, proxy.port, will_delay_s=1)
            async with site.running():
                await heard(ear, lambda: bool(ear.objects("state")))
                await proxy.cut_for_good()
                await heard(ear, lambda: ear.objects("state")[-1].get("reason") == "lost")
        with CloudEar(broker.host, broker.port) as late:
            await heard(late, lambda: bool(late.objects("state")))
    assert [state["online"] for state in late.objects("state")] == [False]


async def test_a_status_is_retained_and_sent_only_when_it_changes(broker: Broker) -> None:
    site = Site(broker.host, broker.port)
    with CloudEar(broker.host, broker.port) as ear:
        async with site.running():
            site.sync.publish_status(STATUS, {"limit_ma": 16_000}, lambda: {"age_s": 1})
            await heard(ear, lambda: len(ear.objects("evse/bay-1/status")) == 1)
            site.sync.publish_status(STATUS, {"limit_ma": 16_000}, lambda: {"age_s": 2})
            site.sync.publish_status(STATUS, {"limit_ma": 10_000}, lambda: {"age_s": 3})
            await heard(ear, lambda: len(ear.objects("evse/bay-1/status")) == 2)
            with CloudEar(broker.host, broker.port) as late:
                await heard(late, lambda: bool(late.objects("evse/bay-1/status")))
                kept = late.objects("evse/bay-1/status")
                assert [(status["limit_ma"], status["age_s"]) for status in kept] == [(10_000, 3)]
        assert [status["limit_ma"] for status in ear.objects("evse/bay-1/status")] == [16_000, 10_000]


async def test_after_an_outage_the_newest_state_comes_before_the_history(broker: Broker) -> None:
    site = Site(broker.host, broker.port)
    site.add(Stream.BOOKING, 50)
    site.sync.publish_status(STATUS)
    with CloudEar(broker.host, broker.port) as ear:
        async with site.running():
            await heard(ear, lambda: len(ear.payloads("evt/booking")) == 50)
        topics = [topic.removeprefix(ear.root) for topic, _, _ in ear.heard]
    assert topics[:2] == ["state", "evse/bay-1/status"]


async def test_a_fresh_booking_does_not_wait_for_a_long_backlog_of_meter_values(broker: Broker) -> None:
    site = Site(broker.host, broker.port, drain_per_s=100)
    site.add(Stream.METER, 2000)
    with CloudEar(broker.host, broker.port) as ear:
        async with site.running():
            await heard(ear, lambda: bool(ear.payloads("evt/meter")))
            site.add(Stream.BOOKING)
            await heard(ear, lambda: bool(ear.payloads("evt/booking")))
            assert len(ear.payloads("evt/meter")) < 1900


async def test_live_values_are_sent_when_there_is_a_link_and_dropped_when_not(broker: Broker) -> None:
    site = Site(broker.host, broker.port)
    assert not site.sync.publish_tele("bay-1", {"power_w": 1})
    with CloudEar(broker.host, broker.port) as ear:
        async with site.running():
            assert site.sync.publish_tele("bay-1", {"power_w": 2})
            await heard(ear, lambda: ear.objects("tele/bay-1") == [{"power_w": 2}])


async def test_a_command_is_carried_out_and_answered_where_the_cloud_asked(broker: Broker) -> None:
    site = Site(broker.host, broker.port)
    with CloudEar(broker.host, broker.port) as ear:
        async with site.running():
            wanted = ear.root + "rsp/console"
            await told(ear, "cmd/booking.put", put_booking(), response_topic=wanted, correlation=b"\x00\x01")
            await heard(ear, lambda: bool(ear.objects("rsp/console")))
    assert ear.objects("rsp/console") == [
        {"id": "c-1", "result": "ACCEPTED", "reason": None, "detail": "", "rev": 1, "data": {}}
    ]
    assert ear.correlations[wanted] == b"\x00\x01"
    assert isinstance(site.commands[0].request, PutBooking)


async def test_an_answer_never_leaves_the_sites_own_response_topics(broker: Broker) -> None:
    site = Site(broker.host, broker.port)
    with CloudEar(broker.host, broker.port) as ear:
        async with site.running():
            foreign = ["evs/1/site-2/cmd/booking.put", ear.root + "evt/booking", ear.root + "rsp/", "x"]
            for number, topic in enumerate(foreign):
                await told(ear, "cmd/booking.put", put_booking(f"c-{number}"), response_topic=topic)
            await heard(ear, lambda: len(ear.objects("rsp/default")) == len(foreign))
    assert not ear.payloads("evt/booking")


async def test_a_bad_command_is_answered_and_does_not_stop_the_next(broker: Broker) -> None:
    site = Site(broker.host, broker.port)
    with CloudEar(broker.host, broker.port) as ear:
        async with site.running():
            await told(ear, "cmd/booking.put", b"\xff\xfe no json")
            await told(ear, "cmd/booking.put", put_booking("bad", params={"booking_id": 7}))
            await told(ear, "cmd/site.explode", put_booking("odd"))
            await told(ear, "cmd/booking.put", put_booking("late", expires_at="2026-06-15T08:59:59Z"))
            await told(ear, "cmd/booking.put", put_booking("good"))
            await heard(ear, lambda: len(ear.objects("rsp/default")) == 4)
    assert [(reply["id"], reply["reason"]) for reply in ear.objects("rsp/default")] == [
        ("bad", "INVALID"),
        ("odd", "NOT_SUPPORTED"),
        ("late", "COMMAND_EXPIRED"),
        ("good", None),
    ]
    assert [command.id for command in site.commands] == ["good"]
    assert site.sync.state.counters["refused_invalid"] == 2


async def test_a_repeated_command_gets_the_first_answer_even_when_it_is_late(broker: Broker) -> None:
    site = Site(broker.host, broker.port)
    with CloudEar(broker.host, broker.port) as ear:
        async with site.running():
            await told(ear, "cmd/booking.put", put_booking())
            await heard(ear, lambda: len(ear.objects("rsp/default")) == 1)
            await site.clock.advance(3600)
            await told(ear, "cmd/booking.put", put_booking())
            await heard(ear, lambda: len(ear.objects("rsp/default")) == 2)
    first, second = ear.objects("rsp/default")
    assert first == second
    assert len(site.commands) == 1


async def test_a_retained_command_is_ignored(broker: Broker) -> None:
    site = Site(broker.host, broker.port)
    with CloudEar(broker.host, broker.port) as ear:
        await told(ear, "cmd/booking.put", put_booking("old"), retain=True)
        async with site.running():
            await until(lambda: site.sync.state.counters.get("retained_commands") == 1)
            await told(ear, "cmd/booking.put", put_booking("new"))
            await heard(ear, lambda: bool(ear.objects("rsp/default")))
    assert [command.id for command in site.commands] == ["new"]
    assert [reply["id"] for reply in ear.objects("rsp/default")] == ["new"]


async def test_a_command_sent_while_the_site_is_away_waits_for_it(broker: Broker) -> None:
    site = Site(broker.host, broker.port)
    with CloudEar(broker.host, broker.port) as ear:
        async with site.running():
            pass
        await told(ear, "cmd/booking.put", put_booking())
        async with site.running():
            await heard(ear, lambda: bool(ear.objects("rsp/default")))
    assert [command.id for command in site.commands] == ["c-1"]


async def test_a_replay_is_the_same_byte_for_byte(broker: Broker) -> None:
    site = Site(broker.host, broker.port)
    with CloudEar(broker.host, broker.port) as ear:
        site.add(Stream.PENALTY, 20)
        async with site.running():
            await heard(ear, lambda: len(ear.payloads("evt/penalty")) == 20)
            wanted = {"stream": "penalty", "epoch": 1, "from_seq": 5, "to_seq": 9}
            await told(ear, "cmd/replay", put_booking("r-1", params=wanted))
            await heard(ear, lambda: len(ear.payloads("replay/penalty")) == 5)
            await told(ear, "cmd/replay", put_booking("r-2", params=wanted | {"epoch": 9}))
            await heard(ear, lambda: len(ear.objects("rsp/default")) == 2)
    assert ear.payloads("replay/penalty") == ear.payloads("evt/penalty")[4:9]
    refused = ear.objects("rsp/default")[1]
    assert (refused["result"], refused["data"]) == ("REJECTED", {"epoch": 1, "oldest_seq": 1, "last_seq": 20})


def has_more_than(ear: CloudEar, count: int) -> bool:
    """Whether so many session events have arrived."""
    return len(ear.payloads("evt/session")) > count


async def test_a_killed_broker_costs_duplicates_but_never_an_event(broker: Broker) -> None:
    site = Site(broker.host, broker.port)
    with CloudEar(broker.host, broker.port) as ear:
        async with site.running():
            for _ in range(2):
                site.add(Stream.SESSION, 400)
                so_far = len(ear.payloads("evt/session"))
                await heard(ear, partial(has_more_than, ear, so_far + 50))
                await asyncio.to_thread(broker.kill)
                await until(lambda: not site.sync.state.connected)
                await asyncio.to_thread(broker.restart)
                await heard(ear, lambda: ear.listening)
                await until(lambda: site.sync.state.connected)
                await until(
                    lambda: site.outbox.acked(Stream.SESSION) == site.outbox.numbers(Stream.SESSION)[-1]
                )
            await fill_holes(ear, site)
    seen = set(numbers(ear.payloads("evt/session") + ear.payloads("replay/session")))
    assert seen == set(site.outbox.numbers(Stream.SESSION))
    firsts = list(dict.fromkeys(numbers(ear.payloads("evt/session"))))
    assert firsts == sorted(firsts)


async def fill_holes(ear: CloudEar, site: Site) -> None:
    """As a cloud does: the PUBACK of a broker that dies then is no delivery, so ask for what is missing."""

    def missing() -> set[int]:
        have = numbers(ear.payloads("evt/session") + ear.payloads("replay/session"))
        return set(site.outbox.numbers(Stream.SESSION)) - set(have)

    await asyncio.sleep(0.2)
    if holes := missing():
        wanted = {"stream": "session", "epoch": 1, "from_seq": min(holes), "to_seq": max(holes)}
        await told(ear, "cmd/replay", put_booking("fill", params=wanted))
    await heard(ear, lambda: not missing())


async def test_two_sites_with_one_id_raise_an_alarm_even_when_the_broker_says_nothing(broker: Broker) -> None:
    first, second = (Site(broker.host, broker.port, backoff_max_s=0.3) for _ in range(2))
    async with first.trying(), second.trying():
        await until(lambda: first.sync.state.alarm is not None or second.sync.state.alarm is not None, 20)
