"""Messages for drivers and the operator: what has just become true, each told once."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from baywarden.model.booking import Booking, BookingPhase, BookingStatus, CanceledReason, Canceler
from baywarden.model.evse import EvseState
from baywarden.model.notice import Notice, NoticeKind
from baywarden.model.overstay import Basis
from baywarden.model.session import Session, SessionStatus
from baywarden.model.site import SiteRules
from baywarden.policy.bookings import is_followed
from baywarden.policy.holds import limit_at
from baywarden.policy.penalties import Bill
from baywarden.policy.scene import Scene

LATE: Final = timedelta(minutes=5)
"""A reminder this late is of no use any more."""


def due(before: EvseState, evse: EvseState, bill: Bill | None, scene: Scene) -> tuple[Notice, ...]:
    """What is to be told and has not been told."""
    page = _Page(evse, scene)
    _tell_of_bookings(before, evse, page)
    if evse.session is not None:
        _tell_of_session(evse.session, page)
        if bill is not None:
            _tell_of_bill(evse, evse.session, bill, page)
        if evse.session.status is SessionStatus.COMPLETED:
            _tell_of_end(evse.session, bill, page)
    _tell_of_fault(evse, page)
    return tuple(page.notices)


def pruned(evse: EvseState, scene: Scene) -> frozenset[str]:
    """The keys that are still needed: those of live bookings, of the open session and of a lasting fault."""
    if not evse.raised:
        return evse.raised
    owners = {booking.id for booking in evse.bookings if not booking.status.is_final}
    if evse.session is not None and evse.session.status is not SessionStatus.COMPLETED:
        owners.add(evse.session.id)
    if scene.sight.unheard is not None or scene.sight.fault is not None:
        owners.add(evse.evse_id)
    kept = frozenset(key for key in evse.raised if owner_of(key) in owners)
    return evse.raised if kept == evse.raised else kept


def owner_of(key: str) -> str:
    """The booking, session or outlet that a key belongs to: keys are owner/kind/moment."""
    return key.rsplit("/", 2)[0]


def money(amount_minor: int, minor_digits: int, currency: str) -> str:
    """1230 -> "12.30 EUR"."""
    return f"{Decimal(amount_minor).scaleb(-minor_digits):f} {currency}"


def clock(at: datetime, rules: SiteRules) -> str:
    """The time on the wall of the site."""
    return f"{at.astimezone(ZoneInfo(rules.tz)):%H:%M}"


class _Page:
    """Gathers the notices of one judgement; the text of one that was told before is not even made."""

    def __init__(self, evse: EvseState, scene: Scene) -> None:
        self.scene = scene
        self.label = scene.outlet.label
        self.raised = evse.raised
        self.notices: list[Notice] = []

    def of_booking(
        self, booking: Booking, kind: NoticeKind, text: Callable[[], str], which: str = ""
    ) -> None:
        """Once for each start that the booking ever has."""
        key = f"{booking.id}/{kind.value}/{which}{_stamp(booking.start_at)}"
        if key not in self.raised:
            about = {"token": booking.token, "booking_id": booking.id, "session_id": booking.session_id}
            self._add(key, kind, text(), about)

    def of_session(
        self,
        session: Session,
        kind: NoticeKind,
        text: Callable[[], str],
        bill: Bill | None = None,
        *,
        which: str = "once",
    ) -> None:
        """Once in a session; with the amount when there is a bill."""
        key = f"{session.id}/{kind.value}/{which}"
        if key in self.raised:
            return
        about: dict[str, Any] = {
            "token": session.token,
            "booking_id": session.booking_id,
            "session_id": session.id,
        }
        if bill is not None:
            about |= {"amount_minor": bill.due.amount_minor, "currency": bill.policy.currency}
        self._add(key, kind, text(), about)

    def of_outlet(self, kind: NoticeKind, text: str, session: Session | None) -> None:
        """Once while it lasts."""
        now, evse_id = self.scene.now, self.scene.outlet.id
        if not any(key.startswith(f"{evse_id}/{kind.value}/") for key in self.raised):
            key = f"{evse_id}/{kind.value}/{_stamp(now.at)}-{now.mono_ms:x}"
            self._add(key, kind, text, {"session_id": session.id if session else None})

    def clock(self, at: datetime) -> str:
        """The time on the wall of the site."""
        return clock(at, self.scene.rules)

    def _add(self, key: str, kind: NoticeKind, text: str, about: Mapping[str, Any]) -> None:
        self.notices.append(Notice(key, kind, self.scene.now.at, self.scene.outlet.id, text, **about))


def _tell_of_bookings(before: EvseState, evse: EvseState, page: _Page) -> None:
    if evse.bookings is not before.bookings:
        known = {id(booking) for booking in before.bookings}
        for booking in evse.bookings:
            if id(booking) not in known:
                _tell_of_change(booking, page)
                if booking.phase is BookingPhase.CONFLICT and evse.session is not None:
                    _ask_for_room(evse.session, booking, page)
    scene = page.scene
    longest = timedelta(seconds=max(scene.terms.remind_before_s, default=0))
    for booking in evse.bookings:
        if not scene.now.trusted or booking.start_at - longest > scene.now.at:
            break
        if not booking.status.is_final and scene.now.at < booking.start_at:
            _remind(booking, page)


def _tell_of_change(booking: Booking, page: _Page) -> None:
    label = page.label
    if booking.phase is BookingPhase.HOLDING:
        until = limit_at(booking, page.scene.terms)
        page.of_booking(
            booking, NoticeKind.HOLD_BEGINS, lambda: f"{label} is kept for you until {page.clock(until)}."
        )
    elif booking.phase is BookingPhase.CONFLICT:
        page.of_booking(
            booking,
            NoticeKind.BOOKING_CONFLICT,
            lambda: f"{label} is booked from {page.clock(booking.start_at)}, but another car is still there.",
        )
    elif booking.status is BookingStatus.NO_SHOW:
        page.of_booking(
            booking,
            NoticeKind.HOLD_EXPIRED,
            lambda: f"The time in which {label} was kept for you is over; the booking has ended.",
        )
    elif booking.status is BookingStatus.CANCELED and booking.canceled_by is Canceler.SITE:
        is_full = booking.canceled_reason is CanceledReason.FULL
        page.of_booking(
            booking,
            NoticeKind.BOOKING_CONFLICT if is_full else NoticeKind.SITE_FAULT,
            lambda: f"Your booking of {label} was canceled: {booking.reason}. It costs nothing.",
            which="canceled-",
        )


def _ask_for_room(guest: Session, booking: Booking, page: _Page) -> None:
    page.of_session(
        guest,
        NoticeKind.BAY_NEEDED,
        lambda: f"{page.label} is booked from {page.clock(booking.start_at)}: please make room.",
        which=booking.id,
    )


def _remind(booking: Booking, page: _Page) -> None:
    for ahead_s in page.scene.terms.remind_before_s:
        late = page.scene.now.at - (booking.start_at - timedelta(seconds=ahead_s))
        if timedelta() <= late < LATE:
            page.of_booking(
                booking,
                NoticeKind.BOOKING_SOON,
                lambda: f"{page.label} is yours from {page.clock(booking.start_at)}.",
                which=f"{ahead_s}s-before-",
            )


def _tell_of_session(session: Session, page: _Page) -> None:
    if session.has_charged:
        page.of_session(session, NoticeKind.CHARGING_STARTED, lambda: f"{page.label} charges your car.")
    if session.charge_ended_at is not None and session.status is not SessionStatus.COMPLETED:
        page.of_session(
            session, NoticeKind.CHARGING_COMPLETE, lambda: f"Your car at {page.label} has stopped charging."
        )


def _tell_of_bill(evse: EvseState, session: Session, bill: Bill, page: _Page) -> None:
    if session.status is SessionStatus.COMPLETED:
        return
    if session.penalty_id is not None and bill.due.amount_minor > 0:
        page.of_session(
            session,
            NoticeKind.OVERSTAY_STARTED,
            lambda: f"The overstay fee at {page.label} has begun: {_sum(bill)} so far.",
            bill,
        )
        if bill.due.capped:
            page.of_session(
                session,
                NoticeKind.CAP_REACHED,
                lambda: f"The overstay fee at {page.label} has reached its cap: {_sum(bill)}.",
                bill,
            )
    starts_at = bill.due.starts_billing_at
    if starts_at is not None and page.scene.now.trusted and not _is_put_off(evse, bill, page.scene):
        _warn(session, bill, starts_at, page)


def _is_put_off(evse: EvseState, bill: Bill, scene: Scene) -> bool:
    """Whether the driver's next booking takes over before the fee begins."""
    return bill.policy.basis is Basis.BOOKING_END and is_followed(evse, scene)


