"""The connection of a wire: opened when needed, again after a loss with growing pauses, and at rest in between."""

from typing import Final

from baywarden_drivers.errors import LinkDown
from baywarden_drivers.links.back_off import BackOff
from baywarden_drivers.links.wire import Wire
from baywarden_drivers.mono import mono_s

_USED_S: Final = 1.0
"""A connection unused for this long may have been closed by the other side without our knowing."""
_IDLE_SHARE: Final = 0.9
_SURELY_IDLE: Final = 0.5


class Connection:
    """Counts what happens to it; moments are seconds of CLOCK_BOOTTIME."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.opened = self.failures = self.hang_ups = 0
        self.generation = 0
        """Rises with each new connection that may have found a device that has restarted."""
        self.idle_close_s = 0.0
        """After so long without a request the other side closes; 0 when it does not."""
        self.used_at = 0.0
        self._back_off = BackOff()
        self._hang_ups_in_row = 0
        self._hung_up_on = 0
        self._answered_on = 0
        """Which of the opened ones has brought an answer last."""
        self._is_resting = False

    def check_welcome(self) -> None:
        """Raises LinkDown when it is not to be opened yet."""
        if not self._back_off.until:
            return
        wait_s = self._back_off.until - mono_s()
        if wait_s > 0 and not self.wire.is_open:
            raise LinkDown(f"{self._back_off.reason}; next try in {wait_s:.1f} s")

    @property
    def is_at_hand(self) -> bool:
        """Whether it is open and may be used, so that `open` would do nothing."""
        return not self.idle_close_s and self.wire.is_open

    async def open(self) -> bool:
        """Have a connection; whether the other side could not be reached before. Raises LinkDown."""
        if self.idle_close_s and mono_s() - self.used_at > _IDLE_SHARE * self.idle_close_s:
            self.rest()  # rather than to send into a connection that is being closed
        if self.wire.is_open:
            return False
        was_away = self._back_off.failures > 0
        is_same_contact = not was_away and (self._is_resting or self._was_closed_idle())
        try:
            await self.wire.open()
        except LinkDown as error:
            self.failures += 1
            self._back_off.failed(error.detail, mono_s())
            raise
        self.opened += 1
        self.generation += not is_same_contact
        self.used_at = mono_s()
        self._is_resting = False
        if not self._hang_ups_in_row:
            self._back_off.succeeded()
        return was_away

    def rest(self) -> None:
        """Close it until it is needed again; that is no loss of contact. A serial port is kept."""
        if self.wire.is_open and self.wire.is_network:
            self._is_resting = True
            self.wire.close()

    def answered(self) -> None:
        """Somebody has answered on it."""
        self._answered_on = self.opened
        if self._hang_ups_in_row:
            self._hang_ups_in_row = 0
            self._back_off.succeeded()

    def hung_up(self) -> None:
        """Once may be chance; a host that does nothing else is left alone like one that cannot be reached."""
        if self._hung_up_on == self.opened:
            return  # two were asked on it
        self._hung_up_on = self.opened
        self.hang_ups += 1
        self._hang_ups_in_row += 1
        self.wire.close()
        if self._hang_ups_in_row > 1:
            self._back_off.failed(f"{self.wire.name} closes each connection", mono_s())

    @property
    def may_be_closing(self) -> bool:
        """Whether it has worked and then been idle, so that a request may meet its end."""
        is_proven = self.wire.is_network and self._answered_on == self.opened
        return is_proven and mono_s() - self.used_at > _USED_S

    def _was_closed_idle(self) -> bool:
        """Whether the other side closed it as it always does after a while."""
        idle_s = self.wire.lost_at - self.used_at
        return bool(self.idle_close_s) and idle_s > _SURELY_IDLE * self.idle_close_s
