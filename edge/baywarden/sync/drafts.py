"""From a rule's effect to the event that tells the cloud."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from baywarden.model.access import AccessDecision
from baywarden.model.booking import Booking
from baywarden.model.event import EventDraft
from baywarden.model.evse import EvseStatus
from baywarden.model.notice import Notice
from baywarden.model.overstay import BreakdownLine, Penalty
from baywarden.model.session import MeterSample, Session
from baywarden.model.step import (
    AccessDecided,
    BookingChanged,
    Effect,
    MeterSampled,
    NoticeRaised,
    PenaltyChanged,
    SessionChanged,
    StatusChanged,
    TokensChanged,
)
from baywarden.model.time import Now
from baywarden.model.token import TokenChange
from baywarden.policy.session_phase import phase_of
from baywarden.sync.payloads import (
    SCHEMAS,
    AccessPayload,
    BookingPayload,
    BreakdownPayload,
    EvidencePayload,
    MeterPayload,
    NoticePayload,
    Payload,
    PenaltyPayload,
    SegmentPayload,
    SessionPayload,
    StatusPayload,
    TokensPayload,
)


def draft_of(effect: Effect, now: Now, *, minor_digits: int = 2) -> EventDraft | None:
    """The event of an effect; None for what is not told. `minor_digits` are those of the site's currency."""
    match effect:
        case StatusChanged(status):
            return _draft("status.changed.v1", f"evse/{status.evse_id}", now.at, status_payload(status), now)
        case SessionChanged(session, public):
            told = _draft("session.changed.v1", f"session/{session.id}", now.at, _session(session), now)
            return told if public else None
        case MeterSampled(sample):
            return _draft("meter.sampled.v1", f"session/{sample.session_id}", sample.at, _meter(sample), now)
        case BookingChanged(booking):
            subject = f"booking/{booking.id}"
            return _draft("booking.changed.v1", subject, booking.changed_at, _booking(booking), now)
        case PenaltyChanged(penalty):
            subject = f"penalty/{penalty.id}"
            return _draft("penalty.changed.v1", subject, penalty.changed_at, _penalty(penalty), now)
        case NoticeRaised(notice):
            payload = _notice(notice, minor_digits)
            return _draft("notice.raised.v1", _notice_subject(notice), notice.at, payload, now)
        case AccessDecided(decision):
            subject = f"evse/{decision.evse_id}"
            return _draft("access.decided.v1", subject, decision.at, _access(decision), now)
        case TokensChanged(change):
            return _draft("tokens.changed.v1", "tokens", now.at, _tokens(change), now)


def amount_of(amount_minor: int, minor_digits: int) -> str:
    """1230 and 2 -> "12.30", exactly and with all digits."""
    return format(Decimal(amount_minor).scaleb(-minor_digits), "f")


def token_end(token: str | None) -> str | None:
    """The last four characters; None for a token so short that they would tell most of it."""
    return token[-4:] if token and len(token) >= 8 else None


def status_payload(status: EvseStatus) -> StatusPayload:
    """Also the core of the retained status document."""
    return StatusPayload.model_validate(status)


def payload_of(record: Booking | Session | Penalty) -> Payload:
    """The whole of a record, as its events tell it."""
    match record:
        case Booking():
            return _booking(record)
        case Session():
            return _session(record)
        case Penalty():
            return _penalty(record)


def _draft(event_type: str, subject: str, at: datetime, payload: Payload, now: Now) -> EventDraft:
    data: dict[str, Any] = payload.model_dump(mode="json")
    return EventDraft(
        SCHEMAS[event_type].stream, event_type, subject, at, data, now.quality.value, now.boot_id
    )


def _session(session: Session) -> SessionPayload:
    return SessionPayload(
        session_id=session.id,
        rev=session.rev,
        evse_id=session.evse_id,
        status=session.status,
        started_at=session.started_at,
        ended_at=session.ended_at,
        state=session.open_state,
        charge_ended_at=session.charge_ended_at,
        energy_wh=session.energy_wh,
        energy_suspect=session.energy_suspect,
        start_register_wh=session.start_register_wh,
        register_wh=session.register_wh,
        booking_id=session.booking_id,
        token=session.token,
        policy_id=session.policy.id if session.policy else None,
        policy_version=session.policy.version if session.policy else None,
        stop_reason=session.stop_reason,
        penalty_id=session.penalty_id,
        withheld=session.withheld,
        token_group=session.token_group,
        right=session.right,
        phase=phase_of(session),
        booking_end_at=session.booking_end_at,
    )


