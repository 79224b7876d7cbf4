"""The steward of the fuse: shares the power each cycle and sees to it that every outlet gets its share."""

import asyncio
from collections.abc import Iterable, Mapping

from baywarden.model.reading import EvseReading, Snapshot
from baywarden.model.site import Allocation, Commitment, SiteRules, SiteState
from baywarden.model.time import Now
from baywarden.policy import power
from baywarden.ports.clock import Clock
from baywarden.ports.wire import Outlet
from baywarden.services.hand import Hand


class Steward:
    """Wanted and actual limits are compared every cycle, so a lost write mends itself."""

    def __init__(self, rules: SiteRules, outlets: Iterable[Outlet], clock: Clock) -> None:
        self._rules = rules
        self.hands = {outlet.evse_id: Hand(outlet, clock) for outlet in outlets}
        self.allocations: Mapping[str, Allocation] = {}

    def apply(self, state: SiteState, snapshot: Snapshot, now: Now) -> None:
        """Share the power of this moment and hand the limits out. The writing itself goes on in the hands' tasks."""
        for evse_id, hand in self.hands.items():
            hand.look(snapshot.evses.get(evse_id, EvseReading(evse_id)))
        self.allocations = power.share(self._rules, state, snapshot, self.held(), now)
        for evse_id, allocation in self.allocations.items():
            if evse_id in self.hands:
                self.hands[evse_id].want(allocation.limit_ma)

    def held(self) -> Mapping[str, Commitment]:
        """What each outlet may be drawing at worst by our own doing."""
        return {evse_id: hand.held for evse_id, hand in self.hands.items() if hand.held is not None}

    async def run(self) -> None:
        """All hands, until cancelled."""
        async with asyncio.TaskGroup() as hands:
            for evse_id, hand in self.hands.items():
                hands.create_task(hand.run(), name=f"hand {evse_id}")
