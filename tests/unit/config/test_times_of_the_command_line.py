"""Times and durations as people type them."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from baywarden_config.errors import WrongUse
from baywarden_config.times import moment, rfc3339, shown, span_s

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 6, 15, 9, 0, tzinfo=UTC)


def never() -> datetime:
    raise AssertionError("a full time needs no clock")


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine's zone is Berlin for one test."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90m", 5400), ("1h30m", 5400), ("45s", 45), ("2d", 172_800), ("1d1h1m1s", 90_061), ("0m", 0)],
)
def test_a_duration_is_read_by_its_units(text: str, seconds: int) -> None:
    assert span_s(text) == seconds


@pytest.mark.parametrize("text", ["", "90", "m", "1.5h", "-5m", "5m1h", "1 h", "3654d", "9999999999999999d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(WrongUse):
        span_s(text)


def test_a_moment_may_be_counted_from_now() -> None:
    assert moment("now", lambda: NOW) == NOW
    assert moment("+90m", lambda: NOW) == NOW + timedelta(minutes=90)


@pytest.mark.parametrize("text", ["2026-06-15T14:30:00+02:00", "2026-06-15T12:30Z", "20260615T123000Z"])
def test_a_full_time_is_taken_by_its_own_zone(text: str) -> None:
    at = moment(text, never)
    assert at == datetime(2026, 6, 15, 12, 30, tzinfo=UTC)
    assert rfc3339(at) == "2026-06-15T12:30:00Z"


def test_a_time_without_a_zone_is_refused_rather_than_guessed() -> None:
    with pytest.raises(WrongUse, match="does not say its zone"):
        moment("2026-06-15T14:30:00", never)


@pytest.mark.parametrize(
    ("text", "at"),
    [("14:30", "2026-06-15T12:30:00Z"), ("11:00", "2026-06-15T09:00:00Z"), ("9:15", "2026-06-16T07:15:00Z")],
)
def test_a_wall_clock_time_is_the_next_one_at_the_site(text: str, at: str) -> None:
    assert rfc3339(moment(text, lambda: NOW.astimezone(BERLIN))) == at


def test_a_wall_clock_time_of_tomorrow_follows_the_change_to_winter_time() -> None:
    evening = datetime(2026, 10, 24, 21, 0, tzinfo=UTC).astimezone(BERLIN)
    assert rfc3339(moment("12:00", lambda: evening)) == "2026-10-25T11:00:00Z"


def test_a_wall_clock_time_is_refused_where_the_zone_of_the_site_is_not_known() -> None:
    with pytest.raises(WrongUse, match="does not tell its time zone"):
        moment("14:30", lambda: NOW)


@pytest.mark.usefixtures("berlin")
def test_a_moment_is_shown_in_utc_or_in_this_machines_zone() -> None:
    assert shown("2026-06-15T12:30:00.123456Z") == "2026-06-15 12:30:00Z"
    assert shown("2026-06-15T14:30:00+02:00") == "2026-06-15 12:30:00Z"
    assert shown("2026-06-15T12:30:00Z", local=True) == "2026-06-15 14:30:00+02:00"


def test_no_moment_is_a_dash_and_a_strange_one_is_shown_as_it_came() -> None:
    assert shown(None) == "-"
    assert shown("soon") == "soon"
