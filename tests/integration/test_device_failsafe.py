"""The fail-safe step of `baywarden device test`: a healthy charger passes, one that only says so fails."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest

from baywarden_drivers.profile.loader import BUNDLED
from support.commands import answer, simulated

pytestmark = pytest.mark.modbus

KIND: Final = "em2go"
CAR: Final = ("--car", "need=40kWh,battery=80kWh,max_current=32A", "--rate", "30")
"""A simulated car rises by 60 A in a second then, and between two questions."""


def changed(folder: Path, name: str, old: str, new: str) -> Path:
    """The profile with one thing changed."""
    text = (BUNDLED / f"{KIND}.toml").read_text("utf-8")
    assert old in text
    file = folder / f"{name}.toml"
    file.write_text(text.replace(old, new, 1), "utf-8")
    return file


def step_by_step(device: str | Path, profile: str | Path, *, code: int = 0, failsafe_s: int = 1) -> Any:
    """The step of the walk in which nothing is said; asked by `profile`, answered by `device`."""
    with simulated(str(device), *CAR) as where:
        words = ("--tcp", where, "--profile", str(profile), "--yes", "--failsafe-s", str(failsafe_s))
        steps = answer("device", "test", *words, code=code)["steps"]
    return {step["name"]: step for step in steps}


@pytest.fixture(scope="module", autouse=True)
def walks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Any]]]:
    """All walks at once: they mostly wait."""
    folder = tmp_path_factory.mktemp("profiles")
    slow = changed(folder, "slow", "[protocol]\n", "[protocol]\nmin_read_interval_ms = 120\n")
    idle = changed(folder, "idle", 'trigger = "no_request"', 'trigger = "none"')
    there, nowhere = (
        f'name = "failsafe_timeout"\ntype = "holding"\naddress = {place}' for place in (89, 9999)
    )
    unread = changed(folder, "unread", there, nowhere)
    with ThreadPoolExecutor(4) as beside:
        yield {
            "healthy": beside.submit(step_by_step, KIND, slow),
            "broken": beside.submit(step_by_step, idle, slow, code=1),
            "untold": beside.submit(step_by_step, "mennekes-amtron-4you", "mennekes-amtron-4you"),
            "unread": beside.submit(step_by_step, KIND, unread, code=1),
        }


def test_a_charger_that_takes_the_first_question_for_life_passes_though_its_car_rises_at_once(
    walks: dict[str, Future[Any]],
) -> None:
    steps = walks["healthy"].result(timeout=90)
    silence = steps["fail-safe by silence"]
    assert silence["verdict"] == "pass", silence
    assert silence["figures"]["before_a"] > 30
    assert silence["figures"]["drawn_a"] <= 6.1
    assert "s of silence" in silence["detail"]


def test_a_charger_that_shows_a_fail_safe_and_has_none_fails(walks: dict[str, Future[Any]]) -> None:
    steps = walks["broken"].result(timeout=90)
    assert steps["fail-safe armed"]["verdict"] == "pass"
    assert steps["fail-safe by silence"]["verdict"] == "fail"
    assert "still draws 32" in steps["fail-safe by silence"]["detail"]


def test_a_car_that_waited_for_a_limit_counts_too(walks: dict[str, Future[Any]]) -> None:
    limits = walks["healthy"].result(timeout=90)
    assert "drawn" in limits["limit down"]["detail"]
    assert limits["limit up"]["figures"]["drawn_a"] > 30


def test_a_setting_that_the_charger_does_not_take_back_is_told_and_is_no_failure(
    walks: dict[str, Future[Any]],
) -> None:
    back = walks["untold"].result(timeout=90)["put back"]
    assert back["verdict"] == "unclear"
    assert "failsafe_timeout was 0, which it does not take back" in back["detail"]


def test_a_setting_that_could_not_be_read_is_told_as_one_that_nobody_can_put_back(
    walks: dict[str, Future[Any]],
) -> None:
    back = walks["unread"].result(timeout=90)["put back"]
    assert back["verdict"] == "unclear"
    assert "failsafe_timeout could not be read (" in back["detail"]
    assert "no such register" in back["detail"]
    assert "failsafe_current 0" in back["detail"], "what could be read is put back"
