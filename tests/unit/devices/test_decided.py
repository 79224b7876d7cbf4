"""What devices have shown of themselves is seen by the site, and found again by the next run."""

from pathlib import Path

import pytest

from baywarden.devices import ModbusMeter, ModbusOutlet
from baywarden.devices.decided import memory_of, recall
from baywarden.store.decisions import read_decisions, write_decisions
from support.clock import FakeClock
from support.served_profile import served

pytestmark = pytest.mark.modbus

BOX = "siemens-versicharge-gen3"
LIMIT_AT = 1633
METER = "socomec-countis-e"


async def test_a_reading_says_what_is_decided_with_what_was_seen_and_what_is_open() -> None:
    async with served(BOX) as site:
        site.registers.set(site.profile.default_unit, "holding", LIMIT_AT, 1600)
        outlet = ModbusOutlet(site.device, "b1", clock=FakeClock(), failsafe_ma=6_000, failsafe_timeout_s=30)
        reading = await outlet.poll()
        said = {one.name: one for one in reading.decisions}
        assert (said["limit_scale"].choice, said["limit_scale"].decided) == ("0.01 A", True)
        assert said["limit_scale"].why == "limit_modbus reads 16.00 A; A would read 1600 A"
        assert said["limit_scale"].text.startswith("limit scale: 0.01 A, because limit_modbus reads 16.00 A")
        assert not said["energy_scale"].decided
        assert (await outlet.poll()).decisions is reading.decisions, "made anew only when one changes"


async def test_a_meter_says_it_too() -> None:
    async with served(METER) as site:
        reading = await ModbusMeter(site.device, "grid", clock=FakeClock()).poll()
        assert [one.name for one in reading.decisions] == ["frequency_scale"]


async def test_the_next_run_knows_the_same_device_again(tmp_path: Path) -> None:
    async with served(BOX, {"serial": "A17"}) as site:
        site.registers.set(site.profile.default_unit, "holding", LIMIT_AT, 1600)
        await site.device.poll()
        write_decisions(tmp_path, memory_of([("outlet b1", site.device), ("outlet b2", site.device)]))
    async with served(BOX, {"serial": "A17"}) as site:
        recall({"outlet b1": site.device}, read_decisions(tmp_path))
        await site.device.poll()
        (said,) = (one for one in site.device.decisions if one.name == "limit_scale")
        assert said.decided and said.why.endswith("(seen in an earlier run, not yet in this one)")
        await site.device.set_current_limit(16)
        assert site.written("set_current_limit") == 1600


async def test_another_device_in_its_place_is_not_taken_for_it(tmp_path: Path) -> None:
    async with served(BOX, {"serial": "A17"}) as site:
        site.registers.set(site.profile.default_unit, "holding", LIMIT_AT, 1600)
        await site.device.poll()
        write_decisions(tmp_path, memory_of([("outlet b1", site.device)]))
    async with served(BOX, {"serial": "B99"}) as site:
        recall({"outlet b1": site.device}, read_decisions(tmp_path))
        await site.device.poll()
        await site.device.set_current_limit(16)
        assert site.written("set_current_limit") == 16


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"outlet b1": 7}', '{"outlet b1": [{"choice": "A"}, 7]}', "\0"]
)
async def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "decisions.json").write_text(text)
    async with served(BOX) as site:
        recall({"outlet b1": site.device}, read_decisions(tmp_path))
        await site.device.poll()
        assert not any(one.decided for one in site.device.decisions)
