"""The bundled profiles, and what the loader says of faulty ones."""

import ast
import re
from pathlib import Path

import pytest

from baywarden_drivers import ProfileError, load_profile, profile_names
from baywarden_drivers.profile import Profile, parse_profile
from baywarden_drivers.profile.loader import BUNDLED
from support.made_up_meter import MADE_UP_METER

NAMES = tuple(profile_names())
CHARGERS = tuple(name for name in NAMES if load_profile(name).kind == "charger")
STOPS_SAFELY = ("pause", "off")
COMMON_WORDS = {
    *("charger", "chargers", "compact", "connect", "contact", "control", "electric", "electronics", "energy"),
    *("ethernet", "evse", "float", "meter", "next", "single", "smart", "sunspec"),
}
"""Words in the names of products that are also the words of this package."""
METER = (
    MADE_UP_METER
    + """
[protocol]
max_registers_per_read = 10

[transport.tcp]
unit_id = 3

[[read]]
name = "power"
type = "input"
address = 10
count = 2
dtype = "i32"
scale = 0.1
unit = "W"
poll = "hot"
"""
)


def faults_of(text: str) -> list[str]:
    """What the loader says."""
    with pytest.raises(ProfileError) as error:
        parse_profile(text, "acme.toml", "acme")
    return [str(fault) for fault in error.value.faults]


def test_the_catalogue_has_every_device() -> None:
    assert (len(CHARGERS), len(NAMES) - len(CHARGERS)) == (32, 25)


@pytest.mark.parametrize("name", NAMES)
def test_a_bundled_profile_loads_and_names_its_sources(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    assert profile.sources
    assert any(point.poll == "hot" for point in profile.read)
    assert all(point.word_order for point in (*profile.read, *profile.write))


@pytest.mark.parametrize("name", NAMES)
def test_what_a_bay_needs_is_read_with_every_poll(name: str) -> None:
    profile = load_profile(name)
    hot = {point.name for point in profile.read if point.poll == "hot"}
    needed = {"current_l1", "current_l2", "current_l3", "power", "energy_total"}
    assert needed & set(profile.readable) <= hot
    for derived in profile.derive:
        if derived.name in needed:
            assert set(derived.parts) <= hot | {one.name for one in profile.derive}


@pytest.mark.parametrize("name", CHARGERS)
def test_a_charger_tells_its_state_and_can_be_stopped_safely(name: str) -> None:
    profile = load_profile(name)
    hot = {point.name for point in profile.read if point.poll == "hot"}
    assert profile.failsafe is not None
    assert profile.status is not None
    assert profile.status.source in hot
    assert not [one.by for one in profile.status.rule if one.by and one.by not in hot]
    control = profile.control
    assert control is not None
    assert control.readback in {*hot, None}
    assert profile.writable[control.limit].zero in STOPS_SAFELY or control.pause
    assert (control.power_phases is not None) == (profile.writable[control.limit].unit == "W")


@pytest.mark.parametrize("name", NAMES)
def test_units_are_the_base_units(name: str) -> None:
    profile = load_profile(name)
    units = {point.unit for point in (*profile.read, *profile.write)}
    assert units.isdisjoint({"kWh", "kvarh", "ms", "h"})


def test_a_folder_of_the_operator_is_searched_first(tmp_path: Path) -> None:
    (tmp_path / "keba-p30.toml").write_text(METER)
    (tmp_path / "acme.toml").write_text(METER)
    assert load_profile("keba-p30", [tmp_path]).vendor == "ACME"
    assert load_profile("keba-p30").vendor == "KEBA"
    assert load_profile(tmp_path / "acme.toml").default_unit == 3
    assert "acme" in profile_names([tmp_path])


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "acme.toml"
    path.write_text(METER)
    assert load_profile(path).model == "M1"
    path.write_text(METER.replace('"M1"', '"M1 plus"'))
    assert load_profile(path).model == "M1 plus"


def test_an_unknown_profile_names_the_nearest_one() -> None:
    with pytest.raises(ProfileError, match="did you mean 'keba-p30'"):
        load_profile("keba-p3")


def test_a_file_that_is_not_there_or_not_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="No such file"):
        load_profile(tmp_path / "none.toml")
    assert "is not TOML" in faults_of("a = ")[0]


