"""One connector as the site sees it, on a real Modbus server that holds the profile's registers."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal

import pytest

from baywarden.devices import ModbusMeter, ModbusOutlet
from baywarden.model.reading import ChargerState, Contact, Pilot
from baywarden.ports.wire import WireError
from baywarden_drivers import load_profile
from baywarden_drivers.values.value import Value
from support.clock import FakeClock
from support.served_profile import Served, served

pytestmark = pytest.mark.modbus

BOX = "heidelberg-energy-control"
CHARGING: Mapping[str, Value | None] = {
    "status": 7,
    "current_l1": Decimal("15.9"),
    "current_l2": Decimal("15.8"),
    "current_l3": Decimal(0),
    "power": 7_290,
    "energy_total": 123_456,
    "limit_modbus": 16,
}


@dataclass
class Bay:
    """An outlet and the registers behind it."""

    outlet: ModbusOutlet
    served: Served
    clock: FakeClock

    async def polls(self, count: int) -> None:
        """So many: the slower points come one at a time."""
        for _ in range(count):
            await self.outlet.poll()


@asynccontextmanager
async def _bay(
    values: Mapping[str, Value | None] = CHARGING,
    profile: str = BOX,
    *,
    failsafe_ma: int = 6_000,
    falls_silent: bool = False,
) -> AsyncIterator[Bay]:
    clock, found = FakeClock(), load_profile(profile)
    assert found.control is not None
    control = found.control.model_copy(update={"readback_timeout_ms": 200})
    found = found.model_copy(update={"control": control})
    async with served(profile, values, profile=found, falls_silent=falls_silent) as one:
        outlet = ModbusOutlet(one.device, "b1", clock=clock, failsafe_ma=failsafe_ma, failsafe_timeout_s=30)
        yield Bay(outlet, one, clock)


async def test_a_reading_is_in_whole_milliamperes_watts_and_watt_hours() -> None:
    async with _bay() as bay:
        reading = await bay.outlet.poll()
    assert (reading.evse_id, reading.contact, reading.contact_reason) == ("b1", Contact.OK, "")
    assert (reading.pilot, reading.state) == (Pilot.C, ChargerState.CHARGING)
    assert reading.current_ma == (15_900, 15_800, 0)
    assert (reading.power_w, reading.energy_wh, reading.limit_ma) == (7_290, 123_456, 16_000)
    assert reading.read_mono_ms == bay.clock.now().mono_ms


async def test_a_status_that_nobody_knows_is_unknown_and_said_so() -> None:
    async with _bay({**CHARGING, "status": 99}) as bay:
        reading = await bay.outlet.poll()
    assert (reading.contact, reading.pilot, reading.state) == (Contact.OK, None, None)
    assert "99" in reading.contact_reason
    assert reading.power_w == 7_290


async def test_without_an_answer_the_old_values_stay_with_their_old_age() -> None:
    async with _bay(falls_silent=True) as bay:
        before = await bay.outlet.poll()
        bay.served.registers.silent.add(1)
        await bay.clock.advance(42)
        reading = await bay.outlet.poll()
    assert reading.contact is Contact.SILENT
    assert "Bay 3" in reading.contact_reason and "poll" in reading.contact_reason
    assert reading.read_mono_ms == before.read_mono_ms == 1_000_000
    assert (reading.power_w, reading.pilot, reading.limit_ma) == (7_290, Pilot.C, 16_000)


async def test_an_outlet_that_never_answered_has_no_values_at_all() -> None:
    async with _bay(falls_silent=True) as bay:
        bay.served.registers.silent.add(1)
        reading = await bay.outlet.poll()
    assert reading.contact is Contact.SILENT
    assert (reading.read_mono_ms, reading.power_w, reading.pilot) == (None, None, None)
    assert reading.current_ma == (None, None, None)


async def test_a_refusal_and_a_dead_link_are_told_apart() -> None:
    async with _bay() as bay:
        bay.served.registers.refuse.update(dict.fromkeys(range(300), 4))
        assert (await bay.outlet.poll()).contact is Contact.REFUSED
        bay.served.registers.refuse.clear()
        assert (await bay.outlet.poll()).contact is Contact.OK
    assert (await bay.outlet.poll()).contact is Contact.LINK_DOWN


async def test_a_limit_is_rounded_down_and_what_is_in_force_is_told() -> None:
    async with _bay() as bay:
        await bay.outlet.poll()
        assert await bay.outlet.set_limit(10_250) == 10_200
        assert bay.served.written("set_current_limit") == 102
        assert await bay.outlet.set_limit(5_900) == 0
        assert await bay.outlet.set_limit(32_000) == 16_000


async def test_a_limit_that_does_not_read_back_is_an_error_with_the_name() -> None:
    async with _bay() as bay:
        await bay.outlet.poll()
        bay.served.registers.deaf.add(261)
        with pytest.raises(WireError, match=r"Bay 3: limit to 8 A: .* shows 16"):
            await bay.outlet.set_limit(8_000)


async def test_a_charger_that_applies_less_than_it_is_told_says_so() -> None:
    async with _bay({**CHARGING, "limit_modbus": 13}) as bay:
        await bay.outlet.poll()
        bay.served.registers.deaf.add(261)
        assert await bay.outlet.set_limit(16_000) == 13_000


async def test_a_silent_charger_makes_each_errand_a_wire_error() -> None:
    async with _bay(falls_silent=True) as bay:
        bay.served.registers.silent.add(1)
        with pytest.raises(WireError, match="Bay 3"):
            await bay.outlet.set_limit(8_000)
        with pytest.raises(WireError, match="arm the fail-safe"):
            await bay.outlet.arm()


async def test_a_fail_safe_that_the_device_cannot_mean_is_a_wire_error() -> None:
    async with _bay(failsafe_ma=0) as bay:
        await bay.outlet.poll()
        with pytest.raises(WireError, match="error state"):
            await bay.outlet.arm()


async def test_it_must_be_armed_until_it_was_and_then_shows_that_it_is() -> None:
    async with _bay() as bay:
        assert (await bay.outlet.poll()).failsafe_armed is False
        assert (await bay.outlet.arm()).detail == "falls to 6 A within 30 s of silence"
        assert (await bay.outlet.poll()).failsafe_armed is True
        assert bay.served.written("failsafe_current") == 60
        assert bay.served.written("failsafe_timeout") == 30_000


@pytest.mark.parametrize(
    ("point", "value"), [("failsafe_current", 16), ("failsafe_timeout", 0), ("failsafe_timeout", 60)]
)
async def test_settings_of_the_fail_safe_that_were_lost_must_be_written_again(point: str, value: int) -> None:
    async with _bay() as bay:
        await bay.outlet.poll()
        await bay.outlet.arm()
        assert (await bay.outlet.poll()).failsafe_armed is True
        bay.served.put(**{point: value})
        await bay.served.device.read(point)
        assert (await bay.outlet.poll()).failsafe_armed is False
        await bay.outlet.arm()
        assert (await bay.outlet.poll()).failsafe_armed is True


async def test_a_fail_safe_that_does_not_hold_is_to_be_armed_again() -> None:
    async with _bay({**CHARGING, "failsafe_current": 16}) as bay:
        await bay.outlet.poll()
        bay.served.registers.deaf.add(262)
        assert (await bay.outlet.arm()).detail.startswith("not armed: the fail-safe current is 16")
        assert (await bay.outlet.poll()).failsafe_armed is False


async def test_a_restart_of_the_charger_asks_for_arming() -> None:
    async with _bay({**CHARGING, "energy_since_power_on": 5_000}) as bay:
        await bay.outlet.poll()
        await bay.outlet.arm()
        assert (await bay.outlet.poll()).failsafe_armed is True
        bay.served.put(energy_since_power_on=0)
        assert (await bay.outlet.poll()).failsafe_armed is False


async def test_the_card_and_the_error_are_read_with_their_turn() -> None:
    values: Mapping[str, Value | None] = {
        "status": "B1",
        "id_tag": "04A1B2C3",
        "error_code": 0,
        "limit_modbus": 16,
    }
    async with _bay(values, "phoenix-charx-sec") as bay:
        await bay.polls(8)
        reading = await bay.outlet.poll()
    assert (reading.id_tag, reading.error_code, reading.pilot) == ("04A1B2C3", 0, Pilot.B)


async def test_a_current_that_the_device_does_not_know_is_unknown() -> None:
    values: Mapping[str, Value | None] = {"status": "C2", "current_l1": None, "power": 1_000}
    async with _bay(values, "phoenix-charx-sec") as bay:
        reading = await bay.outlet.poll()
    assert reading.current_ma == (None, 0, 0)


async def test_a_meter_keeps_its_old_values_with_their_old_age(clock: FakeClock) -> None:
    values = {"current_l1": Decimal("5.25"), "power": Decimal("-966.40")}
    async with served("abb-b23", values, falls_silent=True) as one:
        meter = ModbusMeter(one.device, "grid", clock=clock)
        before = await meter.poll()
        assert (before.contact, before.current_ma, before.power_w) == (Contact.OK, (5_250, 0, 0), -966)
        one.registers.silent.add(1)
        await clock.advance(30)
        after = await meter.poll()
    assert (after.contact, after.read_mono_ms, after.power_w) == (Contact.SILENT, 1_000_000, -966)
    assert "poll" in after.contact_reason


NEWS: list[dict[str, Value | None]] = [
    {},
    {"power": 7_291},
    {"current_l1": Decimal("6.1")},
    {"status": 99},
    {"status": 2},
    {"status": 7},
    {"energy_total": 123_460, "current_l3": Decimal(10)},
    {"limit_modbus": 10},
    {"power": 0, "current_l1": Decimal(0)},
]


async def test_whatever_changes_from_poll_to_poll_an_outlet_says_what_one_says_that_has_seen_nothing_before() -> (
    None
):
    async with _bay() as bay:
        for news in (*NEWS, *reversed(NEWS)):
            bay.served.put(**news)
            await bay.clock.advance(1)
            reading = await bay.outlet.poll()
            fresh = ModbusOutlet(
                bay.served.device, "b1", clock=bay.clock, failsafe_ma=6_000, failsafe_timeout_s=30
            )
            assert reading == await fresh.poll()
            assert reading.read_mono_ms == bay.clock.now().mono_ms
