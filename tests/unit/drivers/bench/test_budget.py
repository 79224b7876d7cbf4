"""The budget of a line, against figures worked out by hand from the Modbus documents."""

import pytest

from baywarden_drivers import load_profile
from baywarden_drivers.bench.budget import Timing, Wanted, advice, budget_of, share_of
from baywarden_drivers.bench.line import Setting
from baywarden_drivers.links.request import Request


@pytest.mark.parametrize(
    ("setting", "bits", "silence_s"),
    [
        (Setting(9600, "N", 1), 10, 3.5 * 10 / 9600),
        (Setting(9600, "E", 1), 11, 3.5 * 11 / 9600),
        (Setting(19200, "N", 2), 11, 3.5 * 11 / 19200),
        (Setting(115200, "N", 1), 10, 0.00175),
    ],
)
def test_an_exchange_is_both_frames_the_turnaround_and_a_silence(
    setting: Setting, bits: int, silence_s: float
) -> None:
    request = Request(1, 4, 0, 10)
    wire_s = (8 + 5 + 20) * bits / setting.baud
    assert Timing(setting, 0.02).exchange_s(request) == pytest.approx(wire_s + 0.02 + silence_s)


def test_a_network_only_costs_the_round_trip() -> None:
    assert Timing(None, 0.03).exchange_s(Request(1, 3, 0, 125)) == 0.03


def test_the_load_of_a_line_is_the_sum_of_its_devices_and_falls_with_speed_and_patience() -> None:
    meters = [Wanted(f"m{number}", load_profile("eastron-sdm630"), unit=number) for number in range(1, 7)]
    six = budget_of("bus", Setting(9600), meters)
    one = budget_of("bus", Setting(9600), meters[:1])
    assert six.load == pytest.approx(6 * one.load)
    assert budget_of("bus", Setting(19200), meters).load < six.load
    slow = [Wanted(one.name, one.profile, unit=one.unit, poll_s=5.0) for one in meters]
    assert budget_of("bus", Setting(9600), slow).load < six.load / 3


def test_a_device_with_pauses_of_its_own_bounds_its_poll() -> None:
    profile = load_profile("keba-p30")
    share = share_of(Wanted("box", profile), Timing(None, 0.02))
    assert share.own_s >= share.reads * profile.protocol.min_read_interval_ms / 1000
    words = advice(budget_of("box", None, [Wanted("box", profile)]), [Wanted("box", profile)])
    assert f"set poll_s = {round(share.own_s)}" in words[0]


def test_the_advice_for_a_full_line_is_enough() -> None:
    profile = load_profile("eastron-sdm630")
    meters = [Wanted(f"m{number}", profile, unit=number) for number in range(1, 13)]
    words = advice(budget_of("bus", Setting(9600), meters), meters)
    slower_s = float(words[0].split("-> ")[1].removesuffix(" s"))
    slower = [Wanted(one.name, profile, unit=one.unit, poll_s=slower_s) for one in meters]
    assert budget_of("bus", Setting(9600), slower).load <= 0.9
    lines = int(next(word for word in words if "split" in word).split("over ")[1].split()[0])
    assert budget_of("bus", Setting(9600), meters[: -(-len(meters) // lines)]).load <= 0.8


def test_a_line_that_carries_its_load_needs_nothing() -> None:
    meter = [Wanted("m", load_profile("abb-b23"))]
    assert advice(budget_of("bus", Setting(19200, "E"), meter), meter)[0].startswith("nothing")
