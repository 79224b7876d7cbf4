"""A device by the names of its profile, read from a real server that holds the profile's registers."""

import time
from decimal import Decimal

import pytest

from baywarden_drivers import Device, NoAnswer, Quality, Refused, TcpLink, ValueRefused, load_profile
from baywarden_drivers.profile import parse_profile
from baywarden_drivers.values.value import Value
from support.profile_text import text_of
from support.served_profile import served

pytestmark = pytest.mark.modbus
HEIDELBERG: dict[str, Value | None] = {
    "status": 7,
    "current_l1": Decimal("15.9"),
    "power": 10_900,
    "energy_total": 123_456,
}


async def test_a_poll_gives_every_hot_point_with_unit_and_quality() -> None:
    async with served("heidelberg-energy-control", HEIDELBERG) as bay:
        poll = await bay.device.poll()
        assert poll["current_l1"].value == Decimal("15.9")
        assert poll["power"].value == 10_900
        assert poll["energy_total"].value == 123_456
        assert poll["status"].good
        assert bay.device.status(poll).iec == "C"
        assert set(poll) >= set(bay.profile.readable)


async def test_cold_points_are_missing_until_their_turn_has_come() -> None:
    async with served("heidelberg-energy-control", HEIDELBERG) as bay:
        bay.put(failsafe_current=6, max_current_hw=16)
        first = await bay.device.poll()
        assert first["failsafe_current"].quality is Quality.MISSING
        assert first["failsafe_current"].value is None
        for _ in range(10):
            last = await bay.device.poll()
        assert last["failsafe_current"].value == 6
        assert last["max_current_hw"].value == 16


async def test_one_poll_costs_the_hot_reads_and_at_most_one_other() -> None:
    async with served("phoenix-charx-sec", {"status": "C2"}) as bay:
        for _ in range(12):
            await bay.device.poll()
        bay.registers.requests.clear()
        await bay.device.poll()
        assert len(bay.registers.requests) == 1
        assert bay.registers.requests[0][2:] == (1238, 64)


async def test_energies_are_in_watt_hours_whatever_the_meter_counts_in() -> None:
    async with served("abb-b23", {"energy_total": 4_711_230}) as bay:
        assert (await bay.device.poll())["energy_total"].value == 4_711_230
        assert bay.profile.readable["energy_total"].unit == "Wh"


async def test_a_sentinel_is_not_available_and_never_a_number() -> None:
    async with served("abb-b23", {"power": None, "current_l2": None}) as bay:
        poll = await bay.device.poll()
        assert poll["power"].quality is Quality.NOT_AVAILABLE
        assert poll["power"].value is None
        assert poll["current_l1"].value == 0


async def test_a_silent_device_is_no_answer_with_its_name_and_what_was_tried() -> None:
    async with served("abb-b23", falls_silent=True) as bay:
        bay.registers.silent.add(1)
        with pytest.raises(NoAnswer, match="Bay 3: poll: unit 1"):
            await bay.device.poll()
        assert len(bay.registers.requests) == 1


async def test_a_device_that_refuses_everything_is_refused() -> None:
    async with served("abb-b23") as bay:
        bay.registers.refuse = dict.fromkeys(range(0x5000, 0x5C00), 4)
        with pytest.raises(Refused) as refused:
            await bay.device.poll()
        assert refused.value.code == 4


async def test_a_hole_in_a_block_costs_only_the_point_in_the_hole() -> None:
    async with served("abb-b23", {"current_l1": 7, "power": 1610}, without=("current_l3",)) as bay:
        poll = await bay.device.poll()
        assert poll["current_l1"].value == 7
        assert poll["power"].value == 1610
        assert poll["current_l3"].quality is Quality.MISSING
        assert "exception 2" in poll["current_l3"].reason
        assert poll.faults


