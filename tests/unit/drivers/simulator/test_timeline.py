"""Timelines: cars and faults by a file, for a site or for a single device."""

from pathlib import Path
from typing import Any

import pytest

from baywarden_drivers.simulator import HandClock, OutletState, Simulation, SiteFileError, parse_site_data
from baywarden_drivers.simulator import timeline as timeline_module

SITE: dict[str, list[dict[str, Any]]] = {
    "listener": [{"name": "wire", "tcp": 0}],
    "charger": [{"name": "box", "profile": "keba-p30", "listener": "wire", "outlets": ["a1"]}],
}


def written(folder: Path, text: str) -> Path:
    path = folder / "timeline.toml"
    path.write_text(text, encoding="utf-8")
    return path


async def lived(path: Path, *moments_s: float) -> list[tuple[str, int, list[str]]]:
    """State, error code and faults of the box at these moments."""
    time = HandClock()
    found = []
    async with Simulation(parse_site_data(SITE, "site", path), clock=time) as simulation:
        for moment_s in moments_s:
            time.advance(moment_s - time.now_s())
            outlet = simulation.outlet("a1")
            faults = simulation.do({"do": "state"})["faults"].get("box", [])
            found.append((outlet.state.value, outlet.error_code, faults))
    return found


async def test_cars_and_faults_come_at_their_times_and_the_only_device_need_not_be_named(
    tmp_path: Path,
) -> None:
    path = written(
        tmp_path,
        """
[[car]]
at = "00:01:00"
leave = "30min"
battery = "60kWh"
soc = "40%"

[[event]]
at = "5min"
do = "delay"
value = "300ms"
for = "2min"

[[event]]
at = "00:10:00"
do = "fault"
code = 4

[[event]]
at_s = 660
do = "fault"
code = 0
""",
    )
    assert await lived(path, 59, 120, 301, 421, 601, 690, 1_801) == [
        ("available", 0, []),
        ("charging", 0, []),
        ("charging", 0, ["delay"]),
        ("charging", 0, []),
        ("faulted", 4, []),
        ("charging", 0, []),
        ("available", 0, []),
    ]


async def test_the_example_of_the_docstring_is_a_timeline(tmp_path: Path) -> None:
    text = (timeline_module.__doc__ or "").split("\n\n", 1)[1].rsplit("\n\nTimes are", 1)[0]
    site = {**SITE, "charger": [{**SITE["charger"][0], "name": "left"}]}
    simulation = Simulation(parse_site_data(site, "site", written(tmp_path, text)), clock=HandClock())
    assert simulation.outlet("a1").state is OutletState.AVAILABLE
    assert (simulation.site.car[0].at_s, simulation.site.car[0].leave_at_s) == (60, 5_400)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[event]", "is not TOML"),
        ("[[events]]", "unknown table 'events'; a timeline has [[car]] and [[event]]"),
        ("car = 5", "write [[car]], not car = ..."),
        ('[[event]]\nat = "soon"\ndo = "stop"', "'soon' is no time"),
        ('[[event]]\ndo = "stop"', "event 1.at_s: is missing"),
        ('[[car]]\nbatery = "60kWh"', "car 1.batery: unknown key; did you mean 'battery'?"),
        ('[[car]]\nneed = "60kW"', "'60kW' is no figure in Wh, kWh, MWh"),
    ],
)
def test_a_bad_timeline_is_told_with_its_place(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(SiteFileError, match=r"timeline\.toml") as error:
        parse_site_data(SITE, "site", written(tmp_path, text))
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            '[[event]]\nat = 5\ndo = "dely"\nvalue = 3',
            "event 1: unknown request 'dely'; did you mean 'delay'?",
        ),
        ('[[event]]\nat = 5\ndo = "delay"', "delay: value: is missing"),
        ('[[event]]\nat = 5\ndo = "stop"\noutlet = "b"', "no outlet 'b'; there are: a1"),
    ],
)
def test_an_event_that_cannot_be_done_is_told_before_anything_begins(
    tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises(SiteFileError) as error:
        Simulation(parse_site_data(SITE, "site", written(tmp_path, text)), clock=HandClock())
    assert sentence in str(error.value)


def test_a_file_that_is_not_there_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(SiteFileError, match=r"nowhere\.toml: cannot be read"):
        parse_site_data(SITE, "site", tmp_path / "nowhere.toml")
