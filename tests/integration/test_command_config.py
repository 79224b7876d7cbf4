"""`baywarden config` and `run` with the site's file: started, checked, shown, and refused with every fault."""

import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from baywarden_config.misfits import least_limit_a
from baywarden_drivers.profile import load_profile, profile_names
from support.commands import ROOT, baywarden, in_process
from support.site_toml import SOUND, changed

EXAMPLE: Final = ROOT / "config" / "examples" / "site.toml"


def test_the_starter_file_is_sound_and_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    made = baywarden("config", "init", "--out", file, "--site-id", "quay-3", "--currency", "CHF")
    assert made.returncode == 0, made.stderr
    assert tomllib.loads(file.read_text())["site"]["currency"] == "CHF"
    checked = baywarden("config", "check", file)
    assert checked.returncode == 0, checked.stderr
    assert "warning" not in checked.stdout
    again = baywarden("config", "init", "--out", file, "--site-id", "other")
    assert again.returncode == 1
    assert "--force" in again.stderr
    assert "quay-3" in file.read_text()
    forced = baywarden("config", "init", "--out", file, "--site-id", "other", "--force")
    assert forced.returncode == 0
    assert "quay-3" not in file.read_text()


def test_a_starter_file_with_a_wrong_word_is_not_written(tmp_path: Path) -> None:
    done = baywarden("config", "init", "--out", tmp_path / "site.toml", "--time-zone", "Europe/Berln")
    assert done.returncode == 2
    assert "Europe/Berlin" in done.stderr
    assert not (tmp_path / "site.toml").exists()


def test_the_example_passes_the_check() -> None:
    done = baywarden("config", "check", EXAMPLE, "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["ok"], answer["warnings"]) == (0, True, [])
    assert (answer["chargers"], answer["outlets"], answer["meters"], answer["circuits"]) == (4, 4, 1, 2)


def test_the_check_tells_every_fault_with_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text(changed('link = "net"', 'link = "nett"').replace('"EUR"', '"ERU"'))
    done = baywarden("config", "check", file)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{file}:5: site.currency: " in done.stderr
    assert "chargers[0].link: there is no link 'nett'; did you mean 'net'?" in done.stderr
    assert "2 faults." in done.stderr
    as_json = json.loads(baywarden("config", "check", file, "--json").stdout)
    assert [fault["place"] for fault in as_json["faults"]] == ["site.currency", "chargers[0].link"]


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('profile = "keba-p30"', 'profile = "keba-p33"', "chargers[0].profile"),
        ('profile = "keba-p30"', 'profile = "abb-b23"', "chargers[0].profile"),
        ('profile = "abb-b23"', 'profile = "keba-p30"', "meters[0].profile"),
        ('circuit = "carpark"', 'circuit = "carpark"\nconnector = 2', "chargers[0].evses[0].connector"),
    ],
)
def test_the_check_knows_what_the_profiles_can_do(tmp_path: Path, old: str, new: str, place: str) -> None:
    file = tmp_path / "site.toml"
    file.write_text(changed(old, new))
    answer = json.loads(baywarden("config", "check", file, "--json").stdout)
    assert [fault["place"] for fault in answer["faults"]] == [place]


def test_a_charger_on_a_wire_it_does_not_speak_is_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text(changed('type = "tcp"', 'type = "rtu-over-tcp"'))
    done = baywarden("config", "check", file)
    assert done.returncode == 0
    assert "warning: chargers[0].link: 'keba-p30' is not known to speak rtu-over-tcp" in done.stdout


def warned(text: str, folder: Path) -> dict[str, str]:
    """The warnings of a file without faults, by their place."""
    file = folder / "site.toml"
    file.write_text(text)
    done = in_process("config", "check", file, "--json")
    assert done.returncode == 0, done.stdout
    return {
        one["place"]: f"{one['problem']} ({one['accepted']})" for one in json.loads(done.stdout)["warnings"]
    }


def changed_starter(*pairs: tuple[str, str]) -> str:
    """The starter file, which has no warnings, with something else in it."""
    text = in_process("config", "init", "--out", "-").stdout
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(("least_a", "is_warned"), [("6", True), ("6.6", True), ("7", False)])
def test_a_minimum_below_what_the_charger_can_tell_a_car_is_a_warning(
    tmp_path: Path, least_a: str, is_warned: bool
) -> None:
    minimum = f"max_current_a = 16\nmin_current_a = {least_a}"
    text = changed_starter(('"keba-p30"', '"delta-ac-max"'), ("max_current_a = 16", minimum))
    found = warned(text, tmp_path)
    assert ("chargers[0].evses[0].min_current_a" in found) is is_warned
    if is_warned:
        told = found["chargers[0].evses[0].min_current_a"]
        assert (
            told == f"{least_a} A is less than 'delta-ac-max' can tell a car: it pauses instead (7 or more)"
        )


