"""Simulated devices over real wires, asked by a plain client: what they tell is true, what they are told they do."""

import random
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from baywarden_drivers.simulator import Car, OutletState, UnknownName
from baywarden_drivers.values.codec import decode
from support.simulated_site import SITE, Site, running

pytestmark = pytest.mark.modbus


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with running() as running_site:
        yield running_site


@pytest.mark.serial
async def test_every_point_of_every_device_reads_as_the_truth_on_its_wire(site: Site) -> None:
    luck = random.Random(11)
    for name in site.simulation.outlets:
        site.simulation.plug(
            name, Car(soc=luck.uniform(0.1, 0.8), phases=luck.choice([1, 3]), tag="04A1B2C3")
        )
    site.time.advance(luck.randrange(300, 900))
    asked = 0
    for device in site.simulation.devices.values():
        for point in device.profile.read:
            connector = None if point.scope == "station" else 1
            answer = await site.ask(device, point)
            assert not answer.isError(), f"{device.name} {point.name}: {answer}"
            told, truth = decode(point, answer.registers, 0).value, device.truth(point, connector)
            asked += 1
            if isinstance(truth, str | tuple):
                assert told == truth
                continue
            assert isinstance(told, int | Decimal)
            exact = Decimal(str(truth))
            step = abs(exact) / 2**22 if point.dtype == "f32" else max(point.scale, abs(exact) / 2**50)
            assert 0 <= exact - told <= step, f"{device.name} {point.name}: {told} for {truth!r}"
    assert asked > 200


async def test_a_car_charges_by_the_limit_that_is_written(site: Site) -> None:
    site.simulation.plug("k", Car())
    site.time.advance(60)
    assert await site.read("keba", "current_l1") == 16
    assert not (await site.write("keba", "set_current_limit", 8)).isError()
    assert await site.read("keba", "limit_feedback") == 8
    site.time.advance(10)
    assert await site.read("keba", "current_l1") == 8
    assert not (await site.write("keba", "set_current_limit", 0)).isError()
    site.time.advance(10)
    assert site.simulation.outlets["k"].state is OutletState.SUSPENDED_EVSE
    assert await site.read("keba", "power") == 0
    energy_wh = await site.read("keba", "energy_total")
    site.time.advance(3_600)
    assert await site.read("keba", "energy_total") == energy_wh


async def test_connectors_behind_one_device_do_not_touch_each_other(site: Site) -> None:
    for device, second, untouched in (("charx", "c2", "c1"), ("alfen", "e2", "e1"), ("bender", "b2", "b1")):
        await site.write(device, "set_current_limit", 9, connector=2)
        assert site.simulation.outlets[second].allowance.written_a == 9
        assert site.simulation.outlets[untouched].allowance.written_a is None
        assert await site.read(device, "limit_modbus", connector=2) == 9


@pytest.mark.serial
async def test_devices_on_one_serial_bus_answer_at_their_units_and_nobody_else_does(site: Site) -> None:
    assert await site.read("box", "map_version") == 0x0108
    assert float(await site.read("mains", "current_l3")) == pytest.approx(7, abs=0.06)
    async with site.silence("bus") as client:
        await client.read_input_registers(0, count=2, device_id=5)
    assert await site.read("box", "map_version") == 0x0108


async def test_a_meter_sees_the_outlets_behind_it(site: Site) -> None:
    site.simulation.plug("c1", Car())
    site.simulation.plug("c3", Car())
    site.time.advance(60)
    assert await site.read("row", "current_l1") == 16
    site.simulation.unplug("c1")
    site.time.advance(1)
    assert await site.read("row", "current_l1") == 0
    assert await site.read("em24", "current_l2") == 16


async def test_a_station_point_answers_at_its_own_unit(site: Site) -> None:
    assert await site.read("alfen", "connector_count") == 2
    client = await site.client("alfen")
    assert (await client.read_holding_registers(1105, count=1, device_id=1)).isError()


async def test_refusals_come_as_the_codes_of_the_protocol(site: Site) -> None:
    client = await site.client("lan")
    assert (await client.read_holding_registers(999, count=2, device_id=255)).exception_code == 2
    assert (await client.read_holding_registers(1000, count=4, device_id=255)).exception_code == 3
    assert (await client.write_registers(5004, [8_000], device_id=255)).exception_code == 1
    assert (await client.write_register(5004, 70, device_id=255)).exception_code == 3
    assert (await client.read_coils(0, count=1, device_id=255)).exception_code == 2
    assert (await client.mask_write_register(address=5004, device_id=255)).exception_code == 1


async def test_a_restarted_charger_is_silent_for_a_while_and_has_forgotten_its_limit(site: Site) -> None:
    await site.write("charx", "set_current_limit", 8)
    site.simulation.reboot("charx")
    async with site.silence("lan"):
        await site.read("charx", "limit_modbus")
    site.time.advance(11)
    assert await site.read("charx", "limit_modbus") == 16


async def test_what_clients_wrote_is_remembered_with_its_time(site: Site) -> None:
    site.time.advance(7)
    await site.write("alfen", "set_current_limit", 12, connector=2)
    told = site.simulation.do({"do": "written"})
    assert {"at_s": 7, "device": "alfen", "outlet": "e2", "point": "set_current_limit", "value": 12} in told[
        "writes"
    ]
    assert {"at_s": 7, "outlet": "e2", "allowed_a": 12, "why": "written"} in told["allowed"]


async def test_cars_and_events_of_the_file_come_at_their_seconds() -> None:
    text = (
        SITE
        + """
[[car]]
outlet = "k"
at_s = 100
leave_at_s = 700
need_wh = 5000

[[event]]
at_s = 300
do = "fault"
outlet = "k"
code = 3
"""
    )
    async with running(text) as site:
        site.time.advance(99)
        assert site.simulation.outlets["k"].car is None
        site.time.advance(100)
        assert site.simulation.outlets["k"].state is OutletState.CHARGING
        site.time.advance(150)
        assert site.simulation.outlets["k"].error_code == 3
        site.time.advance(400)
        outlet = site.simulation.outlets["k"]
        assert outlet.car is None
        assert outlet.session_duration_s == 600
        assert outlet.energy_session_wh > 500


async def test_asking_for_a_name_that_nobody_has_lists_those_there_are(site: Site) -> None:
    with pytest.raises(UnknownName, match="there are: b1, b2, c1, c2, c3, e1, e2, h, k"):
        site.simulation.plug("zz", Car())
