"""The page about the simulator says what is true."""

import re
from pathlib import Path

from baywarden_drivers.simulator import FaultKind, HandClock, Simulation, parse_site
from baywarden_drivers.simulator.commands import REQUESTS

PAGE = Path(__file__).parents[4] / "docs" / "simulator.md"


async def test_the_site_of_the_page_can_be_built() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 1
    simulation = Simulation(parse_site(blocks[0]), clock=HandClock())
    assert set(simulation.outlets) == {"bay-1", "bay-2", "bay-3"}


def test_the_page_names_every_request_and_no_other() -> None:
    page = PAGE.read_text(encoding="utf-8")
    table = page.partition("| request | what follows")[2].partition("## A whole site")[0]
    named = {
        word
        for row in table.splitlines()
        for word in re.findall(r"`(\w+)`", row.split("|")[1] if "|" in row else "")
    }
    assert named == set(REQUESTS)
    assert {kind.value for kind in FaultKind} <= named
