"""What a sweep says of the wiring: the sentence that leads to the fault, and none that leads away from it."""

from baywarden_drivers.bench.line import Setting
from baywarden_drivers.bench.sweep import Found, Sweep
from baywarden_drivers.bench.verdict import wiring

SLOW, QUICK = Setting(9600, "N", 1), Setting(19_200, "E", 1)


def swept(*found: Found, **heard: int) -> list[str]:
    """What is said of a serial line with these devices."""
    sweep = Sweep("/dev/ttyUSB0", "rtu", [*found], asked=100, settings=[SLOW, QUICK])
    for name, count in heard.items():
        setattr(sweep, name, count)
    return wiring(sweep)


def test_devices_at_one_setting_are_a_sound_line() -> None:
    assert swept(Found(1, SLOW, checks=5), Found(2, SLOW, checks=5)) == [
        "The wiring is sound: every repeated question was answered whole."
    ]


def test_devices_at_two_settings_are_no_sound_line() -> None:
    [sentence] = swept(Found(1, SLOW, checks=5), Found(2, QUICK, checks=5))
    assert sentence.startswith("Devices answer at different settings (9600/8N1, 19200/8E1)")


def test_damage_is_told_with_what_to_look_at() -> None:
    [sentence] = swept(Found(3, SLOW, checks=5, damaged=2), Found(4, SLOW, checks=5))
    assert sentence.startswith("Unit 3: 2 of 5 answers came damaged") and "termination" in sentence


def test_a_device_that_is_silent_now_and_then_is_no_sound_line() -> None:
    [sentence] = swept(Found(3, SLOW, checks=5, lost=2), Found(4, SLOW, checks=5))
    assert sentence.startswith("Unit 3: 2 of 5 repeated questions had no answer")


def test_a_port_that_hangs_up_is_not_taken_for_a_silent_one() -> None:
    [sentence] = wiring(Sweep("192.0.2.7:502", "tcp", asked=18, hung_up=18))
    assert "hangs up instead of an answer (18 of 18 questions)" in sentence
    assert "another master" in sentence


def test_another_master_is_told_whether_devices_answer_or_not() -> None:
    for found in ([], [Found(1, SLOW, checks=5)]):
        assert "another master" in swept(*found, unasked_bytes=50)[0]