def _warn(session: Session, bill: Bill, starts_at: datetime, page: _Page) -> None:
    """A car that charges again after a warning is warned again."""
    now, since = page.scene.now.at, session.charge_ended_at or session.started_at
    for ahead_s in bill.policy.notify_before_s:
        if starts_at - timedelta(seconds=ahead_s) <= now < starts_at:
            page.of_session(
                session,
                NoticeKind.TIME_NEARLY_UP,
                lambda: f"From {page.clock(starts_at)} on a fee for staying too long runs at {page.label}.",
                which=f"{ahead_s}s-before-{_stamp(since)}",
            )


def _tell_of_end(session: Session, bill: Bill | None, page: _Page) -> None:
    def text() -> str:
        ended = f"Your session at {page.label} has ended after {_kwh(session.energy_wh)}."
        if bill is None or not bill.due.amount_minor:
            return ended
        return f"{ended} {_sum(bill)} are owed for staying too long."

    page.of_session(session, NoticeKind.SESSION_ENDED, text, bill)


def _tell_of_fault(evse: EvseState, page: _Page) -> None:
    sight = page.scene.sight
    if sight.fault is None:
        return
    code = "" if sight.error_code is None else f", error {sight.error_code}"
    detail = f": {sight.detail}" if sight.detail else ""
    text = f"{page.label} is out of service ({sight.fault.value}{code}){detail}."
    page.of_outlet(NoticeKind.SITE_FAULT, text, evse.session)


def _sum(bill: Bill) -> str:
    return money(bill.due.amount_minor, bill.policy.minor_digits, bill.policy.currency)


def _kwh(energy_wh: int) -> str:
    return f"{Decimal(energy_wh) / 1000:.1f} kWh"


def _stamp(at: datetime) -> str:
    return f"{at:%Y%m%dT%H%M%SZ}"
