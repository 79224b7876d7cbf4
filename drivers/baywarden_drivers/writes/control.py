"""The current limit: written, read back and watched, and pausing where 0 A does not do it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal

from baywarden_drivers.errors import DeviceError, NotApplied, ValueRefused
from baywarden_drivers.links.link import Link
from baywarden_drivers.mono import mono_ms, mono_s
from baywarden_drivers.polls.polling import Polling
from baywarden_drivers.profile.conduct import Control
from baywarden_drivers.profile.points import WritePoint
from baywarden_drivers.profile.schema import Profile
from baywarden_drivers.values.encoding import encode
from baywarden_drivers.values.status import asker
from baywarden_drivers.values.value import PointValue
from baywarden_drivers.writes.amperes import Amperes
from baywarden_drivers.writes.budget import NEWER_WISH
from baywarden_drivers.writes.effect import Effect
from baywarden_drivers.writes.in_force import InForce
from baywarden_drivers.writes.rival import NEAR_A, Rival
from baywarden_drivers.writes.wording import as_number, exact, is_stored, plain
from baywarden_drivers.writes.writer import Writer

_LOOK_EVERY_S = 0.2
_RECOVER_EVERY_S = 60.0
_ZERO = Decimal(0)


class Writing(Writer):
    """Writes to one connector, and knows what became of its limit.

    Call `look` with the values of every poll: it tells what speaks against the limit being in force.
    """

    def __init__(self, profile: Profile, link: Link, unit: int, connector: int, polling: Polling) -> None:
        super().__init__(profile, link, unit, connector, polling)
        self.before_limit: Callable[[], Awaitable[None]] | None = None
        """Done before each limit is written: a limit comes of a valid decision, which may feed the fail-safe."""
        self.limit_a: Decimal | None = None
        """The limit written last, as the device can say it."""
        self.limit_written_at = float("-inf")
        self._asked_a: Decimal | None = None
        self._setpoint: Decimal | None = None
        self._phases = 1
        self._wishes = 0
        self._order = asyncio.Lock()
        self._contact: int | None = None
        self._is_stuck = False
        self._recover_at = float("-inf")
        self._in_force = InForce(profile, Amperes(profile))
        self.use(profile)

    def use(self, profile: Profile) -> None:
        """From now on by this profile: the same with its doubts decided. What was written is remembered."""
        self.profile = profile
        control = profile.control or Control()
        self.amperes = Amperes(profile)
        self._in_force.use(profile, self.amperes)
        self._effect = Effect(profile)
        self._rival = Rival(profile, self.amperes)
        self._paused_when = asker(control.paused_when) if control.paused_when else None
        self._recover_when = asker(control.recover_when) if control.recover_when else None

    async def set_limit(self, amps: Decimal | float) -> Decimal:
        """Limit the current to at most `amps` per phase; the limit that the device then shows, in A.

        Rounded down to what the device can say; below its minimum that is 0, for which a charger may pause with
        a little left. Raises ValueRefused where 0 would not pause safely or a newer limit came before this one
        was sent, and NotApplied when a higher limit is read back, or none.
        """
        control = self._control()
        point = self.point(control.limit)
        amount = self.amperes.said(point, exact(amps))
        self.turns.take_over()
        self._wishes += 1
        wish, self._asked_a = self._wishes, exact(amps)
        try:
            if not amount and not point.zero_is_safe:
                expected_a = shown_a = await self._pause(control, wish)
            else:
                expected_a = await self._limit(control, point, amount, wish)
                shown_a = await self._read_back(control, expected_a)
        except DeviceError:
            if wish == self._wishes:
                self._in_force.lost()
            raise
        if wish == self._wishes:
            self._note_applied(expected_a, shown_a)
        return shown_a

    async def rewrite_limit(self) -> None:
        """Write the last limit again, for devices that forget it; a pause that was written there stays one."""
        control, setpoint = self.profile.control, self._setpoint
        if control is not None and setpoint is not None and not self._order.locked():
            point = self.point(control.limit)
            if not self.turns.rest_s(point.name, point.min_interval_s):
                await self.send(point, encode(point, setpoint))

    async def keep_limit(self) -> None:
        """Say the last wish again where it may be lost, where fewer phases share its watts, or to recover by it."""
        asked_a = self._asked_a
        if asked_a is None:
            return
        has_fewer = bool(self.limit_a) and not self._in_force.is_paused and self.amperes.phases < self._phases
        if self._in_force.may_be_lost or has_fewer or self._must_recover():
            await self.set_limit(asked_a)

    def shown_limit_a(self, values: Mapping[str, PointValue]) -> Decimal | None:
        """The limit per phase by the values of a poll; where they do not tell, what was proven last; else None."""
        return None if self.profile.control is None else self._in_force.shown_a(values)

    def look(self, values: Mapping[str, PointValue], contact: int) -> list[str]:
        """Sentences on a limit that is not obeyed or that another has changed; call it with every poll's values."""
        now_ms = mono_ms()
        self.amperes.look(values)
        if contact != self._contact:
            self._meet_again(is_first=self._contact is None, now_ms=now_ms)
            self._contact = contact
        self._in_force.look(values, self.limit_a)
        self._is_stuck = self._recover_when is not None and self._recover_when(values) is True
        if self._is_stuck:
            self._in_force.is_paused = None  # only with all the writes of `resume` does it come back
        found = (self._effect.fault(values), self._rival.fault(values, now_ms))
        return [sentence for sentence in found if sentence is not None]

    async def send(self, point: WritePoint, registers: Sequence[int]) -> None:
        """Put registers on the wire as they are; a set-point is remembered."""
        control = self.profile.control
        if control is not None and point.name == control.limit:
            self._setpoint, self.limit_written_at = as_number(point, registers), mono_s()
            self._rival.forget()
        await super().send(point, registers)

    def _control(self) -> Control:
        control = self.profile.control
        if control is None:
            raise ValueRefused(f"{self.profile.name} cannot be limited")
        if is_stored(self.point(control.limit)):
            raise ValueRefused(f"{self.profile.name}: {control.limit} wears its memory: no limit for a loop")
        return control

    @asynccontextmanager
    async def _turn(self, wish: int, *points: WritePoint) -> AsyncIterator[None]:
        """The wire to this wish alone, at the first moment at which all points are free, after a sign of life.

        Raises ValueRefused as soon as there is a newer wish.
        """
        async with self._order:
            for point in points:
                if wish == self._wishes:
                    await self.turns.wait(point.name, point.min_interval_s)
            if wish == self._wishes and self.before_limit is not None:
                await self.before_limit()
            if wish != self._wishes:
                raise ValueRefused(NEWER_WISH)
            yield

    async def _limit(self, control: Control, point: WritePoint, amount: Decimal, wish: int) -> Decimal:
        """Write it, and what ends a pause; what a read-back should show, in A."""
        async with self._turn(wish, point):
            expected_a = self.amperes.shown(point, amount) or _ZERO
            self.limit_a, phases = expected_a, self.amperes.phases
            await self.send(point, encode(point, amount))
            self._phases = phases
            if amount and control.resume and self._in_force.is_paused is not False:
                self._in_force.is_paused = None
                await asyncio.sleep(control.resume_delay_ms / 1000)
                await self.write_all(control.resume)
            if amount:
                self._in_force.is_paused = False
        return expected_a

    async def _pause(self, control: Control, wish: int) -> Decimal:
        if not control.pause:
            zero = self.point(control.limit).zero
            raise ValueRefused(
                f"{self.profile.name}: a limit of 0 means {zero!r} and no other way to pause is known"
            )
        async with self._turn(wish, *(self.point(one.point) for one in control.pause)):
            self._in_force.is_paused = None
            await self.write_all(control.pause)
            self._in_force.is_paused, self.limit_a = True, control.pause_leaves_a
        await self._see_paused(control)
        return control.pause_leaves_a

    def _note_applied(self, expected_a: Decimal, shown_a: Decimal) -> None:
        now_ms = mono_ms()
        self._in_force.applied(shown_a)
        self._effect.told(max(expected_a, shown_a), now_ms)
        if not self._in_force.is_paused:
            self._rival.told(expected_a, shown_a, now_ms)

    async def _read_back(self, control: Control, expected_a: Decimal) -> Decimal:
        """The limit that the device shows once it is as expected, or the lower one at which it stays.

        A lower one may come of a switch in the device, its cable or its heat. Raises NotApplied when it stays higher.
        """
        if control.readback is None:
            return expected_a
        point = self.profile.readable[control.readback]
        await asyncio.sleep(control.readback_delay_ms / 1000)
        give_up_at = mono_s() + control.readback_timeout_ms / 1000
        while True:
            number = (await self.polling.read_point(point.name)).number
            shown_a = None if number is None else self.amperes.shown(point, number)
            is_late = mono_s() >= give_up_at
            if shown_a is not None and abs(shown_a - expected_a) <= NEAR_A:
                return expected_a
            if shown_a is not None and shown_a < expected_a and (control.readback_may_be_lower or is_late):
                return shown_a
            if is_late:
                seen = "nothing" if number is None else f"{number} {point.unit or ''}".rstrip()
                seen += ", which is no limit" if number is not None and shown_a is None else ""
                raise NotApplied(
                    f"a limit of {plain(expected_a)} A was written, but {point.name} shows {seen}"
                )
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _see_paused(self, control: Control) -> None:
        """Raises NotApplied when the device shows for sure that it is not paused."""
        if self._paused_when is None:
            return
        await asyncio.sleep(control.readback_delay_ms / 1000)
        give_up_at = mono_s() + control.readback_timeout_ms / 1000
        names = sorted({condition.point for condition in control.paused_when})
        while True:
            values = {name: await self.polling.read_point(name) for name in names}
            if self._paused_when(values) is not False:
                return
            if mono_s() >= give_up_at:
                shown = ", ".join(f"{name} shows " + str(point.value) for name, point in values.items())
                raise NotApplied(f"a pause was written, but {shown}")
            await asyncio.sleep(_LOOK_EVERY_S)

    def _must_recover(self) -> bool:
        """Whether it shows that it waits to be told all over again; once a minute at most."""
        if not self._is_stuck or mono_s() < self._recover_at:
            return False
        self._recover_at = mono_s() + _RECOVER_EVERY_S
        return True

    def _meet_again(self, *, is_first: bool, now_ms: int) -> None:
        """It was silent or has restarted: what it was told may be forgotten."""
        if not is_first:
            self._in_force.met_again()
        self._effect.unsettle(now_ms)
        self._rival.forget()
