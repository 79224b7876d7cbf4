"""Energy by power: the scale of one is decided by the growth of the other."""

from decimal import Decimal

import pytest

from baywarden_drivers.doubts.asking import Asking
from baywarden_drivers.doubts.growth import GrowthWatch
from baywarden_drivers.doubts.learning import Learning
from baywarden_drivers.doubts.weighing import Weighing
from baywarden_drivers.mono import mono_ms
from baywarden_drivers.values.value import PointValue, Quality
from support.doubtful_meter import fill, metering, profile_with, reached

pytestmark = pytest.mark.modbus
BY_POWER = """
[[doubt]]
name = "energy_scale"
text = "Two programs disagree."
decide = "energy_by_power"
points = ["energy_total"]
choice = [{ name = "tenths", scale = 0.1 }, { name = "hundredths", scale = 0.01 }]
"""


async def test_an_energy_scale_is_decided_by_the_power_and_told() -> None:
    registers = metering(energy_total=700_000)
    async with reached(registers) as (pool, endpoint):
        learning = Learning(profile_with(BY_POWER), pool.link(endpoint), 1)
        await learning.at_contact()
        assert learning.profile.readable["energy_total"].scale == 100, "the first choice, in Wh"
        now_ms = mono_ms()

        async def drawn(minutes: int) -> list[str]:
            nonlocal now_ms
            told: list[str] = []
            for _ in range(2 * minutes):
                now_ms += 30_000
                told += await learning.slowly({"power": PointValue(6000, Quality.GOOD, now_ms)}) or []
            return told

        assert await drawn(1) == []
        fill(registers, profile_with(), energy_total=705_000)  # 50 steps; 500 Wh in hundredths of a kWh
        told = await drawn(6)
    assert learning.decisions[0].decided
    assert learning.decisions[0].choice == "hundredths"
    assert "until now tenths was used, so these values change at once: energy_total" in told[0]
    assert learning.profile.readable["energy_total"].scale == 10


OF_POWER = """
[[doubt]]
name = "power_scale"
text = "Two programs disagree."
decide = "energy_by_power"
points = ["power"]
choice = [{ name = "tenths", scale = 0.1 }, { name = "hundredths", scale = 0.01 }, { name = "whole", scale = 1 }]
"""


@pytest.mark.parametrize(
    ("used", "right"), [(0, "hundredths"), (1, "hundredths"), (2, "tenths"), (2, "whole")]
)
async def test_the_scale_of_a_power_is_weighed_whatever_choice_is_in_use(used: int, right: str) -> None:
    profile = profile_with(OF_POWER)
    (doubt,) = profile.doubt
    in_use = doubt.choice[used]
    registers = metering(energy_total=0)
    true_w, scale = 60_000, next(one.scale for one in doubt.choice if one.name == right)
    assert in_use.scale is not None and scale is not None
    told_w = Decimal(true_w) * in_use.scale / scale
    async with reached(registers) as (pool, endpoint):
        weighing = Weighing(Asking(pool.link(endpoint), 1, 1))
        now_ms = mono_ms()
        for half_minutes in range(120):
            now_ms += 30_000
            fill(registers, profile, energy_total=(half_minutes + 1) * true_w // 120)
            power = {"power": PointValue(told_w, Quality.GOOD, now_ms)}
            verdict = await weighing.look(profile, doubt, in_use, power)
            if verdict is not None:
                break
    assert verdict is not None and verdict.choice is not None
    assert verdict.choice.name == right


def test_the_scale_of_a_power_is_decided_by_the_energy() -> None:
    watch = GrowthWatch([Decimal(1)] * 2, [Decimal(1), Decimal(10)])
    watch.power(1100, 0)
    assert watch.counter([5000, 5000], 0) is None
    for second in range(0, 400, 10):
        watch.power(1100, second * 1000)
    assert watch.wants_counter
    growth = watch.counter([6190, 6190], 400_000)
    assert growth is not None
    assert growth.fitting() == [1]


@pytest.mark.parametrize(
    ("risen", "fitting"),
    [((1000, 100), [0]), ((10_000, 1000), [1]), ((100_000, 10_000), []), ((0, 0), [])],
)
def test_a_growth_fits_the_choice_that_agrees_with_the_power(
    risen: tuple[int, int], fitting: list[int]
) -> None:
    watch = GrowthWatch([Decimal(100), Decimal(10)], [Decimal(1)] * 2)
    watch.power(6000, 0)
    watch.counter([0, 0], 0)
    for second in range(0, 601, 10):
        watch.power(6000, second * 1000)
    growth = watch.counter(risen, 600_000)
    assert growth is not None
    assert [round(one, 6) for one in growth.flowed_wh] == [1000, 1000]
    assert growth.fitting() == fitting


def test_a_time_without_power_readings_proves_nothing() -> None:
    for gap in ([(None, 20_000)], [(6000, 200_000)]):
        watch = GrowthWatch([Decimal(100)] * 2, [Decimal(1)] * 2)
        watch.power(6000, 0)
        watch.counter([0, 0], 0)
        watch.power(6000, 10_000)
        for power_w, at_ms in gap:
            watch.power(power_w, at_ms)
        watch.power(6000, 205_000)
        assert watch.wants_counter, "it begins anew"
        assert watch.counter([1000, 1000], 205_000) is None


def test_a_counter_that_falls_proves_nothing() -> None:
    watch = GrowthWatch([Decimal(1)] * 2, [Decimal(1)] * 2)
    watch.power(6000, 0)
    watch.counter([500, 50], 0)
    for second in range(0, 601, 10):
        watch.power(6000, second * 1000)
    assert watch.counter([0, 0], 600_000) is None
