"""Laws of the simulated world, whatever is done to it."""

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from baywarden_drivers.simulator.allowance import Allowance, LimitRules
from baywarden_drivers.simulator.car import Car
from baywarden_drivers.simulator.failsafe import Failsafe, FailsafeSettings, Sign
from baywarden_drivers.simulator.outlet import Outlet
from baywarden_drivers.values.codec import decode
from support.simulated import CHARGERS, Stand

CARS = st.builds(
    Car,
    battery_wh=st.floats(1_000, 100_000),
    soc=st.floats(0, 0.999),
    phases=st.sampled_from([1, 2, 3]),
    max_current_a=st.floats(6, 32),
)
DEEDS = st.one_of(
    st.tuples(st.just("plug"), CARS),
    st.tuples(st.just("unplug"), st.none()),
    st.tuples(st.just("limit"), st.floats(0, 40)),
    st.tuples(st.just("enable"), st.booleans()),
    st.tuples(st.just("request"), st.none()),
    st.tuples(st.just("reboot"), st.none()),
    st.tuples(st.just("fault"), st.integers(0, 1)),
    st.tuples(st.just("stop"), st.none()),
)
LIVES = st.lists(st.tuples(DEEDS, st.integers(1, 40)), max_size=25)


def do(outlet: Outlet, deed: str, value: Any) -> None:
    match deed:
        case "plug":
            outlet.plug(value)
        case "unplug":
            outlet.unplug()
        case "limit":
            outlet.allowance.write(value)
        case "enable":
            outlet.allowance.enabled = value
        case "request":
            outlet.allowance.failsafe.hear(Sign.REQUEST, outlet.now_s)
        case "reboot":
            outlet.reboot()
        case "fault":
            outlet.fault(value)
        case "stop":
            outlet.stop()


@settings(max_examples=60, deadline=None)
@given(LIVES)
def test_no_car_ever_draws_more_than_was_allowed_within_the_reaction_time(life: list[Any]) -> None:
    failsafe = Failsafe(FailsafeSettings("no_request", timeout_s=20, current_a=6))
    outlet = Outlet("a", Allowance(LimitRules(max_a=32, reaction_s=2), failsafe))
    energy_wh = outlet.energy_total_wh
    recent_a = [outlet.allowance.allowed_a] * 4
    for (deed, value), seconds in life:
        do(outlet, deed, value)
        for _ in range(seconds):
            outlet.step(1)
            recent_a = [*recent_a[1:], outlet.allowance.allowed_a]
            assert outlet.current_a <= max(recent_a)
            assert outlet.current_a == 0 or outlet.current_a >= 6
            assert outlet.energy_total_wh >= energy_wh
            energy_wh = outlet.energy_total_wh


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(CHARGERS), st.floats(6, 16), CARS, st.integers(1, 2_000))
def test_the_hot_registers_are_the_truth_rounded_down_by_less_than_a_step(
    profile: str, limit_a: float, car: Car, seconds: int
) -> None:
    stand = Stand(profile)
    stand.outlet.plug(car)
    stand.outlet.allowance.write(limit_a)
    stand.wait(seconds)
    for point in stand.profile.read:
        if point.poll != "hot" or point.dtype == "string" or point.name in ("status", "id_tag"):
            continue
        bank, address = stand.bank_of(point.name, 1)
        registers = bank.read(point.type, address, point.count)
        assert isinstance(registers, list)
        told = decode(point, registers, 0).value
        assert isinstance(told, int | Decimal)
        truth = Decimal(str(stand.charger.truth(point, 1)))
        step = abs(truth) / 2**22 if point.dtype == "f32" else max(point.scale, abs(truth) / 2**50)
        assert 0 <= truth - told <= step, point.name
