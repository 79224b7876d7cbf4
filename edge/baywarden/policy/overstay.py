"""What an overstay policy charges for a session's timeline (DOMAIN 2.3). Integer ms inside, never a float."""

from collections.abc import Sequence
from datetime import datetime

from baywarden.model.overstay import Assessment, Basis, ClockState, OverstayPolicy, Segment
from baywarden.policy.local_hours import at_of, ms_of
from baywarden.policy.overstay_money import fee_of, weight_of
from baywarden.policy.tally import HORIZON_MS, Tally

RUNS = {
    Basis.CHARGE_END: frozenset({ClockState.SUSPENDED_EV}),
    Basis.BOOKING_END: frozenset({ClockState.CHARGING, ClockState.SUSPENDED_EV}),
    Basis.CONNECT: frozenset({ClockState.CHARGING, ClockState.SUSPENDED_EV, ClockState.SUSPENDED_EVSE}),
}
"""The states in which the clock of each basis runs. A fault or silence never counts against the driver."""

NOT_CHARGED = "NOT_CHARGED"
BOOKED = "BOOKED"
STANDS = {
    ClockState.CHARGING: "CHARGING",
    ClockState.SUSPENDED_EV: NOT_CHARGED,
    ClockState.SUSPENDED_EVSE: "SITE_PAUSE",
    ClockState.FAULTED: "FAULT",
    ClockState.UNKNOWN: "UNKNOWN",
}
"""Why the clock stood still, in the breakdown."""


def assess(
    policy: OverstayPolicy, segments: Sequence[Segment], booking_end_at: datetime | None = None
) -> Assessment:
    """What is owed at the end of the last segment, which is the present state, and what comes if it goes on.

    The clock after a charge needs a CHARGING segment before it. Grace and allowance run through exempt
    hours. Sub-second rests of clock and billable time are not counted. `starts_billing_at` is the next
    moment from which time is billed (the end of the timeline while it is being billed).
    """
    fee = fee_of(policy)
    tally = Tally(policy, fee)
    timeline = _Timeline(policy.basis, booking_end_at)
    shares = {segment.occupancy_pct for segment in segments}
    weights = {share: weight_of(policy.occupancy, share, fee.scale) for share in shares}
    weight, ahead = 0, None
    for segment in _lived(segments):
        weight = weights[segment.occupancy_pct]
        ahead = timeline.add(segment, weight, tally)
    starts_ms, change_ms = None, None
    if segments and ahead is not None:
        starts_ms, change_ms = tally.ahead(ahead, weight, _end_ms(segments[-1]) + HORIZON_MS)
    bill = tally.bill
    return Assessment(
        clock_s=tally.clock_ms // 1000,
        billable_s=bill.whole_ms // 1000,
        billed_s=bill.billed_ms // 1000,
        amount_minor=fee.minor(bill),
        currency=policy.currency,
        capped=fee.is_capped(bill),
        breakdown=tally.breakdown(),
        starts_billing_at=None if starts_ms is None else at_of(starts_ms),
        next_change_at=None if change_ms is None else at_of(change_ms),
    )


class _Timeline:
    """Follows the states and says in which stretches the clock runs."""

    def __init__(self, basis: Basis, booking_end_at: datetime | None) -> None:
        self._basis = basis
        self._booking_end_ms = None if booking_end_at is None else ms_of(booking_end_at)
        self._charged = False
        self._idle = False

    def add(self, segment: Segment, weight: int, tally: Tally) -> int | None:
        """Tell the tally of a segment; returns from when the clock runs if its state goes on."""
        charging = segment.state is ClockState.CHARGING
        if charging and self._idle:
            tally.begin_period()
            self._idle = False
        if segment.duration_ms > 0:
            self._charged = self._charged or charging
            self._idle = self._idle or segment.state is ClockState.SUSPENDED_EV
        from_ms, to_ms = ms_of(segment.from_at), _end_ms(segment)
        runs_from_ms = self._runs_from_ms(segment.state, from_ms)
        until_ms = to_ms if runs_from_ms is None else min(runs_from_ms, to_ms)
        reason = BOOKED if runs_from_ms is not None else STANDS[segment.state]
        tally.stand(from_ms, until_ms, reason)
        if until_ms < to_ms:
            tally.run(until_ms, to_ms, weight)
        return None if runs_from_ms is None else max(runs_from_ms, to_ms)

    def _runs_from_ms(self, state: ClockState, from_ms: int) -> int | None:
        """From when on the clock runs in this state; None when it stands."""
        if state not in RUNS[self._basis]:
            return None
        if self._basis is Basis.CHARGE_END and not self._charged:
            return None
        if self._basis is Basis.BOOKING_END:
            return None if self._booking_end_ms is None else max(from_ms, self._booking_end_ms)
        return from_ms


def _lived(segments: Sequence[Segment]) -> list[Segment]:
    """The segments that lasted, and the present one, however young."""
    return [segment for segment in segments[:-1] if segment.duration_ms > 0] + list(segments[-1:])


def _end_ms(segment: Segment) -> int:
    return ms_of(segment.from_at) + max(0, segment.duration_ms)
