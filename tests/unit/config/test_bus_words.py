"""The words of `baywarden bus`: what makes no sense ends with 2, what is no trace with 1, and both say why."""

from pathlib import Path

import pytest

from support.commands import in_process
from support.site_toml import changed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say where to look"),
        (("/dev/null", "--setting", "9600/9X7"), "like 9600/8N1"),
        (("/dev/null", "--units", "0-300"), "unit numbers"),
        (("/dev/null", "--units", "0"), "0 is all devices at once; say 1 to 255"),
        (("--tcp", "host:port"), "HOST:PORT"),
        (("/dev/null", "--timeout-ms", "1"), "--timeout-ms"),
        (("/dev/null", "--profiles", "/nowhere"), "no such folder"),
    ],
)
def test_a_scan_that_makes_no_sense_ends_with_2_and_says_how(words: tuple[str, ...], said: str) -> None:
    done = in_process("bus", "scan", *words)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "either --config FILE or devices"),
        (("--config", "a.toml", "keba-p30"), "either --config FILE or devices"),
        (("keba-p30",), "--serial 9600/8N1 or --tcp"),
        (("--serial", "9600", "keba-p3"), "did you mean 'keba-p30'"),
        (("--serial", "9600", "eastron-sdm630=0"), "PROFILE=COUNT"),
        (("--serial", "9600", "eastron-sdm630=200", "eastron-sdm120=200"), "247 unit numbers"),
        *(
            (
                ("--serial", "9600", "--poll-s", word, "eastron-sdm630"),
                f"--poll-s: '{word}': must be a number",
            )
            for word in ("0", "-1", "nan", "inf", "much")
        ),
        (("--serial", "9600", "--turnaround-ms", "inf", "eastron-sdm630"), "--turnaround-ms: 'inf'"),
        (("--serial", "9600/8N1", "eastron-sdm630", "keba-p30"), "keba-p30: known on a network only"),
        (("--config", "/nowhere/site.toml"), "/nowhere/site.toml cannot be read: it is not there"),
    ],
)
def test_a_budget_that_makes_no_sense_ends_with_2(words: tuple[str, ...], said: str) -> None:
    done = in_process("bus", "budget", *words)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("hello\n", "is no JSON"),
        ('{"x": 1}\n', "is no trace"),
        ('{"baywarden_trace": 1, "framing": "morse"}\n', "framing"),
        ('{"baywarden_trace": 1, "framing": "rtu"}\n', "no question"),
        (
            '{"baywarden_trace": 1, "framing": "rtu"}\n{"at_ms": 1, "direction": "sent", "hex": "0g"}\n',
            ":2: hex",
        ),
        (
            '{"baywarden_trace": 1, "framing": "rtu"}\n{"at_ms": "1", "direction": "sent", "hex": ""}\n',
            ":2: at_ms",
        ),
        (
            '{"baywarden_trace": 1, "framing": "rtu"}\n{"at_ms": 1, "direction": "up", "hex": ""}\n',
            ":2: direction",
        ),
    ],
)
def test_a_file_that_is_no_trace_is_refused_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "x.trace"
    file.write_text(text, "utf-8")
    done = in_process("bus", "replay", file, "--tcp", "0")
    assert done.returncode == 1
    assert said in done.stderr


@pytest.mark.parametrize("word", ["abc", "nan", "-1s", "0s", "60", "99999d"])
def test_a_trace_lasts_a_time_that_can_be_meant(word: str) -> None:
    done = in_process("bus", "trace", "bus", f"--for={word}")
    assert done.returncode == 2
    assert f"argument --for: '{word}'" in done.stderr


def test_a_recording_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    done = in_process("bus", "replay", tmp_path / "none", "--tcp", "0")
    assert (done.returncode, "cannot be read: it is not there" in done.stderr) == (2, True)


def test_a_budget_says_what_it_assumes_of_the_answers() -> None:
    words = ("bus", "budget", "--serial", "9600/8N1", "eastron-sdm630")
    usual, slow = in_process(*words), in_process(*words, "--turnaround-ms", "80")
    assert "Assumed: 20 ms from question to answer (--turnaround-ms)." in usual.stdout
    assert "Assumed: 80 ms" in slow.stdout


def test_a_device_without_a_serial_port_on_a_serial_link_is_a_warning_of_the_budget(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text(
        changed('type = "tcp"\nhost = "192.0.2.11"', 'type = "rtu"\npath = "/dev/ttyS0"'), "utf-8"
    )
    done = in_process("bus", "budget", "--config", site)
    assert "keba-p30 is not known to have a serial port" in done.stdout, done.stderr