OLD_BENDER = ("energy_total", "power", "voltage_l1", "voltage_l2", "voltage_l3", "software_version")
PHASES: dict[str, Value | None] = {
    "power_l1": 1000,
    "power_l2": 1100,
    "power_l3": 1200,
    "energy_import_l1": 10,
    "energy_import_l2": 20,
}


async def test_a_controller_without_totals_gets_them_as_sums_of_its_phases() -> None:
    async with served("bender-cc612", PHASES, without=OLD_BENDER) as bay:
        for _ in range(3):
            poll = await bay.device.poll()
        assert poll["power"].value == 3300
        assert poll["energy_total"].value == 30


async def test_a_total_of_the_device_wins_over_the_sum() -> None:
    async with served("bender-cc612", {**PHASES, "power": 3333, "energy_total": 40}) as bay:
        seen = set()
        for _ in range(6):
            poll = await bay.device.poll()
            seen.add(poll["energy_total"].value)
        assert poll["power"].value == 3333
        assert 30 not in seen


async def test_a_sum_without_one_part_is_not_a_sum() -> None:
    async with served("bender-cc612", {**PHASES, "power_l2": None}, without=OLD_BENDER) as bay:
        for _ in range(3):
            poll = await bay.device.poll()
        assert poll["power"].quality is Quality.NOT_AVAILABLE
        assert "power_l2" in poll["power"].reason


async def test_an_optional_point_that_is_refused_is_not_asked_for_again() -> None:
    async with served("bender-cc612", without=("ev_soc",)) as bay:
        for _ in range(25):
            await bay.device.poll()
        asked = [address for _, _, address, count in bay.registers.requests if (address, count) == (730, 1)]
        assert asked == [730]


async def test_a_point_among_forbidden_registers_is_read_alone() -> None:
    async with served("bender-cc612", {"ev_soc": 55}) as bay:
        for _ in range(25):
            poll = await bay.device.poll()
        assert poll["ev_soc"].value == 55
        across = [
            (address, count)
            for _, _, address, count in bay.registers.requests
            if address < 741 and address + count > 730 and count > 1
        ]
        assert across == []


async def test_a_second_connector_is_found_by_its_register_offset() -> None:
    async with served("phoenix-charx-sec", {"status": "B2"}, connector=2) as bay:
        poll = await bay.device.poll()
        assert bay.device.status(poll).state == "suspended_ev"
        assert {address for _, _, address, _ in bay.registers.requests} & set(range(2232, 2310))
        assert "station_power" not in poll
        await bay.device.set_current_limit(11)
        assert bay.registers.get(1, "holding", 2301) == 11


async def test_a_second_socket_is_found_by_its_unit_and_the_station_by_its_own() -> None:
    async with served("alfen-eve", {"status": "C2"}, connector=2) as bay:
        assert (await bay.device.poll()).contact == 1
        assert {unit for unit, *_ in bay.registers.requests} == {2}
    async with served("alfen-eve", {"status": "C2", "serial": "ACE123"}) as bay:
        identity = await bay.device.identify()
        assert identity.serial == "ACE123"
        assert {unit for unit, *_ in bay.registers.requests} == {1, 200}


async def test_a_second_connector_is_found_by_its_port() -> None:
    async with served("bender-cc612", {"status": 3}, connector=2) as bay:
        assert bay.device.status(await bay.device.poll()).iec == "C"


def test_a_connector_that_the_charger_does_not_have_is_refused() -> None:
    with pytest.raises(ValueRefused, match="1 connectors"):
        Device(load_profile("keba-p30"), link=TcpLink("127.0.0.1", 1), connector=2)


async def test_polls_keep_the_distance_that_the_device_asks_for() -> None:
    text = text_of("alfen-eve").replace("min_poll_interval_ms = 1000", "min_poll_interval_ms = 300")
    async with served("", {"status": "A"}, profile=parse_profile(text, "made up", "alfen-quick")) as bay:
        started = time.monotonic()
        await bay.device.poll()
        await bay.device.poll()
        assert time.monotonic() - started >= 0.29
