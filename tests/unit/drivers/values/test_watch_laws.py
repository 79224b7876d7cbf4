"""A healthy device never raises a fault, whatever happens to it, and each kind of damage does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from baywarden_drivers import PointValue, Profile, Quality, load_profile, profile_names
from baywarden_drivers.simulator import Car
from baywarden_drivers.simulator.bank import Bank
from baywarden_drivers.simulator.meter import BaseLoad, Meter
from baywarden_drivers.simulator.meter_device import MeterDevice
from baywarden_drivers.simulator.world import World
from baywarden_drivers.values.codec import decode
from baywarden_drivers.values.plausible import hardware_a, range_of
from baywarden_drivers.values.quality import Watch
from support.simulated import Stand

WATCHED: Final = (
    *(f"{stem}_l{phase}" for stem in ("current", "voltage", "power") for phase in (1, 2, 3)),
    *("power", "power_import", "current", "voltage", "frequency", "energy_total", "energy_export"),
    *("energy_session", "current_dc", "voltage_dc"),
)
CHARGERS: Final = tuple(name for name in profile_names() if load_profile(name).kind == "charger")
METERS: Final = tuple(
    name
    for name in profile_names()
    if (profile := load_profile(name)).kind == "meter" and profile.protocol.sunspec is None
)
QUICK: Final = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


@dataclass
class Subject:
    """A simulated device, polled by hand."""

    profile: Profile
    banks: tuple[Bank, ...]
    pass_time: Callable[[float], None]
    now_ms: int = 1_000_000

    def __post_init__(self) -> None:
        self.watch = Watch(self.profile)
        self.values: dict[str, PointValue] = {
            one.name: PointValue(None, Quality.MISSING, 0, "not read yet") for one in self.profile.read
        }
        self.slots = {
            slot.point.name: (bank, slot.address)
            for bank in self.banks
            for slot in bank.slots
            if slot.point.name in WATCHED and slot.connector in (1, None)
        }

    def poll(
        self, after_s: float = 1, damage: Callable[[dict[str, PointValue]], None] | None = None
    ) -> list[str]:
        """What the watch says of the next poll."""
        self.pass_time(after_s)
        self.now_ms += int(after_s * 1000)
        for name, (bank, address) in self.slots.items():
            point = self.profile.readable[name]
            registers = bank.read(point.type, address, point.count)
            if isinstance(registers, list):
                self.values[name] = decode(point, registers, self.now_ms)
        told = dict(self.values)
        if damage is not None:
            damage(told)
        return self.watch.judge(told, self.now_ms)[1]


def charger(name: str) -> tuple[Subject, Stand]:
    """A charger without a car."""
    stand = Stand(name)
    return Subject(stand.profile, tuple(stand.charger.banks.values()), stand.wait), stand


def meter(name: str, base_a: float) -> Subject:
    """A meter of a building that draws `base_a` on each phase."""
    profile = load_profile(name)
    meter_ = Meter("it", base=BaseLoad(((0.0, (base_a, base_a, base_a)),)), phases=profile.connectors.phases)
    device = MeterDevice("it", profile, meter_)
    world = World([], [meter_])

    def pass_time(seconds: float) -> None:
        world.advance_to(world.now_s + seconds)
        device.at(world.now_s)

    return Subject(profile, tuple(device.banks.values()), pass_time)


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["plug", "plug", "unplug", "limit", "reboot", "nothing"]),
        st.integers(1, 3),
        st.sampled_from([0, 6, 8, 16]),
        st.integers(1, 12),
        st.sampled_from([1, 2, 10]),
    ),
    min_size=1,
    max_size=8,
)


@QUICK
@given(st.sampled_from(CHARGERS), DEEDS)
def test_nothing_that_happens_to_a_healthy_charger_is_a_fault(
    name: str, deeds: list[tuple[str, int, int, int, int]]
) -> None:
    subject, stand = charger(name)
    for deed, phases, amps, polls, every_s in deeds:
        match deed:
            case "plug":
                stand.outlet.plug(Car(soc=0.3, phases=phases))
            case "unplug":
                stand.outlet.unplug()
            case "limit":
                stand.outlet.allowance.write(amps)
            case "reboot":
                stand.charger.reboot()
            case _:
                pass
        for _ in range(polls):
            assert subject.poll(every_s) == [], (deed, subject.now_ms)


@pytest.mark.parametrize("name", CHARGERS)
def test_a_car_that_charges_for_an_hour_is_no_fault(name: str) -> None:
    subject, stand = charger(name)
    stand.outlet.plug(Car(soc=0.1, max_current_a=6))
    for _ in range(60):
        assert subject.poll(60) == []


@QUICK
@given(st.sampled_from(METERS), st.sampled_from([0.0, 0.3, 5.0, 80.0]), st.lists(st.sampled_from([1, 5, 60])))
def test_nothing_that_a_healthy_meter_shows_is_a_fault(name: str, base_a: float, pauses_s: list[int]) -> None:
    subject = meter(name, base_a)
    for pause_s in pauses_s:
        for _ in range(4):
            assert subject.poll(pause_s) == [], name


def _charging(name: str) -> Subject:
    subject, stand = charger(name)
    stand.outlet.plug(Car(soc=0.1, max_current_a=12))
    for _ in range(15):
        subject.poll(8)
    return subject


def _number(values: Mapping[str, PointValue], name: str) -> Decimal:
    number = values[name].number if name in values else None
    assume(number is not None)
    assert number is not None
    return Decimal(number)


def _times(values: dict[str, PointValue], name: str, factor: Decimal) -> None:
    point = values[name]
    values[name] = PointValue(_number(values, name) * factor, Quality.GOOD, point.read_mono_ms)


SCALED: Final = {
    "voltage_l1": st.decimals(Decimal("2.3"), 1000, places=2),
    "current_l2": st.decimals(25, 1000, places=1),
    "power": st.decimals(100, 10_000, places=1),
    "frequency": st.decimals(2, 1000, places=1),
}


@QUICK
@given(st.sampled_from(CHARGERS), st.sampled_from(sorted(SCALED)), st.data())
def test_a_value_of_the_wrong_scale_is_told(name: str, point: str, data: st.DataObject) -> None:
    subject = _charging(name)
    assume(point in subject.slots and _number(subject.values, point) > 0)
    assume(range_of(subject.profile, subject.profile.readable[point]) is not None)
    assume(point in ("voltage_l1", "frequency") or hardware_a(subject.profile) is not None)
    factor = data.draw(SCALED[point])
    told = subject.poll(1, lambda values: _times(values, point, factor))
    assert any(sentence.startswith(f"{point}: ") for sentence in told), (name, point, factor, told)


@QUICK
@given(st.sampled_from(CHARGERS), st.decimals(0, Decimal("0.9"), places=3))
def test_a_counter_that_falls_is_told(name: str, share: Decimal) -> None:
    subject = _charging(name)
    assume("energy_total" in subject.slots and _number(subject.values, "energy_total") > 10)
    told = subject.poll(1, lambda values: _times(values, "energy_total", share))
    assert any(sentence.startswith("energy_total: fell") for sentence in told), (name, share, told)


@QUICK
@given(st.sampled_from(CHARGERS), st.integers(1_000, 10**6))
def test_a_counter_that_leaps_is_told(name: str, factor: int) -> None:
    subject = _charging(name)
    assume("energy_total" in subject.slots and _number(subject.values, "energy_total") > 10)

    def leap(values: dict[str, PointValue]) -> None:
        before = _number(values, "energy_total")
        values["energy_total"] = PointValue(before + 100_000 * factor, Quality.GOOD, subject.now_ms)

    told = subject.poll(1, leap)
    assert any(sentence.startswith("energy_total: leapt") for sentence in told), (name, told)


@QUICK
@given(st.sampled_from([*CHARGERS, *METERS]))
def test_values_that_stand_still_under_load_are_told_sooner_or_later(name: str) -> None:
    is_charger = name in CHARGERS
    subject = _charging(name) if is_charger else meter(name, 10.0)
    subject.poll()
    still = dict(subject.values)
    assume(any(one in subject.slots for one in ("power", "current_l1")))

    def freeze(values: dict[str, PointValue]) -> None:
        for one, point in still.items():
            at_ms = subject.now_ms if one in subject.slots else point.read_mono_ms
            values[one] = PointValue(point.value, point.quality, at_ms, point.reason)

    told: list[str] = []
    for _ in range(720):
        told = subject.poll(10, freeze)
        if told:
            break
    assert any("nothing measured has moved" in sentence for sentence in told), name
