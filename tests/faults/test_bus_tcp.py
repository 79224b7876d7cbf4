"""Everything that a Modbus TCP peer can do wrong: no wrong value is accepted, and two polls later all is well.

Run with the environment variable BUS_SEED to repeat a campaign.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

import pytest

from baywarden_drivers import DeviceError, Link, TcpLink
from baywarden_drivers.links import Pacing
from support.modbus_peer import Reply, TcpPeer
from support.rough_slave import expected, tcp_slave

PATIENT_S: Final = 0.3
POLLS_TO_RECOVER: Final = 2

Fault = Callable[[bytes, bytes, random.Random], Iterable[Reply]]
"""Takes request, right answer and dice, and gives what is sent instead."""


def reset(_request: bytes, _answer: bytes, _dice: random.Random) -> Iterable[Reply]:
    """The connection is reset instead of an answer."""
    yield 0, b""


def reset_in_the_middle(_request: bytes, answer: bytes, dice: random.Random) -> Iterable[Reply]:
    """Some bytes, then a reset."""
    yield 0, answer[: dice.randrange(1, len(answer))]
    yield 0.01, b""


def silence(_request: bytes, _answer: bytes, _dice: random.Random) -> Iterable[Reply]:
    """Half open: nothing on this connection any more."""
    return ()


def one_byte_per_100_ms(_request: bytes, answer: bytes, _dice: random.Random) -> Iterable[Reply]:
    """Slower than any time-out."""
    for byte in answer:
        yield 0.1, bytes([byte])


def one_byte_at_a_time(_request: bytes, answer: bytes, _dice: random.Random) -> Iterable[Reply]:
    """In time all the same."""
    for byte in answer:
        yield 0.001, bytes([byte])


def wrong_transaction(_request: bytes, answer: bytes, dice: random.Random) -> Iterable[Reply]:
    """An answer to something else."""
    number = (int.from_bytes(answer[:2], "big") + dice.randrange(1, 0xFFFF)) & 0xFFFF
    yield 0, number.to_bytes(2, "big") + answer[2:]


def wrong_transaction_first(request: bytes, answer: bytes, dice: random.Random) -> Iterable[Reply]:
    """Then the right one."""
    yield from wrong_transaction(request, bytes(answer[:9]) + bytes(len(answer) - 9), dice)
    yield 0, answer


def twice(_request: bytes, answer: bytes, _dice: random.Random) -> Iterable[Reply]:
    """The same answer twice at once."""
    yield 0, answer + answer


def twice_with_a_pause(_request: bytes, answer: bytes, _dice: random.Random) -> Iterable[Reply]:
    """The second one comes when the next request may be on its way."""
    yield 0, answer
    yield 0.002, answer


def cut(_request: bytes, answer: bytes, dice: random.Random) -> Iterable[Reply]:
    """A byte is missing somewhere."""
    place = dice.randrange(len(answer))
    yield 0, answer[:place] + answer[place + 1 :]


def cut_and_twice(request: bytes, answer: bytes, dice: random.Random) -> Iterable[Reply]:
    """The next frame would fill the hole."""
    ((_, broken),) = cut(request, answer, dice)
    yield 0, broken + answer


def half(_request: bytes, answer: bytes, dice: random.Random) -> Iterable[Reply]:
    """The rest never comes."""
    yield 0, answer[: dice.randrange(1, len(answer))]


def late(_request: bytes, answer: bytes, _dice: random.Random) -> Iterable[Reply]:
    """After the time-out."""
    yield 1.5 * PATIENT_S, answer


def wrong_unit(_request: bytes, answer: bytes, dice: random.Random) -> Iterable[Reply]:
    """Somebody else's answer under our number."""
    yield 0, answer[:6] + bytes([answer[6] ^ dice.randrange(1, 256)]) + answer[7:]


def wrong_function(_request: bytes, answer: bytes, _dice: random.Random) -> Iterable[Reply]:
    """Input instead of holding registers, or the other way round."""
    yield 0, answer[:7] + bytes([answer[7] ^ 7]) + answer[8:]


def wrong_length(_request: bytes, answer: bytes, _dice: random.Random) -> Iterable[Reply]:
    """One register too many."""
    size = int.from_bytes(answer[4:6], "big") + 2
    yield (
        0,
        answer[:4] + size.to_bytes(2, "big") + answer[6:8] + bytes([answer[8] + 2]) + answer[9:] + b"\0\7",
    )


def noise(_request: bytes, answer: bytes, dice: random.Random) -> Iterable[Reply]:
    """Bytes that mean nothing, and the answer."""
    yield 0, bytes([dice.randrange(1, 256) for _ in range(dice.randrange(1, 40))]) + answer


FAULTS: Final[tuple[Fault, ...]] = (
    reset, reset_in_the_middle, silence, one_byte_per_100_ms, one_byte_at_a_time, wrong_transaction,
    wrong_transaction_first, twice, twice_with_a_pause, cut, cut_and_twice, half, late, wrong_unit,
    wrong_function, wrong_length, noise,
)  # fmt: skip


class RoughPeer:
    """Does one wrong thing when told so, and only that."""

    def __init__(self, dice: random.Random) -> None:
        self.fault: Fault | None = None
        self.peer = TcpPeer(self._reply, hard=True)
        self._dice = dice
        self._mute_connection = 0

    def _reply(self, request: bytes) -> Iterable[Reply]:
        fault, self.fault = self.fault, None
        if fault is silence:
            self._mute_connection = self.peer.connections
        if self.peer.connections == self._mute_connection:
            return ()
        answer = tcp_slave(request)
        return [(0.0, answer)] if fault is None else fault(request, answer, self._dice)


async def is_good(link: Link, dice: random.Random, found: Counter[str]) -> bool:
    """One poll, judged."""
    question = 1, dice.choice(["holding", "input"]), dice.randrange(50_000), dice.choice([1, 2, 10, 60])
    try:
        values = await link.read(*question)
    except DeviceError as error:
        found[type(error).__name__] += 1
        return False
    right = values == expected(*question)
    found["good" if right else "WRONG"] += 1
    assert right, f"{question}: {values}"
    return True


def dice_of_the_day() -> random.Random:
    """Told, so that a campaign can be repeated."""
    seed = int(os.environ.get("BUS_SEED") or random.SystemRandom().randrange(10**6))
    print(f"BUS_SEED={seed}")
    return random.Random(seed)


async def campaign(faults: int, dice: random.Random, found: Counter[str]) -> None:
    """One fault after another on one link, with polls in between."""
    rough = RoughPeer(dice)
    async with rough.peer as peer:
        link = TcpLink("127.0.0.1", peer.port)
        link.pace(1, Pacing(response_timeout_s=PATIENT_S))
        for number in range(faults):
            rough.fault = fault = FAULTS[number % len(FAULTS)]
            await is_good(link, dice, found)
            polls = 1
            while not await is_good(link, dice, found):
                polls += 1
                assert polls <= POLLS_TO_RECOVER, fault.__doc__
            found[f"mended by poll {polls}"] += 1
        await link.close()


async def test_no_fault_of_a_tcp_peer_gives_a_wrong_value_or_lasts_longer_than_two_polls() -> None:
    await campaign(len(FAULTS), dice_of_the_day(), Counter())


@pytest.mark.campaign
@pytest.mark.timeout(1800)
async def test_two_thousand_faults_of_a_tcp_peer_give_no_wrong_value() -> None:
    dice, found = dice_of_the_day(), Counter[str]()
    await asyncio.gather(*(campaign(200, random.Random(dice.random()), found) for _ in range(10)))
    print(dict(found))
