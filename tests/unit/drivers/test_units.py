"""What a link remembers of a unit: how long to leave it in peace, and how to get in step with it again."""

from baywarden_drivers.links import Pacing, Request
from baywarden_drivers.links.units import UnitState

READ = Request(unit=1, function=3, address=100, count=4)


def pauses(silences: int) -> list[float]:
    """The pause after each silence in a row, all at the same moment."""
    state = UnitState()
    found = []
    for _ in range(silences):
        state.silent(1000.0)
        found.append(max(0.0, state.retry_at - 1000.0))
    return found


def test_the_first_silence_costs_no_pause_and_the_following_ones_ever_longer_ones() -> None:
    first, *others = pauses(12)
    assert first == 0
    assert 1.6 <= others[0] <= 2.0
    assert 200 < others[-1] <= 300
    assert max(pauses(40)) <= 300


def test_an_answer_ends_the_quarantine_and_begins_a_new_contact() -> None:
    state = UnitState()
    state.heard(1.0, 0.9, generation=1)
    state.silent(2.0)
    state.heard(3.0, 2.9, generation=1)
    assert state.contact == 1
    state.silent(4.0)
    state.silent(5.0)
    state.heard(9.0, 8.9, generation=1)
    assert (state.contact, state.retry_at, state.silences) == (2, 0.0, 0)


def test_a_new_connection_is_a_new_contact() -> None:
    state = UnitState()
    state.heard(1.0, 0.9, generation=1)
    state.heard(2.0, 1.9, generation=2)
    assert state.contact == 2


def test_a_unit_that_only_makes_noise_is_left_in_peace_too() -> None:
    state = UnitState()
    for _ in range(4):
        state.noisy(10.0)
    assert state.retry_at == 0
    state.noisy(10.0)
    state.noisy(10.0)
    assert state.retry_at > 10


def test_every_test_read_has_a_length_of_its_own() -> None:
    state = UnitState()
    assert state.test_read() is None
    state.doubt(READ, 10.0)
    lengths = []
    for _ in range(3):
        test = state.test_read()
        assert test is not None
        lengths.append(test.count)
        state.steps_tried += 1
    assert len({READ.count, *lengths}) == 4


def test_test_reads_of_a_device_with_even_registers_are_even() -> None:
    state = UnitState(pacing=Pacing(even_reads=True))
    state.doubt(Request(1, 4, 0, 2), 10.0)
    test = state.test_read()
    assert test is not None
    assert test.count % 2 == 0
    assert test.count != 2


def test_a_device_that_answers_no_test_read_is_asked_the_real_thing_in_the_end() -> None:
    state = UnitState()
    state.doubt(READ, 10.0)
    state.steps_tried = 3
    assert state.test_read() is None


def test_a_device_that_is_only_slow_is_tested_until_it_is_in_step() -> None:
    state = UnitState()
    state.doubt(READ, 10.0)
    state.steps_tried, state.alive_at = 3, 11.0
    assert state.test_read() is not None
    state.in_step()
    assert state.test_read() is None


def test_a_slow_device_gets_longer_and_longer_to_say_what_it_still_has_to_say() -> None:
    state = UnitState(pacing=Pacing(response_timeout_s=0.5))
    state.doubt(READ, 10.0)
    assert state.free_at == 10.5
    state.steps_tried = 2
    state.doubt(READ, 20.0)
    assert state.free_at == 22.0
    state.steps_tried = 9
    state.doubt(READ, 30.0)
    assert state.free_at == 35.0


def test_two_devices_at_one_unit_get_the_longer_pause_of_each() -> None:
    both = Pacing(0.1, 0.5, 0.0, 1.0).and_also(Pacing(0.2, 0.0, 5.0, 0.5, discard_first_read=True))
    assert both == Pacing(0.2, 0.5, 5.0, 1.0, discard_first_read=True)
