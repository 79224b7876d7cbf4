"""Outlets and meters of the catalogue as the site sees them, on simulated devices behind real wires."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import pytest

from baywarden.devices import ModbusMeter, ModbusOutlet
from baywarden.model.reading import ChargerState, Contact, EvseReading, Pilot
from baywarden.ports.wire import WireError
from baywarden_drivers import (
    Device,
    Endpoint,
    LinkPool,
    RtuOverTcpEndpoint,
    TcpEndpoint,
    load_profile,
    open_device,
    profile_names,
)
from baywarden_drivers.simulator import Car, FaultKind, HandClock, Simulation, parse_site
from baywarden_drivers.simulator.allowance import Why
from baywarden_drivers.simulator.outlet import Outlet
from support.clock import FakeClock

pytestmark = pytest.mark.modbus

CHARGERS: Final = {
    "alfen-eve": 2,
    "bender-cc612": 2,
    "heidelberg-energy-control": 1,
    "keba-p30": 1,
    "phoenix-charx-sec": 3,
}
"""With the connector that is looked at."""
METERS: Final = ("abb-b23", "carlo-gavazzi-em24-ethernet", "eastron-sdm630")
ARMABLE: Final = ("bender-cc612", "heidelberg-energy-control", "keba-p30", "phoenix-charx-sec")
FORGETFUL: Final = ("heidelberg-energy-control", "keba-p30", "phoenix-charx-sec")
FAILSAFE_S: Final = 30


def _on_serial(profile: str) -> bool:
    return load_profile(profile).transport.tcp is None


def _site(profile: str, outlets: int) -> str:
    wire = "rtu_over_tcp" if _on_serial(profile) else "tcp"
    if profile in METERS:
        table = f'[[meter]]\nname = "it"\nprofile = "{profile}"\nlistener = "wire"\nbase_a = [5, 6, 0]\n'
    else:
        names = [f"o{number}" for number in range(1, outlets + 1)]
        # Its settings of the fail-safe cannot be written: its installer has made them.
        shipped = "failsafe_current_a = 6\nfailsafe_timeout_s = 25\n" if profile == "alfen-eve" else ""
        table = f'[[charger]]\nname = "it"\nprofile = "{profile}"\nlistener = "wire"\noutlets = {names}\n{shipped}'
    return f'[[listener]]\nname = "wire"\n{wire} = 0\n\n{table}'


@dataclass
class Bench:
    """A simulated device and what the site makes of it; simulated time passes by `wait`."""

    simulation: Simulation
    time: HandClock
    clock: FakeClock
    device: Device
    connector: int

    def __post_init__(self) -> None:
        self.outlet = ModbusOutlet(
            self.device, "b1", clock=self.clock, failsafe_ma=6_000, failsafe_timeout_s=FAILSAFE_S
        )
        self.meter = ModbusMeter(self.device, "grid", clock=self.clock)

    @property
    def truth(self) -> Outlet:
        """The connector as it truly is."""
        return self.simulation.outlets[f"o{self.connector}"]

    async def wait(self, seconds: int, *, silently: bool = False) -> None:
        """Time passes for both; unless told otherwise the outlet is polled every five seconds."""
        for second in range(1, seconds + 1):
            self.time.advance(1)
            self.simulation.look()
            await self.clock.advance(1)
            if not silently and second % 5 == 0:
                await self.outlet.poll()

    async def settled(self) -> EvseReading:
        """What it says once every slower point had its turn."""
        for _ in range(30):
            await self.outlet.poll()
        return await self.outlet.poll()

    async def restart(self) -> None:
        """The charger restarts; its connections are gone."""
        self.simulation.reboot("it")
        self.simulation.disconnect("wire")
        await self.wait(15, silently=True)


@asynccontextmanager
async def _bench(profile_name: str) -> AsyncIterator[Bench]:
    profile = load_profile(profile_name)
    hurried = profile.protocol.model_copy(
        update={
            "min_request_gap_ms": 0,
            "min_read_interval_ms": 0,
            "min_write_interval_ms": 0,
            "min_poll_interval_ms": 0,
            "response_timeout_ms": 150,
        }
    )
    profile = profile.model_copy(update={"protocol": hurried})
    if profile.control is not None:
        control = profile.control.model_copy(update={"readback_timeout_ms": 300})
        profile = profile.model_copy(update={"control": control})
    connector, time = CHARGERS.get(profile_name, 1), HandClock()
    site = parse_site(_site(profile_name, connector))
    async with Simulation(site, clock=time) as simulation, LinkPool() as pool:
        port = simulation.port("wire")
        endpoint: Endpoint = TcpEndpoint("127.0.0.1", port)
        if _on_serial(profile_name):
            endpoint = RtuOverTcpEndpoint("127.0.0.1", port)
        device = open_device(pool, endpoint, profile, connector=connector, name="Bay 1")
        yield Bench(simulation, time, FakeClock(), device, connector)


def test_every_device_of_the_catalogue_is_looked_at_here() -> None:
    assert sorted([*CHARGERS, *METERS]) == sorted(profile_names())


@pytest.mark.parametrize("profile", CHARGERS)
async def test_a_charging_car_reads_as_it_is_in_whole_units(profile: str) -> None:
    async with _bench(profile) as bench:
        bench.simulation.plug(f"o{bench.connector}", Car(soc=0.2, max_current_a=10))
        await bench.wait(120)
        reading = await bench.settled()
        truth = bench.truth
    assert (reading.contact, reading.contact_reason) == (Contact.OK, "")
    assert (reading.pilot, reading.state) == (Pilot.C, ChargerState.CHARGING)
    assert reading.current_ma == pytest.approx([round(1000 * one) for one in truth.currents_a], abs=100)
    assert reading.power_w == pytest.approx(truth.power_w, rel=0.02)
    assert reading.energy_wh == pytest.approx(truth.energy_total_wh, abs=5) and truth.energy_total_wh > 100
    assert all(isinstance(one, int) for one in (*reading.current_ma, reading.power_w, reading.energy_wh))


@pytest.mark.parametrize("profile", CHARGERS)
async def test_an_empty_outlet_reads_as_free_and_draws_nothing(profile: str) -> None:
    async with _bench(profile) as bench:
        reading = await bench.settled()
    assert (reading.pilot, reading.state) == (Pilot.A, ChargerState.AVAILABLE)
    assert reading.current_ma == (0, 0, 0)
    assert reading.power_w == 0


@pytest.mark.parametrize("profile", CHARGERS)
async def test_a_limit_is_written_and_read_back_and_the_car_follows(profile: str) -> None:
    async with _bench(profile) as bench:
        bench.simulation.plug(f"o{bench.connector}", Car(soc=0.2))
        await bench.wait(60)
        await bench.outlet.poll()
        assert await bench.outlet.set_limit(8_000) == 8_000
        await bench.wait(15)
        assert bench.truth.current_a == 8
        assert (await bench.outlet.poll()).limit_ma == 8_000
        assert await bench.outlet.set_limit(0) == 0
        await bench.wait(15)
        assert bench.truth.current_a == 0
        assert (await bench.settled()).state is ChargerState.SUSPENDED_EVSE


@pytest.mark.parametrize("profile", CHARGERS)
async def test_a_limit_that_is_ignored_is_a_wire_error(profile: str) -> None:
    async with _bench(profile) as bench:
        await bench.outlet.poll()
        await bench.outlet.set_limit(16_000)
        bench.simulation.inject("it", FaultKind.IGNORE_WRITES)
        with pytest.raises(WireError, match="Bay 1: limit to 8 A"):
            await bench.outlet.set_limit(8_000)


@pytest.mark.parametrize("profile", ARMABLE)
async def test_once_armed_the_charger_falls_back_by_itself_when_nobody_speaks(profile: str) -> None:
    async with _bench(profile) as bench:
        bench.simulation.plug(f"o{bench.connector}", Car(soc=0.2))
        assert (await bench.outlet.poll()).failsafe_armed is False
        assert (await bench.outlet.arm()).detail.startswith("falls to 6")
        await bench.outlet.set_limit(16_000)
        await bench.wait(FAILSAFE_S - 5, silently=True)
        assert bench.truth.allowance.allowed_a == 16
        await bench.wait(10, silently=True)
        assert bench.truth.allowance.allowed_a == 6
        assert bench.truth.allowance.history[-1].why is Why.FAILSAFE


@pytest.mark.parametrize("profile", FORGETFUL)
async def test_after_a_restart_the_fail_safe_is_armed_again(profile: str) -> None:
    async with _bench(profile) as bench:
        await bench.outlet.poll()
        await bench.outlet.arm()
        await bench.outlet.set_limit(10_000)
        await bench.wait(2)
        assert (await bench.settled()).failsafe_armed is True
        await bench.restart()
        assert bench.truth.allowance.failsafe.timeout_s != FAILSAFE_S
        reading = await bench.outlet.poll()
        if reading.contact is not Contact.OK:  # the first look only finds the old connection dead
            reading = await bench.outlet.poll()
        assert (reading.contact, reading.failsafe_armed) == (Contact.OK, False)
        assert reading.limit_ma != 10_000, "the limit is lost as well, and is shown as it is"
        await bench.outlet.arm()
        assert bench.truth.allowance.failsafe.timeout_s == FAILSAFE_S
        assert (await bench.settled()).failsafe_armed is True


async def test_a_charger_that_wants_its_limit_again_and_again_is_kept_alive() -> None:
    async with _bench("alfen-eve") as bench:
        await bench.outlet.poll()
        await bench.outlet.set_limit(10_000)
        assert (await bench.outlet.arm()).detail.startswith("falls to 6")
        before = len(bench.simulation.written())
        await bench.outlet.keep_alive()
        assert len(bench.simulation.written()) == before, "it is not fed more often than it needs"
        assert (await bench.outlet.poll()).failsafe_armed is True


async def test_a_fail_safe_that_its_installer_left_too_high_is_told_and_asked_for_again() -> None:
    async with _bench("alfen-eve") as bench:
        bench.truth.allowance.failsafe.current_a = 16
        await bench.outlet.poll()
        await bench.outlet.set_limit(10_000)
        assert (await bench.outlet.arm()).detail.startswith("not armed: the fail-safe current is 16")
        assert (await bench.outlet.poll()).failsafe_armed is False


@pytest.mark.parametrize("profile", ["keba-p30", "heidelberg-energy-control"])
async def test_silence_keeps_the_old_values_with_their_old_age(profile: str) -> None:
    async with _bench(profile) as bench:
        bench.simulation.plug("o1", Car(soc=0.2))
        await bench.wait(60)
        before = await bench.settled()
        bench.simulation.inject("it", FaultKind.SILENCE)
        await bench.wait(42, silently=True)
        after = await bench.outlet.poll()
        assert after.contact is Contact.SILENT and "Bay 1" in after.contact_reason
        assert (after.read_mono_ms, after.power_w, after.pilot) == (
            before.read_mono_ms,
            before.power_w,
            Pilot.C,
        )
        bench.simulation.clear("it")
        again = await bench.outlet.poll()
        assert again.contact is Contact.OK and again.contact_reason == ""
        assert again.read_mono_ms == bench.clock.now().mono_ms


async def test_an_answer_with_an_exception_is_a_refusal() -> None:
    async with _bench("phoenix-charx-sec") as bench:
        await bench.outlet.poll()
        bench.simulation.inject("it", FaultKind.EXCEPTION, value=6)
        assert (await bench.outlet.poll()).contact is Contact.REFUSED


async def test_a_faulted_charger_reads_as_faulted() -> None:
    async with _bench("keba-p30") as bench:
        bench.simulation.plug("o1", Car(soc=0.2))
        await bench.wait(60)
        bench.simulation.fault("o1", 42)
        await bench.wait(5)
        reading = await bench.settled()
    assert (reading.state, reading.pilot) == (ChargerState.FAULTED, Pilot.F)


async def test_a_card_reads_as_its_holder_knows_it() -> None:
    async with _bench("keba-p30") as bench:
        bench.simulation.plug("o1", Car(soc=0.2, tag="04A1B2C3"))
        bench.simulation.tag("o1", "04A1B2C3")
        await bench.wait(60)
        assert (await bench.settled()).id_tag == "04A1B2C3"


@pytest.mark.parametrize("profile", METERS)
async def test_each_meter_reads_in_whole_units_and_keeps_its_last_word(profile: str) -> None:
    async with _bench(profile) as bench:
        await bench.wait(60, silently=True)
        reading = await bench.meter.poll()
        truth = bench.simulation.meters["it"]
        assert (reading.meter_id, reading.contact) == ("grid", Contact.OK)
        assert reading.current_ma == pytest.approx([round(1000 * one) for one in truth.currents_a], abs=20)
        assert reading.power_w == pytest.approx(truth.power_w, rel=0.01)
        assert reading.energy_wh == pytest.approx(truth.energy_total_wh, abs=100)
        bench.simulation.inject("it", FaultKind.SILENCE)
        await bench.wait(30, silently=True)
        silent = await bench.meter.poll()
    assert silent.contact is Contact.SILENT
    assert (silent.read_mono_ms, silent.power_w) == (reading.read_mono_ms, reading.power_w)
