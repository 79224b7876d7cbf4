"""Site files: what they say, and what is said of bad ones."""

from pathlib import Path

import pytest

from baywarden_drivers.simulator import HandClock, Simulation, SiteFileError, load_site, parse_site
from baywarden_drivers.simulator import site as site_module

WIRE = """
[[listener]]
name = "lan"
tcp = 0
"""
KEBA = """
[[charger]]
name = "left"
profile = "keba-p30"
listener = "lan"
outlets = ["a1"]
"""


def test_the_example_of_the_docstring_is_a_site() -> None:
    text = (site_module.__doc__ or "").split("\n\n", 1)[1].rsplit("\n\nAll durations", 1)[0]
    site = parse_site(text)
    assert site.rate == 30
    assert site.outlet_names == ("a1",)
    assert (site.car[0].at_s, site.car[0].leave_at_s, site.car[0].need_wh) == (60, 5_400, 8_000)
    assert site.event[0].at_s == 900
    assert site.event[0].request() == {"do": "silence", "device": "left", "for": "1min"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[listener]", "is not TOML"),
        ("", "listener: is missing"),
        (WIRE + KEBA + "colour = 1", "charger 1.colour: unknown key"),
        (WIRE + KEBA + "max_curent_a = 16", "did you mean 'max_current_a'?"),
        (WIRE + KEBA + "unit = 300", "charger 1.unit: must be at most 255, not 300"),
        (WIRE + KEBA.replace('"lan"', '"wlan"'), "left: no listener 'wlan'; there are lan"),
        (WIRE + KEBA + KEBA, "charger or meter 'left' is given 2 times"),
        (WIRE + KEBA + '[[car]]\noutlet = "a2"', "no outlet 'a2'; there are a1"),
        (WIRE + '[[car]]\noutlet = "a"\nat_s = 9\nleave_at_s = 3', "leave_at_s 3.0 is not after at_s 9.0"),
        ('[[listener]]\nname = "x"', "give exactly one of tcp, rtu_over_tcp, serial"),
        (WIRE + KEBA + "wiring = [[1, 1, 2]]", "wiring needs 3 different grid phases"),
    ],
)
def test_a_bad_file_is_told_with_its_place(text: str, sentence: str) -> None:
    with pytest.raises(SiteFileError, match=r"site\.toml") as error:
        parse_site(text, "site.toml")
    assert sentence in str(error.value)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(SiteFileError) as error:
        parse_site(WIRE + KEBA + "colour = 1\nunit = 300")
    assert "colour" in str(error.value)
    assert "300" in str(error.value)


def test_a_file_that_is_not_there_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(SiteFileError, match=r"nowhere\.toml: cannot be read"):
        load_site(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (WIRE + KEBA.replace("keba-p30", "keba-p31"), "did you mean 'keba-p30'?"),
        (WIRE + KEBA.replace("keba-p30", "abb-b23"), "is of a meter; list it as [[meter]]"),
        (WIRE + KEBA.replace('["a1"]', '["a1", "a2"]'), "has one outlet, not 2"),
        (WIRE + KEBA + KEBA.replace("left", "right").replace("a1", "a2"), "both answer at unit 255"),
        (
            '[[listener]]\nname = "lan"\nserial = ""\n'
            + KEBA.replace("keba-p30", "bender-cc612").replace('["a1"]', '["a1", "a2"]'),
            "needs tcp, not serial",
        ),
        (
            '[[listener]]\nname = "lan"\nserial = ""\n' + KEBA + "unit = 0\n",
            "has unit 0: that is all devices of a serial line at once",
        ),
        (WIRE + KEBA + '[[event]]\nat_s = 5\ndo = "unplug"\noutlet = "zz"', "event 1: no outlet 'zz'"),
        (WIRE + KEBA + '[[event]]\nat_s = 5\ndo = "dance"', "event 1: unknown request 'dance'"),
    ],
)
async def test_a_site_that_cannot_be_built_says_why(text: str, sentence: str) -> None:
    with pytest.raises(SiteFileError) as error:
        Simulation(parse_site(text), clock=HandClock())
    assert sentence in str(error.value)
