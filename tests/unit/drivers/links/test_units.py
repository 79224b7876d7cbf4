"""What a link remembers of a unit: how long to leave it in peace, and how to get in step with it again."""

from baywarden_drivers.links import Pacing, Request
from baywarden_drivers.links.request import read_request
from baywarden_drivers.links.units import UnitState

READ = read_request(1, "holding", 100, 4)


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


def test_a_unit_that_keeps_others_waiting_rests_so_much_longer() -> None:
    state = UnitState()
    state.silent(1000.0, 60.0)
    assert state.retry_at == 0
    state.silent(1000.0, 60.0)
    assert 1060 <= state.retry_at <= 1075
    state.silent(2000.0, 60.0)
    assert state.retry_at >= 2120


def test_a_read_is_tested_for_only_when_an_older_answer_could_be_taken_for_its_own() -> None:
    state = UnitState()
    assert state.test_before(READ, 10.0) is None
    state.doubt(READ, 10.0, hold=True)
    assert state.test_before(read_request(1, "holding", 100, 5), 11.0) is None
    test = state.test_before(read_request(1, "holding", 200, 4), 11.0)
    assert test is not None
    assert test.reply_start != READ.reply_start
    state.owed.settle()
    assert state.test_before(READ, 12.0) is None


def test_a_write_is_not_taken_for_done_by_the_late_answer_of_the_one_before() -> None:
    state = UnitState()
    first, second, other = (Request(1, 16, 100, 1, (value,)) for value in (10, 11, 12))
    state.doubt(first, 10.0, hold=True)
    test = state.test_before(second, 11.0)
    assert test is not None
    assert not test.is_write
    assert state.test_before(Request(1, 16, 101, 1, (10,)), 11.0) is None
    state.owed.settle()
    assert state.test_before(other, 12.0) is None


def test_every_test_read_has_a_length_of_its_own() -> None:
    state = UnitState()
    state.doubt(READ, 10.0, hold=True)
    lengths = []
    for moment in (11.0, 12.0, 13.0, 14.0, 15.0):
        state.alive_at = moment
        test = state.test_before(READ, moment)
        assert test is not None
        lengths.append(test.count)
        state.owed.blind_tests += 1
        state.doubt(test, moment, hold=True)
    assert len({READ.count, *lengths}) == 6


def test_a_read_that_is_known_to_work_is_the_better_test() -> None:
    state = UnitState()
    for count in (40, 2, 4):
        state.owed.prove(read_request(1, "input", 7, count))
    state.doubt(READ, 10.0, hold=True)
    assert state.test_before(READ, 11.0) == read_request(1, "input", 7, 2)


def test_bits_that_fill_the_same_bytes_are_no_test() -> None:
    state = UnitState()
    coils = read_request(1, "coil", 0, 3)
    state.doubt(coils, 10.0, hold=True)
    test = state.test_before(coils, 11.0)
    assert test is not None
    assert test.count > 8


def test_test_reads_of_a_device_with_even_registers_are_even() -> None:
    state = UnitState(pacing=Pacing(even_reads=True))
    state.doubt(read_request(1, "input", 0, 2), 10.0, hold=True)
    test = state.test_before(read_request(1, "input", 0, 2), 11.0)
    assert test is not None
    assert test.count == 4


def test_a_device_that_answers_no_test_read_is_asked_the_real_thing_in_the_end() -> None:
    state = UnitState()
    state.doubt(READ, 10.0, hold=True)
    state.owed.blind_tests = 3
    assert state.test_before(READ, 11.0) is None


def test_a_device_that_is_only_slow_is_tested_until_it_is_in_step() -> None:
    state = UnitState()
    state.doubt(READ, 10.0, hold=True)
    state.owed.blind_tests, state.alive_at = 3, 11.0
    assert state.test_before(READ, 12.0) is not None
    state.owed.settle()
    assert state.test_before(READ, 13.0) is None


def test_after_long_enough_no_answer_is_owed_any_more() -> None:
    state = UnitState(pacing=Pacing(response_timeout_s=1.0))
    state.doubt(READ, 10.0, hold=True)
    assert state.test_before(READ, 23.9) is not None
    assert state.test_before(READ, 24.1) is None


def test_an_exception_may_be_a_late_answer_to_anything_of_its_function() -> None:
    state = UnitState()
    state.doubt(READ, 10.0, hold=True)
    assert state.owed.may_refuse(read_request(1, "holding", 7, 99))
    assert not state.owed.may_refuse(read_request(1, "input", 100, 4))


def test_a_slow_device_gets_longer_and_longer_to_say_what_it_still_has_to_say() -> None:
    state = UnitState(pacing=Pacing(response_timeout_s=0.5))
    state.doubt(READ, 10.0, hold=True)
    assert state.free_at == 10.5
    state.owed.blind_tests = 2
    state.doubt(READ, 20.0, hold=True)
    assert state.free_at == 22.0
    state.owed.blind_tests = 9
    state.doubt(READ, 30.0, hold=True)
    assert state.free_at == 35.0


def test_a_silent_unit_is_probed_by_its_cheapest_read() -> None:
    state = UnitState()
    state.owed.prove(read_request(1, "holding", 0, 60))
    state.owed.prove(read_request(1, "holding", 90, 1))
    assert state.probe_before(read_request(1, "holding", 0, 60)) is None
    state.silent(10.0)
    state.silent(20.0)
    assert state.probe_before(read_request(1, "holding", 0, 60)) == read_request(1, "holding", 90, 1)
    assert state.probe_before(Request(1, 6, 0, 1, (5,))) == read_request(1, "holding", 90, 1)
    assert state.probe_before(read_request(1, "holding", 5, 1)) is None


def test_two_devices_at_one_unit_get_the_longer_pause_of_each() -> None:
    both = Pacing(0.1, 0.5, 0.0, 1.0).and_also(Pacing(0.2, 0.0, 5.0, 0.5, discard_first_read=True))
    assert both == Pacing(0.2, 0.5, 5.0, 1.0, discard_first_read=True)
    assert Pacing(idle_close_s=60).and_also(Pacing()).idle_close_s == 60
    assert Pacing(idle_close_s=60).and_also(Pacing(idle_close_s=30)).idle_close_s == 30