def _access(decision: AccessDecision) -> AccessPayload:
    return AccessPayload(
        evse_id=decision.evse_id,
        at=decision.at,
        door=decision.door,
        how=decision.how,
        granted=decision.reason is None,
        reason=decision.reason,
        token_end=token_end(decision.token),
        session_id=decision.session_id,
        booking_id=decision.booking_id,
    )


def _tokens(change: TokenChange) -> TokensPayload:
    head = change.head
    return TokensPayload(
        revision=head.revision,
        count=head.count,
        put=len(change.put),
        removed=len(change.removed),
        coming_revision=head.coming_revision,
        coming_parts=head.got,
    )


def _meter(sample: MeterSample) -> MeterPayload:
    return MeterPayload.model_validate(sample)


def _booking(booking: Booking) -> BookingPayload:
    return BookingPayload(
        booking_id=booking.id,
        rev=booking.rev,
        evse_id=booking.evse_id,
        status=booking.status,
        phase=booking.phase,
        start_at=booking.start_at,
        end_at=booking.end_at,
        token=booking.token,
        power_w=booking.power_w,
        created_at=booking.created_at,
        changed_at=booking.changed_at,
        reason=booking.reason,
        canceled_reason=booking.canceled_reason,
        canceled_by=booking.canceled_by,
        session_id=booking.session_id,
        group=booking.group,
        connector_type=booking.connector_type,
    )


def _breakdown(line: BreakdownLine) -> BreakdownPayload:
    return BreakdownPayload(
        from_at=line.from_at,
        to_at=line.to_at,
        seconds=line.seconds,
        multiplier=format(line.multiplier, "f"),
        reason=line.reason,
    )


def _penalty(penalty: Penalty) -> PenaltyPayload:
    segments = tuple(SegmentPayload.model_validate(segment) for segment in penalty.evidence)
    return PenaltyPayload(
        penalty_id=penalty.id,
        rev=penalty.rev,
        kind=penalty.kind,
        status=penalty.status,
        evse_id=penalty.evse_id,
        session_id=penalty.session_id,
        booking_id=penalty.booking_id,
        token=penalty.token,
        amount=amount_of(penalty.amount_minor, penalty.minor_digits),
        amount_minor=penalty.amount_minor,
        currency=penalty.currency,
        from_at=penalty.from_at,
        to_at=penalty.to_at,
        changed_at=penalty.changed_at,
        billable_s=penalty.billable_s,
        billed_s=penalty.billed_s,
        capped=penalty.capped,
        policy_id=penalty.policy_id,
        policy_version=penalty.policy_version,
        clock_quality=penalty.clock_quality,
        breakdown=tuple(_breakdown(line) for line in penalty.breakdown),
        evidence=EvidencePayload(segments=segments, booking_end_at=penalty.booking_end_at),
    )


def _notice(notice: Notice, minor_digits: int) -> NoticePayload:
    end = token_end(notice.token)
    text = notice.text.replace(notice.token, f"...{end or ''}") if notice.token else notice.text
    amount_minor = notice.amount_minor
    return NoticePayload(
        key=notice.key,
        kind=notice.kind,
        at=notice.at,
        evse_id=notice.evse_id,
        text=text,
        token_end=end,
        booking_id=notice.booking_id,
        session_id=notice.session_id,
        amount=None if amount_minor is None else amount_of(amount_minor, minor_digits),
        amount_minor=amount_minor,
        currency=notice.currency,
    )


def _notice_subject(notice: Notice) -> str:
    if notice.session_id:
        return f"session/{notice.session_id}"
    return f"booking/{notice.booking_id}" if notice.booking_id else f"evse/{notice.evse_id}"
