"""What every answer needs: the question with all that it is judged by, refusals, and swaps of the state."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from baywarden.model.booking import Booking
from baywarden.model.command import Command, FindSlots, PutBooking, Reason, Reply, Result
from baywarden.model.evse import EvseState
from baywarden.model.site import SiteRules, SiteState
from baywarden.model.step import BookingChanged, Step
from baywarden.model.time import Now
from baywarden.policy import calendar
from baywarden.policy.choosing import fitting
from baywarden.policy.finding import text
from baywarden.policy.notices import owner_of

NO_TIME: Final = (
    "the site does not know the time: it waits for the machine's clock to be synchronised; "
    'where that is kept by other means, set trust = "always" under [clock]'
)


class Refused(Exception):
    """Ends an answer; carries its reason."""

    def __init__(self, reason: Reason, detail: str = "", rev: int | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.rev = rev


@dataclass(frozen=True, slots=True)
class Asked:
    """A command and all that it is judged by."""

    command: Command
    known: Booking | None
    rules: SiteRules
    now: Now


def named(rules: SiteRules, wish: PutBooking | FindSlots) -> list[str]:
    """The outlets that the wish leaves open. Raises Refused where there is none of that kind."""
    if wish.evse_id is not None and wish.evse_id not in rules.evses:
        raise Refused(Reason.EVSE_UNKNOWN, f"there is no outlet {wish.evse_id}")
    found = fitting(rules, wish.evse_id, wish.group, wish.connector_type)
    if found:
        return found
    kinds = ((wish.evse_id, "id"), (wish.group, "group"), (wish.connector_type, "connector type"))
    asked = " and ".join(f"{kind} {word}" for word, kind in kinds if word is not None)
    raise Refused(
        Reason.EVSE_UNKNOWN, f"there is no outlet with {asked}" if asked else "the site has no outlets"
    )


def live_booking(state: SiteState, booking_id: str) -> Booking | None:
    """The live one with this id."""
    evse_id = state.places.get(booking_id)
    return None if evse_id is None else calendar.find(state.evses[evse_id].bookings, booking_id)


def has_rev(live: Booking, expected_rev: int | None) -> None:
    """Raises Refused when the sender has seen another revision."""
    if expected_rev is not None and expected_rev != live.rev:
        raise Refused(Reason.STALE_REVISION, f"the booking has revision {live.rev}", live.rev)


def with_evse(state: SiteState, evse: EvseState, *, places: Mapping[str, str] | None = None) -> SiteState:
    """With an outlet changed."""
    evses = {**state.evses, evse.evse_id: evse}
    return replace(state, evses=evses, places=state.places if places is None else places)


def without(evse: EvseState, booking: Booking, now: Now) -> EvseState:
    """Without the booking and all that was remembered for it."""
    raised = frozenset(key for key in evse.raised if owner_of(key) != booking.id)
    return due(replace(evse, bookings=calendar.without(evse.bookings, booking.id), raised=raised), now)


def due(evse: EvseState, now: Now) -> EvseState:
    """To be judged with the next readings."""
    return replace(evse, wake_at=now.at, wake_mono_ms=now.mono_ms)


def told(state: SiteState, command: Command, booking: Booking) -> Step:
    """Accepted, with the booking as it is now."""
    return Step(state, (BookingChanged(booking),), accepted(command, booking))


def accepted(command: Command, booking: Booking) -> Reply:
    """The reply that tells the booking."""
    return Reply(
        command.id,
        Result.ACCEPTED,
        rev=booking.rev,
        data={
            "booking_id": booking.id,
            "evse_id": booking.evse_id,
            "start_at": text(booking.start_at),
            "end_at": text(booking.end_at),
            "status": booking.status.value,
        },
    )


def is_aware(at: datetime) -> bool:
    """Whether the moment says its offset from UTC."""
    return at.utcoffset() is not None
