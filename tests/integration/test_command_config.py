"""`baywarden config` and `run` with the site's file: started, checked, shown, and refused with every fault."""

import json
import tomllib
from pathlib import Path
from typing import Final

import pytest

from support.commands import ROOT, baywarden
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
