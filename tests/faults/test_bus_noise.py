"""Serial lines that lie: bit errors and late answers. No wrong value is accepted.

Run with the environment variable BUS_SEED to repeat a campaign.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from baywarden_drivers import DeviceError, Link, LinkDown, SerialLink
from baywarden_drivers.links import Pacing
from support.modbus_peer import PtyPeer
from support.rough_slave import LateSlave, NoisyLine, expected

pytestmark = [pytest.mark.serial]

UNITS: Final = (1, 2, 17)
BAUD: Final = 115_200
PATIENT_S: Final = 0.1

Question = tuple[int, str, int, int]
Found = Counter[str]


def dice_of_the_day() -> random.Random:
    """Told, so that a campaign can be repeated."""
    seed = int(os.environ.get("BUS_SEED") or random.SystemRandom().randrange(10**6))
    print(f"BUS_SEED={seed}")
    return random.Random(seed)


def questions(units: tuple[int, ...], dice: random.Random) -> list[Question]:
    """What a poll asks: many reads of the same few lengths, so that answers are alike."""
    kinds, counts = ["holding", "holding", "input"], [1, 2, 2, 2, 4, 10]
    return [
        (dice.choice(units), dice.choice(kinds), dice.randrange(50_000), dice.choice(counts))
        for _ in range(40)
    ]


async def ask(link: Link, question: Question, found: Found) -> bool:
    """One read, judged; whether it was answered. What was not even sent does not count."""
    while True:
        try:
            values = await link.read(*question)
        except LinkDown:
            found["not sent"] += 1
            await asyncio.sleep(0.1)
            continue
        except DeviceError as error:
            found[type(error).__mro__[-6].__name__] += 1
            return False
        right = values == expected(*question)
        found["good" if right else "WRONG"] += 1
        return right


async def side_by_side(
    lines: int, dice: random.Random, one: Callable[[random.Random], Awaitable[None]]
) -> None:
    """Several lines at once, each with its own dice."""
    await asyncio.gather(*(one(random.Random(dice.random())) for _ in range(lines)))


# Bit errors.


async def noise_campaign(polls: int, lines: int, rate: float) -> Found:
    """Damage bits in both directions and judge every answer."""
    found = Found()

    async def line(dice: random.Random) -> None:
        noise = NoisyLine(UNITS, rate, dice)
        async with PtyPeer(noise) as peer:
            link = SerialLink(peer.path, BAUD)
            for unit in UNITS:
                link.pace(unit, Pacing(response_timeout_s=PATIENT_S))
            wanted = questions(UNITS, dice)
            for _ in range(polls // lines):
                question = dice.choice(wanted)
                tries = 0
                while not await ask(link, question, found) and tries < 2:
                    tries += 1
                found["values"] += 1
                found["fresh within 2 retries"] += tries < 2
            found["busy"] += round(sum(one.busy_s for one in link.statistics().values()))
            await link.close()
        found["damaged"] += noise.damaged

    await side_by_side(lines, dice_of_the_day(), line)
    print(dict(found))
    assert found["WRONG"] == 0
    return found


async def test_on_a_noisy_line_no_wrong_value_is_accepted() -> None:
    found = await noise_campaign(300, 20, 1e-3)
    assert found["damaged"] > 20
    assert found["good"] > 200


@pytest.mark.campaign
@pytest.mark.timeout(1800)
async def test_in_a_hundred_thousand_polls_at_one_bit_error_in_ten_thousand_no_wrong_value_is_accepted() -> (
    None
):
    found = await noise_campaign(100_000, 10, 1e-4)
    assert found["damaged"] > 1000
    assert found["fresh within 2 retries"] >= 0.999 * found["values"]


@pytest.mark.campaign
@pytest.mark.timeout(1800)
async def test_on_a_line_that_is_hardly_one_no_wrong_value_is_accepted() -> None:
    found = await noise_campaign(20_000, 100, 2e-3)
    assert found["damaged"] > 5000


# Late answers.


async def late_campaign(late: int, lines: int, share: float) -> Found:
    """Answer a share of the requests after the time-out, some long after it, and judge every answer."""
    found = Found()

    async def line(dice: random.Random) -> None:
        slave = LateSlave(1, share, (PATIENT_S, 6 * PATIENT_S), dice)
        loop = asyncio.get_running_loop()
        async with PtyPeer(lambda request: slave.reply(request, loop.time())) as peer:
            link = SerialLink(peer.path, BAUD)
            link.pace(1, Pacing(response_timeout_s=PATIENT_S))
            wanted = questions((1,), dice)
            while slave.late < late / lines:
                await ask(link, dice.choice(wanted), found)
            await link.close()
        found["late"] += slave.late

    await side_by_side(lines, dice_of_the_day(), line)
    print(dict(found))
    assert found["WRONG"] == 0
    assert found["late"] >= late
    return found


async def test_late_answers_are_never_taken_for_those_of_other_reads() -> None:
    found = await late_campaign(60, 30, 0.3)
    assert found["good"] > 30


@pytest.mark.campaign
@pytest.mark.timeout(1800)
async def test_ten_thousand_late_answers_are_never_taken_for_those_of_other_reads() -> None:
    await late_campaign(10_000, 200, 0.15)
