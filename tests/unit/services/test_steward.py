"""The steward shares the power and sees to it that every outlet gets its share and no more."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from baywarden.model.reading import Contact
from support.clock import FakeClock
from support.site_at_work import SiteAtWork, rules_of, site_at_work

FUSE_MA = 20_000


@pytest.fixture
async def work(tmp_path: Path, clock: FakeClock) -> AsyncIterator[SiteAtWork]:
    """Two outlets of 16 A behind a fuse of 20 A."""
    async with site_at_work(tmp_path, clock, rules_of("b1", "b2", limit_ma=FUSE_MA)) as work:
        await work.cycles(3)
        yield work


def _limit_ma(work: SiteAtWork, evse_id: str) -> int:
    return work.outlets[evse_id].limits_ma[-1]


def _at_worst_ma(work: SiteAtWork) -> int:
    """What both may draw by what is really in force."""
    return sum(_limit_ma(work, evse_id) for evse_id in work.outlets)


async def test_an_outlet_without_a_car_gets_nothing(work: SiteAtWork) -> None:
    assert (_limit_ma(work, "b1"), _limit_ma(work, "b2")) == (0, 0)


async def test_a_car_gets_its_current_soon_after_the_plug(work: SiteAtWork) -> None:
    work.plug("b1")
    await work.cycles(3)
    assert _limit_ma(work, "b1") == 16_000


async def test_the_second_car_gets_its_share_only_after_the_first_was_cut(work: SiteAtWork) -> None:
    work.plug("b1")
    await work.cycles(15)
    work.plug("b2")
    for _ in range(60):
        await work.cycle()
        assert _at_worst_ma(work) <= FUSE_MA
    assert _limit_ma(work, "b1") >= 6_000 and _limit_ma(work, "b2") >= 6_000


async def test_an_outlet_that_refuses_its_cut_goes_on_counting(work: SiteAtWork) -> None:
    work.plug("b1")
    await work.cycles(15)
    work.outlets["b1"].refuses_writes = True
    work.plug("b2")
    await work.cycles(60)
    assert _limit_ma(work, "b1") == 16_000
    assert _limit_ma(work, "b2") == 0, "what is left of 20 A is less than the least"


async def test_a_silent_outlet_keeps_its_claim(work: SiteAtWork) -> None:
    work.plug("b1")
    await work.cycles(15)
    work.outlets["b1"].contact = Contact.SILENT
    work.outlets["b1"].refuses_writes = True
    work.plug("b2")
    await work.cycles(60)
    assert work.steward.held()["b1"].allowed_ma == 16_000
    assert _limit_ma(work, "b2") == 0


async def test_a_limit_that_the_charger_lost_is_written_again(work: SiteAtWork) -> None:
    work.plug("b1")
    await work.cycles(15)
    work.outlets["b1"].set(limit_ma=6_000)
    await work.cycles(20)
    assert work.outlets["b1"].limits_ma[-2:] == [16_000, 16_000]


async def test_every_share_has_its_reason(work: SiteAtWork) -> None:
    assert work.steward.allocations["b1"].why == "0 A: no car"
    assert set(work.steward.allocations) == {"b1", "b2"}
