"""The small cloud of the demo applies every event once and in order, or says what it lacks."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baywarden_config.demo.inbox import Inbox, Missing, Taken, numbered


def body(seq: int) -> bytes:
    return f"event {seq}".encode()


def offered(inbox: Inbox, *numbers: int, epoch: int = 1) -> list[Taken]:
    return [inbox.offer(epoch, seq, body(seq)) for seq in numbers]


def test_the_next_event_is_applied_at_once() -> None:
    assert offered(Inbox("booking"), 1, 2) == [Taken((body(1),)), Taken((body(2),))]


def test_an_event_after_a_hole_waits_and_names_the_hole() -> None:
    inbox = Inbox("booking")
    assert offered(inbox, 1, 4)[1] == Taken((), Missing("booking", 1, 2, 3))
    assert inbox.gaps == 2


def test_the_first_event_of_all_may_be_the_one_that_is_missing() -> None:
    assert offered(Inbox("booking"), 3)[0].missing == Missing("booking", 1, 1, 2)


def test_a_filled_hole_applies_what_waited_in_order() -> None:
    inbox = Inbox("booking")
    offered(inbox, 1, 4, 3)
    assert inbox.offer(1, 2, body(2)) == Taken((body(2), body(3), body(4)))
    assert (inbox.gaps, inbox.last_seq, inbox.held) == (0, 4, {})


def test_a_repeat_is_counted_and_dropped() -> None:
    inbox = Inbox("booking")
    assert offered(inbox, 1, 1, 3, 3)[1::2] == [Taken(), Taken()]
    assert (inbox.duplicates, inbox.altered, inbox.applied, inbox.held) == (2, 0, {1: body(1)}, {3: body(3)})


def test_a_repeat_with_other_bytes_is_noticed_and_changes_nothing() -> None:
    inbox = Inbox("booking")
    offered(inbox, 1)
    inbox.offer(1, 1, b"something else")
    assert inbox.altered == 1
    assert inbox.applied == {1: body(1)}


def test_a_new_epoch_begins_at_one_again_and_the_old_one_is_over() -> None:
    inbox = Inbox("booking")
    offered(inbox, 1, 2)
    assert inbox.offer(2, 1, b"new") == Taken((b"new",))
    assert inbox.offer(1, 3, b"old") == Taken()
    assert (inbox.epoch, inbox.last_seq, inbox.stale) == (2, 1, 1)


@pytest.mark.parametrize(
    ("delivered", "last_seq", "lacking"),
    [
        ((1, 2), 2, None),
        ((1, 2), 5, Missing("booking", 1, 3, 5)),
        ((), 2, Missing("booking", 1, 1, 2)),
        ((1, 4), 9, Missing("booking", 1, 2, 3)),
        ((1, 2), 1, None),
    ],
)
def test_the_sites_own_count_shows_a_missing_tail(
    delivered: tuple[int, ...], last_seq: int, lacking: Missing | None
) -> None:
    inbox = Inbox("booking")
    offered(inbox, *delivered)
    assert inbox.expect(1, last_seq) == lacking


@given(st.permutations(range(1, 9)), st.lists(st.integers(1, 8), max_size=8))
def test_any_order_and_any_repeats_give_the_same_history(order: list[int], repeats: list[int]) -> None:
    inbox = Inbox("booking")
    applied = [payload for taken in offered(inbox, *order, *repeats) for payload in taken.applied]
    assert applied == [body(seq) for seq in range(1, 9)]
    assert (inbox.gaps, inbox.duplicates, inbox.altered) == (0, len(repeats), 0)


@given(st.sets(st.integers(1, 20), min_size=1))
def test_gaps_count_exactly_the_numbers_that_never_came(came: set[int]) -> None:
    inbox = Inbox("booking")
    offered(inbox, *came)
    assert inbox.gaps == len(set(range(1, max(came) + 1)) - came)


def test_an_event_tells_its_number() -> None:
    payload = json.dumps({"sequence": "0000000002.0000000000000042"}).encode()
    assert numbered(payload)[:2] == (2, 42)


@pytest.mark.parametrize("payload", [b"", b"[]", b"{}", b'{"sequence": 7}', b'{"sequence": "7"}', b"\xff"])
def test_what_is_no_event_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError):
        numbered(payload)
