"""Every device of the catalogue can be simulated: its points, its states, its limit, its pause and its fail-safe."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from baywarden_drivers.profile import profile_names
from baywarden_drivers.simulator import Car, OutletState
from baywarden_drivers.simulator.bank import Slot, factor_of
from baywarden_drivers.simulator.disguise import NEXT_BEST
from baywarden_drivers.simulator.failsafe import Sign
from baywarden_drivers.simulator.words import Pilot
from baywarden_drivers.values.codec import decode
from baywarden_drivers.values.status import judge_of
from baywarden_drivers.values.value import PointValue, Value
from support.outlet_ways import WAYS, Way, faulted
from support.simulated import Bench, names_of

CHARGERS = names_of("charger")
SUPERVISED = [
    name
    for name in CHARGERS
    if (failsafe := Bench(name).profile.failsafe) is not None
    and failsafe.trigger not in ("none", "unknown")
    and (failsafe.timeout_point or failsafe.default_timeout_s or failsafe.heartbeat_period_s)
]


@pytest.mark.parametrize("name", profile_names())
def test_every_point_reads_as_the_truth_within_one_step(name: str) -> None:
    bench = Bench(name)
    if name in CHARGERS:
        bench.simulation.plug("o", Car(tag="04A1B2C3"))
    bench.wait(500)
    slots = [slot for bank in bench.device.banks.values() for slot in bank.slots]
    assert {slot.point.name for slot in slots} | bench_lacks(bench) == set(bench.profile.readable)
    for slot in slots:
        assert_told(bench, slot)


def bench_lacks(bench: Bench) -> set[str]:
    """Points that this kind of the device does not have."""
    return {point.name for point in bench.profile.read if not bench.device.has(point.name)}


def assert_told(bench: Bench, slot: Slot) -> None:
    truth, told = bench.device.truth(slot.point, slot.connector), bench.read(slot.point.name)
    if truth is None or (truth == 0 and "0" in slot.point.nan):
        assert told.value is None or told.value == 0, f"{slot.point.name}: {told}"
        return
    assert told.good, f"{slot.point.name}: {truth!r} reads as {told}"
    if isinstance(truth, str | bytes | tuple):
        assert told.value == truth
        return
    factor = Decimal(str(factor_of(slot)))
    exact, value = Decimal(str(truth)), Decimal(told.number or 0) * factor
    step = abs(exact) / 2**22 + Decimal("1e-20") if slot.point.dtype in ("f32", "f64") else slot.point.scale
    assert 0 <= exact - value <= step * factor, f"{slot.point.name}: {value} for {truth}"


SAYS_NOTHING_OF_FAULTS = {"weidmueller-ac-smart"}
"""Its map has no letter beyond C."""


def told(bench: Bench) -> tuple[str | None, str | None]:
    """The letter and the state that a reader of the registers concludes."""
    status = bench.profile.status
    assert status is not None
    values: dict[str, PointValue] = {}
    for bank in bench.device.banks.values():
        for slot in bank.slots:
            registers = bank.read(slot.point.type, slot.address, slot.point.count)
            assert isinstance(registers, list)
            values[slot.point.name] = decode(slot.point, registers, 0)
    concluded = judge_of(status)(values)
    return concluded.iec, concluded.state


@pytest.mark.parametrize("name", CHARGERS)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_reader_finds_the_state_or_the_nearest_word_for_it(name: str, way: Way) -> None:
    bench = Bench(name, failsafe_timeout_s=0)
    way(bench)
    wanted = WAYS[way]
    assert bench.outlet.state is wanted
    if way is faulted and name in SAYS_NOTHING_OF_FAULTS:
        return
    letter, state = told(bench)
    assert state in [word.value for word in (wanted, *NEXT_BEST.get(wanted, ()))]
    if wanted in (OutletState.AVAILABLE, OutletState.CHARGING):
        assert (letter, state) == (bench.outlet.pilot.letter, wanted.value)
    elif bench.outlet.pilot is not Pilot.F:
        assert letter == "B"


def limit(bench: Bench, amperes: int) -> Value:
    """Amperes in the unit of the limit."""
    control = bench.profile.control
    assert control is not None
    watts = bench.profile.writable[control.limit].unit == "W"
    return Decimal(str(amperes * bench.outlet.w_per_a)) if watts else Decimal(amperes)


@pytest.mark.parametrize("name", CHARGERS)
def test_a_limit_is_obeyed_and_read_back_and_a_pause_is_one_until_it_ends(name: str) -> None:
    bench = Bench(name, failsafe_timeout_s=0)
    control = bench.profile.control
    assert control is not None
    bench.simulation.plug("o", Car(max_current_a=32))
    bench.wait(30)
    for one in bench.profile.startup.writes:
        assert bench.write(one.point, one.value) is None
    assert bench.write(control.limit, limit(bench, 10)) is None
    bench.wait(10)
    assert bench.outlet.current_a == pytest.approx(10, abs=0.1)
    if control.readback is not None:
        shown = bench.read(control.readback).number
        assert shown is not None
        assert float(shown) == pytest.approx(float(str(limit(bench, 10))), rel=0.01)
    is_safe = bench.profile.writable[control.limit].zero_is_safe
    pauses = [(control.limit, Decimal(0))] if is_safe else [(one.point, one.value) for one in control.pause]
    for point, value in pauses:
        assert bench.write(point, value) is None
    bench.wait(10)
    assert bench.outlet.current_a <= float(control.pause_leaves_a) + 0.01
    assert bench.write(control.limit, limit(bench, 12)) is None
    for one in control.resume:
        assert bench.write(one.point, one.value) is None
    bench.wait(20)
    assert bench.outlet.current_a == pytest.approx(12, abs=0.1)


@pytest.mark.parametrize("name", SUPERVISED)
def test_silence_has_the_consequence_of_the_profile_and_feeding_has_none(name: str) -> None:
    bench = Bench(name)
    failsafe, feed = bench.profile.failsafe, feeder(bench)
    assert failsafe is not None
    bench.simulation.plug("o", Car(max_current_a=32))
    for one in (*bench.profile.startup.writes, *failsafe.enable):
        assert bench.write(one.point, one.value) is None
    settings = {failsafe.current_point: 7, failsafe.power_point: 7 * Decimal(str(bench.outlet.w_per_a))}
    for point, value in {**settings, failsafe.timeout_point: max(20, failsafe.min_timeout_s or 0)}.items():
        if point is not None and point in bench.profile.writable:
            assert bench.write(point, value) is None
    supervision = bench.outlet.allowance.failsafe
    for _ in range(int(supervision.timeout_s) + 10):
        feed()
        bench.wait(1)
    assert supervision.is_armed
    assert bench.outlet.current_a >= 16 - 0.1
    bench.wait(supervision.timeout_s + 5)
    assert bench.outlet.current_a == pytest.approx(supervision.current_a, abs=0.1)
    assert supervision.current_a < 8
    for _ in range(15):
        feed()
        bench.wait(1)
    assert bench.outlet.current_a >= 16 - 0.1


def feeder(bench: Bench) -> Callable[[], object]:
    """What a driver does to keep the charger calm."""
    failsafe, control = bench.profile.failsafe, bench.profile.control
    assert failsafe is not None
    assert control is not None
    match failsafe.heartbeat:
        case "rewrite_setpoint":
            return lambda: bench.write(control.limit, limit(bench, 16))
        case "rewrite_timeout":
            return lambda: bench.write(failsafe.timeout_point or "", 20)
        case "write_flag" | "write_flag_device_clears" | "write_token":
            return lambda: bench.write(failsafe.heartbeat_point or "", failsafe.heartbeat_value)
        case _:
            return lambda: bench.device.hear({1}, Sign.REQUEST)
