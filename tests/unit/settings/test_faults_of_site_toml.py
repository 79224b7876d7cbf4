"""Every kind of fault is told by its place, its line and what would be right."""

from pathlib import Path
from typing import Any

import pytest

from baywarden.settings import ConfigError, Fault, load_settings, parse_settings
from support.site_toml import SOUND, changed

PROFILES = ("keba-p30", "heidelberg-energy-control", "abb-b23")


def faults_in(text: str, **kwargs: Any) -> tuple[Fault, ...]:
    with pytest.raises(ConfigError) as caught:
        parse_settings(text, profiles=PROFILES, **kwargs)
    return caught.value.faults


def only_fault(text: str) -> Fault:
    (fault,) = faults_in(text)
    return fault


def test_the_sound_file_has_no_fault() -> None:
    assert parse_settings(SOUND, profiles=PROFILES).site.id == "harbour-7"


@pytest.mark.parametrize(
    ("old", "new", "place", "nearest"),
    [
        ('name = "Harb', 'nmae = "Harb', "site.nmae", "name"),
        ('circuit = "carpark"', 'circut = "carpark"', "chargers[0].evses[0].circut", "circuit"),
        ('path = "/dev/ttyUSB0"', 'pth = "/dev/ttyUSB0"', "links[1].pth", "path"),
        ("early_start_s", "erly_start_s", "terms.staff.erly_start_s", "early_start_s"),
        ("grace_s", "grase_s", "overstay.standard.grase_s", "grace_s"),
        ("min_pct = 75", "min_pc = 75", "overstay.standard.occupancy[0].min_pc", "min_pct"),
        ("[[meters]]", "[[metres]]", "metres", "meters"),
        ('type = "rtu"', 'type = "rtuu"', "links[1].type", "rtu"),
        ('"CHARGE_END"', '"CHARGE-END"', "overstay.standard.basis", "CHARGE_END"),
        ('"Europe/Berlin"', '"Europe/Berln"', "site.time_zone", "Europe/Berlin"),
        ('"EUR"', '"ERU"', "site.currency", "EUR"),
        ('link = "net"', 'link = "nett"', "chargers[0].link", "net"),
        ('circuit = "carpark"', 'circuit = "carprak"', "chargers[0].evses[0].circuit", "carpark"),
        ('terms = "staff"', 'terms = "staf"', "chargers[1].evses[0].terms", "staff"),
        ('overstay = "none"', 'overstay = "standrad"', "chargers[1].evses[0].overstay", "standard"),
        ('parent = "main"', 'parent = "mian"', "circuits[1].parent", "main"),
        ('meter = "grid"', 'meter = "grit"', "circuits[0].meter", "grid"),
        ('profile = "keba-p30"', 'profile = "keba-p3"', "chargers[0].profile", "keba-p30"),
        ('id = "harbour-7"', 'id = "Harbour_7"', "site.id", "harbour-7"),
    ],
)
def test_a_misspelt_word_is_told_with_the_nearest_known_one(
    old: str, new: str, place: str, nearest: str
) -> None:
    text = changed(old, new)
    told = {fault.place: fault for fault in faults_in(text)}
    assert told[place].nearest == nearest
    assert new in text.splitlines()[(told[place].line or 0) - 1]


