"""What `status` says of the wires: short, and nothing of units that are well."""

from collections.abc import Mapping
from typing import Any

from baywarden_config.links import link_faults, link_rows

ENDS = [5, 10, 20, None]


def unit(number: int = 1, *, answers: tuple[int, ...] = (0, 0, 0, 0), **other: Any) -> Mapping[str, Any]:
    """The figures of one unit."""
    return {
        "unit": number,
        "devices": [f"bay-{number}"],
        "requests": 1000,
        "time_outs": 0,
        "damaged": 0,
        "exceptions": 0,
        "silences_in_row": 0,
        "quarantined": False,
        "retry_in_s": None,
        "round_trip_ms": {"up_to": ENDS, "answers": list(answers)},
        **other,
    }


def site(*units: Mapping[str, Any], **other: Any) -> Mapping[str, Any]:
    """A site with one link."""
    link = {"link_id": "bus", "where": "/dev/ttyUSB0", "open": True, "utilisation": 0.634, "requests": 2000}
    return {"links": [{**link, "units": units, **other}]}


def cells(data: Mapping[str, Any]) -> dict[str, str]:
    """The row of the only link."""
    header, row = link_rows(data, local=False)
    starts = [header.index(name) for name in ("WHERE", "UNITS")]
    values = row[starts[1] :].split()
    names = ("units", "use", "requests", "time_outs", "damaged", "refused", "p50", "p99")
    return {"where": row[starts[0] : starts[1]].strip(), **dict(zip(names, values, strict=True))}


def test_a_link_is_summed_up_in_one_line() -> None:
    first, second = unit(1, answers=(90, 5, 4, 1), time_outs=3), unit(2, answers=(0, 99, 1, 0), damaged=2)
    assert cells(site(first, second)) == {
        "where": "/dev/ttyUSB0",
        "units": "2",
        "use": "63.4",
        "requests": "2000",
        "time_outs": "3",
        "damaged": "2",
        "refused": "0",
        "p50": "10",
        "p99": "20",
    }


def test_what_is_not_known_is_no_zero() -> None:
    shown = cells(site(unit(time_outs=None)))
    assert (shown["time_outs"], shown["p50"], shown["p99"]) == ("-", "-", "-")
    assert cells(site(unit(answers=(0, 0, 0, 7))))["p99"] == "-"


def test_a_closed_link_says_so() -> None:
    assert cells(site(unit(), open=False))["where"] == "/dev/ttyUSB0 (closed)"


def test_of_units_that_are_well_nothing_is_said() -> None:
    assert list(link_faults(site(unit(time_outs=3, damaged=10, exceptions=900)), local=False)) == []


def test_a_silent_unit_is_named_with_its_devices_and_when_it_is_asked_again() -> None:
    silent = unit(6, silences_in_row=5, quarantined=True, retry_in_s=42.0, time_outs=990)
    assert list(link_faults(site(unit(), silent), local=False)) == [
        "bus unit 6 (bay-6): silent 5 times in a row, asked again in 42 s"
    ]


def test_a_unit_that_is_often_damaged_or_silent_is_named() -> None:
    assert list(link_faults(site(unit(2, damaged=11, time_outs=20)), local=False)) == [
        "bus unit 2 (bay-2): 20 of 1000 not answered; 11 of 1000 damaged"
    ]


def test_a_site_without_links_and_an_older_daemon_show_none() -> None:
    assert list(link_rows({"links": []}, local=False)) == []
    assert list(link_rows({}, local=False)) == []
    assert list(link_faults({}, local=False)) == []
