"""The words of `baywarden device`, and an operator's own profiles."""

import json
import tomllib
from pathlib import Path

import pytest

from baywarden_drivers.profile import load_profile, profile_names
from baywarden_drivers.profile.loader import BUNDLED
from support.commands import in_process


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("read",), "say which device"),
        (("read", "--tcp", "host"), "--profile NAME"),
        (("read", "--tcp", "host", "--profile", "keba-p3"), "did you mean 'keba-p30'"),
        (("read", "--tcp", "host", "--profile", "keba-p30", "--connector", "2"), "--connector 2"),
        (("read", "--tcp", "host", "--profile", "keba-p30", "--unit", "300"), "--unit 300"),
        (("read", "--tcp", "host", "--profile", "keba-p30", "--baud", "9600"), "are for --serial"),
        (("read", "--serial", "x", "--profile", "abb-b23", "--baud", "1"), "--baud 1"),
        (("read", "--evse", "bay-1", "--profile", "keba-p30"), "--profile is for a device on a link"),
        (("read", "--evse", "bay-1", "--unit", "1"), "--unit is for a device on a link"),
        (("watch", "--evse", "bay-1", "--every", "0"), "--every"),
        (("watch", "--evse", "bay-1", "--count", "0"), "--count"),
        (("test", "--evse", "bay-1", "--max-a", "5"), "--max-a 5"),
        (("test", "--evse", "bay-1", "--max-a", "NaN"), "--max-a NaN"),
        (("test", "--evse", "bay-1", "--failsafe-s", "0"), "--failsafe-s 0"),
        (("test", "--evse", "bay-1", "--settle-s", "-1"), "--settle-s"),
        (("new", "My Box", "--from", "keba-p30"), "is no name of a profile"),
        (("new", "my-box", "--from", "keba"), "did you mean"),
    ],
)
def test_words_that_make_no_sense_end_with_2_and_say_how(words: tuple[str, ...], said: str) -> None:
    done = in_process("device", *words)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr


def test_without_a_daemon_its_devices_cannot_be_asked(tmp_path: Path) -> None:
    done = in_process("device", "read", "--evse", "bay-1", "--socket", tmp_path / "no.sock")
    assert done.returncode == 3


def test_a_new_profile_is_sound_is_found_and_is_an_operators_own(tmp_path: Path) -> None:
    done = in_process("device", "new", "my-box", "--from", "keba-p30", "--profiles", tmp_path)
    assert done.returncode == 0, done.stderr
    file = tmp_path / "my-box.toml"
    assert str(file) in done.stdout
    profile, origin = load_profile("my-box", [tmp_path]), load_profile("keba-p30")
    assert (profile.read, profile.write, profile.status) == (origin.read, origin.write, origin.status)
    assert profile.confidence == "medium"
    assert file.read_text("utf-8").startswith("# my-box: a profile of our own")
    assert in_process("device", "list", "my-box", "--profiles", tmp_path).returncode == 0
    again = in_process("device", "new", "my-box", "--from", "keba-p30", "--profiles", tmp_path)
    assert (again.returncode, "--force" in again.stderr) == (1, True)


def test_every_profile_can_be_begun_from(tmp_path: Path) -> None:
    for name in profile_names():
        done = in_process("device", "new", f"own-{name}", "--from", name, "--profiles", tmp_path)
        assert done.returncode == 0, done.stderr
        tomllib.loads((tmp_path / f"own-{name}.toml").read_text("utf-8"))


def test_a_check_names_every_fault_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "my-box.toml"
    assert in_process("device", "new", "my-box", "--from", "keba-p30", "--profiles", tmp_path).returncode == 0
    text = file.read_text("utf-8").replace('name = "power"\n', 'name = "power"\nunits = "W"\n')
    file.write_text(text.replace('kind = "charger"', 'kind = "toaster"'), "utf-8")
    done = in_process("device", "check", file)
    assert done.returncode == 1
    assert "kind" in done.stdout and "did you mean 'unit'" in done.stdout
    assert "2 faults." in done.stdout
    faults = json.loads(in_process("device", "check", file, "--json").stdout)["faults"]
    assert any(fault["place"].startswith("read") and '"power"' in fault["place"] for fault in faults)


def test_a_check_warns_of_what_a_sound_profile_lacks(tmp_path: Path) -> None:
    file = tmp_path / "bare.toml"
    file.write_text(
        """
schema = 1
vendor = "ACME"
model = "Box"
kind = "charger"
confidence = "medium"
summary = "A box."
sources = ["ACME register list 1.0"]
[transport.tcp]
[[read]]
name = "status"
type = "input"
address = 1
dtype = "u16"
[[write]]
name = "set_current_limit"
type = "holding"
address = 2
dtype = "u16"
unit = "A"
cyclic = false
[control]
[status]
source = "status"
iec = { 0 = "A" }
state = { 0 = "available" }
""",
        "utf-8",
    )
    done = in_process("device", "check", file)
    assert done.returncode == 0, done.stdout
    for said in (
        "never says preparing, charging, faulted",
        "fewer than two letters",
        'not poll = "hot"',
        "control.readback is not given",
        "no [failsafe]",
        "no point current_l1",
        "wears the device",
        "zero is not documented",
        "has no max",
        "confidence is medium",
        "is sound",
    ):
        assert said in done.stdout, said


def test_every_profile_of_ours_can_be_judged() -> None:
    for name in profile_names():
        done = in_process("device", "check", load_path(name))
        assert done.returncode == 0, done.stdout


def load_path(name: str) -> Path:
    """The file of a profile that comes along."""

    return BUNDLED / f"{name}.toml"


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    done = in_process("device", "check", tmp_path / "nothing.toml")
    assert done.returncode == 1
    assert "cannot be read" in done.stdout
