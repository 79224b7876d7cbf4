"""What is asked for when, and what a device that takes less, has less or falls silent costs."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from baywarden_drivers import Device, LinkDown, LinkPool, NoAnswer, Profile, Quality, TcpEndpoint, open_device
from baywarden_drivers.polls.lengths import ReadLength
from baywarden_drivers.polls.polling import CARD_EVERY_S, Polling
from baywarden_drivers.profile import parse_profile
from support.made_up_meter import MADE_UP_METER
from support.modbus_peer import Reply, TcpPeer, tcp_reply

pytestmark = pytest.mark.modbus

HEAD = (
    MADE_UP_METER
    + """
[transport.tcp]
[protocol]
response_timeout_ms = {timeout_ms}
{habits}
"""
)


def point(name: str, address: int, *, poll: str = "hot", more: str = "") -> str:
    """One register in the words of a profile."""
    return (
        f'[[read]]\nname = "{name}"\ntype = "holding"\naddress = {address}\ndtype = "u16"\n'
        f'poll = "{poll}"\n{more}\n'
    )


def profile_of(*points: str, habits: str = "", timeout_ms: int = 5_000) -> Profile:
    """A made-up device with these points."""
    return parse_profile(
        HEAD.format(timeout_ms=timeout_ms, habits=habits) + "".join(points), "made up", "acme"
    )


@dataclass
class Device1:
    """A device whose registers hold their own addresses; what it does otherwise is decided by the test."""

    silent: Callable[[int, int], bool] = lambda address, count: False
    """Does not answer a read of `count` from `address`."""
    refuses: Callable[[int, int], int] = lambda address, count: 0
    """Answers with this exception."""
    closes: Callable[[int, int], bool] = lambda address, count: False
    """Closes the connection instead of an answer."""
    asked: list[tuple[int, int]] = field(default_factory=list)

    def __call__(self, request: bytes) -> Iterable[Reply]:
        """Serve one request."""
        address, count = int.from_bytes(request[8:10], "big"), int.from_bytes(request[10:12], "big")
        self.asked.append((address, count))
        if self.closes(address, count):
            return [(0.0, b"")]
        if self.silent(address, count):
            return []
        if code := self.refuses(address, count):
            return [(0.0, request[:4] + b"\x00\x03" + bytes([request[6], request[7] | 0x80, code]))]
        return [(0.0, tcp_reply(request, *range(address, address + count)))]

    def polls(self) -> list[tuple[int, int]]:
        """What was asked since the last call."""
        asked, self.asked = self.asked, []
        return asked


@asynccontextmanager
async def wired(it: Device1, profile: Profile) -> AsyncIterator[Device]:
    """A driver's device on a connection to it."""
    async with TcpPeer(it) as peer, LinkPool() as pool:
        yield open_device(pool, TcpEndpoint("127.0.0.1", peer.port), profile, name="Bay 3")


async def polled(device: Device) -> dict[str, object]:
    """The values of the next poll that is answered."""
    async with asyncio.timeout(20):
        while True:
            try:
                return {name: value.value for name, value in (await device.poll()).items()}
            except (LinkDown, NoAnswer):
                await asyncio.sleep(0.05)


# Lengths.

LONG = [point(f"p{address}", address) for address in range(100, 130)]
VALUES = {f"p{address}": address for address in range(100, 130)}


async def test_a_unit_that_refuses_long_reads_gets_shorter_ones_from_then_on() -> None:
    it = Device1(refuses=lambda _, count: 3 if count > 12 else 0)
    async with wired(it, profile_of(*LONG, habits="fallback_registers_per_read = 12")) as device:
        assert await polled(device) == VALUES
        it.polls()
        assert await polled(device) == VALUES
        assert len(it.polls()) == 3
        assert [str(one) for one in device.decisions] == [
            "read length: 12 registers at most, because a read of 30 registers was refused"
        ]


async def test_a_hole_is_found_as_well_where_reads_were_made_shorter() -> None:
    it = Device1(refuses=lambda at, count: 2 if at <= 117 < at + count else 0)
    async with wired(it, profile_of(*LONG, habits="fallback_registers_per_read = 12")) as device:
        assert await polled(device) == {**VALUES, "p117": None}


