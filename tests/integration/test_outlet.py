"""Every charger and meter of the catalogue as the site sees it, on simulated devices behind real wires."""

import asyncio
from typing import Final

import pytest

from baywarden.model.reading import ChargerState, Contact, Pilot
from baywarden.ports.wire import WireError
from baywarden_drivers import load_profile
from baywarden_drivers.simulator import FaultKind
from baywarden_drivers.simulator.allowance import Why
from support.outlet_bench import CHARGERS, FAILSAFE_S, METERS, Bench
from support.outlet_bench import outlet_bench as bench_of

pytestmark = pytest.mark.modbus

WITHOUT_CURRENTS: Final = ("evse-din", "mennekes-amtron-hcc3", "delta-ac-max", "sigenergy-evdc")
"""The last two tell their power only, and nobody knows which phases it is on."""
WITHOUT_POWER: Final = ("evse-din",)
WITHOUT_READBACK: Final = ("webasto-next",)
ADDED_UP: Final = ("abb-terra-ac", "delta-ac-max", "etrel-inch", "mennekes-amtron-hcc3")
"""Their energy is counted by us, from the first reading of a session counter on."""
DIVIDED: Final = ("delta-ac-max", "sigenergy-evdc")
"""Nobody knows their phases: the watts of one phase are shared by three, so each gets less than allowed."""
IN_WATTS: Final = ("alpitronic-hypercharger",)
"""Allowed as many watts as are right at the lowest voltage, so it gets nine tenths of the current at the usual one."""
UNSUPERVISED: Final = tuple(
    name
    for name in CHARGERS
    if (failsafe := load_profile(name).failsafe) is None or failsafe.trigger in ("none", "unknown")
)
HALF_KNOWN: Final = {
    "alpitronic-hypercharger": "the fail-safe current cannot be read back; the time-out cannot be read back",
    "schneider-evlink-pro-ac": "the time-out cannot be read back",
    "weidmueller-ac-smart": "the fail-safe current cannot be read back; the time-out cannot be read back",
}
"""Supervised, but what they would fall to or when cannot be known: nobody may rely on it."""
INSTALLED: Final = ("alfen-eve",)
"""Its settings can be read and not written."""
ARMABLE: Final = tuple(one for one in CHARGERS if one not in (*UNSUPERVISED, *HALF_KNOWN, *INSTALLED))
AMPS: Final = 12
"""Within the reach of all of them."""


async def _charging(bench: Bench, amps: int = AMPS) -> None:
    """A car charges with a limit of `amps`."""
    bench.plug(max_current_a=amps)
    await bench.outlet.poll()
    await bench.outlet.set_limit(amps * 1000)
    await bench.wait(30)


def _obeys(profile: str, current_a: float, amps: int) -> bool:
    """Whether so much flows (or may) as was allowed."""
    if profile in DIVIDED:
        return current_a <= amps
    if profile in IN_WATTS:
        return current_a == pytest.approx(0.9 * amps, abs=0.01)
    return current_a == pytest.approx(amps, abs=0.01)


@pytest.mark.parametrize("profile", CHARGERS)
async def test_an_empty_outlet_reads_as_free_and_a_car_as_it_charges(profile: str) -> None:
    async with bench_of(profile) as bench:
        await bench.wait(4)
        free = await bench.settled()
        await _charging(bench)
        reading = await bench.settled()
        truth = bench.truth
    assert (free.pilot, free.state, free.power_w or 0) == (Pilot.A, ChargerState.AVAILABLE, 0)
    assert (reading.contact, reading.contact_reason) == (Contact.OK, "")
    assert (reading.pilot, reading.state) == (Pilot.C, ChargerState.CHARGING)
    assert _obeys(profile, truth.current_a, AMPS) and truth.current_a > 0 and truth.energy_session_wh > 10
    if profile in WITHOUT_CURRENTS:
        assert reading.current_ma == (None, None, None)
    else:
        assert reading.current_ma == pytest.approx([round(1000 * one) for one in truth.currents_a], abs=100)
    if profile in WITHOUT_POWER:
        assert (reading.power_w, reading.energy_wh) == (None, None)
        return
    assert reading.power_w == pytest.approx(truth.power_w, rel=0.02)
    total_wh = truth.energy_session_wh if profile in ADDED_UP else truth.energy_total_wh
    assert reading.energy_wh == pytest.approx(total_wh, abs=_grain_wh(profile))
    known = [one for one in (*reading.current_ma, reading.power_w, reading.energy_wh) if one is not None]
    assert all(isinstance(one, int) for one in known)


def _grain_wh(profile: str) -> float:
    """Counters are not finer than their register."""
    points = [
        one for one in load_profile(profile).read if one.name.startswith("energy") and one.dtype != "f32"
    ]
    return 6 + float(max((one.scale for one in points), default=0))


