"""Every state with every event: a move of the table, or an error that names both halves."""

from datetime import UTC, datetime
from itertools import product

import pytest

from baywarden.model.booking import Booking, BookingPhase, BookingStatus
from baywarden.model.session import SessionStatus
from baywarden.policy import booking_states, session_states
from baywarden.policy.booking_states import BookingEvent, BookingState, moved, state_of
from baywarden.policy.moves import NoMove, move
from baywarden.policy.session_states import SessionEvent

AT = datetime(2026, 6, 15, 9, tzinfo=UTC)
LATER = datetime(2026, 6, 15, 10, tzinfo=UTC)
STATES: list[BookingState] = [*BookingPhase, *BookingStatus]


def a_booking(state: BookingState) -> Booking:
    status = BookingStatus.RESERVED if isinstance(state, BookingPhase) else state
    phase = state if isinstance(state, BookingPhase) else None
    return Booking("k", "b1", LATER, LATER.replace(hour=11), "T", status, AT, AT, phase=phase)


@pytest.mark.parametrize(("state", "event"), list(product(STATES, BookingEvent)))
def test_each_booking_state_meets_each_event_by_the_table_or_by_an_error(
    state: BookingState, event: BookingEvent
) -> None:
    booking = a_booking(state)
    target = booking_states.MOVES.get((state_of(booking), event))
    if target is None:
        with pytest.raises(NoMove, match=f"{state_of(booking).name}.*{event.name}"):
            moved(booking, event, LATER)
        return
    after = moved(booking, event, LATER)
    assert state_of(after) is target
    assert (after.rev, after.changed_at) == (booking.rev + 1, LATER)
    assert (after.phase is None) == after.status.is_final


def test_nothing_moves_a_final_booking() -> None:
    final = {status for status in BookingStatus if status.is_final}
    assert not [pair for pair in booking_states.MOVES if pair[0] in final]


def test_only_a_kept_hold_can_become_a_no_show_or_be_fulfilled() -> None:
    ends = {
        state
        for (state, _), target in booking_states.MOVES.items()
        if target in (BookingStatus.NO_SHOW, BookingStatus.FULFILLED)
    }
    assert ends == {BookingPhase.HOLDING, BookingPhase.CONFLICT}
    assert (BookingPhase.CONFLICT, BookingEvent.TIME_UP) not in booking_states.MOVES


def test_every_state_has_its_sentence() -> None:
    assert set(booking_states.MEANING) == set(STATES)
    assert set(session_states.MEANING) == set(SessionStatus)
    sentences = [*booking_states.MEANING.values(), *session_states.MEANING.values()]
    assert all(sentence.endswith(".") for sentence in sentences)


@pytest.mark.parametrize(("state", "event"), list(product(SessionStatus, SessionEvent)))
def test_each_session_state_meets_each_event_by_the_table_or_by_an_error(
    state: SessionStatus, event: SessionEvent
) -> None:
    target = session_states.MOVES.get((state, event))
    if target is None:
        with pytest.raises(NoMove, match=f"{state.name}.*{event.name}"):
            move(session_states.MOVES, state, event)
    else:
        assert move(session_states.MOVES, state, event) is target


def test_a_completed_session_stays_so() -> None:
    assert not [pair for pair in session_states.MOVES if pair[0] is SessionStatus.COMPLETED]
