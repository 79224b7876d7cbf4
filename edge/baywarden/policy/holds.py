"""From when until when an outlet is kept for a booking."""

from datetime import datetime, timedelta

from baywarden.model.booking import Booking, BookingTerms, LateCancel
from baywarden.model.evse import EvseState


def hold_at(booking: Booking, terms: BookingTerms) -> datetime:
    """When the outlet is kept free for it, should nothing else be promised until then."""
    return booking.start_at - timedelta(seconds=terms.early_start_s)


def hold_begins(evse: EvseState, place: int, terms: BookingTerms) -> datetime:
    """When the hold of the booking at that place begins: never within the time promised to the one before."""
    booking = evse.bookings[place]
    session, until = evse.session, evse.promised_until_at
    if session is not None and session.booking_id is not None:
        until = session.booking_end_at
    if place and not evse.bookings[place - 1].status.is_final:
        until = evse.bookings[place - 1].end_at
    begins_at = hold_at(booking, terms)
    if until is None:
        return begins_at
    return min(booking.start_at, max(begins_at, until + timedelta(seconds=terms.buffer_s)))


def limit_at(booking: Booking, terms: BookingTerms) -> datetime:
    """When waiting for the holder ends; as it was agreed when the booking was made."""
    if booking.held_until_at is not None:
        return booking.held_until_at
    return agreed_limit_at(booking.start_at, booking.end_at, terms)


def agreed_limit_at(start_at: datetime, end_at: datetime, terms: BookingTerms) -> datetime:
    """The same for a booking that is made now."""
    if terms.noshow_timeout_s is None:
        return end_at
    return min(end_at, start_at + timedelta(seconds=terms.noshow_timeout_s))


def noshow_fee_minor(booking: Booking, terms: BookingTerms) -> int:
    """What not coming costs, as it was agreed when the booking was made."""
    return terms.noshow_fee_minor if booking.noshow_fee_minor is None else booking.noshow_fee_minor


def late_cancel_fee_minor(booking: Booking, terms: BookingTerms) -> int:
    """What cancelling late costs, as it was agreed when the booking was made."""
    if terms.late_cancel is not LateCancel.ACCEPT_WITH_FEE:
        return 0
    return (
        terms.late_cancel_fee_minor
        if booking.late_cancel_fee_minor is None
        else booking.late_cancel_fee_minor
    )


def own_end(evse: EvseState, terms: BookingTerms, at: datetime) -> datetime | None:
    """Until when a car that comes unbooked at that moment may stay: the next hold."""
    begins = (hold_begins(evse, place, terms) for place in range(len(evse.bookings)))
    return next((begins_at for begins_at in begins if begins_at > at), None)
