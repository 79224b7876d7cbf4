"""The command `baywarden` as people and scripts run it: its words, its exit codes, and what it loads."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from baywarden import __version__
from support.commands import ROOT, SOURCES, baywarden
from support.fake_daemon import FakeDaemon

EXAMPLE: Final = ROOT / "config" / "examples" / "site.toml"


def test_the_version_is_told() -> None:
    done = baywarden("--version")
    assert (done.returncode, done.stdout) == (0, f"baywarden {__version__}\n")


@pytest.mark.parametrize(
    "words", [(), ("nonsense",), ("bookings",), ("status", "--nonsense"), ("sessions", "stop")]
)
def test_wrong_use_ends_with_2_and_says_how(words: tuple[str, ...]) -> None:
    done = baywarden(*words)
    assert done.returncode == 2
    assert "usage: baywarden" in done.stderr


def test_the_help_names_every_command() -> None:
    done = baywarden("--help")
    assert done.returncode == 0
    for name in ("run", "status", "bookings", "sessions", "penalties", "config", "simulate", "demo"):
        assert f"\n    {name}" in done.stdout


def test_without_a_daemon_every_question_ends_with_3(tmp_path: Path) -> None:
    path = tmp_path / "no.sock"
    done = baywarden("status", "--socket", path)
    assert (done.returncode, done.stdout) == (3, "")
    assert str(path) in done.stderr


def test_a_daemon_that_hangs_up_ends_with_3_and_a_warning_that_it_may_have_acted(tmp_path: Path) -> None:
    with FakeDaemon(tmp_path / "c.sock", {}) as daemon:
        done = baywarden("sessions", "stop", "s-1", "--socket", daemon.path)
    assert done.returncode == 3
    assert "look before repeating" in done.stderr


def test_the_daemon_loads_no_tool_and_nothing_that_only_a_cloud_or_an_upgrade_needs() -> None:
    code = "import sys, baywarden.daemon.house; print(*sys.modules)"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(SOURCES)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=True
    )
    unwanted = {"argparse", "difflib", "paho", "sqlite_utils", "baywarden_config"}
    assert {*unwanted, "baywarden_drivers.simulator"}.isdisjoint(done.stdout.split())


def test_a_file_that_cannot_be_used_ends_the_daemon_with_2_in_either_order_of_the_words(
    tmp_path: Path,
) -> None:
    file = tmp_path / "site.toml"
    file.write_text("[site]\n")
    plain, verbose = (
        baywarden("run", "--config", str(file)),
        baywarden("run", "--verbose", "--config", str(file)),
    )
    assert (plain.returncode, verbose.returncode) == (2, 2)
    assert plain.stderr == verbose.stderr
    assert str(file) in plain.stderr


@pytest.mark.parametrize(
    ("words", "unwanted"),
    [
        (("--version",), {"argparse", "pydantic", "asyncio", "baywarden_config"}),
        (
            ("status", "--socket", "/nowhere/c.sock"),
            {"pydantic", "asyncio", "pymodbus", "paho", "sqlite3", "baywarden.daemon"},
        ),
        (("config", "show", str(EXAMPLE)), {"asyncio", "pymodbus", "paho", "sqlite3", "baywarden.daemon"}),
        (("config", "check", str(EXAMPLE)), {"paho", "sqlite3", "baywarden.daemon"}),  # it plans the polls
    ],
)
def test_a_command_loads_only_what_it_needs(words: tuple[str, ...], unwanted: set[str]) -> None:
    code = (
        "import sys\nfrom baywarden.__main__ import main\ntry: main(sys.argv[1:])\nexcept SystemExit: pass\n"
        "print('LOADED', *sys.modules)"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(SOURCES)}
    done = subprocess.run(
        [sys.executable, "-c", code, *words], env=env, capture_output=True, text=True, timeout=60, check=True
    )
    loaded = done.stdout.rpartition("LOADED")[2].split()
    assert unwanted.isdisjoint(loaded)
