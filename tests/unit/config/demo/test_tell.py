"""The story's sentences: each change once, late ones with their own time."""

from datetime import UTC, datetime, timedelta
from typing import Any

from baywarden_config.demo.cloud import News
from baywarden_config.demo.tell import Teller

NINE = datetime(2026, 6, 15, 9, tzinfo=UTC)


def booking(status: str, phase: str | None = None) -> News:
    data: dict[str, Any] = {
        "booking_id": "kept",
        "evse_id": "bay-4",
        "status": status,
        "phase": phase,
        "start_at": "2026-06-15T09:07:00Z",
        "end_at": "2026-06-15T09:27:00Z",
    }
    return News("booking", "io.baywarden.booking.changed.v1", NINE, data)


def test_a_booking_is_told_in_local_time_and_under_its_label() -> None:
    assert Teller().sentence(booking("RESERVED", "SCHEDULED"), NINE) == (
        "booking kept: Bay 4 from 11:07:00 to 11:27:00"
    )


def test_the_same_state_is_told_once_and_the_next_one_again() -> None:
    teller = Teller()
    told = [
        teller.sentence(news, NINE) for news in (booking("NO_SHOW"), booking("NO_SHOW"), booking("FULFILLED"))
    ]
    assert told == [
        "booking kept: nobody came: a no-show",
        None,
        "booking kept: the driver came to Bay 4, booking kept",
    ]


def test_news_that_waited_for_the_broker_says_when_it_happened() -> None:
    text = Teller().sentence(booking("NO_SHOW"), NINE + timedelta(minutes=5))
    assert text == "booking kept: nobody came: a no-show (happened at 11:00:00)"


def test_a_fee_is_told_with_its_amount() -> None:
    data = {
        "penalty_id": "p",
        "evse_id": "bay-2",
        "status": "FINAL",
        "kind": "NO_SHOW",
        "amount": "5.00",
        "currency": "EUR",
    }
    assert Teller().sentence(News("penalty", "", NINE, data), NINE) == "Bay 2: no-show fee 5.00 EUR"


def test_meter_readings_and_statuses_are_not_worth_a_line() -> None:
    assert Teller().sentence(News("meter", "", NINE, {}), NINE) is None
    assert Teller().sentence(News("status", "", NINE, {}), NINE) is None