@pytest.mark.parametrize("profile", CHARGERS)
async def test_a_limit_is_written_and_read_back_and_the_car_follows(profile: str) -> None:
    async with bench_of(profile) as bench:
        await _charging(bench)
        assert await bench.outlet.set_limit(8_000) == 8_000
        await bench.wait(16)
        assert _obeys(profile, bench.truth.current_a, 8)
        assert (await bench.outlet.poll()).limit_ma == 8_000
        assert await bench.outlet.set_limit(0) == bench.pause_leaves_ma
        await bench.wait(16)
        assert bench.truth.current_a * 1000 <= bench.pause_leaves_ma
        paused = await bench.outlet.poll()
        assert paused.limit_ma == bench.pause_leaves_ma
        assert (paused.state is ChargerState.CHARGING) == (bench.pause_leaves_ma > 0)
        assert await bench.outlet.set_limit(10_000) == 10_000
        await bench.wait(20)
        assert _obeys(profile, bench.truth.current_a, 10), "a pause can be undone"
        reading = await bench.outlet.poll()
        assert (reading.limit_ma, reading.contact_reason) == (10_000, "")


@pytest.mark.parametrize("profile", [one for one in CHARGERS if one not in WITHOUT_READBACK])
async def test_a_limit_that_is_ignored_is_a_wire_error(profile: str) -> None:
    async with bench_of(profile, is_deaf=True) as bench:
        await bench.wait(4)
        await bench.outlet.set_limit(16_000)
        bench.simulation.inject("it", FaultKind.IGNORE_WRITES)
        with pytest.raises(WireError, match="Bay 1: limit to 8 A"):
            await bench.outlet.set_limit(8_000)


@pytest.mark.parametrize("profile", WITHOUT_READBACK)
async def test_without_a_read_back_an_ignored_limit_shows_by_what_it_draws(profile: str) -> None:
    async with bench_of(profile, settle_s=1) as bench:
        await _charging(bench)
        bench.simulation.inject("it", FaultKind.IGNORE_WRITES)
        assert await bench.outlet.set_limit(8_000) == 8_000, "it cannot know better yet"
        await asyncio.sleep(1.1)
        assert (await bench.outlet.poll()).contact_reason.startswith("draws 12.0 A although limited to 8 A")


# The fail-safe.


@pytest.mark.parametrize("profile", ARMABLE)
async def test_once_armed_the_charger_falls_back_by_itself_when_nobody_speaks(profile: str) -> None:
    async with bench_of(profile) as bench:
        bench.plug()
        assert (await bench.outlet.poll()).failsafe_armed is False
        guarded = await bench.outlet.arm()
        assert guarded.is_armed and guarded.detail.startswith("falls to 6 A"), guarded.detail
        await bench.outlet.set_limit(16_000)
        await bench.wait(4)
        assert _obeys(profile, bench.truth.allowance.allowed_a, 16)
        timeout_s = bench.truth.allowance.failsafe.timeout_s
        assert 0 < timeout_s <= FAILSAFE_S
        await bench.wait(int(timeout_s) - 5, silently=True)
        assert _obeys(profile, bench.truth.allowance.allowed_a, 16)
        await bench.wait(10, silently=True)
        assert _obeys(profile, bench.truth.allowance.allowed_a, 6)
        assert bench.truth.allowance.failsafe.is_active(bench.truth.now_s)


@pytest.mark.parametrize("profile", ARMABLE)
async def test_while_it_is_kept_alive_the_fail_safe_does_not_act(profile: str) -> None:
    async with bench_of(profile) as bench:
        bench.plug()
        await bench.outlet.poll()
        await bench.outlet.arm()
        await bench.outlet.set_limit(16_000)
        await bench.wait(2 * int(bench.truth.allowance.failsafe.timeout_s))
        assert _obeys(profile, bench.truth.allowance.allowed_a, 16)
        reading = await bench.settled()
        assert (reading.failsafe_armed, reading.contact_reason) == (True, "")


@pytest.mark.parametrize("profile", ARMABLE)
async def test_after_a_restart_the_fail_safe_is_armed_again(profile: str) -> None:
    async with bench_of(profile) as bench:
        await bench.outlet.poll()
        await bench.outlet.arm()
        await bench.outlet.set_limit(10_000)
        await bench.wait(2)
        assert (await bench.settled()).failsafe_armed is True
        await bench.restart()
        reading = await bench.heard()
        assert (reading.contact, reading.failsafe_armed) == (Contact.OK, False)
        assert (await bench.outlet.arm()).is_armed
        assert (await bench.settled()).failsafe_armed is True


