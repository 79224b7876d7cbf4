"""What is written to a device after each new contact, and again while it shows that it wants it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from baywarden_drivers.errors import ValueRefused
from baywarden_drivers.mono import mono_s
from baywarden_drivers.profile.conduct import PointWrite, Startup
from baywarden_drivers.values.status import asker
from baywarden_drivers.values.value import PointValue

_AGAIN_S = 60.0


class StartingUp:
    """The start-up writes of one connector. What may not be sent now is tried again every minute."""

    def __init__(self, startup: Startup, write: Callable[[PointWrite], Awaitable[None]]) -> None:
        self._startup = startup
        self._write = write
        self._wants = asker(startup.again_when) if startup.again_when else None
        self._written_at = 0.0
        self._unsent: dict[PointWrite, str] = {}

    @property
    def faults(self) -> list[str]:
        """Sentences on what could not be sent, for as long as it is so."""
        return [f"start-up writes: {why}" for why in self._unsent.values()]

    async def begin(self) -> None:
        """All of them. Raises DeviceError."""
        await self._write_all(self._startup.writes)

    async def again(self, values: Mapping[str, PointValue]) -> None:
        """Once a minute, what the device shows to want by its values, or what was not sent. Raises DeviceError."""
        if mono_s() - self._written_at < _AGAIN_S:
            return
        if self._wants is not None and self._wants(values):
            await self._write_all(self._startup.again or self._startup.writes)
        elif self._unsent:
            await self._write_all([*self._unsent])

    async def _write_all(self, writes: Sequence[PointWrite]) -> None:
        self._written_at = mono_s()
        for one in writes:
            try:
                await self._write(one)
                self._unsent.pop(one, None)
            except ValueRefused as error:
                self._unsent[one] = str(error)
