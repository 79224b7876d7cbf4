"""Profiles that operators write: what no shipped one does must not break a poll."""

from decimal import Decimal

import pytest

from baywarden_drivers import LinkDown, LinkPool, Profile, TcpEndpoint, open_device
from baywarden_drivers.profile import parse_profile
from support.served_profile import served

pytestmark = pytest.mark.modbus

HEAD = """
schema = 1
vendor = "ACME"
model = "Twin"
kind = "charger"
confidence = "medium"
summary = "Made up."
sources = ["made up"]
[protocol]
functions_write = [6]
[transport.tcp]
[connectors]
count = 2
addressing = "register_offset"
stride = 100
phases = 1
[status]
source = "state"
iec = { 1 = "A", 2 = "C" }
state = { 1 = "available", 2 = "charging" }
"""
STATION = """
[startup]
falls_on_restart = "uptime"
"""
POINT = """
[[read]]
name = "{name}"
type = "holding"
address = {address}
dtype = "u16"
poll = "hot"
{more}
"""
STARTING = """
[startup]
writes = [{ point = "standby", value = 4 }, { point = "mode", value = 7 }]
falls_on_restart = "uptime"
[[write]]
name = "standby"
type = "holding"
address = 50
dtype = "u16"
max = 3
[[write]]
name = "mode"
type = "holding"
address = 51
dtype = "u16"
"""


def read(name: str, address: int, more: str = "") -> str:
    """One hot register."""
    return POINT.format(name=name, address=address, more=more)


OF_THE_STATION = "scope = 'station'\n"


def profile_of(*parts: str) -> Profile:
    """What an operator might have written."""
    return parse_profile(HEAD + "".join(parts), "twin.toml", "twin")


TWIN = (
    STATION,
    read("state", 10),
    read("current_l1", 11, "unit = 'A'\nmultiply_by = ['ratio']"),
    read("power", 900, OF_THE_STATION + "unit = 'W'"),
    read("voltage_l1", 901, OF_THE_STATION + "unit = 'V'"),
    read("uptime", 902, OF_THE_STATION),
    read("ratio", 903, OF_THE_STATION),
)
"""Power and voltage are measured once for both connectors."""


@pytest.mark.parametrize("connector", [1, 2])
async def test_what_only_the_station_measures_is_no_trouble_to_any_connector(connector: int) -> None:
    values = {"state": 2, "current_l1": 3, "power": 8000, "voltage_l1": 230, "uptime": 77, "ratio": 5}
    async with served("twin", values, connector=connector, profile=profile_of(*TWIN)) as bay:
        for _ in range(3):
            poll = await bay.device.poll()
        assert poll["state"].value == 2
        assert poll["current_l1"].value == Decimal(15)
        assert poll.faults == ()
        assert ("power" in poll) == (connector == 1)
        contact = poll.contact
        bay.put(uptime=3)
        assert (await bay.device.poll()).contact == contact + 1, "a restart of the station is one of each"


async def test_a_start_up_write_that_cannot_be_meant_is_told_and_the_charger_stays_in_sight() -> None:
    profile = profile_of(read("state", 10), read("uptime", 12), STARTING)
    async with served("twin", {"state": 1}, profile=profile) as bay:
        for restarts in range(3):
            bay.put(uptime=1000 - restarts)
            poll = await bay.device.poll()
            assert poll["state"].value == 1
            assert poll.contact == restarts + 1, "the fail-safe has to be armed again"
            assert poll.faults == ("start-up writes: standby: 4 is outside None to 3",)
        assert bay.registers.writes() == [(6, 51)] * 3, "the others are written"
        assert (await bay.device.poll()).faults == poll.faults, "as long as it is so"


async def test_a_register_that_cannot_be_asked_for_is_an_error_of_the_device_to_whoever_polls() -> None:
    profile = profile_of(read("state", 65_500), read("current_l1", 65_501))
    async with LinkPool() as pool:
        device = open_device(pool, TcpEndpoint("127.0.0.1", 9), profile, connector=2, name="Bay 4")
        with pytest.raises(LinkDown, match="Bay 4: poll: "):
            await device.poll()
