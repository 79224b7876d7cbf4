"""Waits between tries."""

from collections import Counter
from random import Random

from baywarden.sync.options import CloudOptions
from baywarden.sync.pacing import Backoff


def backoff(seed: int = 1) -> Backoff:
    options = CloudOptions("site-1", "broker.example")
    return Backoff(options.backoff_first_s, options.backoff_min_s, options.backoff_max_s, Random(seed))


def test_waits_grow_to_five_minutes_and_stay_there() -> None:
    waits = backoff()
    many = [waits.next_s() for _ in range(200)]
    assert all(1 <= wait_s <= 300 for wait_s in many)
    assert max(many[:1]) <= 30
    assert max(many[10:]) > 250


def test_a_lasting_success_starts_anew() -> None:
    waits = backoff()
    for _ in range(10):
        waits.next_s()
    waits.reset()
    assert waits.next_s() <= 30


def test_a_fleet_of_1000_sites_comes_back_at_most_5_percent_a_second() -> None:
    arrivals = Counter(int(backoff(seed).next_s()) for seed in range(1000))
    assert max(arrivals.values()) <= 50
