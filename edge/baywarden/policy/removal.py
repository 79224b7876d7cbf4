"""An outlet that was taken out of the site: its promises are given up, its session is settled."""

from dataclasses import replace

from baywarden.model.booking import CanceledReason
from baywarden.model.evse import EvseState
from baywarden.model.session import MeterContext, MeterSample
from baywarden.model.step import BookingChanged, Effect, MeterSampled, PenaltyChanged, SessionChanged
from baywarden.model.time import Now
from baywarden.policy.bookings import given_up
from baywarden.policy.penalties import finished
from baywarden.policy.sessions import removed as ended


def removed(evse: EvseState, now: Now) -> tuple[Effect, ...]:
    """What must be told of it."""
    effects: list[Effect] = [
        BookingChanged(given_up(booking, CanceledReason.BLOCKED, "the outlet was removed", now.at))
        for booking in evse.bookings
    ]
    if evse.session is None:
        return tuple(effects)
    session = ended(evse.session)
    evse = finished(replace(evse, session=session), now)
    if evse.session is not None:
        effects.append(SessionChanged(replace(evse.session, rev=session.rev + 1)))
        effects.append(MeterSampled(_last(evse, now)))
    if evse.penalty is not None:
        effects.append(PenaltyChanged(evse.penalty))
    return tuple(effects)


def _last(evse: EvseState, now: Now) -> MeterSample:
    session = evse.session
    assert session is not None
    return MeterSample(
        session.id,
        evse.evse_id,
        now.at,
        MeterContext.TRANSACTION_END,
        session.register_wh,
        session.energy_wh,
        None,
    )
