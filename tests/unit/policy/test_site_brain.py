"""The brain as a whole: the same asked twice, nothing where nothing changed, and when to be asked again."""

import time

from baywarden.model.booking import BookingTerms
from baywarden.model.command import Command, Door, PutBooking
from baywarden.model.reading import Snapshot
from baywarden.model.step import Commanded, Observed
from baywarden.policy import site
from baywarden.policy.places import left, placed, places
from scenarios.day import MINUTE, TEN_CENTS_A_MINUTE, Day, a_site


def a_busy_day(count: int = 10) -> Day:
    day = Day(a_site(*(f"b{n}" for n in range(count)), overstay=TEN_CENTS_A_MINUTE), every_s=1)
    day.tick()
    for n in range(0, count, 2):
        day.charge(f"b{n}")
    day.run(15)
    return day


def test_a_cycle_in_which_nothing_changes_returns_the_same_state_and_wants_nothing() -> None:
    day = a_busy_day()
    before = day.state
    day.clock.leap(1)
    step = day.tick()
    assert step.state is before
    assert step.effects == ()


def test_only_what_changed_is_a_new_object() -> None:
    day = a_busy_day()
    before = day.state
    day.leave("b0")
    changed = [key for key, evse in day.state.evses.items() if evse is not before.evses[key]]
    assert changed == ["b0"]


def test_deciding_twice_from_the_same_gives_the_same() -> None:
    day = a_busy_day()
    now = day.clock.now()
    day.bays["b0"].pilot = None
    readings = {key: bay.poll(now.mono_ms) for key, bay in day.bays.items()}
    wish = PutBooking("k1", day.at("12:00"), day.at("13:00"), "T1")
    for event in (Observed(Snapshot(readings)), Commanded(Command("c1", "booking.put", wish, Door.CLOUD))):
        once = site.decide(day.state, event, day.rules, now)
        again = site.decide(day.state, event, day.rules, now)
        assert once == again


def test_the_step_says_when_something_is_due() -> None:
    day = Day(a_site(terms=BookingTerms(early_start_s=600)))
    day.tick()
    assert day.tick().wake_at is None
    day.book("k1", "10:00", "11:00")
    assert day.tick().wake_at == day.at("9:45"), "the reminder"
    day.run_to("9:46")
    assert day.tick().wake_at == day.at("9:50"), "the hold"


def test_a_thing_that_is_due_is_due_once() -> None:
    day = Day(a_site(overstay=TEN_CENTS_A_MINUTE))
    day.charge()
    day.run(10 * MINUTE)
    day.fill()
    while (wake_at := day.tick().wake_at) is not None and wake_at < day.at("12:00"):
        assert wake_at > day.clock.now().at
        day.clock.leap((wake_at - day.clock.now().at).total_seconds())
    assert day.clock.now().at > day.at("11:30")


def test_an_unchanged_outlet_costs_almost_nothing() -> None:
    day = a_busy_day(200)
    now = day.clock.now()
    event = Observed(Snapshot({key: bay.poll(now.mono_ms) for key, bay in day.bays.items()}))
    spent = []
    for _ in range(20):
        begin = time.perf_counter()
        site.decide(day.state, event, day.rules, now)
        spent.append(time.perf_counter() - begin)
    assert min(spent) / 200 < 10e-6


def test_an_outlet_without_a_reading_is_taken_as_not_polled() -> None:
    day = Day(a_site("b1", "b2"))
    step = site.decide(day.state, Observed(Snapshot()), day.rules, day.clock.now())
    assert {evse.status.reason for evse in step.state.evses.values()} == {"not_polled"}


def test_places_are_never_changed_only_copied() -> None:
    first = places([("k1", "b1"), ("k2", "b1")])
    second = placed(first, "k3", "b2")
    third = left(placed(second, "k1", "b3"), "k2")
    assert dict(first) == {"k1": "b1", "k2": "b1"}
    assert dict(second) == {"k1": "b1", "k2": "b1", "k3": "b2"}
    assert third == {"k1": "b3", "k3": "b2"}
    assert len(third) == 2
    assert "k2" not in third
    assert left(third, "k9") == third
