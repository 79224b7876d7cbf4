"""`baywarden simulate` as a command."""

import argparse

import pytest

from baywarden_config import simulate
from baywarden_config.errors import ToolError, WrongUse


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
        (("--site", "/nowhere.toml"), "/nowhere.toml: cannot be read"),
        (("keba-p31", "--tcp", "0"), "did you mean 'keba-p30'?"),
        (("keba-p30", "--tcp", "0", "--rate", "0"), "must be above 0"),
        (("keba-p30", "--tcp", "0", "--car", "colour=red"), "car 1.colour: unknown key"),
        (("keba-p30", "--tcp", "0", "--car", "soc=2"), "car 1.soc"),
        (("keba-p30", "--tcp", "0", "--connectors", "2"), "at most 1 outlets"),
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
