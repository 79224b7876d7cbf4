"""What is kept comes back exactly."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baywarden.model.booking import Booking
from baywarden.model.command import Reply, Result
from baywarden.model.evse import EvseState
from baywarden.model.notice import Notice
from baywarden.model.overstay import Penalty
from baywarden.model.session import MeterSample, Session
from baywarden.model.site import Anchor
from baywarden.ports.store import StoreDamaged
from baywarden.store.codec import check_sum, decode, encode, from_us, to_us
from baywarden.store.tables import bare, intact
from support.books import booking, evse
from support.made_up import MOMENTS, made_up

MODELS = (Anchor, Booking, EvseState, MeterSample, Notice, Penalty, Reply, Session)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(data=st.data())
def test_every_record_of_the_model_comes_back_equal(model: type, data: st.DataObject) -> None:
    record: Any = data.draw(made_up(model))
    body = encode(record)
    again: Any = decode(model, body)
    assert again == record
    assert encode(again) == body or isinstance(record, EvseState | Session)  # sets have no order


@given(at=MOMENTS)
def test_a_moment_in_microseconds_comes_back_equal(at: datetime) -> None:
    assert from_us(to_us(at)) == at


def test_moments_in_microseconds_sort_as_moments_do() -> None:
    at = datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert to_us(at) < to_us(at + timedelta(microseconds=1)) < to_us(at + timedelta(seconds=1))


def test_data_that_cannot_be_changed_is_kept_like_any_other() -> None:
    reply = Reply(
        "c-1", Result.ACCEPTED, data=MappingProxyType({"slots": [MappingProxyType({"evse_id": "bay-1"})]})
    )
    assert decode(Reply, encode(reply)).data == {"slots": [{"evse_id": "bay-1"}]}


@pytest.mark.parametrize(
    "record", [Reply("c-1", Result.ACCEPTED, data={"x": object()}), booking(power_w="11"), booking(rev=1.5)]
)
def test_a_record_that_would_not_come_back_is_not_written(record: object) -> None:
    with pytest.raises(ValueError, match=r"(?i)serializ"):
        encode(record)


@pytest.mark.parametrize("body", ["", "{}", "[]", '{"id": 7}', "\x00"])
def test_garbage_is_damage_and_never_a_record(body: str) -> None:
    with pytest.raises(StoreDamaged, match="a stored booking cannot be read"):
        decode(Booking, body)


def test_a_body_that_changed_by_one_bit_is_damage() -> None:
    body = encode(booking())
    changed = body.replace(b"11000", b"11001")
    with pytest.raises(StoreDamaged, match="check sum"):
        intact(Booking, changed.decode(), check_sum(body))


def test_an_outlet_is_kept_without_what_has_a_table_of_its_own() -> None:
    assert bare(replace(evse(), bookings=(booking(),))) == evse()