@pytest.mark.parametrize(
    ("old", "new", "place", "problem"),
    [
        ('currency = "EUR"', "", "site.currency", "is missing"),
        ("unit = 2", 'unit = "2"', "chargers[1].unit", "whole number"),
        ("unit = 2", "unit = 256", "chargers[1].unit", "too large"),
        ("unit = 2", "unit = 0", "chargers[1].unit", "unit 0 is all devices of a serial line at once"),
        ("unit = 2", "unit = true", "chargers[1].unit", "whole number"),
        ("unit = 2", "", "chargers[1].unit", "2 devices share link 'bus'"),
        ("unit = 2", "unit = 1", "meters[0].unit", "unit 1 on link 'bus' is already chargers[1]"),
        ("= 13.8", "= 5", "chargers[0].evses[0].max_current_a", "too small"),
        ("= 13.8", "= 100", "chargers[0].evses[0].max_current_a", "too large"),
        ("= 13.8", '= "13.8"', "chargers[0].evses[0].max_current_a", "number of amperes"),
        ("= 13.8", "= inf", "chargers[0].evses[0].max_current_a", "not an exact current"),
        ("= 13.8", "= nan", "chargers[0].evses[0].max_current_a", "not an exact current"),
        ("= 13.8", "= 13.80001", "chargers[0].evses[0].max_current_a", "not an exact current"),
        ("= 13.8", "= 13\nmin_current_a = 14", "chargers[0].evses[0]", "above max_current_a"),
        (
            "failsafe_current_a = 6",
            "failsafe_current_a = 4",
            "chargers[0].failsafe_current_a",
            "cannot charge",
        ),
        ("failsafe_current_a = 6", "failsafe_current_a = 14", "chargers[0]", "above max_current_a"),
        (
            "failsafe_current_a = 6",
            "poll_s = 4\nfailsafe_timeout_s = 10",
            "chargers[0]",
            "less than three polls",
        ),
        ('link = "net"', 'link = "net"\npoll_s = 6', "chargers[0].poll_s", "stale"),
        ('["L2", "L3", "L1"]', '["L2", "L2"]', "chargers[0].evses[0].phases", "twice"),
        ('["L2", "L3", "L1"]', "[]", "chargers[0].evses[0].phases", "too few"),
        ('id = "bay-2"', 'id = "bay-1"', "chargers[1].evses[0].id", "already the id of chargers[0].evses[0]"),
        ('id = "wall"', 'id = "keba"', "chargers[1].id", "already the id of chargers[0]"),
        ('["FRI"]', '["Fri"]', "overstay.standard.exempt[0].days[0]", "did you mean 'FRI'?"),
        (
            "limit_a = 63",
            'limit_a = 63\nparent = "carpark"',
            "circuits[0].parent",
            "ring: main -> carpark -> main",
        ),
        ("limit_a = 63", 'limit_a = 63\nparent = "main"', "circuits[0].parent", "ring: main -> main"),
        ('rate_per_min = "0.10"', "rate_per_min = 0.10", "overstay.standard.rate_per_min", "in quotes"),
        ('rate_per_min = "0.10"', 'rate_per_min = "ten"', "overstay.standard.rate_per_min", "no amount"),
        ('rate_per_min = "0.10"', 'rate_per_min = "-1"', "overstay.standard.rate_per_min", "no amount"),
        ('rate_per_min = "0.10"', 'rate_per_min = "NaN"', "overstay.standard.rate_per_min", "no amount"),
        ('start = "20:00"', 'start = "25:00"', "overstay.standard.exempt[0].start", "no time of day"),
        ("min_pct = 0", "min_pct = 75", "overstay.standard.occupancy", "twice"),
        ("version = 4", 'currency = "USD"', "overstay.standard.currency", "not the site's currency"),
        ("version = 4", 'tz = "Mars/Base"', "overstay.standard.tz", "no time zone"),
        ('host = "192.0.2.11"', 'host = "http://192.0.2.11"', "links[0].host", "no host name"),
        ('type = "tcp"', "", "links[0].type", "is missing"),
        ('["FRI"]', '"FRI"', "overstay.standard.exempt[0].days", "must be a list"),
        ('label = "Bay 1"', 'label = ""', "chargers[0].evses[0].label", "is empty"),
    ],
)
def test_a_wrong_value_is_told_by_its_place(old: str, new: str, place: str, problem: str) -> None:
    fault = only_fault(changed(old, new))
    assert fault.place == place
    assert problem in str(fault)


def test_a_misspelt_key_is_one_fault_and_not_also_a_missing_one() -> None:
    fault = only_fault(changed('circuit = "carpark"', 'circut = "carpark"'))
    assert (fault.problem, fault.nearest) == ("unknown key", "circuit")


def test_chargers_and_meters_share_their_names() -> None:
    told = {fault.place: fault.problem for fault in faults_in(changed('id = "grid"', 'id = "keba"'))}
    assert told["meters[0].id"] == "'keba' is already the id of chargers[0]"


def test_all_faults_of_a_file_are_told_at_once_and_in_the_order_of_their_lines() -> None:
    text = (
        SOUND.replace('"EUR"', '"ERU"')
        .replace('link = "net"', 'link = "nett"')
        .replace("limit_a = 32", "limit_a = -1")
    )
    faults = faults_in(text)
    assert [fault.place for fault in faults] == ["site.currency", "chargers[0].link", "circuits[1].limit_a"]
    assert [fault.line for fault in faults] == sorted(fault.line or 0 for fault in faults)


def test_a_wrong_value_in_a_link_does_not_make_its_name_unknown() -> None:
    assert only_fault(changed('host = "192.0.2.11"', "host = 5")).place == "links[0].host"


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ('id = "x"\ntype = "rtu-over-tcp"\nhost = "192.0.2.11"', "one end speaks one framing"),
        ('id = "x"\ntype = "tcp"\nhost = "192.0.2.11"\nport = 502', "already links[0]"),
        ('id = "x"\ntype = "rtu"\npath = "/dev/ttyUSB0"', "already links[1]"),
    ],
)
def test_one_end_is_one_link(link: str, problem: str) -> None:
    assert problem in only_fault(f"{SOUND}\n[[links]]\n{link}\n").problem


