"""The words of `baywarden bus`: what makes no sense ends with 2, what is no trace with 1, and both say why."""

from pathlib import Path

import pytest

from support.commands import in_process


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say where to look"),
        (("/dev/null", "--setting", "9600/9X7"), "like 9600/8N1"),
        (("/dev/null", "--units", "0-300"), "unit numbers"),
        (("/dev/null", "--units", "0"), "1 to 247"),
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
        (("--serial", "9600", "--poll-s", "0", "eastron-sdm630"), "--poll-s"),
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