def test_every_charger_of_the_catalogue_but_one_takes_the_usual_minimum() -> None:
    least = {
        name: least_limit_a(profile, Decimal(6))
        for name in profile_names()
        if (profile := load_profile(name)).kind == "charger"
    }
    assert len(least) > 30
    assert {name: amps for name, amps in least.items() if amps != 6} == {"delta-ac-max": 7}


def test_a_poll_that_is_shorter_than_the_device_takes_is_a_warning(tmp_path: Path) -> None:
    told = warned(changed_starter(("poll_s = 4 ", "poll_s = 3 ")), tmp_path)
    assert told == {
        "chargers[0].poll_s": "'keba-p30' takes 4.0 s for a poll, more than the 3 s of poll_s (4 or more)"
    }


def test_a_charger_whose_fail_safe_is_known_to_be_none_is_a_warning(tmp_path: Path) -> None:
    told = warned(changed_starter(('"keba-p30"', '"evse-din"'), ('"tcp"', '"rtu-over-tcp"')), tmp_path)
    assert told == {
        "chargers[0]": "'evse-din' has no fail-safe: it keeps its last limit when we are silent ()"
    }


BUS: Final = """
[[links]]
id = "bus"
type = "rtu"
path = "{path}"
baud = {baud}
parity = "{parity}"

[[meters]]
id = "grid"
profile = "eastron-sdm630"
link = "bus"
unit = {unit}
"""


def with_bus(path: str = "/dev/ttyUSB0", baud: int = 9600, parity: str = "N", unit: int = 1) -> str:
    """The starter file with a meter on a serial line."""
    return changed_starter() + BUS.format(path=path, baud=baud, parity=parity, unit=unit)


@pytest.mark.parametrize(
    ("bus", "place", "told"),
    [
        ({"baud": 12345}, "meters[0].link", "not known to take 12345 baud (2400, 4800, 9600"),
        ({"parity": "O", "baud": 19200}, None, ""),
        ({"path": "ttyUSB0"}, "links[1].path", "'ttyUSB0' counts from the folder that the daemon"),
        ({}, None, ""),
    ],
)
def test_a_serial_line_that_its_devices_are_not_made_for_is_a_warning(
    tmp_path: Path, bus: dict[str, Any], place: str | None, told: str
) -> None:
    found = warned(with_bus(**bus), tmp_path)
    assert list(found) == ([] if place is None else [place])
    assert told in "".join(found.values())


def test_a_line_that_cannot_carry_its_devices_is_a_warning(tmp_path: Path) -> None:
    more = "".join(
        f'[[meters]]\nid = "m{unit}"\nprofile = "eastron-sdm630"\nlink = "bus"\nunit = {unit}\n'
        for unit in range(2, 12)
    )
    told = warned(with_bus() + more, tmp_path)
    assert list(told) == ["links[1]"]
    assert "% of its time: see `baywarden bus budget --config FILE`" in told["links[1]"]


def test_what_is_shown_is_a_file_that_means_the_same(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(SOUND)
    shown = baywarden("config", "show", tmp_path / "site.toml")
    (tmp_path / "shown.toml").write_text(shown.stdout)
    again = baywarden("config", "show", tmp_path / "shown.toml")
    assert (shown.returncode, again.returncode) == (0, 0), again.stderr
    assert again.stdout == shown.stdout
    assert tomllib.loads(shown.stdout)["terms"]["staff"]["noshow_timeout_s"] == "never"


def test_what_is_shown_never_holds_a_secret(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    cloud = f'[cloud]\nhost = "h"\nusername = "u"\npassword_file = "{secret}"\n'
    (tmp_path / "site.toml").write_text(f"{SOUND}\n{cloud}")
    for words in (["show"], ["show", "--json"], ["check"], ["check", "--json"]):
        done = baywarden("config", *words, tmp_path / "site.toml")
        assert done.returncode == 0
        assert "hunter2" not in done.stdout + done.stderr


def test_the_schema_is_json_and_forbids_unknown_keys() -> None:
    schema = json.loads(baywarden("config", "schema").stdout)
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["SiteSettings"]["required"] == ["id", "name", "time_zone", "currency"]


def test_run_with_a_file_that_cannot_be_used_tells_all_faults_and_ends_with_2(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text(changed('"EUR"', '"ERU"'))
    done = baywarden("run", "--config", file)
    assert done.returncode == 2
    assert "did you mean 'EUR'?" in done.stderr
