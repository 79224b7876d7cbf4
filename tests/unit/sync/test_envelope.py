"""The envelope is a contract: these bytes may never change for the same event."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baywarden.model.event import EventDraft, Stream
from baywarden.sync import renderer
from baywarden.sync.envelope import rfc3339

AT = datetime(2026, 6, 15, 9, 0, 0, 250_000, tzinfo=UTC)
RECORDED_AT = datetime(2026, 6, 15, 9, 0, 1, tzinfo=UTC)
DRAFT = EventDraft(
    Stream.BOOKING,
    "booking.changed.v1",
    "booking/b-1",
    AT,
    {"booking_id": "b-1", "note": "Süd"},
    "S",
    "boot-1",
)


def test_an_event_is_rendered_exactly_so() -> None:
    assert renderer("site-1")(DRAFT, 3, 42, RECORDED_AT).decode() == (
        '{"specversion":"1.0","id":"3-42","source":"/sites/site-1/booking","type":"io.baywarden.booking.changed.v1",'
        '"subject":"booking/b-1","time":"2026-06-15T09:00:00.250000Z","recordedtime":"2026-06-15T09:00:01Z",'
        '"sequence":"0000000003.0000000000000042","dataschema":"urn:baywarden:event:booking.changed:1.0",'
        '"datacontenttype":"application/json","bootid":"boot-1","clockq":"S",'
        '"data":{"booking_id":"b-1","note":"Süd"}}'
    )


def test_an_event_made_while_the_cloud_was_away_says_so() -> None:
    assert (
        json.loads(renderer("site-1", is_offline=lambda: True)(DRAFT, 1, 1, RECORDED_AT))["offline"] is True
    )
    assert "offline" not in json.loads(renderer("site-1")(DRAFT, 1, 1, RECORDED_AT))


@given(
    st.tuples(st.integers(0, 10**10 - 1), st.integers(1, 10**16 - 1)),
    st.tuples(st.integers(0, 10**10 - 1), st.integers(1, 10**16 - 1)),
)
def test_sequences_sort_as_text_like_their_numbers(one: tuple[int, int], other: tuple[int, int]) -> None:
    texts = [json.loads(renderer("s")(DRAFT, *number, RECORDED_AT))["sequence"] for number in (one, other)]
    assert (texts[0] < texts[1]) == (one < other)


def test_times_are_told_in_utc_and_never_without_a_zone() -> None:
    assert rfc3339(AT.astimezone(timezone(timedelta(hours=2)))) == "2026-06-15T09:00:00.250000Z"
    with pytest.raises(ValueError, match="no time zone"):
        rfc3339(datetime(2026, 6, 15))  # noqa: DTZ001 (what is refused)


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        renderer("site-1")(replace(DRAFT, data={"power_w": float("nan")}), 1, 1, RECORDED_AT)
