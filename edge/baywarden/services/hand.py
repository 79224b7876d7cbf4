"""The hand on one outlet: it writes what the steward wants, one thing at a time, the newest wish first."""

import asyncio
import logging
from typing import Final

from baywarden.model.reading import Contact, EvseReading
from baywarden.model.site import Commitment
from baywarden.policy import commitment as promise
from baywarden.ports.clock import Clock
from baywarden.ports.wire import Guarded, Outlet, WireError
from baywarden.services.pause import Pause

_log: Final = logging.getLogger(__name__)

SETTLE_MS: Final = 10_000
"""A charger may take this long to show a new limit (Heidelberg and Phoenix manuals: up to 20 s for the current)."""
DRIFT_MA: Final = 1_000


_UNKNOWN: Final = Guarded(False, "not armed yet")


class Hand:
    """Keeps the commitment of one outlet: what it may be drawing at worst by our own doing.

    A cut waits for nothing: no pause, no fail-safe, and no contact if the outlet was ever heard. Anything
    else is written on contact only, once arming was tried, and with growing pauses while it does not help.
    """

    def __init__(self, outlet: Outlet, clock: Clock) -> None:
        self.outlet = outlet
        self.held: Commitment | None = None
        self.in_force_ma: int | None = None
        self.failsafe = _UNKNOWN
        self.trouble: str | None = None
        self._clock = clock
        self._wanted_ma: int | None = None
        self._must_arm = True
        self._contact = Contact.NEVER
        self._failing, self._drifting, self._arming = Pause(), Pause(), Pause()
        self._written_mono_ms = 0
        self._armed_mono_ms = 0
        self._wish = asyncio.Event()

    def look(self, reading: EvseReading) -> None:
        """Take note of what the outlet says of itself."""
        if reading.contact is Contact.OK and self._contact is not Contact.OK:
            self._must_arm = True
            self._failing.end()
            self._arming.end()
        self._contact = reading.contact
        if _is_newer(reading, self._armed_mono_ms):
            if reading.failsafe_armed is False:
                self._must_arm = True
            elif reading.failsafe_armed or not self._must_arm:
                self._arming.end()
        if self.held is None and reading.limit_ma is not None:
            self.held = promise.first(self.outlet.evse_id, reading.limit_ma)
        self._mind_drift(reading)

    def want(self, limit_ma: int) -> None:
        """Wish for a limit; it is written unless it is in force and confirmed."""
        self._wanted_ma = limit_ma
        if self._contact is Contact.OK or self._is_cut(limit_ma):
            self._wish.set()

    async def run(self) -> None:
        """Do what is wished, for ever. Only WireError is expected of an outlet."""
        while True:
            await self._wish.wait()
            self._wish.clear()
            await self._work()

    async def _work(self) -> None:
        if self._wanted_ma is not None and self._is_cut(self._wanted_ma):
            await self._write(self._wanted_ma)
        if self._contact is not Contact.OK:
            return
        if self._must_arm and self._arming.is_over(self._clock.now().mono_ms):
            await self._arm()
        wanted, now_ms = self._wanted_ma, self._clock.now().mono_ms
        if wanted is None or not self._failing.is_over(now_ms):
            return
        held = self.held
        if held is not None and held.sent_ma == wanted and held.confirmed:
            await self._keep_alive()
        elif self._drifting.is_over(now_ms):
            await self._write(wanted)

    async def _arm(self) -> None:
        self._must_arm = False  # before the wait: what is seen meanwhile may ask for it again
        try:
            self._note_failsafe(await self.outlet.arm())
        except WireError as error:
            self._must_arm = True
            self._note_failsafe(Guarded(False, f"not armed: {error}"))
        self._armed_mono_ms = self._clock.now().mono_ms
        self._arming.begin(self._armed_mono_ms)

    def _note_failsafe(self, found: Guarded) -> None:
        before, self.failsafe = self.failsafe, found
        if found.is_armed == before.is_armed and before is not _UNKNOWN:
            return
        if found.is_armed:
            _log.info("outlet %s: its fail-safe is armed: %s", self.outlet.evse_id, found.detail)
        else:
            _log.error("outlet %s goes unguarded: %s", self.outlet.evse_id, found.detail)

    async def _write(self, wanted: int) -> None:
        self.held = promise.sent(self.held, self.outlet.evse_id, wanted, self._clock.now())
        try:
            self.in_force_ma = await self.outlet.set_limit(wanted)
        except WireError as error:
            self.held = promise.failed(self.held)
            self._fail(str(error))
            return
        self._written_mono_ms = self._clock.now().mono_ms
        self.held = promise.confirmed(self.held, wanted)
        self._recover()

    async def _keep_alive(self) -> None:
        try:
            await self.outlet.keep_alive()
        except WireError as error:
            self._fail(str(error))
        else:
            self._recover()

    def _is_cut(self, limit_ma: int) -> bool:
        return self.held is not None and limit_ma < self.held.allowed_ma

    def _mind_drift(self, reading: EvseReading) -> None:
        held, shown_ma, written_ma = self.held, reading.limit_ma, self.in_force_ma
        if held is None or not held.confirmed or shown_ma is None or written_ma is None:
            return
        if abs(shown_ma - written_ma) < DRIFT_MA or not _is_newer(reading, self._written_mono_ms):
            return
        _log.warning(
            "outlet %s applies %d mA where %d mA were written: writing again",
            self.outlet.evse_id, shown_ma, written_ma,
        )  # fmt: skip
        self.held = promise.drifted(held, shown_ma)
        self._drifting.begin(self._clock.now().mono_ms)

    def _fail(self, trouble: str) -> None:
        if self.trouble is None:
            _log.warning("outlet %s: %s", self.outlet.evse_id, trouble)
        self.trouble = trouble
        self._failing.begin(self._clock.now().mono_ms)

    def _recover(self) -> None:
        if self.trouble is not None:
            _log.info("outlet %s takes writes again", self.outlet.evse_id)
        self.trouble = None
        self._failing.end()
        if self._drifting.is_forgotten(self._clock.now().mono_ms):
            self._drifting.end()


def _is_newer(reading: EvseReading, mono_ms: int) -> bool:
    """Whether it was read so long after that moment that what was written then shows in it."""
    return reading.read_mono_ms is not None and reading.read_mono_ms > mono_ms + SETTLE_MS
