"""What becomes of the bookings of one outlet as time goes by and cars come and go (DOMAIN 1.4)."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from baywarden.model.access import AccessMode, Right
from baywarden.model.booking import Booking, BookingPhase, CanceledReason, Canceler
from baywarden.model.evse import EvseState
from baywarden.model.session import Session, SessionStatus
from baywarden.model.time import earliest
from baywarden.policy.booking_states import BookingEvent, moved
from baywarden.policy.holders import is_holder
from baywarden.policy.holds import hold_begins, limit_at, own_end
from baywarden.policy.scene import Scene
from baywarden.policy.withheld import FOR_ACCESS, FOR_THE_HOLD, Withheld

UNFIT: Final = "unfit"
"""Kind of the key that says: the site could not keep this promise all the time, so no fee."""
EARLY: Final = timedelta(minutes=15)
"""Where no token can be read, a car that came so shortly before the hold is taken for the holder's."""


def unfit_key(booking: Booking) -> str:
    """The mark of a booking that the site could not serve all the time."""
    return f"{booking.id}/{UNFIT}/{booking.start_at:%Y%m%dT%H%M%SZ}"


def held(evse: EvseState) -> Booking | None:
    """The booking for which the outlet is kept free now."""
    for booking in evse.bookings[:2]:
        if booking.phase in (BookingPhase.HOLDING, BookingPhase.CONFLICT):
            return booking
    return None


def keep(evse: EvseState, scene: Scene, before: Session | None) -> EvseState:
    """Judge the bookings that are due. Ended ones stay in the outcome, to be told and then dropped.

    Nothing is judged on a calendar that nobody believes, nor before the outlet was polled since our start.
    """
    if not scene.now.trusted or not scene.sight.is_polled:
        return evse
    for place in range(len(evse.bookings)):
        if scene.now.at < _due_at(evse, place, scene):
            break
        evse = _judged(evse, place, scene, is_new=before is None)
        if not evse.bookings[place].status.is_final:
            break
    return _lifted(_extended(evse, scene), scene)


def next_due(evse: EvseState, scene: Scene) -> datetime | None:
    """The next moment of the calendar that moves a booking or calls for a reminder."""
    if not scene.now.trusted or not scene.sight.is_polled:
        return None
    terms, now = scene.terms, scene.now.at
    due: datetime | None = None
    for place, booking in enumerate(evse.bookings):
        edges = (
            *(booking.start_at - timedelta(seconds=ahead_s) for ahead_s in terms.remind_before_s),
            _due_at(evse, place, scene),
            booking.start_at,
            limit_at(booking, terms),
        )
        due = earliest(due, *(edge for edge in edges if edge > now))
        if min(edges) > now:
            break
    return due


def _due_at(evse: EvseState, place: int, scene: Scene) -> datetime:
    """When its hold begins; one that adjoins the holder's own running booking is due when that one ends."""
    begins_at = hold_begins(evse, place, scene.terms)
    session = _guest(evse)
    if (
        session is None
        or session.booking_end_at is None
        or not _goes_over(session, evse.bookings[place], scene)
    ):
        return begins_at
    return min(begins_at, session.booking_end_at)


def _judged(evse: EvseState, place: int, scene: Scene, *, is_new: bool) -> EvseState:
    """One booking whose hold is due."""
    now, booking = scene.now.at, evse.bookings[place]
    guest = _guest(evse)
    if guest is not None and _claims(guest, evse, place, scene) and now < booking.end_at:
        return _fulfilled(evse, booking, guest, scene)
    if now >= limit_at(booking, scene.terms):
        return _with(evse, _over(booking, guest, scene))
    evse = _withhold(evse, scene, is_new=is_new)
    is_fit = scene.sight.unheard is None and scene.sight.fault is None
    since = hold_begins(evse, place, scene.terms) - EARLY
    is_blocked = evse.session is not None and not _may_yet_claim(evse.session, since)
    if not is_fit or (is_blocked and now >= booking.start_at):
        evse = replace(evse, raised=evse.raised | {unfit_key(booking)})
    return _with(evse, _moved_on(booking, now, is_fit=is_fit, is_blocked=is_blocked))


def _moved_on(booking: Booking, now: datetime, *, is_fit: bool, is_blocked: bool) -> Booking:
    """Within its hold: it waits for the holder, or for the car that is still there, or for the outlet."""
    started = now >= booking.start_at
    if booking.phase is BookingPhase.SCHEDULED and is_fit and (started or not is_blocked):
        booking = moved(booking, BookingEvent.HOLD_DUE, now)
    if booking.phase is BookingPhase.HOLDING and is_blocked and started:
        return moved(booking, BookingEvent.BLOCKED, now)
    if booking.phase is BookingPhase.CONFLICT and not is_blocked:
        return moved(booking, BookingEvent.FREED, now)
    return booking


def _over(booking: Booking, guest: Session | None, scene: Scene) -> Booking:
    """At the limit: the holder's fault only if the outlet was there for him."""
    now = scene.now.at
    if scene.sight.unheard is not None:
        return given_up(booking, CanceledReason.POWER_OUTAGE, "the outlet cannot be heard", now)
    if scene.sight.fault is not None:
        return given_up(booking, CanceledReason.BROKEN_CHARGER, "the charger is out of service", now)
    if guest is not None:
        return given_up(booking, CanceledReason.FULL, "another car did not leave", now)
    if booking.phase is BookingPhase.SCHEDULED:
        return given_up(booking, CanceledReason.POWER_OUTAGE, "the site missed the hold", now)
    if booking.phase is BookingPhase.CONFLICT:
        booking = moved(booking, BookingEvent.FREED, now)
    return moved(booking, BookingEvent.TIME_UP, now, reason="the holder was not there in time")