async def test_a_unit_that_does_not_answer_long_reads_gets_shorter_ones() -> None:
    it = Device1(silent=lambda _, count: count > 12)
    profile = profile_of(*LONG, habits="fallback_registers_per_read = 12", timeout_ms=100)
    async with wired(it, profile) as device:
        assert await polled(device) == VALUES
        it.polls()
        assert await polled(device) == VALUES
        assert max(count for _, count in it.polls()) == 12
        assert "a read of 30 registers stayed unanswered and shorter ones did not" in str(device.decisions[0])


def test_a_unit_that_was_away_is_read_in_long_reads_again() -> None:
    length = ReadLength(12)
    assert [length.silent(30), length.silent(30)] == [False, True]
    assert length.on_trial
    assert length.silent(12), "it is silent whatever is asked"
    assert length.most is None
    length.silent(30)
    length.silent(30)
    length.answered(12)
    assert length.judge_trial(long_was_answered=True)
    assert (length.most, length.decision()) == (None, None)


def test_a_unit_that_has_answered_a_long_read_is_never_taken_for_one_that_cannot() -> None:
    length = ReadLength(12)
    length.answered(30)
    assert not any(length.silent(30) for _ in range(10))
    assert length.most is None


def test_without_a_fall_back_nothing_is_shortened() -> None:
    length = ReadLength(None)
    assert not length.refused(125)
    assert not any(length.silent(125) for _ in range(10))


# Rounds.

APART = [point("near", 100), point("far", 900), point("farther", 2000)]


async def test_the_first_silence_ends_the_round() -> None:
    it = Device1(silent=lambda *_: True)
    async with wired(it, profile_of(*APART, point("cold", 3000, poll="cold"), timeout_ms=100)) as device:
        with pytest.raises(NoAnswer):
            await device.poll()
        assert it.polls() == [(100, 1)]


async def test_registers_that_are_never_answered_do_not_take_the_others_with_them() -> None:
    it = Device1(silent=lambda at, _: at == 100)
    async with wired(it, profile_of(*APART, timeout_ms=100)) as device:
        values = await polled(device)
        assert (values["near"], values["far"], values["farther"]) == (None, 900, 2000)
        await device.poll()
        it.polls()
        poll = await device.poll()
        assert "no answer" in poll["near"].reason
        assert any("asked again within 60 s" in fault for fault in poll.faults)
        assert it.polls() == [(900, 1), (2000, 1)]


async def test_one_register_that_is_never_answered_leaves_a_sentence_whenever_it_is_asked_for_again() -> None:
    it = Device1(silent=lambda at, _: at == 900)
    profile = profile_of(*APART, timeout_ms=100)
    async with TcpPeer(it) as peer, LinkPool() as pool:
        link = pool.link(TcpEndpoint("127.0.0.1", peer.port))
        open_device(pool, TcpEndpoint("127.0.0.1", peer.port), profile)  # tells the link its time-out
        polling = Polling(profile, link, 1, 1, rest_s=0.0)
        with pytest.raises(NoAnswer):
            await polling.read_hot()
        for _ in range(4):
            sentences = await polling.read_hot()
            assert "no answer" in sentences[0]
            assert polling.values["near"].value == 100
            assert polling.values["farther"].value == 2000
            assert polling.values["far"].value is None
        assert it.polls().count((900, 1)) == 5
        it.silent = lambda *_: True
        with pytest.raises(NoAnswer):
            await polling.read_hot()
        assert it.polls() == [(100, 1)], "whoever answers nothing is silent after the first time-out"


async def test_a_register_that_is_refused_is_not_asked_for_with_every_poll() -> None:
    it = Device1(refuses=lambda at, _: 2 if at == 900 else 0)
    async with wired(it, profile_of(*APART)) as device:
        for _ in range(4):
            values = await polled(device)
        assert values["far"] is None
        assert it.polls().count((900, 1)) == 2, "once, and once after the contact was made"


async def test_a_device_that_refuses_everything_for_a_moment_is_read_as_before_then() -> None:
    it = Device1(refuses=lambda *_: 2)
    profile = profile_of(*LONG)
    async with wired(it, profile) as device:
        with pytest.raises(Exception, match="exception 2"):
            await device.poll()
        it.refuses = lambda *_: 0
        assert await polled(device) == VALUES
        it.polls()
        assert await polled(device) == VALUES
        assert it.polls() == [(100, 30)]


# Optional points.