def test_all_faults_of_a_file_are_told_at_once() -> None:
    text = METER.replace('dtype = "i32"', 'dtype = "i33"').replace("address = 10", "adress = 10")
    faults = faults_of(text)
    assert len(faults) == 3
    assert any(fault.startswith('read 1 "power".dtype: ') and "'i32'" in fault for fault in faults)
    assert 'read 1 "power".address: is missing' in faults
    assert "read 1 \"power\".adress: unknown key; did you mean 'address'?" in faults


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("count = 2", "count = 3", "takes count = 2, not 3"),
        ("scale = 0.1", "scale = 0", "scale"),
        ("scale = 0.1", "scale = 0.1234567891", "more than 9 digits"),
        ('type = "input"', 'type = "coil"', "dtype must be bool"),
        ("address = 10", "address = 65535", "past the last address"),
        ('unit = "W"', 'unit = "kW"', "unit"),
        ('poll = "hot"', 'nan = ["none"]', 'use a number such as "0xFFFF"'),
        ('poll = "hot"', "min = 5\nmax = 4", "min 5 is above max 4"),
        ("max_registers_per_read = 10", "max_registers_per_read = 1", "more than protocol"),
        ("max_registers_per_read = 10", "count_even = true\nstart_even = true", ""),
        ("schema = 1", "schema = 2", "schema"),
        ('sources = ["made up"]', "sources = []", "sources"),
        ('kind = "meter"', 'kind = "charger"', "needs a [status] part"),
    ],
)
def test_a_fault_is_told_with_what_would_be_right(old: str, new: str, fault: str) -> None:
    text = METER.replace(old, new)
    assert text != METER
    if not fault:
        assert parse_profile(text, "acme.toml", "acme").protocol.count_even
        return
    assert any(fault in one for one in faults_of(text))


def test_odd_points_of_an_even_device_are_faults() -> None:
    text = METER.replace("max_registers_per_read = 10", "start_even = true").replace("= 10\n", "= 11\n")
    assert "address 11 is odd" in faults_of(text)[0]


@pytest.mark.parametrize(
    ("part", "fault"),
    [
        (
            '[[derive]]\nname = "x"\nsum_of = ["powr"]',
            "no read point is called 'powr'; did you mean 'power'?",
        ),
        ('[startup]\nwrites = [{ point = "standby", value = 4 }]', "no write point is called 'standby'"),
        ('[control]\nreadback = "limit"', "no read point is called 'limit'"),
        ('[failsafe]\ntrigger = "no_request"\ntimeout_point = "t"', "no point is called 't'"),
        ('[[read]]\nname = "power"\ntype = "input"\naddress = 20\ndtype = "u16"', "is given 2 times"),
        ('[[write]]\nname = "x"\ntype = "input"\naddress = 1\ndtype = "u16"', "cannot be written"),
        (
            '[[write]]\nname = "x"\ntype = "holding"\naddress = 1\ndtype = "u32"\ncount = 2\nfunctions = [6]',
            "need function 16",
        ),
    ],
)
def test_names_that_lead_nowhere_are_faults(part: str, fault: str) -> None:
    assert any(fault in one for one in faults_of(f"{METER}\n{part}\n"))


def test_a_status_rule_that_asks_two_things_is_a_fault() -> None:
    text = (BUNDLED / "keba-p30.toml").read_text().replace("mask = 4, equals = 0", "equals = 0, below = 3")
    assert any("give exactly one of" in one for one in faults_of(text))


@pytest.fixture(scope="module")
def words_of_the_code() -> dict[Path, set[str]]:
    """What stands in names and texts of every module, docstrings and comments apart."""
    return {
        file: {
            word
            for node in ast.walk(ast.parse(file.read_text()))
            if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
            for child in ast.iter_child_nodes(node)
            if isinstance(child, ast.Name | ast.Attribute | ast.Constant)
            for word in re.findall(r"[a-z]+", _said(child).lower().replace("keba-p30", ""))
        }
        for file in BUNDLED.parent.rglob("*.py")
        if "simulator" not in file.parts
    }


def _said(node: ast.Name | ast.Attribute | ast.Constant) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return str(node.value)


@pytest.mark.parametrize("name", NAMES)
def test_every_oddity_is_data_and_no_code_asks_for_a_model(
    name: str, words_of_the_code: dict[Path, set[str]]
) -> None:
    profile = load_profile(name)
    words = {word.lower() for word in re.findall(r"[A-Za-z]{4,}", f"{profile.vendor} {profile.name}")}
    for file, found in words_of_the_code.items():
        assert found.isdisjoint(words - COMMON_WORDS), file


def test_a_profile_is_frozen() -> None:
    profile: Profile = load_profile("keba-p30")
    with pytest.raises(ValueError, match="frozen"):
        profile.model = "other"  # type: ignore[misc]  # which is the point
