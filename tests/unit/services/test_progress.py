"""The watchdog is fed by progress."""

from hypothesis import given
from hypothesis import strategies as st

from baywarden.services.progress import Progress, cycle_deadline_s, poll_deadline_s


class Hands:
    """A monotonic clock that the test turns."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def test_a_worker_that_beats_in_time_is_not_late() -> None:
    clock = Hands()
    progress = Progress(clock)
    progress.expect("heart", 10)
    clock.at += 9
    progress.beat("heart")
    clock.at += 9
    assert progress.late() == ()


def test_everyone_who_missed_the_deadline_is_named() -> None:
    clock = Hands()
    progress = Progress(clock)
    progress.expect("poller bay-2", 5)
    progress.expect("heart", 5)
    progress.expect("poller bay-1", 50)
    clock.at += 6
    assert progress.late() == ("heart", "poller bay-2")


def test_a_dismissed_worker_starves_nobody() -> None:
    clock = Hands()
    progress = Progress(clock)
    progress.expect("heart", 5)
    progress.dismiss("heart")
    clock.at += 60
    assert progress.late() == ()


@given(cycle_s=st.floats(0.1, 30), every_s=st.floats(0.1, 3600))
def test_the_slowest_setting_does_not_starve_the_watchdog_and_a_hang_does(
    cycle_s: float, every_s: float
) -> None:
    clock = Hands()
    progress = Progress(clock)
    progress.expect("heart", cycle_deadline_s(cycle_s))
    progress.expect("poller", poll_deadline_s(every_s))
    clock.at += cycle_s + 10  # a cycle, and a commit that takes its time
    assert "heart" not in progress.late()
    progress.beat("poller")
    clock.at += every_s + 300  # a poll, and the longest quarantine of a dead device
    assert "poller" not in progress.late()
    clock.at += 2 * (cycle_s + every_s) + 400
    assert progress.late() == ("heart", "poller")