@pytest.mark.parametrize("profile", UNSUPERVISED)
async def test_where_no_fail_safe_is_known_nobody_is_promised_one(profile: str) -> None:
    async with bench_of(profile) as bench:
        await _charging(bench)
        guarded = await bench.outlet.arm()
        assert (guarded.is_armed, guarded.detail) == (False, "this device has no fail-safe that is known")
        assert (await bench.outlet.poll()).failsafe_armed is None
        await bench.wait(4 * FAILSAFE_S, silently=True)
        assert _obeys(profile, bench.truth.current_a, AMPS), "the last limit stays"


@pytest.mark.parametrize("profile", HALF_KNOWN)
async def test_a_fail_safe_that_is_only_half_known_is_told_as_not_proved(profile: str) -> None:
    async with bench_of(profile) as bench:
        await _charging(bench)
        guarded = await bench.outlet.arm()
        by_silence = "proved only by silence: `baywarden device test`"
        assert (guarded.is_armed, guarded.detail) == (
            False,
            f"not armed: {HALF_KNOWN[profile]}; {by_silence}",
        )
        assert (await bench.settled()).failsafe_armed is None, "arming it again and again would prove nothing"


async def test_a_charger_that_wants_its_limit_again_and_again_is_kept_alive() -> None:
    async with bench_of("alfen-eve") as bench:
        await _charging(bench)
        assert (await bench.outlet.arm()).detail.startswith("falls to 6")
        await bench.wait(2 * FAILSAFE_S)
        assert bench.truth.current_a == AMPS
        assert (await bench.outlet.poll()).failsafe_armed is True
        await bench.wait(30, silently=True)
        assert bench.truth.allowance.history[-1].why is Why.FAILSAFE


async def test_a_fail_safe_that_its_installer_left_too_high_is_told_and_asked_for_again() -> None:
    async with bench_of("alfen-eve") as bench:
        bench.truth.allowance.failsafe.current_a = 16
        await bench.outlet.poll()
        await bench.outlet.set_limit(10_000)
        assert (await bench.outlet.arm()).detail.startswith("not armed: the fail-safe current is 16")
        assert (await bench.outlet.poll()).failsafe_armed is False


# What happens on the way.


@pytest.mark.parametrize("profile", ["keba-p30", "heidelberg-energy-control"])
async def test_silence_keeps_the_old_values_with_their_old_age(profile: str) -> None:
    async with bench_of(profile, falls_silent=True) as bench:
        bench.plug()
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
    async with bench_of("phoenix-charx-sec") as bench:
        await bench.outlet.poll()
        bench.simulation.inject("it", FaultKind.EXCEPTION, value=6)
        assert (await bench.outlet.poll()).contact is Contact.REFUSED


async def test_a_faulted_charger_reads_as_faulted() -> None:
    async with bench_of("keba-p30") as bench:
        bench.plug()
        await bench.wait(60)
        bench.simulation.fault("o1", 42)
        await bench.wait(5)
        reading = await bench.settled()
    assert (reading.state, reading.pilot) == (ChargerState.FAULTED, Pilot.F)


@pytest.mark.parametrize("profile", [one for one in CHARGERS if "id_tag" in load_profile(one).readable])
async def test_a_card_reads_as_its_holder_knows_it(profile: str) -> None:
    async with bench_of(profile) as bench:
        bench.plug(tag="04A1B2C3")
        await bench.outlet.poll()
        await bench.outlet.set_limit(10_000)
        await bench.wait(10)
        assert (await bench.settled()).id_tag == "04A1B2C3"


@pytest.mark.parametrize("profile", METERS)
async def test_each_meter_reads_in_whole_units_and_keeps_its_last_word(profile: str) -> None:
    async with bench_of(profile, falls_silent=True) as bench:
        await bench.wait(60, silently=True)
        reading = await bench.meter.poll()
        truth, phases = bench.simulation.meters["it"], load_profile(profile).connectors.phases
        assert (reading.meter_id, reading.contact) == ("grid", Contact.OK)
        known = reading.current_ma[:phases]
        assert known == pytest.approx([round(1000 * one) for one in truth.currents_a[:phases]], abs=20)
        assert reading.current_ma[phases:] == (None,) * (3 - phases), "one phase says nothing of the others"
        assert reading.power_w == pytest.approx(truth.power_w, rel=0.01)
        assert reading.energy_wh == pytest.approx(truth.energy_total_wh, abs=100 + _grain_wh(profile))
        bench.simulation.inject("it", FaultKind.SILENCE)
        await bench.wait(30, silently=True)
        silent = await bench.meter.poll()
    assert silent.contact is Contact.SILENT
    assert (silent.read_mono_ms, silent.power_w) == (reading.read_mono_ms, reading.power_w)
