"""Free windows: tried with the very checks of admission, so that what is found can be booked."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice, repeat
from typing import Any, Final

from baywarden.model.booking import Slot
from baywarden.model.command import FindSlots
from baywarden.model.site import EvseRules, SiteRules, SiteState
from baywarden.model.time import Now
from baywarden.policy.admission import Admission, Wish
from baywarden.policy.calendar import on_grid
from baywarden.policy.choosing import fitting, power_for

_TRIES: Final = 500
"""For one outlet; each try either finds a window or steps over what is in its way."""
_Found = tuple[datetime, int, str]


def slots(
    state: SiteState, rules: SiteRules, request: FindSlots, now: Now
) -> tuple[tuple[Slot, ...], datetime | None]:
    """The earliest windows inside [from_at, to_at), and when the next one after them begins.

    When there is none at all, that is the first one later than asked for, if the terms allow one.
    """
    power_w = power_for(request.power_w, request.energy_wh, request.duration_s)
    request = replace(request, power_w=power_w, energy_wh=0)
    admission = Admission(state, rules, now)
    found = list(islice(_all(admission, rules, request, now), request.limit + 1))
    listed = tuple(_slot(admission, request, *one) for one in found[: request.limit])
    if len(found) > request.limit:
        return listed, found[-1][0]
    if found:
        return listed, None
    horizon_s = max((outlet.terms.horizon_s for outlet in rules.evses.values()), default=0)
    until = now.at + timedelta(seconds=horizon_s + request.duration_s)
    later = next(_all(admission, rules, replace(request, to_at=until), now), None)
    return (), None if later is None else later[0]


def as_data(found: tuple[Slot, ...], next_at: datetime | None) -> dict[str, Any]:
    """The answer as plain JSON."""
    return {
        "slots": [
            {
                "evse_id": slot.evse_id,
                "start_at": text(slot.start_at),
                "end_at": text(slot.end_at),
                "power_w": slot.power_w,
            }
            for slot in found
        ],
        "next_at": None if next_at is None else text(next_at),
    }


def text(at: datetime) -> str:
    """The moment as RFC 3339 in UTC, with no more digits than it needs."""
    return at.isoformat().replace("+00:00", "Z")


def _all(admission: Admission, rules: SiteRules, request: FindSlots, now: Now) -> Iterator[_Found]:
    """Of all outlets, earliest first, and then in the order of the configuration."""
    evse_ids = fitting(rules, request.evse_id, request.group, request.connector_type)
    return merge(
        *(
            zip(_of_outlet(admission, rules.evses[evse_id], request, now), repeat(order), repeat(evse_id))
            for order, evse_id in enumerate(evse_ids)
        )
    )


def _of_outlet(admission: Admission, outlet: EvseRules, request: FindSlots, now: Now) -> Iterator[datetime]:
    """The starts of its free windows."""
    terms, length = outlet.terms, timedelta(seconds=request.duration_s)
    start_at = on_grid(max(request.from_at, now.at), terms.increment_s)
    for _ in range(_TRIES):
        if start_at + length > request.to_at:
            return
        refused = admission.refusal(Wish(start_at, start_at + length, request.power_w), outlet.id)
        if refused is None:
            yield start_at
            start_at = on_grid(start_at + length + timedelta(seconds=terms.buffer_s), terms.increment_s)
        elif refused.retry_at is None or refused.retry_at <= start_at:
            return
        else:
            start_at = on_grid(refused.retry_at, terms.increment_s)


def _slot(admission: Admission, request: FindSlots, start_at: datetime, order: int, evse_id: str) -> Slot:
    end_at = start_at + timedelta(seconds=request.duration_s)
    return Slot(evse_id, start_at, end_at, admission.spare_w(Wish(start_at, end_at), evse_id))
