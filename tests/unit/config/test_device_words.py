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
        (
            ("read", "--tcp", "host", "--profile", "keba-p30", "--unit", "300"),
            "--unit: '300': must be a whole number from 0 to 255",
        ),
        (("read", "--tcp", "host", "--profile", "keba-p30", "--baud", "9600"), "are for --serial"),
        (
            ("read", "--serial", "x", "--profile", "abb-b23", "--baud", "1"),
            "--baud: '1': must be a whole number from 300",
        ),
        (("read", "--serial", "x", "--profile", "abb-b23", "--unit", "0"), "0 is all devices at once"),
        (("identify", "--serial", "x", "--unit", "0"), "0 is all devices at once"),
        (("read", "--evse", "bay-1", "--profile", "keba-p30"), "--profile is for a device on a link"),
        (("read", "--evse", "bay-1", "--unit", "1"), "--unit is for a device on a link"),
        (("watch", "--evse", "bay-1", "--every", "0"), "--every: '0': must be a number from 0.05"),
        (("watch", "--evse", "bay-1", "--every", "nan"), "--every: 'nan': must be a number"),
        (("watch", "--evse", "bay-1", "--every", "inf"), "--every: 'inf': must be a number"),
        (("watch", "--evse", "bay-1", "--every", "-1"), "--every: '-1': must be a number"),
        (("watch", "--evse", "bay-1", "--count", "0"), "--count"),
        (("test", "--evse", "bay-1", "--max-a", "5"), "--max-a: '5': must be a number from 6 to 80"),
        (("test", "--evse", "bay-1", "--max-a", "NaN"), "--max-a: 'NaN': must be a number"),
        (("test", "--evse", "bay-1", "--failsafe-s", "0"), "--failsafe-s: '0'"),
        (("test", "--evse", "bay-1", "--settle-s", "-1"), "--settle-s: '-1': must be a number from 0 to 600"),
        (("new", "My Box", "--from", "keba-p30"), "is no name of a profile"),
        (("new", "my-box", "--from", "keba-p30", "--out", "x", "--profiles", "y"), "not both"),
        (("new", "my-box", "--from", "keba-p30", "--out", "my-box"), "ends in .toml"),
        (("check", "/nowhere/x.toml"), "/nowhere/x.toml cannot be read: it is not there"),
        (("check", "/tmp"), "/tmp cannot be read: it is a folder"),
        (("read", "--tcp", "host", "--profile", "/nowhere/x.toml"), "cannot be read: it is not there"),
        (("new", "my-box", "--from", "keba"), "did you mean"),
    ],
)
def test_words_that_make_no_sense_end_with_2_and_say_how(words: tuple[str, ...], said: str) -> None:
    done = in_process("device", *words)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr


@pytest.mark.parametrize("action", ["identify", "read", "watch", "test"])
def test_a_serial_port_that_is_not_there_is_told_the_same_way_by_all(action: str) -> None:
    profile = () if action == "identify" else ("--profile", "abb-b23")
    done = in_process(
        "device", action, "--serial", "/nowhere/port", *profile, *(("--yes",) * (action == "test"))
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "baywarden: there is no serial port /nowhere/port; plugged-in ones are under /dev/serial/by-id\n"
    )


def test_a_trace_in_a_folder_that_is_not_there_is_told_with_the_folder() -> None:
    words = ("read", "--tcp", "127.0.0.1:9", "--profile", "abb-b23", "--trace", "/nowhere/x.trace")
    done = in_process("device", *words)
    assert done.returncode == 1
    assert "/nowhere/x.trace cannot be written: there is no folder /nowhere" in done.stderr


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
    assert (again.returncode, "is not overwritten" in again.stderr) == (1, True)


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


def test_a_new_profile_says_where_it_was_written_and_goes_where_it_is_told(tmp_path: Path) -> None:
    file = tmp_path / "box.toml"
    words = ("device", "new", "my-box", "--from", "keba-p30", "--out", file)
    done = in_process(*words)
    assert done.returncode == 0, done.stderr
    assert f"{file} is written, begun from keba-p30" in done.stdout
    file.write_text("mine", "utf-8")
    assert in_process(*words).returncode == 1
    assert file.read_text("utf-8") == "mine"


def test_a_profile_with_faults_is_a_failure_and_one_that_nobody_has_is_wrong_use(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text("schema = 1\n", "utf-8")
    words = ("device", "read", "--tcp", "127.0.0.1:1", "--profile")
    assert in_process(*words, file).returncode == 1
    assert in_process(*words, "no-such-box").returncode == 2


def test_the_family_of_sunspec_meters_is_listed() -> None:
    done = in_process("device", "list", "sunspec")
    rows = [line.split()[0] for line in done.stdout.splitlines()[1:]]
    assert rows == ["sunspec-meter", "sunspec-meter-float", "sunspec-meter-int"]


def test_an_existing_trace_is_not_overwritten_by_the_way(tmp_path: Path) -> None:
    file = tmp_path / "box.trace"
    file.write_text("an hour of work", "utf-8")
    words = ("device", "read", "--tcp", "127.0.0.1:1", "--profile", "abb-b23", "--trace", file)
    done = in_process(*words)
    assert (done.returncode, file.read_text("utf-8")) == (1, "an hour of work")
    assert f"{file} is there already; --force overwrites it" in done.stderr
    in_process(*words, "--force")
    assert '"baywarden_trace": 1' in file.read_text("utf-8")
