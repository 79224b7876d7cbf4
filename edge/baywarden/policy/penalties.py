"""Penalties: overstay as the policy assesses it, and the fee of a holder who did not come."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from baywarden.model.booking import Booking, BookingStatus
from baywarden.model.evse import EvseState
from baywarden.model.overstay import Assessment, OverstayPolicy, Penalty, PenaltyKind, PenaltyStatus, Segment
from baywarden.model.session import Session, SessionStatus
from baywarden.model.site import SiteRules
from baywarden.model.time import Now
from baywarden.policy.bookings import unfit_key
from baywarden.policy.holds import limit_at, noshow_fee_minor
from baywarden.policy.overstay import assess
from baywarden.policy.scene import Scene
from baywarden.policy.tally import BILLED
from baywarden.policy.timeline import up_to

SLEW: Final = timedelta(seconds=2)
"""Less is a clock being disciplined, more is one being set (DOMAIN 6)."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What a session owes so far, with the timeline from which anyone can work it out again."""

    policy: OverstayPolicy
    evidence: tuple[Segment, ...]
    due: Assessment
    booking_end_at: datetime | None


def charge(evse: EvseState, scene: Scene) -> tuple[EvseState, Bill | None]:
    """Assess the session and keep its penalty in step: told at first, each minute, at the cap, at the end."""
    session = evse.session
    if session is None or session.policy is None:
        return evse, None
    if session.status is SessionStatus.COMPLETED:
        bill = _last_bill(evse, session, session.policy)
        return _finished(evse, session, bill, scene.now), bill
    bill = _bill(session, session.policy, scene)
    if not scene.now.trusted or not _is_worth_telling(evse.penalty, bill, scene.now):
        return evse, bill
    penalty = _penalty(evse, session, bill, PenaltyStatus.ACCRUING, scene.now)
    # What was told must stand after a power cut, so the session is kept as heard up to the same moment.
    session = replace(session, penalty_id=penalty.id, seen_mono_ms=_heard(session, scene))
    return replace(evse, penalty=penalty, session=session), bill


def finished(evse: EvseState, now: Now) -> EvseState:
    """With the penalty of a completed session made final."""
    session = evse.session
    if session is None or session.policy is None:
        return evse
    return _finished(evse, session, _last_bill(evse, session, session.policy), now)


def no_shows(evse: EvseState, scene: Scene) -> Iterator[Penalty]:
    """The fees of those who did not come although the outlet was kept for them all the time."""
    for booking in evse.bookings:
        if booking.status is not BookingStatus.NO_SHOW or unfit_key(booking) in evse.raised:
            continue
        if noshow_fee_minor(booking, scene.terms) > 0:
            yield _no_show(booking, scene)


def flat_fee(
    booking: Booking,
    kind: PenaltyKind,
    amount_minor: int,
    *,
    span: tuple[datetime, datetime],
    rules: SiteRules,
    now: Now,
) -> Penalty:
    """A fee for a booking that was not used; one of each kind a booking."""
    return Penalty(
        id=f"{booking.id}-{kind.value.lower().replace('_', '-')}",
        kind=kind,
        status=PenaltyStatus.FINAL,
        evse_id=booking.evse_id,
        amount_minor=amount_minor,
        currency=rules.currency,
        minor_digits=rules.minor_digits,
        from_at=span[0],
        to_at=span[1],
        changed_at=now.at,
        booking_id=booking.id,
        token=booking.token,
        clock_quality=now.quality.value,
    )


def next_due(evse: EvseState, bill: Bill | None, now: Now) -> datetime | None:
    """When the amount grows next, or a warning is due; never more than once a minute once it is told."""
    if bill is None or not now.trusted:
        return None
    edges = []
    if bill.due.next_change_at is not None:
        grows_at = bill.due.next_change_at
        told_again_at = grows_at if evse.penalty is None else _minute_after(grows_at, evse.penalty)
        edges.append(max(told_again_at, now.at + timedelta(milliseconds=1)))
    if bill.due.starts_billing_at is not None:
        for ahead_s in bill.policy.notify_before_s:
            edges.append(bill.due.starts_billing_at - timedelta(seconds=ahead_s))
    return min((edge for edge in edges if edge > now.at), default=None)


