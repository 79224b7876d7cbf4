"""Free windows: tried with the very checks of admission, so that what is found can be booked."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from heapq import heapify, heappop, heapreplace
from itertools import islice
from typing import Any, Final

from baywarden.model.booking import Slot
from baywarden.model.command import FindSlots
from baywarden.model.site import EvseRules, SiteRules, SiteState
from baywarden.model.time import Now
from baywarden.policy.admission import Admission, Refusal, Wish
from baywarden.policy.calendar import on_grid
from baywarden.policy.choosing import fitting, power_for
from baywarden.policy.neighbours import STRETCH

_TRIES: Final = 500
"""For one outlet; each try either finds a window or steps over what is in its way."""
_MICROSECOND: Final = timedelta(microseconds=1)
_Found = tuple[datetime, int, str]


def slots(
    state: SiteState, rules: SiteRules, request: FindSlots, now: Now
) -> tuple[tuple[Slot, ...], datetime | None]:
    """The earliest windows inside [from_at, to_at), and when the next one after them begins.

    When there is none at all, that is the first one later than asked for, if the terms allow one.
    """
    power_w = power_for(request.power_w, request.energy_wh, request.duration_s)
    request = replace(request, power_w=power_w, energy_wh=0)
    admission = Admission(state, rules, now, stretch=STRETCH)
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
    """Of all outlets, earliest first, and then in the order of the configuration.

    Only the earliest candidate of all is held against the power of the circuits, which is the dear question.
    """
    evse_ids = fitting(rules, request.evse_id, request.group, request.connector_type)
    seekers = [_Seeker(admission, rules.evses[evse_id], request, now) for evse_id in evse_ids]
    firsts = ((seeker.after(request.from_at), order) for order, seeker in enumerate(seekers))
    heap = [(start_at, order) for start_at, order in firsts if start_at is not None]
    heapify(heap)
    while heap:
        start_at, order = heap[0]
        seeker = seekers[order]
        refused = seeker.refusal(start_at)
        if refused is None:
            yield start_at, order, evse_ids[order]
        next_at = seeker.over(start_at) if refused is None else seeker.after(refused.retry_at)
        if next_at is None:
            heappop(heap)
        else:
            heapreplace(heap, (next_at, order))


class _Seeker:
    """Looks for the starts of windows at one outlet."""

    def __init__(self, admission: Admission, outlet: EvseRules, request: FindSlots, now: Now) -> None:
        self._admission = admission
        self._outlet = outlet
        self._terms = outlet.terms
        self._power_w = request.power_w
        self._length = timedelta(seconds=request.duration_s)
        self._from_at = now.at
        self._last_at = request.to_at - self._length
        self._tries = _TRIES

    def after(self, at: datetime | None) -> datetime | None:
        """The first start from then on that only the circuits may refuse; None when there is none any more."""
        while at is not None and self._tries:
            self._tries -= 1
            at = max(at, self._from_at)
            start_at = on_grid(
                self._admission.free_from(self._outlet.id, at, self._length), self._terms.increment_s
            )
            if start_at > self._last_at:
                return None
            refused = self._admission.misfit(self._wish(start_at), self._outlet.id)
            if refused is None:
                self._from_at = start_at + _MICROSECOND
                return start_at
            at = refused.retry_at
            self._from_at = start_at + _MICROSECOND
        return None

    def over(self, start_at: datetime) -> datetime | None:
        """The next start after the window that was found there."""
        return self.after(start_at + self._length + timedelta(seconds=self._terms.buffer_s))

    def refusal(self, start_at: datetime) -> Refusal | None:
        """Why it cannot be promised; this is the whole of admission."""
        return self._admission.refusal(self._wish(start_at), self._outlet.id)

    def _wish(self, start_at: datetime) -> Wish:
        return Wish(start_at, start_at + self._length, self._power_w)


def _slot(admission: Admission, request: FindSlots, start_at: datetime, order: int, evse_id: str) -> Slot:
    end_at = start_at + timedelta(seconds=request.duration_s)
    return Slot(evse_id, start_at, end_at, admission.spare_w(Wish(start_at, end_at), evse_id))
