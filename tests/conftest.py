"""Fixtures for every test, and a closing line on how much of the suite met real peers."""

import os
from asyncio import AbstractEventLoop
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from support.broker import Broker
from support.clock import FakeClock
from support.even_loop import EvenLoop
from support.serial_pair import SerialPair

REAL_PEERS: Final = {
    "modbus": "a real Modbus server",
    "serial": "a serial pair",
    "broker": "a real MQTT broker",
}

# How long an example takes on a machine that is shared says nothing about the code. The suite draws the same examples
# each time, so that it fails where something was changed; campaigns draw new ones, as HYPOTHESIS_PROFILE=new does.
settings.register_profile(
    "same", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile("new", settings.get_profile("same"), derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands at 2026-06-15 09:00 UTC until the test moves it."""
    return FakeClock()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker of this test's own, running on a free port."""
    with Broker(tmp_path / "broker") as running:
        yield running


@pytest.fixture
def serial_pair(tmp_path: Path) -> Iterator[SerialPair]:
    """A serial line of this test's own."""
    with SerialPair(tmp_path / "line") as pair:
        yield pair


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], AbstractEventLoop]]:
    """Every test with a loop gets one for which a stop of the whole machine is no waiting."""
    return {"even": EvenLoop}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long campaigns run only when asked for: `-m campaign`."""
    if "campaign" in config.option.markexpr:
        return
    kept = [item for item in items if item.get_closest_marker("campaign") is None]
    if len(kept) != len(items):
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count each test that really ran to a verdict."""
    if report.when == "call" and not report.skipped:
        _MET.update(mark for mark in REAL_PEERS if mark in report.keywords)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests met real peers."""
    counts = ", ".join(f"{_MET[mark]} against {peer}" for mark, peer in REAL_PEERS.items())
    terminalreporter.write_line(f"tests that ran against real peers: {counts}")


_MET: Final[Counter[str]] = Counter()
