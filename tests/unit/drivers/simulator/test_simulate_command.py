"""`baywarden simulate` as a command."""

import argparse

import pytest

from baywarden_config import simulate
from baywarden_config.errors import ToolError, WrongUse
from baywarden_drivers.simulator.commands import REQUESTS


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    simulate.add_parser(parser.add_subparsers())
    return simulate.run(parser.parse_args(["simulate", *words]))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "either a profile or --site"),
        (("keba-p30", "--site", "x.toml"), "either a profile or --site"),
        (("keba-p30",), "say where to listen"),
        (("--site", "x.toml", "--tcp", "0"), "a site file says its own wires"),
        (("--site", "/nowhere.toml"), "/nowhere.toml cannot be read: it is not there"),
        (("keba-p31", "--tcp", "0"), "did you mean 'keba-p30'?"),
        (("keba-p30", "--tcp", "0", "--car", "colour=red"), "car 1.colour: unknown key"),
        (("keba-p30", "--tcp", "0", "--car", "soc=2"), "car 1.soc"),
        (("keba-p30", "--tcp", "0", "--connectors", "2"), "has one outlet, not 2"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(words: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(WrongUse) as error:
        run(*words)
    assert sentence in str(error.value)


def test_a_port_that_cannot_be_had_is_a_failure_and_no_wrong_use() -> None:
    with pytest.raises(ToolError, match=r"cannot listen on 203\.0\.113\.1") as error:
        run("keba-p30", "--tcp", "0", "--bind", "203.0.113.1")
    assert not isinstance(error.value, WrongUse)


@pytest.mark.parametrize(
    ("option", "word"),
    [("--rate", word) for word in ("0", "-1", "nan", "inf", "fast")]
    + [("--unit", "300"), ("--base-a", "nan"), ("--connectors", "0"), ("--model", "199"), ("--tcp", "70000")],
)
def test_a_number_that_cannot_be_meant_ends_with_2(
    option: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        run("keba-p30", f"{option}={word}")
    assert end.value.code == 2
    assert f"argument {option}: '{word}': must be a" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("--help",), ("/nowhere", "help"), ("/nowhere", "--help")])
def test_the_requests_are_told_without_a_simulator(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("do", *words) == 0
    said = capsys.readouterr().out
    for name in REQUESTS:
        assert f"\n  {name} " in said, name


def test_one_request_is_told_with_its_keys(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("do", "/nowhere", "plug", "--help") == 0
    assert "--battery" in capsys.readouterr().out
    with pytest.raises(WrongUse, match="did you mean 'plug'"):
        run("do", "/nowhere", "help", "plgu")
