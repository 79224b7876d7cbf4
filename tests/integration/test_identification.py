"""Every device of the catalogue, simulated, is named by what it answers alone. Nothing is written to it."""

import asyncio
from collections.abc import Sequence
from typing import Final

import pytest

from baywarden_drivers import load_profile, profile_names
from baywarden_drivers.bench.identify import Who, identify
from baywarden_drivers.bench.tcp_line import TcpLine
from baywarden_drivers.simulator import Simulation, parse_site

pytestmark = pytest.mark.modbus

ALIKE: Final = {"keba-p40": "keba-p30"}
"""Their registers are the same in everything that their sources tell; both are offered."""
FEW: Final = ("carlo-gavazzi-em340", "heidelberg-energy-control", "sunspec-meter-float")
"""One of a family with few differences, one that never says its name, and one that is found by its models."""


async def who_is(name: str) -> Who:
    """What a scan makes of a simulated device of that profile."""
    kind = load_profile(name).kind
    outlets = 'outlets = ["bay"]\n' if kind == "charger" else ""
    device = f'[[{kind}]]\nname = "it"\nprofile = "{name}"\nlistener = "lan"\n{outlets}'
    spec = f'[[listener]]\nname = "lan"\ntcp = 0\n{device}'
    profiles = [load_profile(one) for one in profile_names()]
    async with Simulation(parse_site(spec)) as site:
        host, _, port = site.where("lan").rpartition(":")
        line = TcpLine(host, int(port), timeout_s=10)
        try:
            return await asyncio.to_thread(identify, line, site.device("it").unit, profiles)
        finally:
            line.close()


async def check(names: Sequence[str]) -> None:
    """Each is the likeliest, or as likely as one with the same registers."""
    for name in names:
        who = await who_is(name)
        assert who.best is not None, f"{name}: nobody was named"
        likely = {one.profile: one.confidence for one in who.candidates}
        assert name in likely, f"{name}: {who.candidates}"
        assert who.best.profile in (name, ALIKE.get(name)), f"{name}: {who.candidates}"
        assert likely[name] == who.best.confidence


async def test_devices_are_named_by_their_answers() -> None:
    await check(FEW)


@pytest.mark.campaign
async def test_every_device_of_the_catalogue_is_named_by_its_answers() -> None:
    await check(profile_names())
