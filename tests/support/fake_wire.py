"""A charger's outlet without a wire, with the faults built in."""

import asyncio
from dataclasses import replace
from typing import Any

from baywarden.model.reading import ChargerState, Contact, EvseReading, Pilot
from baywarden.ports.clock import Clock
from baywarden.ports.wire import Guarded, WireError


class FakeOutlet:
    """Implements baywarden.ports.wire.Outlet.

    What was written is in `limits_ma`, all that was done in `done`, in its order; the switches are public.
    """

    def __init__(self, evse_id: str, clock: Clock, *, failsafe_ma: int = 6_000) -> None:
        self.evse_id = evse_id
        self.failsafe_ma = failsafe_ma
        self.limits_ma: list[int] = []
        self.done: list[str] = []
        self.armed = 0
        self.kept_alive = 0
        self.ignores_writes = False
        """Answers as if all was well, and nothing has changed."""
        self.cap_ma: int | None = None
        """Takes any limit and applies no more than this."""
        self.refuses_writes = False
        self.refuses_arming = False
        self.refuses_keep_alive = False
        self.write_takes_ms = 0
        self.rests_until_ms = 0
        """Takes no write before; of those who wait for it only the newest is sent."""
        self.arming_takes_ms = 0
        self.pause_leaves_ma = 0
        self.contact = Contact.OK
        self._clock = clock
        self._wishes = 0
        self._wire = asyncio.Lock()
        self._reading = EvseReading(
            evse_id, pilot=Pilot.A, state=ChargerState.AVAILABLE, current_ma=(0, 0, 0), power_w=0,
            energy_wh=1_000, limit_ma=16_000,
        )  # fmt: skip

    def set(self, **changes: Any) -> None:
        """Change what the next poll will say."""
        self._reading = replace(self._reading, **changes)

    async def poll(self) -> EvseReading:
        """The reading of now; without contact the old values keep their old age."""
        if self.contact is Contact.OK:
            self._reading = replace(
                self._reading,
                contact=Contact.OK,
                contact_reason="",
                read_mono_ms=self._clock.now().mono_ms,
            )
        else:
            self._reading = replace(self._reading, contact=self.contact, contact_reason="told so by the test")
        return self._reading

    async def set_limit(self, limit_ma: int) -> int:
        """Take the limit, or fail as the switches say."""
        self.done.append(f"limit {limit_ma}")
        self._wishes += 1
        wish = self._wishes
        if self.rests_until_ms > self._clock.now().mono_ms:
            await self._clock.sleep_until(self.rests_until_ms)
        async with self._wire:
            if wish != self._wishes:
                raise WireError(f"{self.evse_id}: a newer wish took its place")
            if self.write_takes_ms:
                await self._clock.sleep_until(self._clock.now().mono_ms + self.write_takes_ms)
        if self.refuses_writes:
            raise WireError(f"{self.evse_id}: refuses the limit of {limit_ma} mA")
        self.limits_ma.append(limit_ma)
        if self.cap_ma is not None:
            limit_ma = min(limit_ma, self.cap_ma)
        limit_ma = limit_ma or self.pause_leaves_ma
        if not self.ignores_writes:
            self._reading = replace(self._reading, limit_ma=limit_ma)
        return limit_ma

    async def arm(self) -> Guarded:
        """Count."""
        self.done.append("arm")
        if self.arming_takes_ms:
            await self._clock.sleep_until(self._clock.now().mono_ms + self.arming_takes_ms)
        if self.refuses_arming:
            raise WireError(f"{self.evse_id}: cannot be armed")
        self.armed += 1
        return Guarded(True, "armed")

    async def keep_alive(self) -> None:
        """Count."""
        self.done.append("alive")
        if self.refuses_keep_alive:
            raise WireError(f"{self.evse_id}: takes no sign of life")
        self.kept_alive += 1
