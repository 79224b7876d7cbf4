"""What the cloud is told of each effect, and what it is not told."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from baywarden.model.booking import Booking, BookingPhase, BookingStatus
from baywarden.model.event import EventDraft, Stream
from baywarden.model.evse import Availability, EvseStatus
from baywarden.model.notice import Notice, NoticeKind
from baywarden.model.overstay import (
    Basis,
    BreakdownLine,
    ClockState,
    OverstayPolicy,
    Penalty,
    PenaltyKind,
    PenaltyStatus,
    Segment,
)
from baywarden.model.session import MeterContext, MeterSample, Session, SessionStatus
from baywarden.model.step import (
    BookingChanged,
    Effect,
    MeterSampled,
    NoticeRaised,
    PenaltyChanged,
    SessionChanged,
    StatusChanged,
)
from baywarden.model.time import ClockQuality, Now
from baywarden.policy.overstay import assess
from baywarden.sync import draft_of
from baywarden.sync.drafts import amount_of, token_end
from baywarden.sync.payloads import SCHEMAS

AT = datetime(2026, 6, 15, 9, tzinfo=UTC)
NOW = Now(AT + timedelta(minutes=1), 1_000_000, "boot-1", ClockQuality.RELATIVE)
TOKEN = "04A1B2C3D4"
POLICY = OverstayPolicy("idle", "EUR", "Europe/Berlin", Basis.CHARGE_END, Decimal("0.10"), grace_s=600)
SEGMENTS = (
    Segment(ClockState.CHARGING, AT, 3_600_000),
    Segment(ClockState.SUSPENDED_EV, AT + timedelta(hours=1, microseconds=7), 1_834_567, 50),
)
SESSION = Session(
    id="s-1",
    evse_id="bay-1",
    status=SessionStatus.ACTIVE,
    started_at=AT,
    boot_id="boot-1",
    open_state=ClockState.CHARGING,
    open_from_at=AT,
    open_from_mono_ms=5,
    token=TOKEN,
    policy=POLICY,
    segments=SEGMENTS,
)
BOOKING = Booking(
    "b-1",
    "bay-1",
    AT,
    AT + timedelta(hours=1),
    TOKEN,
    BookingStatus.RESERVED,
    AT,
    AT,
    2,
    BookingPhase.HOLDING,
)
STATUS = EvseStatus("bay-1", Availability.OCCUPIED, "charging", AT, session_id="s-1")
SAMPLE = MeterSample("s-1", "bay-1", AT, MeterContext.SAMPLE_CLOCK, 12_345, 345, None)


def penalty(**changes: Any) -> Penalty:
    assessed = assess(POLICY, SEGMENTS)
    fields: dict[str, Any] = {
        "id": "p-1",
        "kind": PenaltyKind.OVERSTAY,
        "status": PenaltyStatus.FINAL,
        "evse_id": "bay-1",
        "amount_minor": assessed.amount_minor,
        "currency": "EUR",
        "minor_digits": 2,
        "from_at": AT,
        "to_at": AT,
        "changed_at": AT,
        "token": TOKEN,
        "policy_id": "idle",
        "policy_version": 1,
        "billable_s": assessed.billable_s,
        "billed_s": assessed.billed_s,
        "breakdown": assessed.breakdown,
        "evidence": SEGMENTS,
    }
    return Penalty(**(fields | changes))


def notice(**changes: Any) -> Notice:
    fields: dict[str, Any] = {
        "key": "s-1/OVERSTAY_STARTED",
        "kind": NoticeKind.OVERSTAY_STARTED,
        "at": AT,
        "evse_id": "bay-1",
        "text": f"Token {TOKEN} pays from now on.",
        "token": TOKEN,
        "session_id": "s-1",
        "amount_minor": 5,
        "currency": "EUR",
    }
    return Notice(**(fields | changes))


def told(effect: Effect, **options: Any) -> EventDraft:
    draft = draft_of(effect, NOW, **options)
    assert draft is not None
    return draft


@pytest.mark.parametrize(
    ("effect", "event_type", "subject", "at"),
    [
        (StatusChanged(STATUS), "status.changed.v1", "evse/bay-1", NOW.at),
        (SessionChanged(SESSION), "session.changed.v1", "session/s-1", NOW.at),
        (MeterSampled(SAMPLE), "meter.sampled.v1", "session/s-1", AT),
        (BookingChanged(BOOKING), "booking.changed.v1", "booking/b-1", AT),
        (PenaltyChanged(penalty()), "penalty.changed.v1", "penalty/p-1", AT),
        (NoticeRaised(notice()), "notice.raised.v1", "session/s-1", AT),
    ],
)
def test_each_effect_has_its_event(effect: Effect, event_type: str, subject: str, at: datetime) -> None:
    draft = told(effect)
    assert (draft.type, draft.subject, draft.at) == (event_type, subject, at)
    assert (draft.clock_quality, draft.boot_id) == ("R", "boot-1")
    schema = SCHEMAS[event_type]
    assert draft.stream is schema.stream
    assert schema.payload.model_validate(draft.data).model_dump(mode="json") == draft.data


def test_every_stream_has_a_schema_whose_fields_are_explained_or_plain() -> None:
    assert {schema.stream for schema in SCHEMAS.values()} == set(Stream)
    for schema in SCHEMAS.values():
        assert schema.payload.model_json_schema()["description"]


def test_bookkeeping_of_a_session_is_not_told() -> None:
    assert draft_of(SessionChanged(SESSION, public=False), NOW) is None


def test_a_session_is_told_without_its_inner_timeline() -> None:
    data = told(SessionChanged(SESSION)).data
    assert not {"segments", "open_from_mono_ms", "low_since_mono_ms", "boot_id"} & set(data)
    assert (data["token"], data["policy_id"], data["policy_version"]) == (TOKEN, "idle", 1)


def test_an_unknown_power_is_null_and_not_zero() -> None:
    assert told(MeterSampled(SAMPLE)).data["power_w"] is None


def test_a_penalty_can_be_computed_again_from_what_was_told_and_its_policy() -> None:
    data = told(PenaltyChanged(penalty())).data
    segments = [
        Segment(
            ClockState(line["state"]),
            datetime.fromisoformat(line["from_at"]),
            line["duration_ms"],
            line["occupancy_pct"],
        )
        for line in data["evidence"]["segments"]
    ]
    again = assess(POLICY, segments)
    assert again.amount_minor == data["amount_minor"] > 0
    assert amount_of(again.amount_minor, 2) == data["amount"]
    breakdown = tuple(
        BreakdownLine(
            datetime.fromisoformat(line["from_at"]),
            datetime.fromisoformat(line["to_at"]),
            line["seconds"],
            Decimal(line["multiplier"]),
            line["reason"],
        )
        for line in data["breakdown"]
    )
    assert breakdown == again.breakdown


@pytest.mark.parametrize(
    ("amount_minor", "digits", "text"),
    [
        (1234, 2, "12.34"),
        (5, 2, "0.05"),
        (0, 2, "0.00"),
        (700, 0, "700"),
        (0, 8, "0.00000000"),
        (-50, 2, "-0.50"),
    ],
)
def test_amounts_are_exact_text_with_all_digits(amount_minor: int, digits: int, text: str) -> None:
    assert amount_of(amount_minor, digits) == text


def test_a_notice_never_carries_the_token() -> None:
    draft = told(NoticeRaised(notice()))
    assert TOKEN not in str(draft)
    assert draft.data["token_end"] == "C3D4"
    assert draft.data["text"] == "Token ...C3D4 pays from now on."


def test_a_short_token_is_not_told_at_all() -> None:
    assert token_end("1234567") is None
    assert token_end("12345678") == "5678"
    assert token_end(None) is None


def test_a_notice_tells_its_amount_in_the_sites_currency() -> None:
    assert told(NoticeRaised(notice())).data["amount"] == "0.05"
    assert told(NoticeRaised(notice()), minor_digits=0).data["amount"] == "5"
    assert told(NoticeRaised(notice(amount_minor=None))).data["amount"] is None
