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
UNHEARD_MS: Final = 30_000
"""An outlet that is not heard is told its cut at least this often."""

_UNKNOWN: Final = Guarded(False, "not armed yet")


class Hand:
    """Keeps the commitment of one outlet: what it may be drawing at worst by our own doing.

    A cut waits for nothing: no fail-safe, no other write that is under way, and no contact if the outlet was ever
    heard; only to one that is not heard it is repeated with growing pauses. Anything else is written on contact
    only, once arming was tried, and with growing pauses while it does not help. A charger that applies less than it
    was told does no harm: it counts with what it was told, is kept alive, and is told again ever more rarely.
    """

    def __init__(self, outlet: Outlet, clock: Clock) -> None:
        self.outlet = outlet
        self.held: Commitment | None = None
        self.in_force_ma: int | None = None
        self.failsafe = _UNKNOWN
        self._failure: str | None = None
        self._lower: str | None = None
        self._clock = clock
        self._wanted_ma: int | None = None
        self._must_arm = True
        self._contact = Contact.NEVER
        self._failing, self._lowered, self._arming = Pause(), Pause(), Pause()
        self._unheard = Pause(UNHEARD_MS)
        self._writes = 0
        self._sending_ma: int | None = None
        """The newest limit while it is being written."""
        self._is_busy = False
        self._is_lost = False
        self._written_mono_ms = 0
        self._armed_mono_ms = 0
        self._wish = asyncio.Event()
        self._deeper = asyncio.Event()

    @property
    def trouble(self) -> str | None:
        """Why it does not do as it is told, for people; None while it does."""
        return self._failure or self._lower

    def look(self, reading: EvseReading) -> None:
        """Take note of what the outlet says of itself."""
        if reading.contact is Contact.OK and self._contact is not Contact.OK:
            self._must_arm = True
            self._failing.end()
            self._arming.end()
            self._unheard.end()
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
        sending_ma = self._sending_ma
        if self._is_cut(limit_ma) and self._is_busy if sending_ma is None else limit_ma < sending_ma:
            self._deeper.set()

    async def run(self) -> None:
        """Do what is wished, for ever. Only WireError is expected of an outlet."""
        async with asyncio.TaskGroup() as errands:
            errands.create_task(self._follow())
            while True:
                await self._deeper.wait()
                self._deeper.clear()
                assert self._wanted_ma is not None
                # The outlet itself drops what only waits its turn there, for the newer limit.
                errands.create_task(self._cut(self._wanted_ma))

    async def _follow(self) -> None:
        """One errand after the other."""
        while True:
            await self._wish.wait()
            self._wish.clear()
            self._is_busy = True
            try:
                await self._work()
            finally:
                self._is_busy = False

    async def _work(self) -> None:
        if self._sending_ma is not None:
            return  # a cut has overtaken what was done here
        if self._wanted_ma is not None and self._is_cut(self._wanted_ma):
            await self._cut(self._wanted_ma)
        if self._contact is not Contact.OK:
            return
        if self._must_arm and self._arming.is_over(self._clock.now().mono_ms):
            await self._arm()
        wanted, now_ms = self._wanted_ma, self._clock.now().mono_ms
        if wanted is None or self._sending_ma is not None or not self._failing.is_over(now_ms):
            return
        held = self.held
        is_done = held is not None and held.sent_ma == wanted and held.confirmed
        if is_done and not (self._lower is not None and self._lowered.is_over(now_ms)):
            await self._keep_alive()
        else:
            await self._write(wanted)

    async def _cut(self, wanted: int) -> None:
        """To one that is not heard at once if it is news, else when the pause is over."""
        now_ms = self._clock.now().mono_ms
        sent_ma = None if self.held is None else self.held.sent_ma
        if self._contact is not Contact.OK:
            if sent_ma is not None and wanted >= sent_ma and not self._unheard.is_over(now_ms):
                return
            self._unheard.begin(now_ms)
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
        self._writes += 1
        number, self._sending_ma = self._writes, wanted
        shown_ma, failure = 0, None
        try:
            shown_ma = await self.outlet.set_limit(wanted)
        except WireError as error:
            failure = str(error)
        if number != self._writes:
            return  # overtaken by a lower one: what became of this one proves nothing
        self._sending_ma = None
        if failure is not None:
            self.held = (
                promise.drifted(self.held, promise.ANY_MA) if self._is_lost else promise.failed(self.held)
            )
            self._fail(failure)
            return
        self._written_mono_ms = self._clock.now().mono_ms
        self._is_lost = False
        # It may yet take all that it was told, so a lower limit that it shows proves no more than that.
        self.held = promise.confirmed(self.held, wanted, max(wanted, shown_ma))
        self._recover()
        self._note_in_force(shown_ma, wanted, is_written=True)

    async def _keep_alive(self) -> None:
        try:
            await self.outlet.keep_alive()
        except WireError as error:
            if self._sending_ma is None:  # else it was only in the way of a cut
                self._fail(str(error))
        else:
            self._recover()

    def _is_cut(self, limit_ma: int) -> bool:
        """Less than it may be drawing by our doing; what a confirmed pause leaves cannot be cut any more."""
        held = self.held
        if held is None:
            return False
        return limit_ma < (held.allowed_ma if held.sent_ma is None or not held.confirmed else held.sent_ma)

    def _mind_drift(self, reading: EvseReading) -> None:
        held, shown_ma = self.held, reading.limit_ma
        if held is None or held.sent_ma is None or not held.confirmed:
            return
        if shown_ma == self.in_force_ma or not _is_newer(reading, self._written_mono_ms):
            return
        if shown_ma is None:
            self._note_lost(held)
            return
        if shown_ma < held.sent_ma + DRIFT_MA:
            self._note_in_force(shown_ma, held.sent_ma)
            return
        _log.warning(
            "outlet %s applies %d mA where %d mA were written: writing again",
            self.outlet.evse_id, shown_ma, held.sent_ma,
        )  # fmt: skip
        self.held = promise.drifted(held, shown_ma)

    def _note_in_force(self, shown_ma: int, sent_ma: int, *, is_written: bool = False) -> None:
        """What it applies of what it was told; logged when that begins or ceases to be less."""
        self.in_force_ma = shown_ma
        before = self._lower
        if sent_ma - shown_ma < DRIFT_MA:
            self._lower = None
            if before is not None:
                _log.info("outlet %s applies what it is told again", self.outlet.evse_id)
            return
        self._lower = f"applies {shown_ma} mA where {sent_ma} mA were written"
        if before is None:
            _log.warning("outlet %s %s", self.outlet.evse_id, self._lower)
        if is_written or before is None:
            self._lowered.begin(self._clock.now().mono_ms)

    def _note_lost(self, held: Commitment) -> None:
        """It shows no limit any more: it is told again at once, and counts with the worst if that does not help."""
        _log.warning(
            "outlet %s shows no limit where %s mA were written: writing again",
            self.outlet.evse_id, held.sent_ma,
        )  # fmt: skip
        self.held, self._is_lost = promise.failed(held), True

    def _fail(self, trouble: str) -> None:
        if self._failure is None:
            _log.warning("outlet %s: %s", self.outlet.evse_id, trouble)
        self._failure = trouble
        self._failing.begin(self._clock.now().mono_ms)

    def _recover(self) -> None:
        if self._failure is not None:
            _log.info("outlet %s takes writes again", self.outlet.evse_id)
        self._failure = None
        self._failing.end()
        if self._lowered.is_forgotten(self._clock.now().mono_ms):
            self._lowered.end()


def _is_newer(reading: EvseReading, mono_ms: int) -> bool:
    """Whether it was read so long after that moment that what was written then shows in it."""
    return reading.read_mono_ms is not None and reading.read_mono_ms > mono_ms + SETTLE_MS
