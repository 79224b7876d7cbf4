"""The watchdog is fed by progress."""

from baywarden.services.progress import Progress


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
