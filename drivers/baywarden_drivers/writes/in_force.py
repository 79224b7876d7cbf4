"""Which limit is in force: what the device shows of it, and what was proven last where it shows nothing."""

from collections.abc import Mapping
from decimal import Decimal

from baywarden_drivers.mono import mono_ms
from baywarden_drivers.profile.conduct import Control
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.values.status import asker
from baywarden_drivers.values.value import PointValue, Quality
from baywarden_drivers.writes.amperes import Amperes
from baywarden_drivers.writes.rival import NEAR_A

_SHOWN_BY = ("limit_modbus", "limit_feedback", "limit_modbus_power", "limit_feedback_power")
"""Where a limit may show besides the point of the profile's `control.readback`."""

Values = Mapping[str, PointValue]


class InForce:
    """The limit of one connector on the present contact: what was read or written before it proves nothing."""

    def __init__(self, profile: Profile, amperes: Amperes) -> None:
        self.proven_a: Decimal | None = None
        """Read back last, or written and answered where nothing can be read back."""
        self.may_be_lost = False
        """Until it is read back or written anew."""
        self.is_paused: bool | None = None
        """By the writes of the profile's `control.pause`; None where they may be lost."""
        self._met_ms = self._looked_ms = -1
        self.use(profile, amperes)

    def use(self, profile: Profile, amperes: Amperes) -> None:
        """From now on by this profile: the same with its doubts decided."""
        self._profile, self._amperes = profile, amperes
        self._control = profile.control or Control()
        self._paused_when = asker(self._control.paused_when) if self._control.paused_when else None
        asked = [one.point for one in self._control.paused_when]
        self._names = {name for name in (self._control.readback, *_SHOWN_BY, *asked) if name}

    def applied(self, shown_a: Decimal) -> None:
        """It was written, and this was read back."""
        self.proven_a, self.may_be_lost = shown_a, False
        self._looked_ms = mono_ms()

    def lost(self) -> None:
        """A write went wrong: what is in force now is not known."""
        self.proven_a, self.may_be_lost = None, True

    def met_again(self) -> None:
        """It was silent or has restarted: it may have forgotten all that it was told."""
        self.lost()
        self.is_paused = None
        self._met_ms = self._looked_ms

    def look(self, values: Values, written_a: Decimal | None) -> None:
        """Take note of a poll: one that shows what was written last, or less, has lost nothing."""
        self._looked_ms = mono_ms()
        if not self.may_be_lost or written_a is None:
            return
        shown_a = self.shown_a(values)
        if shown_a is not None and shown_a <= written_a + NEAR_A:
            self.proven_a, self.may_be_lost = shown_a, False

    def shown_a(self, values: Values) -> Decimal | None:
        """The limit per phase by the values of a poll; what was proven last where they do not tell; else None.

        None as well where the device says itself that nothing limits it.
        """
        found = ((name, values.get(name)) for name in self._names)
        fresh = {name: one for name, one in found if one is not None and one.read_mono_ms > self._met_ms}
        if self._shows_pause(fresh):
            return self._control.pause_leaves_a
        readback = self._control.readback
        for name in (readback, *_SHOWN_BY):
            point, shown = self._profile.readable.get(name or ""), fresh.get(name or "")
            if point is None or shown is None:
                continue
            shown_a = None if shown.number is None else self._amperes.shown(point, shown.number)
            is_told = shown.number is not None or shown.quality is Quality.NOT_AVAILABLE
            if shown_a is not None or (is_told and name == readback):
                return shown_a
        return self.proven_a

    def _shows_pause(self, values: Values) -> bool:
        holds = None if self._paused_when is None else self._paused_when(values)
        return self.is_paused is True if holds is None else holds