async def test_an_optional_point_that_makes_the_device_hang_up_is_left_out_from_then_on() -> None:
    it = Device1(closes=lambda at, _: at == 500)
    async with wired(
        it, profile_of(point("power", 100), point("extra", 500, more="optional = true"))
    ) as device:
        for _ in range(12):
            values = await polled(device)
        assert values == {"power": 100, "extra": None}
        assert it.polls().count((500, 1)) == 1
        poll = await device.poll()
        assert poll["extra"].quality is Quality.MISSING
        assert "this device does not have it" in poll["extra"].reason


async def test_an_optional_point_is_asked_for_alone_before_it_is_part_of_a_read() -> None:
    it = Device1()
    async with wired(
        it, profile_of(point("power", 100), point("extra", 101, more="optional = true"))
    ) as device:
        await polled(device)
        assert it.polls() == [(100, 1), (101, 1)]
        assert await polled(device) == {"power": 100, "extra": 101}
        assert it.polls() == [(100, 2)]


# Habits.


async def test_exact_reads_cover_one_point_each() -> None:
    it = Device1()
    points = [point("a", 100), point("b", 101), point("c", 102, poll="cold")]
    async with wired(it, profile_of(*points, habits="exact_read = true")) as device:
        await polled(device)
        assert it.polls() == [(100, 1), (101, 1), (102, 1)]


async def test_a_short_connection_is_closed_after_each_poll_and_that_is_no_loss() -> None:
    it = Device1()
    profile = profile_of(point("power", 100), habits='connection = "short"')
    async with TcpPeer(it) as peer, LinkPool() as pool:
        device = open_device(pool, TcpEndpoint("127.0.0.1", peer.port), profile)
        contacts = set()
        for _ in range(3):
            contacts.add((await device.poll()).contact)
            assert not pool.links()[0].is_open
        assert peer.connections == 3
        assert len(contacts) == 1


async def test_a_value_that_only_counts_at_times_is_not_available_otherwise() -> None:
    condition = "only_when = [{ point = 'near', equals = %d }]"
    points = [
        point("near", 100),
        point("yes", 101, more=condition % 100),
        point("no", 102, more=condition % 7),
        point("who_knows", 103, more="only_when = [{ point = 'gone', equals = 7 }]"),
        point("gone", 900),
    ]
    it = Device1(refuses=lambda at, _: 2 if at == 900 else 0)
    async with wired(it, profile_of(*points)) as device:
        poll = await device.poll()
        assert poll["yes"].value == 101
        assert poll["no"].quality is Quality.NOT_AVAILABLE
        assert poll["who_knows"].quality is Quality.MISSING


# Ages.


async def test_every_value_has_the_age_of_its_own_reading() -> None:
    it = Device1()
    async with wired(it, profile_of(point("hot", 100), point("cold", 900, poll="cold"))) as device:
        await polled(device)
        time.sleep(0.2)  # noqa: ASYNC251 (nothing else is to happen meanwhile)
        poll = await device.poll()
        assert poll.age_s("cold") >= 0.2
        assert poll.age_s("hot") < poll.age_s("cold")


async def test_each_poll_reads_one_cold_thing_and_all_have_their_turn() -> None:
    it = Device1()
    cold = [point(f"c{at}", at, poll="cold") for at in range(1000, 1500, 100)]
    once = [point(f"o{at}", at, poll="once") for at in range(2000, 2300, 100)]
    async with wired(it, profile_of(point("hot", 100), *cold, *once)) as device:
        for _ in range(8):
            await polled(device)
            assert len(it.polls()) == 2
        values = await polled(device)
        assert None not in values.values()
        assert it.polls() == [(100, 1)], "none is due again before 30 s have passed"


async def test_a_card_is_read_much_more_often_than_other_cold_things() -> None:
    it = Device1()
    points = [point("hot", 100), point("other", 900, poll="cold"), point("id_tag", 1500, poll="cold")]
    async with wired(it, profile_of(*points)) as device:
        for _ in range(3):
            await polled(device)
        it.polls()
        await asyncio.sleep(CARD_EVERY_S + 0.2)
        await polled(device)
        assert it.polls() == [(100, 1), (1500, 1)]


async def test_a_cold_value_that_can_no_longer_be_read_is_not_shown_as_if_it_could() -> None:
    it = Device1()
    async with wired(it, profile_of(point("hot", 100), point("cold", 900, poll="cold"))) as device:
        await polled(device)
        assert (await device.read("cold")).value == 900
        it.refuses = lambda at, _: 4 if at == 900 else 0
        with pytest.raises(Exception, match="exception 4"):
            await device.read("cold")
        assert (await device.poll())["cold"].value == 900, "the last reading keeps its own age"