def _bill(session: Session, policy: OverstayPolicy, scene: Scene) -> Bill:
    """Time counts up to where the outlet was heard: what is not known yet is not billed yet."""
    heard = _heard(session, scene)
    evidence = up_to(session, heard)
    due = assess(policy, evidence, session.booking_end_at)
    slip = scene.now.in_ms(heard) - _end_of(evidence)
    return Bill(policy, evidence, _told_by(due, slip), session.booking_end_at)


def _last_bill(evse: EvseState, session: Session, policy: OverstayPolicy) -> Bill:
    """Of all the session. What was told stands: a booking that was claimed after it does not undo it."""
    bill = _billed(policy, session.segments, session.booking_end_at)
    told = evse.penalty
    if told is None or not _is_undone(told, bill):
        return bill
    return _billed(policy, told.evidence, told.booking_end_at)


def _is_undone(told: Penalty, bill: Bill) -> bool:
    """Whether a booking that came after it would make it less."""
    return told.booking_end_at != bill.booking_end_at and bill.due.amount_minor < told.amount_minor


def _billed(policy: OverstayPolicy, evidence: tuple[Segment, ...], booking_end_at: datetime | None) -> Bill:
    return Bill(policy, evidence, assess(policy, evidence, booking_end_at), booking_end_at)


def _end_of(evidence: tuple[Segment, ...]) -> datetime:
    return evidence[-1].from_at + timedelta(milliseconds=evidence[-1].duration_ms)


def _told_by(due: Assessment, slip: timedelta) -> Assessment:
    """With what is to come told by the present calendar, should that have been set since the state began."""
    if abs(slip) <= SLEW:
        return due
    starts_at, change_at = due.starts_billing_at, due.next_change_at
    return replace(
        due,
        starts_billing_at=None if starts_at is None else starts_at + slip,
        next_change_at=None if change_at is None else change_at + slip,
    )


def _heard(session: Session, scene: Scene) -> int:
    heard = scene.sight.heard_mono_ms
    return session.seen_mono_ms if scene.sight.unheard is not None or heard is None else heard


def _is_worth_telling(penalty: Penalty | None, bill: Bill, now: Now) -> bool:
    if penalty is None:
        return bill.due.amount_minor > 0
    if bill.due.amount_minor == penalty.amount_minor or _is_undone(penalty, bill):
        return False
    return bill.due.capped or _minute(now.at) != _minute(penalty.changed_at)


def _finished(evse: EvseState, session: Session, bill: Bill, now: Now) -> EvseState:
    if bill.due.amount_minor > 0:
        penalty = _penalty(evse, session, bill, PenaltyStatus.FINAL, now)
        return replace(evse, penalty=penalty, session=replace(session, penalty_id=penalty.id))
    if evse.penalty is None:
        return evse
    return replace(evse, penalty=_penalty(evse, session, bill, PenaltyStatus.WAIVED, now))


def _penalty(evse: EvseState, session: Session, bill: Bill, status: PenaltyStatus, now: Now) -> Penalty:
    billed = [line for line in bill.due.breakdown if line.reason == BILLED]
    to_at = _end_of(bill.evidence) if bill.evidence else now.at
    return Penalty(
        id=f"{session.id}-overstay",
        kind=PenaltyKind.OVERSTAY,
        status=status,
        evse_id=evse.evse_id,
        amount_minor=bill.due.amount_minor,
        currency=bill.policy.currency,
        minor_digits=bill.policy.minor_digits,
        from_at=billed[0].from_at if billed else to_at,
        to_at=to_at,
        changed_at=now.at,
        rev=1 if evse.penalty is None else evse.penalty.rev + 1,
        session_id=session.id,
        booking_id=session.booking_id,
        token=session.token,
        policy_id=bill.policy.id,
        policy_version=bill.policy.version,
        billable_s=bill.due.billable_s,
        billed_s=bill.due.billed_s,
        capped=bill.due.capped,
        clock_quality=now.quality.value,
        breakdown=bill.due.breakdown,
        evidence=bill.evidence,
        booking_end_at=bill.booking_end_at,
    )


def _no_show(booking: Booking, scene: Scene) -> Penalty:
    return flat_fee(
        booking,
        PenaltyKind.NO_SHOW,
        noshow_fee_minor(booking, scene.terms),
        span=(booking.start_at, limit_at(booking, scene.terms)),
        rules=scene.rules,
        now=scene.now,
    )


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _minute_after(at: datetime, penalty: Penalty) -> datetime:
    """Not in the minute in which the penalty was last told."""
    return max(at, _minute(penalty.changed_at) + timedelta(minutes=1))
