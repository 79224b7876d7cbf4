"""Codes of bookings, typed on site: few tries, and after wrong ones ever longer pauses."""

from dataclasses import replace
from hmac import compare_digest
from typing import Final

from baywarden.model.booking import Booking
from baywarden.model.command import Reason
from baywarden.model.evse import EvseState
from baywarden.model.site import EvseRules, SiteRules, SiteState, Tries
from baywarden.model.time import Now
from baywarden.policy.answers import Refused
from baywarden.policy.holds import hold_begins

FREE_TRIES: Final = 5
"""Wrong codes at one outlet before it makes people wait."""
FIRST_PAUSE_MS: Final = 60_000
LONGEST_PAUSE_MS: Final = 3_600_000
FORGOTTEN_MS: Final = 4 * 3_600_000
"""Wrong codes of so long ago count no more."""


def tried(
    state: SiteState, evse_id: str, code: str, rules: SiteRules, now: Now
) -> tuple[SiteState, Refused | None]:
    """The state with this try counted, and why its code is not even looked at or wrong; None for a right one."""
    tries = state.tries.get(evse_id)
    if tries is not None and now.mono_ms - tries.last_mono_ms > FORGOTTEN_MS:
        tries = None
    if tries is not None and now.mono_ms < tries.closed_until_mono_ms:
        wait_s = -(-(tries.closed_until_mono_ms - now.mono_ms) // 1000)
        return state, Refused(Reason.TOO_MANY_TRIES, f"too many wrong codes: try again in {wait_s} s")
    if booking_of(state.evses[evse_id], rules.evses[evse_id], code, now) is not None:
        left = {key: kept for key, kept in state.tries.items() if key != evse_id}
        return replace(state, tries=left), None
    wrong = 1 if tries is None else tries.wrong + 1
    closed_until_mono_ms = now.mono_ms + _pause_ms(wrong)
    counted = Tries(wrong, now.mono_ms, closed_until_mono_ms)
    refused = Refused(Reason.WRONG_CODE, "no booking of this outlet has that code now")
    return replace(state, tries={**state.tries, evse_id: counted}), refused


def booking_of(evse: EvseState, outlet: EvseRules, code: str, now: Now) -> Booking | None:
    """The booking with this code whose hold has begun. Nothing is judged on a calendar that nobody believes."""
    if not now.trusted:
        return None
    for place, booking in enumerate(evse.bookings):
        if hold_begins(evse, place, outlet.terms) > now.at:
            break
        is_right = booking.code is not None and compare_digest(booking.code.encode(), code.encode())
        if is_right and now.at < booking.end_at:
            return booking
    return None


def _pause_ms(wrong: int) -> int:
    if wrong < FREE_TRIES:
        return 0
    return int(min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS << min(wrong - FREE_TRIES, 10)))