def test_the_same_host_on_another_port_is_another_end() -> None:
    text = f'{SOUND}\n[[links]]\nid = "x"\ntype = "rtu-over-tcp"\nhost = "192.0.2.11"\nport = 503\n'
    assert len(parse_settings(text).links) == 3


def test_two_outlets_of_one_charger_need_two_connectors() -> None:
    outlet = '[[chargers.evses]]\nid = "bay-9"\nlabel = "Bay 9"\ncircuit = "carpark"\n'
    fault = only_fault(changed("[[meters]]", f"{outlet}\n[[meters]]"))
    assert fault.place == "chargers[1].evses[1].connector"
    two = parse_settings(changed("[[meters]]", f"{outlet}connector = 2\n\n[[meters]]"))
    assert [evse.connector for evse in two.chargers[1].evses] == [1, 2]


def test_two_channels_of_one_meter_may_share_its_unit() -> None:
    second = '[[meters]]\nid = "grid-b"\nprofile = "abb-b23"\nlink = "bus"\nunit = 1\n'
    assert only_fault(f"{SOUND}\n{second}").place == "meters[1].unit"
    assert len(parse_settings(f"{SOUND}\n{second}connector = 2\n").meters) == 2


def test_a_time_out_that_leaves_nobody_time_to_come_is_refused() -> None:
    fault = only_fault(changed('noshow_timeout_s = "never"', "noshow_timeout_s = 0"))
    assert fault.place == "terms.staff"
    assert "leaves nobody time to come" in fault.problem


def test_a_literal_secret_is_refused_and_not_repeated() -> None:
    cloud = '[cloud]\nhost = "broker.example.com"\nusername = "x"\npassword = "hunter2"\n'
    fault = only_fault(f"{SOUND}\n{cloud}")
    assert (fault.place, fault.nearest) == ("cloud.password", "password_file")
    assert "hunter2" not in str(fault)


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ('cert_file = "c.pem"', "belong together"),
        ('password_file = "p"', "without username"),
        ('tls = false\nca_file = "ca.pem"', "tls = false"),
        ("port = 0", "too small"),
        ('port = "8883"', "whole number"),
        ('tls = "yes"', "true, false"),
    ],
)
def test_the_cloud_table_must_make_sense(keys: str, problem: str) -> None:
    (fault,) = faults_in(f'{SOUND}\n[cloud]\nhost = "broker.example.com"\n{keys}\n', files=False)
    assert problem in str(fault)


@pytest.mark.parametrize(
    ("data", "line", "problem"),
    [
        (b"[site]\nid = \n", 2, "no TOML"),
        (b"[site]\nid = 'a'\nid = 'b'\n", 3, "no TOML"),
        (b"[site]\n# caf\xe9\n", 2, "no UTF-8"),
        (b"[site", 1, "no TOML"),
    ],
)
def test_a_file_that_is_no_toml_is_told_with_its_line(
    tmp_path: Path, data: bytes, line: int, problem: str
) -> None:
    file = tmp_path / "site.toml"
    file.write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    (fault,) = caught.value.faults
    assert fault.line == line
    assert problem in fault.problem
    assert str(caught.value).startswith(f"{file}:{line}: ")


def test_a_file_that_is_not_there_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no-such.toml.*cannot be read"):
        load_settings(tmp_path / "no-such.toml")


@pytest.mark.parametrize(
    "text", ["", "site = 1", "links = 3\n", "[[site]]", "chargers = [1, [2], {}]", "[terms]\nx = 1"]
)
def test_a_file_of_the_wrong_shape_is_refused_with_faults(text: str) -> None:
    assert faults_in(text)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("limit_a = 32", "limit_a = 11.9", "circuits[1]"),
        ("base_load_a = 12.5", "base_load_a = 51.1", "circuits[0]"),
    ],
)
def test_fail_safe_currents_must_fit_the_fuse_with_the_gateway_dead(old: str, new: str, place: str) -> None:
    fault = only_fault(changed(old, new))
    assert fault.place == place
    assert "gateway dead" in fault.problem


@pytest.mark.parametrize(
    ("old", "new"), [("limit_a = 32", "limit_a = 12"), ("base_load_a = 12.5", "base_load_a = 51")]
)
def test_fail_safe_currents_may_fill_the_fuse(old: str, new: str) -> None:
    assert parse_settings(changed(old, new))


def test_profiles_may_be_looked_up_in_the_folder_that_the_file_names(tmp_path: Path) -> None:
    asked: list[Path] = []

    def names(folder: Path) -> list[str]:
        asked.append(folder)
        return [*PROFILES]

    parse_settings(
        changed("[[links]]", 'profile_folder = "own"\n\n[[links]]'), folder=tmp_path, profiles=names
    )
    assert asked == [tmp_path / "own"]
