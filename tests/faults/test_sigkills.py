"""The daemon is killed at random moments while cars come and go and a cloud books: nothing acknowledged is lost.

Run with the environment variable KILLS_SEED to repeat a campaign.
"""

import os
import random
from pathlib import Path
from statistics import median
from typing import Final

import pytest

from support import fuse, history
from support.kill_site import BASE_A, BAYS, LIMITS_A, NO_SHOW_FEE_MINOR, POLICY, ROWS, KillSite

pytestmark = [pytest.mark.modbus, pytest.mark.serial, pytest.mark.broker]

BLIND_S: Final = 240.0
"""Polls, the look at the truth and the debounce of idle, in the site's seconds: finer than this nobody saw."""
BACK_S: Final = 5.0
LISTEN_S: Final = 120.0
"""After a start it may take two polls until every charger was read and told its limit again."""

MENDED_S: Final = 90.0
"""The meter and the chargers are read up to 60 s apart here, so the load of others is known no better than that:
what is promised beside it may be too much until the next readings, and never for longer (while anybody works)."""


def campaign(folder: Path, kills: int, uptime_s: tuple[float, float]) -> None:
    """Kill, drain, ask again, stop, and judge from the records alone."""
    seed = int(os.environ.get("KILLS_SEED") or random.SystemRandom().randrange(10**6))
    print(f"KILLS_SEED={seed}")
    dice = random.Random(seed)
    with KillSite(folder, dice) as site:
        while site.kills.count < kills:
            site.live_for(dice.uniform(*uptime_s))
            site.kill()
        site.live_for(1.0)
        heads = site.drain()
        ask_everything_again(site)
        told: list[fuse.Change] = [*site.cars.allowed()]
        assert site.daemon.stop() == 0
        inboxes = site.cloud.store.inboxes
    ledger = history.read_ledger(site.ledger)
    mirror = history.Mirror(
        {name: (inbox.epoch, inbox.applied) for name, inbox in inboxes.items()},
        heads,
        sum(inbox.altered for inbox in inboxes.values()),
    )
    found = history.judge(site.witness.asked.values(), ledger, mirror, POLICY, NO_SHOW_FEE_MINOR)
    found.wrong += history.overstays_as_seen(ledger, site.cars.visits, site.kills.off, POLICY, BLIND_S)
    found.wrong += limits_were_kept(site, told)
    report(site, found)
    assert not found.wrong, "\n".join(found.wrong)
    assert found.counted["acknowledged"] > 3 * kills, "too little was at stake"
    assert found.counted["OVERSTAY FINAL"] > 0
    assert median(site.kills.back_s) < BACK_S


def ask_everything_again(site: KillSite) -> None:
    """Every command under its old id: the answers are compared by the checker."""
    before = {one.id: len(one.answers) for one in site.witness.asked.values()}
    for one in site.witness.asked.values():
        site.witness.ask_again(one)
    site.wait(
        "every command is answered again",
        lambda: all(len(site.witness.asked[key].answers) > count for key, count in before.items()),
    )


def limits_were_kept(site: KillSite, told: list[fuse.Change]) -> list[str]:
    """What chargers were told never exceeds a fuse; with their own fail-safes only while nobody was at work."""
    off = [(site.simulated_s(begin), site.simulated_s(end) + LISTEN_S) for begin, end in site.kills.off]
    wrong: list[str] = []
    for name, bays in (*ROWS.items(), ("yard", BAYS)):
        limit_a = LIMITS_A[name]
        wrong += [
            f"{name} was told too much: {one}" for one in fuse.over_limit(fuse.as_told(told), bays, limit_a)
        ]
        over = fuse.over_limit(told, bays, limit_a)
        wrong += [f"{name} held too much: {one}" for one in fuse.unexcused(over, off)]
        print(f"{name} by fail-safes: {fuse.summary(over)}")
    others = fuse.over_limit(fuse.as_told(told), BAYS, LIMITS_A["yard"] - BASE_A)
    print(f"yard beside its base load: {fuse.summary(others)}")
    wrong += [f"yard beside its base load: {one}" for one in others if fuse.worked_s(one, off) > MENDED_S]
    most_a = max(amps for _, amps in site.cars.mains_a)
    print(f"the mains carried at most {most_a:.1f} A")
    if most_a > LIMITS_A["yard"]:
        wrong.append(f"the mains carried {most_a:.1f} A")
    return wrong


def report(site: KillSite, found: history.Found) -> None:
    """The figures, for those who run it by hand."""
    inboxes = site.cloud.store.inboxes.values()
    back_s = site.kills.back_s
    print(f"{site.kills.count} kills; back after {median(back_s):.2f} s, at most {max(back_s):.2f} s")
    print(f"{len(site.cars.visits)} cars; broker {site.broker.kind.value}")
    print(", ".join(f"{name} {count}" for name, count in sorted(found.counted.items())))
    print(f"duplicates dropped by the cloud: {sum(inbox.duplicates for inbox in inboxes)}")


def test_a_few_kills_at_random_moments_lose_and_double_nothing(tmp_path: Path) -> None:
    campaign(tmp_path, 6, (0.3, 2.2))


@pytest.mark.campaign
@pytest.mark.timeout(900)
def test_fifty_kills_at_random_moments_lose_and_double_nothing(tmp_path: Path) -> None:
    campaign(tmp_path, 50, (0.3, 4.0))