def given_up(booking: Booking, why: CanceledReason, reason: str, at: datetime) -> Booking:
    """Canceled by the site; never with a fee."""
    return moved(
        booking, BookingEvent.GIVEN_UP, at, canceled_reason=why, canceled_by=Canceler.SITE, reason=reason
    )


def _guest(evse: EvseState) -> Session | None:
    """The car that is there without having fulfilled a booking, or that has outstayed its own."""
    session = evse.session
    return None if session is None or session.status is SessionStatus.COMPLETED else session


def _claims(session: Session, evse: EvseState, place: int, scene: Scene) -> bool:
    """Whether the car is the holder's. Without a token it is if it came within the hold, or shortly before."""
    booking = evse.bookings[place]
    if session.booking_id is not None:
        return _goes_over(session, booking, scene)
    if session.token is not None:
        return is_holder(scene.tokens, session.token, booking.token)
    if _asks_for_token(scene):
        return False
    begins_at = hold_begins(evse, place, scene.terms)
    # Who came before the hold may still leave before the start: then he was not the holder.
    from_at = begins_at if scene.now.at < booking.start_at else begins_at - EARLY
    return session.started_at >= from_at


def is_followed(evse: EvseState, scene: Scene) -> bool:
    """Whether the car that is there stays on for its holder's next booking."""
    session = _guest(evse)
    return session is not None and any(_goes_over(session, booking, scene) for booking in evse.bookings[:1])


def _goes_over(session: Session, booking: Booking, scene: Scene) -> bool:
    """Whether the car stays for its holder's next booking, with nothing but the buffer between them."""
    if session.booking_id is None or session.booking_end_at is None:
        return False
    gap = booking.start_at - session.booking_end_at
    adjoins = timedelta() <= gap <= timedelta(seconds=scene.terms.buffer_s)
    return adjoins and is_holder(scene.tokens, session.token, booking.token)


def _asks_for_token(scene: Scene) -> bool:
    return scene.terms.rfid_auth_required or scene.outlet.access.mode is AccessMode.TOKEN


def _may_yet_claim(session: Session, since: datetime) -> bool:
    """Whether it is gone, or came for the hold and its token may still be shown."""
    if session.status is SessionStatus.COMPLETED:
        return True
    return session.withheld == Withheld.TOKEN_REQUIRED and session.started_at >= since


def _fulfilled(evse: EvseState, booking: Booking, session: Session, scene: Scene) -> EvseState:
    now = scene.now.at
    if booking.phase is BookingPhase.SCHEDULED:
        booking = moved(booking, BookingEvent.HOLD_DUE, now)
    booking = moved(booking, BookingEvent.ARRIVED, now, session_id=session.id)
    is_held_back = session.withheld is not None and session.withheld in FOR_THE_HOLD | FOR_ACCESS
    session = replace(
        session,
        booking_id=booking.id,
        booking_end_at=booking.end_at,
        token=session.token or booking.token,
        token_group=session.token_group or scene.tokens.group_of(booking.token),
        right=session.right or Right.BOOKING,
        power_w=booking.power_w,
        withheld=None if is_held_back else session.withheld,
    )
    return replace(_with(evse, booking), session=session, promised_until_at=booking.end_at)


def _withhold(evse: EvseState, scene: Scene, *, is_new: bool) -> EvseState:
    """A car that comes, or gets its right, within somebody else's hold gets no power."""
    session = evse.session
    if session is None or session.status is SessionStatus.COMPLETED:
        return evse
    if not is_new and (session.withheld is None or session.withheld not in FOR_THE_HOLD | FOR_ACCESS):
        return evse
    may_show_one = session.token is None and _asks_for_token(scene)
    why = Withheld.TOKEN_REQUIRED if may_show_one else Withheld.RESERVED_FOR_ANOTHER
    return evse if session.withheld == why else replace(evse, session=replace(session, withheld=why.value))


def _lifted(evse: EvseState, scene: Scene) -> EvseState:
    """Once the hold is over the car that was refused may charge."""
    session = evse.session
    if session is None or session.withheld is None or session.withheld not in FOR_THE_HOLD:
        return evse
    for place, booking in enumerate(evse.bookings[:2]):
        if not booking.status.is_final and hold_begins(evse, place, scene.terms) <= scene.now.at:
            return evse
    return replace(evse, session=replace(session, withheld=None))


def _extended(evse: EvseState, scene: Scene) -> EvseState:
    """An unbooked car may stay longer when the hold that it had to make room for is gone or later.

    Not once a fee was told: that was right when it was told, and never shrinks.
    """
    session = evse.session
    if session is None or session.booking_id is not None or session.booking_end_at is None:
        return evse
    if session.penalty_id is not None:
        return evse
    if session.status is SessionStatus.COMPLETED or scene.now.at >= session.booking_end_at:
        return evse
    end_at = own_end(evse, scene.terms, session.started_at)
    if end_at is not None and end_at <= session.booking_end_at:
        return evse
    return replace(evse, session=replace(session, booking_end_at=end_at))


def _with(evse: EvseState, booking: Booking) -> EvseState:
    if any(kept is booking for kept in evse.bookings):
        return evse
    bookings = tuple(booking if kept.id == booking.id else kept for kept in evse.bookings)
    return replace(evse, bookings=bookings)
